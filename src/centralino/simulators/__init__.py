# SPDX-License-Identifier: Apache-2.0
"""The far side, product quality: Microsoft's SIP proxies, a carrier, names, people.

Simulators speak the real wire formats on loopback, are driven by a scenario file and a
seed, and report what happened and what was heard. They know ``wire`` and nothing else
of ours, so that a mistake in the product is not repeated here; what they do and how
sure we are of it stands in the fidelity ledgers of the reference docs.
"""
