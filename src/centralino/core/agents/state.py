# SPDX-License-Identifier: Apache-2.0
"""What is known about one agent now."""

from __future__ import annotations

import msgspec

from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.kernel.ids import AgentId, InteractionId, LegId, OfferId
from centralino.core.kernel.instant import Instant

NEVER = Instant(0)


class Agent(msgspec.Struct):
    """One agent; changed only by events."""

    id: AgentId
    state: AgentState = AgentState.NOT_READY
    reason: str = NotReadyReason.SIGNED_OUT
    """Why not ready; empty otherwise."""
    intended_reason: str | None = None
    """What he wants to be after the present interaction: ``None`` is ready."""
    idle_since: Instant = NEVER
    """When he last became ready; a recalled offer does not change it."""
    offer: OfferId | None = None
    interaction: InteractionId | None = None
    leg: LegId | None = None
    """His leg, until it is known to have ended."""
    wrap_up_until: Instant | None = None
    deadline: Instant | None = None
    """When the present state ends by itself (lease, wrap-up, pause)."""
