# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a REFER we sent and of the subscription it makes (RFC 3515 2.4).

A NOTIFY may overtake the 202 (RFC 6665 4.1.2.4), so it is taken while still sent.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step

NAME = "refer-watcher"


class State(StrEnum):
    """Where the transfer we asked for stands."""

    SENT = "sent"
    ACTIVE = "active"
    CLOSED = "closed"


class Event(StrEnum):
    """What can happen to it."""

    ACCEPTED = "2xx"
    REFUSED = "3xx-6xx"
    PROGRESS = "notify-active"
    FINAL = "notify-terminated"
    EXPIRE = "expired"
    GONE = "session-over"


INITIAL = State.SENT
TERMINAL = frozenset({State.CLOSED})

TABLE: dict[tuple[State, Event], Step[State, StrEnum]] = {
    (State.SENT, Event.ACCEPTED): Step(State.ACTIVE),
    (State.SENT, Event.REFUSED): Step(State.CLOSED),
    (State.SENT, Event.PROGRESS): Step(State.ACTIVE),
    (State.SENT, Event.FINAL): Step(State.CLOSED),
    (State.SENT, Event.EXPIRE): Step(State.CLOSED),
    (State.SENT, Event.GONE): Step(State.CLOSED),
    (State.ACTIVE, Event.ACCEPTED): Step(State.ACTIVE),
    (State.ACTIVE, Event.REFUSED): Step(State.CLOSED),
    (State.ACTIVE, Event.PROGRESS): Step(State.ACTIVE),
    (State.ACTIVE, Event.FINAL): Step(State.CLOSED),
    (State.ACTIVE, Event.EXPIRE): Step(State.CLOSED),
    (State.ACTIVE, Event.GONE): Step(State.CLOSED),
}
