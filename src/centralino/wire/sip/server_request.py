# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a server transaction other than INVITE (RFC 3261 17.2.2).

The final response is kept and replayed until timer J. The limit timer is ours: a request that
its user leaves unanswered for as long as the peer waits is dropped.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step
from centralino.wire.sip.server_action import Action

NAME = "server-request"


class State(StrEnum):
    """Where the transaction stands."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class Event(StrEnum):
    """What can happen to it."""

    REQUEST = "request-again"
    PROVISIONAL = "send-1xx"
    SUCCESS = "send-2xx"
    FAILURE = "send-3xx-6xx"
    LIMIT_TIMER = "unanswered"
    LINGER_TIMER = "timer-j"
    TRANSPORT_ERROR = "transport-error"


INITIAL = State.TRYING
TERMINAL = frozenset({State.TERMINATED})

_FINAL = (Action.STOP, Action.SEND, Action.LINGER_J)

TABLE: dict[tuple[State, Event], Step[State, Action]] = {
    (State.TRYING, Event.REQUEST): Step(State.TRYING),
    (State.TRYING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.SEND,)),
    (State.TRYING, Event.SUCCESS): Step(State.COMPLETED, _FINAL),
    (State.TRYING, Event.FAILURE): Step(State.COMPLETED, _FINAL),
    (State.TRYING, Event.LIMIT_TIMER): Step(State.TERMINATED, (Action.REPORT_EXPIRED,)),
    (State.TRYING, Event.TRANSPORT_ERROR): Step(State.TRYING),
    (State.PROCEEDING, Event.REQUEST): Step(State.PROCEEDING, (Action.REPEAT,)),
    (State.PROCEEDING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Event.SUCCESS): Step(State.COMPLETED, _FINAL),
    (State.PROCEEDING, Event.FAILURE): Step(State.COMPLETED, _FINAL),
    (State.PROCEEDING, Event.LIMIT_TIMER): Step(State.TERMINATED, (Action.REPORT_EXPIRED,)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Step(State.PROCEEDING),
    (State.COMPLETED, Event.REQUEST): Step(State.COMPLETED, (Action.REPEAT,)),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Step(State.TERMINATED, (Action.STOP,)),
    (State.COMPLETED, Event.LINGER_TIMER): Step(State.TERMINATED),
}
