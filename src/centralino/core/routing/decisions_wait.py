# SPDX-License-Identifier: Apache-2.0
"""What can be told of a wait: its place, how long it may last, the place of an earlier one.

The first estimate of a wait is kept, and judged when an agent answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.interactions.wait_events import (
    InteractionWaitEstimated,
    InteractionWaitJudged,
)
from centralino.core.kernel.instant import MILLISECOND
from centralino.core.routing.evolve import place_key
from centralino.core.routing.matching.match import place_of

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import QueueId
    from centralino.core.kernel.instant import Instant
    from centralino.core.metrics.estimated_wait import WaitEstimate
    from centralino.core.routing.turn import Turn


def position_of(turn: Turn, interaction: Interaction) -> int:
    """Return the place of somebody who waits, from 1; those who are called back count too."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    queued = turn.index.queued[interaction.queue]
    ageing_ms = turn.index.queues[interaction.queue].matching.ageing_ms
    mine = place_of(interaction, ageing_ms)
    return 1 + sum(1 for place in queued.values() if place < mine)


def estimate(turn: Turn, queue: QueueId, position: int, ready: int) -> WaitEstimate | None:
    """Return how long somebody at ``position`` waits yet, ``None`` when nobody can tell."""
    record = turn.state.waits.get(queue)
    if record is None:
        return None
    is_shared = queue in turn.index.shared_queues
    return record.estimate(position, ready, turn.state.handling.get(queue), is_shared=is_shared)


def estimate_s(turn: Turn, queue: QueueId, position: int, ready: int) -> int:
    """Return how long somebody at ``position`` waits yet, in seconds; -1 when nobody can tell."""
    found = estimate(turn, queue, position, ready)
    return -1 if found is None else found.expected_ms // 1000


def tell_wait(turn: Turn, interaction: Interaction, position: int, ready: int) -> int:
    """Return the same for somebody who waits, and keep the first estimate of his wait."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    found = estimate(turn, interaction.queue, position, ready)
    if found is None:
        return -1
    told = interaction.told_wait
    if told is None or told.queue != interaction.queue:
        turn.emit(
            InteractionWaitEstimated(
                interaction=interaction.id,
                queue=interaction.queue,
                position=position,
                agents=ready,
                estimate=found,
            )
        )
    return found.expected_ms // 1000


def judge_wait(turn: Turn, interaction: Interaction) -> None:
    """Compare a wait that is over with what was reckoned of it."""
    told = interaction.told_wait
    if told is not None and told.queue == interaction.queue:
        turn.emit(
            InteractionWaitJudged(
                interaction=interaction.id,
                queue=told.queue,
                method=told.estimate.method,
                expected_ms=told.estimate.expected_ms,
                actual_ms=(turn.now - told.at) // MILLISECOND,
            )
        )


def place_left(turn: Turn, interaction: Interaction, queue: QueueId) -> Instant | None:
    """Return the place a customer has: kept in this call, or left in one before."""
    kept = interaction.places.get(queue)
    if kept is not None or not interaction.caller_number or not turn.state.left_places:
        return kept
    left = turn.state.left_places.get(place_key(queue, interaction.caller_number))
    return left.since if left is not None and left.until > turn.now else None
