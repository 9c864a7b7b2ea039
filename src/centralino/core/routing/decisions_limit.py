# SPDX-License-Identifier: Apache-2.0
"""What becomes of customers who wait already, when their queue closes or has kept them enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.flows.happenings import QueueLeft
from centralino.core.interactions.limits import ActionKind, LimitKind, QueueAction
from centralino.core.interactions.queue_events import InteractionRequeued
from centralino.core.routing import decisions_flow, decisions_queue
from centralino.core.routing.decisions_customer import order_music
from centralino.core.routing.decisions_recall import recall_all
from centralino.core.routing.decisions_refuse import REASONS, dismiss, is_open

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import QueueId
    from centralino.core.routing.turn import Turn


def lead_away(turn: Turn, interaction: Interaction, reason: str, what: QueueAction) -> None:
    """Do what becomes of somebody who waits already."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    has_flow = interaction.position is not None and not interaction.position.is_over
    if what.kind is ActionKind.QUEUE and is_open(turn, what.queue):
        requeue(turn, interaction, what.queue, None, reason)
    elif what.kind is not ActionKind.END and has_flow:
        happening = QueueLeft(ask=interaction.queue_ask, reason=reason)
        decisions_queue.dequeue(turn, interaction, reason, keeps_place=True)
        decisions_flow.tell(turn, interaction, happening)
    else:
        dismiss(turn, interaction, interaction.queue, reason, what.prompts)


def requeue(
    turn: Turn, interaction: Interaction, queue: QueueId, priority: int | None, reason: str
) -> None:
    """Let somebody who waits wait in another queue, with the place he has."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    recall_all(turn, interaction, "moved")
    own = turn.index.queues[queue].priority
    turn.emit(
        InteractionRequeued(
            interaction=interaction.id,
            queue=queue,
            from_queue=interaction.queue,
            priority=own if priority is None else priority,
            reason=reason,
        )
    )
    if interaction.position is None and interaction.leg:
        order_music(turn, interaction)


def expire_wait(turn: Turn, interaction: Interaction) -> None:
    """Somebody has waited as long as his queue lets him."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    for limit in turn.index.queues[interaction.queue].limits:
        if limit.on is LimitKind.WAIT:
            lead_away(turn, interaction, REASONS[limit.on], limit.action)
            return
