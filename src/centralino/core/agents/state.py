# SPDX-License-Identifier: Apache-2.0
"""What is known about one agent now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.agents.capacity import Engagement
from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.agents.presence import Presence
from centralino.core.kernel.ids import AgentId, ConsultId, InteractionId, LegId, OfferId
from centralino.core.kernel.instant import Instant

if TYPE_CHECKING:
    from centralino.core.interactions.channel import Channel

NEVER = Instant(0)


class Agent(msgspec.Struct):
    """One agent; changed only by events.

    ``state`` tells of the one call he can have, of ``offer``, ``interaction`` and ``leg`` too;
    what he has on other channels beside it is in ``engaged`` only.
    """

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
    consult: ConsultId | None = None
    """What a colleague asks him about; its phone is in the consult, not in ``leg``."""
    wrap_up_since: Instant = NEVER
    wrap_up_until: Instant | None = None
    deadline: Instant | None = None
    """When the present state ends by itself (lease, wrap-up, pause)."""
    engaged: tuple[Engagement, ...] = ()
    """Everything that takes his capacity, oldest first; the call among it."""
    presence: Presence | None = None
    """What somebody else last said of him; never decides alone."""
    refusals: int = 0
    """Offers in a row that led to nothing, for the cause ``refusal_reason``."""
    refusal_reason: str = ""

    def engage(self, interaction: InteractionId, channel: Channel, *, is_offer: bool) -> None:
        """Take an interaction on, or change what it is to him."""
        if self.engaged:
            self.disengage(interaction)
        self.engaged = (*self.engaged, Engagement(interaction, channel, is_offer))

    def disengage(self, interaction: InteractionId) -> None:
        """Let an interaction go."""
        self.engaged = tuple([one for one in self.engaged if one.interaction != interaction])
