# SPDX-License-Identifier: Apache-2.0
"""How events about queues, and by hand about those who wait in them, change the state.

The place is (priority, since when, arrival); none of these changes since when somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.interactions import queue_events as queues
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep
from centralino.core.interactions.limits import Closure

if TYPE_CHECKING:
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState


def _closed(state: TenantState, index: Index, event: queues.QueueClosed, at: Instant) -> None:
    state.closures[event.queue] = Closure(reason=event.reason, since=at, action=event.action)


def _opened(state: TenantState, index: Index, event: queues.QueueOpened, at: Instant) -> None:
    del state.closures[event.queue]


def _reranked(
    state: TenantState, index: Index, event: queues.InteractionReranked, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    index.leave_queue(interaction)
    interaction.priority = event.priority
    if interaction.callback in state.callbacks:
        state.callbacks[interaction.callback].priority = event.priority
    index.note_interaction(interaction)


def _requeued(
    state: TenantState, index: Index, event: queues.InteractionRequeued, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    index.leave_queue(interaction)
    interaction.queue = event.queue
    interaction.priority = event.priority
    if interaction.callback in state.callbacks:
        callback = state.callbacks[interaction.callback]
        callback.queue, callback.priority = event.queue, event.priority
    index.note_interaction(interaction)


def _dismissed(
    state: TenantState, index: Index, event: queues.InteractionDismissed, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.DISMISSED)
    interaction.expects = event.play
    interaction.deadline = event.deadline
    interaction.play = interaction.collect = None
    index.note_interaction(interaction)


QUEUE_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    queues.QueueClosed: _closed,
    queues.QueueOpened: _opened,
    queues.InteractionReranked: _reranked,
    queues.InteractionRequeued: _requeued,
    queues.InteractionDismissed: _dismissed,
}
"""Every event about queues and by hand."""
