# SPDX-License-Identifier: Apache-2.0
"""Microsoft Entra ID as far as sign-in needs it: tenants, people, applications, tokens.

``simulator`` is the whole; ``checker`` is what other simulators verify tokens with;
``callback_signer`` signs what Microsoft's services send to us. What is copied from the real
service, and how sure we are, stands in docs/reference/fidelity-entra.md.
"""
