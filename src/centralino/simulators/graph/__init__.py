# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph of one or more simulated tenants: presence, people, notifications, the rest.

``world`` holds what there is and takes ``now``; it needs no server and can be used alone in
tests. ``presence`` says what a person's sources add up to, ``presence_board`` when others see
it. ``subscriptions``, ``deliveries`` and ``seal`` are change notifications, from the handshake to
the retries. ``records``, ``directory``, ``calendars``, ``chats``, ``shifts``, ``meetings`` and
``numbers`` keep their resources as Graph shows them. ``odata``, ``filters``, ``permissions``,
``throttle`` and ``batch`` are what all of Graph has in common; ``routes_*`` are its paths, and
``server`` is the listener. What is sure and what is not stands in the fidelity ledger.

Instants are integers of nanoseconds since the Unix epoch throughout.
"""
