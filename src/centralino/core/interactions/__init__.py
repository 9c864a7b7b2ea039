# SPDX-License-Identifier: Apache-2.0
"""One piece of work for one customer, and its offers to agents.

``lifecycle`` and ``offer_lifecycle`` are the tables, ``commands``, ``events`` and
``effects`` the three vocabularies, ``state`` what is known now. Who gets it is decided
in ``routing``; what the customer hears before is decided in ``flows``.
"""
