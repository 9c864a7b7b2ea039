# SPDX-License-Identifier: Apache-2.0
"""What can be told of a wait: its place, how long it may last, the place of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.instant import SECOND
from centralino.core.routing.evolve import place_key
from centralino.core.routing.matching.match import place_of

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import QueueId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.turn import Turn


def position_of(turn: Turn, interaction: Interaction) -> int:
    """Return the place of somebody who waits, from 1; those who are called back count too."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    mine = place_of(interaction)
    queued = turn.index.queued[interaction.queue]
    return 1 + sum(1 for place in queued.values() if place < mine)


def estimate_s(turn: Turn, queue: QueueId, position: int, ready: int) -> int:
    """Return how long somebody at ``position`` waits yet, in seconds; -1 when nobody can tell."""
    handling = turn.state.handling.get(queue)
    return position * handling // ready // SECOND if ready and handling is not None else -1


def place_left(turn: Turn, interaction: Interaction, queue: QueueId) -> Instant | None:
    """Return the place a customer has: kept in this call, or left in one before."""
    kept = interaction.places.get(queue)
    if kept is not None or not interaction.caller_number or not turn.state.left_places:
        return kept
    left = turn.state.left_places.get(place_key(queue, interaction.caller_number))
    return left.since if left is not None and left.until > turn.now else None
