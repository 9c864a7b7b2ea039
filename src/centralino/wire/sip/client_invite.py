# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a client INVITE transaction (RFC 3261 17.1.1, RFC 6026 7.2).

Timer A resends over unreliable transports, timer B gives up and stops at the first provisional
response (how long it may ring is the user's business). Accepted stays for timer M so that
2xx of every fork, and repeated ones, reach the dialog layer, which ACKs them. Completed ACKs
repeated 3xx-6xx for timer D. `abandon` is the end of a CANCEL that had no effect (RFC 3261 9.1).
`no-response` gives up before timer B (another proxy is tried), and waits for what comes late.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.client_action import Action
from centralino.wire.sip.lifecycle import Step

NAME = "client-invite"


class State(StrEnum):
    """Where the transaction stands."""

    CALLING = "calling"
    GIVEN_UP = "given-up"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Event(StrEnum):
    """What can happen to it."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    RETRY_TIMER = "timer-a"
    LIMIT_TIMER = "timer-b"
    RESPONSE_TIMER = "no-response"
    ABANDON = "abandon"
    LINGER_TIMER = "timer-d-or-m"
    TRANSPORT_ERROR = "transport-error"


INITIAL = State.CALLING
TERMINAL = frozenset({State.TERMINATED})

_REFUSED = (Action.STOP, Action.ACK, Action.LINGER_D, Action.REPORT)
_ANSWERED = (Action.STOP, Action.LINGER_M, Action.REPORT)

TABLE: dict[tuple[State, Event], Step[State, Action]] = {
    (State.CALLING, Event.RETRY_TIMER): Step(State.CALLING, (Action.RESEND,)),
    (State.CALLING, Event.LIMIT_TIMER): Step(
        State.TERMINATED, (Action.STOP, Action.REPORT_TIMEOUT)
    ),
    (State.CALLING, Event.TRANSPORT_ERROR): Step(
        State.TERMINATED, (Action.STOP, Action.REPORT_TRANSPORT)
    ),
    (State.CALLING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.STOP, Action.REPORT)),
    (State.CALLING, Event.SUCCESS): Step(State.ACCEPTED, _ANSWERED),
    (State.CALLING, Event.FAILURE): Step(State.COMPLETED, _REFUSED),
    (State.CALLING, Event.RESPONSE_TIMER): Step(
        State.GIVEN_UP, (Action.STOP, Action.LINGER_B, Action.REPORT_TIMEOUT)
    ),
    (State.GIVEN_UP, Event.LIMIT_TIMER): Step(State.TERMINATED, (Action.REPORT_TIMEOUT,)),
    (State.GIVEN_UP, Event.TRANSPORT_ERROR): Step(
        State.TERMINATED, (Action.STOP, Action.REPORT_TRANSPORT)
    ),
    (State.GIVEN_UP, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.STOP, Action.REPORT)),
    (State.GIVEN_UP, Event.SUCCESS): Step(State.ACCEPTED, _ANSWERED),
    (State.GIVEN_UP, Event.FAILURE): Step(State.COMPLETED, _REFUSED),
    (State.PROCEEDING, Event.PROVISIONAL): Step(State.PROCEEDING, (Action.REPORT,)),
    (State.PROCEEDING, Event.SUCCESS): Step(State.ACCEPTED, _ANSWERED),
    (State.PROCEEDING, Event.FAILURE): Step(State.COMPLETED, _REFUSED),
    (State.PROCEEDING, Event.ABANDON): Step(State.TERMINATED, (Action.REPORT_TIMEOUT,)),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): Step(State.PROCEEDING),
    (State.COMPLETED, Event.PROVISIONAL): Step(State.COMPLETED),
    (State.COMPLETED, Event.SUCCESS): Step(State.COMPLETED),
    (State.COMPLETED, Event.FAILURE): Step(State.COMPLETED, (Action.ACK,)),
    (State.COMPLETED, Event.TRANSPORT_ERROR): Step(State.TERMINATED, (Action.STOP,)),
    (State.COMPLETED, Event.LINGER_TIMER): Step(State.TERMINATED),
    (State.ACCEPTED, Event.PROVISIONAL): Step(State.ACCEPTED),
    (State.ACCEPTED, Event.SUCCESS): Step(State.ACCEPTED, (Action.REPORT,)),
    (State.ACCEPTED, Event.FAILURE): Step(State.ACCEPTED),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): Step(State.ACCEPTED),
    (State.ACCEPTED, Event.LINGER_TIMER): Step(State.TERMINATED),
}
