# SPDX-License-Identifier: Apache-2.0
"""The life of a callback, from the promise to its one end, as one table.

It is a lease in every state: a time at which it is queued, called, tried again, or given up.
From ``reached`` on the customer is on the line and his interaction goes its own way.
"""

from __future__ import annotations

from enum import StrEnum

from centralino.core.kernel.lifecycle import Lifecycle


class CallbackState(StrEnum):
    """Where a callback is."""

    BOOKED = "booked"
    """Its time has not come: it was promised for later, or is tried again."""
    WAITING = "waiting"
    """It has its place in the queue among those who are on the line."""
    DIALLING = "dialling"
    """The customer's phone is called."""
    REACHED = "reached"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CallbackStep(StrEnum):
    """What moves a callback from one state to the next."""

    DEFERRED = "deferred"
    QUEUED = "queued"
    DIALLED = "dialled"
    MISSED = "missed"
    REACHED = "reached"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_S = CallbackState
_E = CallbackStep

CALLBACK: Lifecycle[CallbackState, CallbackStep] = Lifecycle(
    name="callback",
    initial=_S.BOOKED,
    terminal=frozenset({_S.REACHED, _S.FAILED, _S.CANCELLED, _S.EXPIRED}),
    table={
        (_S.BOOKED, _E.DEFERRED): _S.BOOKED,
        (_S.BOOKED, _E.QUEUED): _S.WAITING,
        (_S.BOOKED, _E.FAILED): _S.FAILED,
        (_S.BOOKED, _E.CANCELLED): _S.CANCELLED,
        (_S.BOOKED, _E.EXPIRED): _S.EXPIRED,
        (_S.WAITING, _E.DEFERRED): _S.BOOKED,
        (_S.WAITING, _E.DIALLED): _S.DIALLING,
        (_S.WAITING, _E.FAILED): _S.FAILED,
        (_S.WAITING, _E.CANCELLED): _S.CANCELLED,
        (_S.WAITING, _E.EXPIRED): _S.EXPIRED,
        (_S.DIALLING, _E.MISSED): _S.BOOKED,
        (_S.DIALLING, _E.REACHED): _S.REACHED,
        (_S.DIALLING, _E.FAILED): _S.FAILED,
        (_S.DIALLING, _E.CANCELLED): _S.CANCELLED,
    },
)
"""Every legal step of a callback."""
