# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a server INVITE transaction (RFC 3261 17.2.1, RFC 6026 7.1).

Final responses are kept and replayed. In Accepted the repeated INVITE is absorbed while the
session resends its 2xx until the ACK; an ACK that matches here (a peer that reuses the branch)
is handed on to it. A response that could not be written ends the transaction only in Completed:
a 2xx is resent anyway, and a lost provisional must not cost the call.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step
from centralino.wire.sip.server_action import Action

NAME = "server-invite"


class State(StrEnum):
    """Where the transaction stands."""

    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Event(StrEnum):
    """What can happen to it."""

    REQUEST = "request-again"
    ACK = "ack"
    PROVISIONAL = "send-1xx"
    SUCCESS = "send-2xx"
    FAILURE = "send-3xx-6xx"
    RETRY_TIMER = "timer-g"
    LIMIT_TIMER = "timer-h"
    LINGER_TIMER = "timer-i-or-l"
    TRANSPORT_ERROR = "transport-error"


INITIAL = State.PROCEEDING
TERMINAL = frozenset({State.TERMINATED})

TABLE: dict[tuple[State, Event], Step[State, Action]] = {
    (State.PROCEEDING, Event.REQUEST): Step(State.PROCEEDING, (Action.REPEAT,)),
    (State.PROCEEDING, Event.ACK): Step(State.PROCEEDING),
    (State.PROCEEDING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Event.SUCCESS): Step(State.ACCEPTED, (Action.SEND, Action.LINGER_L)),
    (State.PROCEEDING, Event.FAILURE): Step(
        State.COMPLETED, (Action.SEND, Action.ARM_G, Action.ARM_H)
    ),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Step(State.PROCEEDING),
    (State.COMPLETED, Event.REQUEST): Step(State.COMPLETED, (Action.REPEAT,)),
    (State.COMPLETED, Event.ACK): Step(State.CONFIRMED, (Action.STOP, Action.LINGER_I)),
    (State.COMPLETED, Event.RETRY_TIMER): Step(State.COMPLETED, (Action.RESEND,)),
    (State.COMPLETED, Event.LIMIT_TIMER): Step(State.TERMINATED, (Action.STOP,)),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Step(State.TERMINATED, (Action.STOP,)),
    (State.CONFIRMED, Event.REQUEST): Step(State.CONFIRMED),
    (State.CONFIRMED, Event.ACK): Step(State.CONFIRMED),
    (State.CONFIRMED, Event.TRANSPORT_ERROR): Step(State.CONFIRMED),
    (State.CONFIRMED, Event.LINGER_TIMER): Step(State.TERMINATED),
    (State.ACCEPTED, Event.REQUEST): Step(State.ACCEPTED),
    (State.ACCEPTED, Event.ACK): Step(State.ACCEPTED, (Action.REPORT_ACK,)),
    (State.ACCEPTED, Event.SUCCESS): Step(State.ACCEPTED, (Action.SEND,)),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): Step(State.ACCEPTED),
    (State.ACCEPTED, Event.LINGER_TIMER): Step(State.TERMINATED),
}
