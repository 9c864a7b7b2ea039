# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a REFER we received and of the subscription it makes (RFC 3515 2.4)."""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step

NAME = "refer-notifier"


class State(StrEnum):
    """Where the transfer asked of us stands."""

    ASKED = "asked"
    ACTIVE = "active"
    CLOSED = "closed"


class Event(StrEnum):
    """What can happen to it."""

    ACCEPT = "send-202"
    REJECT = "send-3xx-6xx"
    UNANSWERED = "unanswered"
    PROGRESS = "notify-active"
    FINAL = "notify-terminated"
    EXPIRE = "expired"
    GONE = "session-over-or-481"


INITIAL = State.ASKED
TERMINAL = frozenset({State.CLOSED})

TABLE: dict[tuple[State, Event], Step[State, StrEnum]] = {
    (State.ASKED, Event.ACCEPT): Step(State.ACTIVE),
    (State.ASKED, Event.REJECT): Step(State.CLOSED),
    (State.ASKED, Event.UNANSWERED): Step(State.CLOSED),
    (State.ASKED, Event.GONE): Step(State.CLOSED),
    (State.ACTIVE, Event.PROGRESS): Step(State.ACTIVE),
    (State.ACTIVE, Event.FINAL): Step(State.CLOSED),
    (State.ACTIVE, Event.EXPIRE): Step(State.CLOSED),
    (State.ACTIVE, Event.GONE): Step(State.CLOSED),
}
