# SPDX-License-Identifier: Apache-2.0
"""Whom a wait asks for: what its flow or its sender wished, or the agent who knows the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.interactions.wish import Wish, WishKind
from centralino.core.kernel.instant import MILLISECOND

if TYPE_CHECKING:
    from centralino.core.kernel.ids import QueueId
    from centralino.core.routing.turn import Turn


def wish_for(
    turn: Turn, queue: QueueId, caller_number: str | None, wished: Wish | None = None
) -> Wish | None:
    """Return the wish that somebody waits with; one that names agents stays as it is."""
    matching = turn.index.queues[queue].matching
    known = turn.state.memory.last_agents.get(caller_number) if caller_number else None
    if (
        known is None
        or not matching.last_agent_hold_ms
        or (wished is not None and wished.agents)
        or turn.now - known.at > matching.last_agent_within_ms * MILLISECOND
    ):
        return wished
    return Wish(
        agents=(known.agent,),
        kind=WishKind.LAST,
        hold_for_ms=matching.last_agent_hold_ms,
        requires=wished.requires if wished is not None else None,
    )
