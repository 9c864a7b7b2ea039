# SPDX-License-Identifier: Apache-2.0
"""Microsoft's Direct Routing SIP proxies with scripted Teams users behind them.

``proxy`` owns the SIP side, ``reception`` says where an INVITE leads, ``rules`` what is
refused and with which codes, ``tenancy`` finds tenant, trunk and user. ``user`` is one
call to a Teams user, ``outgoing`` one by a Teams user, ``talk`` what he does in either.
``hunt`` tries trunks, ``number_leg`` and ``hairpin`` lead calls back to them, ``history``
writes where a call has been. ``transfer`` makes and verifies transfers, ``services`` are
music and park. ``trunk_watch`` and ``options`` keep trunk health, ``tls`` and
``tls_failure`` the certificates, ``faults`` what goes wrong on purpose, ``dress`` the
looks of the messages. What is sure and what is not stands in the fidelity ledger.
"""
