# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a client transaction other than INVITE (RFC 3261 17.1.2).

Timer E resends over unreliable transports, every T2 once a provisional response has come; timer
F gives up in both waiting states; timer K absorbs repeated final responses.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.client_action import Action
from centralino.wire.sip.lifecycle import Step

NAME = "client-request"


class State(StrEnum):
    """Where the transaction stands."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class Event(StrEnum):
    """What can happen to it."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    RETRY_TIMER = "timer-e"
    LIMIT_TIMER = "timer-f"
    LINGER_TIMER = "timer-k"
    TRANSPORT_ERROR = "transport-error"


INITIAL = State.TRYING
TERMINAL = frozenset({State.TERMINATED})

_FINAL = (Action.STOP, Action.LINGER_K, Action.REPORT)
_TIMEOUT = (Action.STOP, Action.REPORT_TIMEOUT)
_LOST = (Action.STOP, Action.REPORT_TRANSPORT)

TABLE: dict[tuple[State, Event], Step[State, Action]] = {
    (State.TRYING, Event.RETRY_TIMER): Step(State.TRYING, (Action.RESEND,)),
    (State.TRYING, Event.LIMIT_TIMER): Step(State.TERMINATED, _TIMEOUT),
    (State.TRYING, Event.TRANSPORT_ERROR): Step(State.TERMINATED, _LOST),
    (State.TRYING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.SLOW_DOWN, Action.REPORT)),
    (State.TRYING, Event.SUCCESS): Step(State.COMPLETED, _FINAL),
    (State.TRYING, Event.FAILURE): Step(State.COMPLETED, _FINAL),
    (State.PROCEEDING, Event.RETRY_TIMER): Step(State.PROCEEDING, (Action.RESEND,)),
    (State.PROCEEDING, Event.LIMIT_TIMER): Step(State.TERMINATED, _TIMEOUT),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Step(State.TERMINATED, _LOST),
    (State.PROCEEDING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.REPORT,)),
    (State.PROCEEDING, Event.SUCCESS): Step(State.COMPLETED, _FINAL),
    (State.PROCEEDING, Event.FAILURE): Step(State.COMPLETED, _FINAL),
    (State.COMPLETED, Event.PROVISIONAL): Step(State.COMPLETED),
    (State.COMPLETED, Event.SUCCESS): Step(State.COMPLETED),
    (State.COMPLETED, Event.FAILURE): Step(State.COMPLETED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Step(State.COMPLETED),
    (State.COMPLETED, Event.LINGER_TIMER): Step(State.TERMINATED),
}
