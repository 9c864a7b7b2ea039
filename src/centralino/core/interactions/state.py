# SPDX-License-Identifier: Apache-2.0
"""What is known about one interaction and one offer now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState

if TYPE_CHECKING:
    from centralino.core.kernel.ids import (
        AgentId,
        BridgeId,
        InteractionId,
        LegId,
        OfferId,
        QueueId,
        RecordingId,
        TrunkId,
    )
    from centralino.core.kernel.instant import Instant
    from centralino.core.kernel.outcome import Outcome


@dataclass(slots=True)
class Interaction:
    """One interaction that has not ended; changed only by events."""

    id: InteractionId
    leg: LegId
    """The customer's leg."""
    trunk: TrunkId
    called_number: str
    caller_number: str | None
    arrived_at: Instant
    state: InteractionState = InteractionState.ARRIVED
    menu_attempt: int = 0
    expects: str = ""
    """Name of the play or collect whose end moves it on."""
    queue: QueueId | None = None
    priority: int = 0
    enqueued_at: Instant | None = None
    """Kept when an offer fails: the place in the queue."""
    offer: OfferId | None = None
    agent: AgentId | None = None
    """Who talks to the customer, or did."""
    bridge: BridgeId | None = None
    recording: RecordingId | None = None
    outcome: Outcome | None = None
    """How the conversation ended, from the release on."""
    deadline: Instant | None = None
    """When the present state ends by itself."""


@dataclass(slots=True)
class Offer:
    """One open offer."""

    id: OfferId
    interaction: InteractionId
    agent: AgentId
    leg: LegId
    made_at: Instant
    state: OfferState = OfferState.MADE
