# SPDX-License-Identifier: Apache-2.0
"""The life of a call as its application sees it, as one table.

Sources: the reference pages of answer, reject, redirect, transfer, delete and keepAlive. The
state ``hold`` is in the metadata; that it means a hold by the other side is our reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from centralino.wire.errors import LocalProtocolError


class CallState(StrEnum):
    """``callState`` of the v1.0 metadata."""

    INCOMING = "incoming"
    ESTABLISHING = "establishing"
    ESTABLISHED = "established"
    HOLD = "hold"
    TRANSFERRING = "transferring"
    TRANSFER_ACCEPTED = "transferAccepted"
    REDIRECTING = "redirecting"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


class CallEvent(StrEnum):
    """What moves a call."""

    ANSWERED = "answered"
    """The application answered an incoming call."""
    CONNECTED = "connected"
    """Media stands: the other side answered, or the conference let it in."""
    REDIRECTED = "redirected"
    """The application named other targets for an incoming call."""
    TRANSFER_BEGUN = "transfer-begun"
    TRANSFER_TAKEN = "transfer-taken"
    """The target answered."""
    TRANSFER_FAILED = "transfer-failed"
    HELD = "held"
    RESUMED = "resumed"
    HUNG_UP = "hung-up"
    """The application ended it."""
    ENDED = "ended"
    """It is over, for whatever reason."""


_S = CallState
_E = CallEvent

NAME: Final = "graph call"
INITIAL: Final = CallState.ESTABLISHING
"""Of a call that the application makes; one that comes begins as ``incoming``."""
INITIAL_STATES: Final = frozenset({CallState.INCOMING, CallState.ESTABLISHING})
TERMINAL: Final = frozenset({CallState.TERMINATED})

TABLE: Final[Mapping[tuple[CallState, CallEvent], CallState]] = {
    (_S.INCOMING, _E.ANSWERED): _S.ESTABLISHING,
    (_S.INCOMING, _E.REDIRECTED): _S.REDIRECTING,
    (_S.INCOMING, _E.HUNG_UP): _S.TERMINATING,
    (_S.INCOMING, _E.ENDED): _S.TERMINATED,
    (_S.REDIRECTING, _E.HUNG_UP): _S.TERMINATING,
    (_S.REDIRECTING, _E.ENDED): _S.TERMINATED,
    (_S.ESTABLISHING, _E.CONNECTED): _S.ESTABLISHED,
    (_S.ESTABLISHING, _E.HUNG_UP): _S.TERMINATING,
    (_S.ESTABLISHING, _E.ENDED): _S.TERMINATED,
    (_S.ESTABLISHED, _E.HELD): _S.HOLD,
    (_S.ESTABLISHED, _E.TRANSFER_BEGUN): _S.TRANSFERRING,
    (_S.ESTABLISHED, _E.HUNG_UP): _S.TERMINATING,
    (_S.ESTABLISHED, _E.ENDED): _S.TERMINATED,
    (_S.HOLD, _E.RESUMED): _S.ESTABLISHED,
    (_S.HOLD, _E.TRANSFER_BEGUN): _S.TRANSFERRING,
    (_S.HOLD, _E.HUNG_UP): _S.TERMINATING,
    (_S.HOLD, _E.ENDED): _S.TERMINATED,
    (_S.TRANSFERRING, _E.TRANSFER_TAKEN): _S.TRANSFER_ACCEPTED,
    (_S.TRANSFERRING, _E.TRANSFER_FAILED): _S.ESTABLISHED,
    (_S.TRANSFERRING, _E.HUNG_UP): _S.TERMINATING,
    (_S.TRANSFERRING, _E.ENDED): _S.TERMINATED,
    (_S.TRANSFER_ACCEPTED, _E.HUNG_UP): _S.TERMINATING,
    (_S.TRANSFER_ACCEPTED, _E.ENDED): _S.TERMINATED,
    (_S.TERMINATING, _E.ENDED): _S.TERMINATED,
}
"""(state, event) to the next state."""


class IllegalCallTransition(LocalProtocolError):
    """A call got an event that the table does not list for its state."""

    def __init__(self, state: CallState, event: CallEvent) -> None:
        super().__init__("illegal-transition", f"call: no step from {state} on {event}")
        self.state = state
        self.event = event


def next_state(state: CallState, event: CallEvent) -> CallState:
    """Return the state after ``event``.

    Raises:
        IllegalCallTransition: the table has no such row.
    """
    found = TABLE.get((state, event))
    if found is None:
        raise IllegalCallTransition(state, event)
    return found


def may_follow(before: CallState, after: CallState) -> bool:
    """Tell whether the table leads from one state to another in one step."""
    return any(state == before and then == after for (state, _), then in TABLE.items())
