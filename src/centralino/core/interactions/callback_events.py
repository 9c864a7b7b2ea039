# SPDX-License-Identifier: Apache-2.0
"""What happened to callbacks after they were booked.

Each attempt is an interaction of its own, so that it is counted, queued and offered like any
other; the callback is what binds them.
"""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import CallbackId, InteractionId, LegId
from centralino.core.kernel.instant import Instant


class CallbackEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events about a callback carry."""

    callback: CallbackId
    interaction: InteractionId | None = None
    """The attempt; ``None`` while there is none."""


class CallbackQueued(CallbackEvent, frozen=True, tag="callback.queued"):
    """Its time has come: it waits in its queue, at the place it kept."""

    deadline: Instant
    """When it is looked at again."""


class CallbackDeferred(CallbackEvent, frozen=True, tag="callback.deferred"):
    """It cannot be called now, and is looked at again later."""

    reason: str
    """``outside-hours``, ``closed``, or ``on-the-line`` while the customer has not hung up."""
    due_at: Instant


class CallbackDialled(CallbackEvent, frozen=True, tag="callback.dialled"):
    """The customer's phone is called."""

    leg: LegId
    attempt: int
    """From 1."""
    deadline: Instant
    is_reserved: bool
    """An agent is reserved for him."""


class CallbackReached(CallbackEvent, frozen=True, tag="callback.reached"):
    """The customer answered."""

    offer_deadline: Instant
    """End of the lease of the agent whose phone is called now."""


class CallbackMissed(CallbackEvent, frozen=True, tag="callback.missed"):
    """The customer did not answer; he is called again."""

    result: str
    due_at: Instant


class CallbackFailed(CallbackEvent, frozen=True, tag="callback.failed"):
    """It was given up."""

    result: str


class CallbackCancelled(CallbackEvent, frozen=True, tag="callback.cancelled"):
    """Somebody called it off."""


class CallbackExpired(CallbackEvent, frozen=True, tag="callback.expired"):
    """Its time is over and nobody was free for it."""


AnyCallbackEvent = (
    CallbackQueued
    | CallbackDeferred
    | CallbackDialled
    | CallbackReached
    | CallbackMissed
    | CallbackFailed
    | CallbackCancelled
    | CallbackExpired
)
"""Every event about a callback after its booking."""
