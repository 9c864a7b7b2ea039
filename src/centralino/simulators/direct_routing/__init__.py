# SPDX-License-Identifier: Apache-2.0
"""Microsoft's Direct Routing SIP proxies with scripted Teams users behind them.

``proxy`` owns the SIP side, ``rules`` says what is refused and with which codes,
``tenancy`` finds tenant, trunk and user, ``user`` is one call to a Teams user,
``outgoing`` one call by a Teams user, ``transfer`` makes and verifies transfers,
``options`` keeps trunk health, ``tls`` the certificates, ``dress`` the looks of the
messages. What is sure and what is not stands in the fidelity ledger.
"""
