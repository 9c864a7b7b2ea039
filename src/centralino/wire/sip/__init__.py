# SPDX-License-Identifier: Apache-2.0
"""SIP without sockets: messages, framing, digest, transactions, dialogs (RFC 3261).

The message side (`message`, `uri`, `values`, `framing`, `digest`, `reasons`) keeps the
text of a peer byte for byte and parses a field only when somebody asks for it. Import
from the module that owns the name; this package re-exports nothing.
"""
