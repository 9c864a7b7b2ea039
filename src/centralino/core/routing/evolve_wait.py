# SPDX-License-Identifier: Apache-2.0
"""How estimates of waits and what became of them change the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.interactions import wait_events as waits
from centralino.core.interactions.state import ToldWait
from centralino.core.metrics.estimated_wait import WaitRecord

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.instant import Duration, Instant
    from centralino.core.routing.state import Index, TenantState


def _estimated(
    state: TenantState, index: Index, event: waits.InteractionWaitEstimated, at: Instant
) -> None:
    told = ToldWait(queue=event.queue, at=at, estimate=event.estimate)
    state.interactions[event.interaction].told_wait = told


def _judged(
    state: TenantState, index: Index, event: waits.InteractionWaitJudged, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    if interaction.told_wait is not None:
        record_of(state, interaction).judge(interaction.told_wait.estimate, event.actual_ms)
        interaction.told_wait = None


def note_left(
    state: TenantState, index: Index, interaction: Interaction, waited: Duration, at: Instant
) -> None:
    """Let a wait that is over count in what its queue knows of waits."""
    assert interaction.queue is not None  # noqa: S101 - he waited in it
    queued = index.queued[interaction.queue]
    behind = len(queued) - (interaction.id in queued)
    is_served = interaction.connected_at is not None
    record_of(state, interaction).note_left(at, waited, behind, is_served=is_served)


def record_of(state: TenantState, interaction: Interaction) -> WaitRecord:
    """Return what is known of the waits of somebody's queue."""
    assert interaction.queue is not None  # noqa: S101 - he waits or waited in it
    record = state.waits.get(interaction.queue)
    if record is None:
        record = state.waits[interaction.queue] = WaitRecord()
    return record


WAIT_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    waits.InteractionWaitEstimated: _estimated,
    waits.InteractionWaitJudged: _judged,
}
"""Every event about estimates."""
