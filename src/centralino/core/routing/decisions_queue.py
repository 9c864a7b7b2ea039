# SPDX-License-Identifier: Apache-2.0
"""What a flow may ask of a queue: enter, read, leave, be called back.

Whom a queue does not take is told so at once and his flow goes on. Places are kept for
those who leave for a while, so that a look at a menu costs nobody his turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import AgentRemoved, AgentUnreadied
from centralino.core.flows.happenings import (
    CallbackBooked as Booked,
)
from centralino.core.flows.happenings import (
    CallbackRefused,
    QueueLeft,
    QueueRead,
)
from centralino.core.interactions.events import InteractionQueued
from centralino.core.interactions.flow_events import (
    InteractionDequeued,
    InteractionTurnedAway,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.routing.decisions_dial import book
from centralino.core.routing.decisions_recall import recall_all
from centralino.core.routing.decisions_refuse import instead, refusal
from centralino.core.routing.decisions_wait import place_left, position_of, tell_wait
from centralino.core.routing.decisions_wish import wish_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.flows.actions import BookCallback, EnterQueue, LeaveQueue, ReadQueue
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import QueueId
    from centralino.core.routing.turn import Turn

MOST_CALLBACKS = 10_000
_SIGN_OUTS = frozenset({AgentUnreadied, AgentRemoved})
_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})


def enter(turn: Turn, interaction: Interaction, action: EnterQueue) -> QueueLeft | None:
    """Let a customer wait, or tell at once why he may not."""
    reason = _refusal(turn, interaction, action)
    if reason:
        turn.emit(
            InteractionTurnedAway(interaction=interaction.id, queue=action.queue, reason=reason)
        )
        return QueueLeft(ask=action.ask, reason=reason)
    since = place_left(turn, interaction, action.queue)
    limited = refusal(turn, action.queue, action.skills, has_place=since is not None)
    if limited is not None:
        return instead(turn, interaction, action, *limited)
    queue = turn.index.queues[action.queue]
    turn.emit(
        InteractionQueued(
            interaction=interaction.id,
            queue=action.queue,
            priority=queue.priority if action.priority is None else action.priority,
            digit="",
            ask=action.ask,
            skills=action.skills,
            since=since,
            leaves_unattended=action.no_agents_for == "all",
            wish=wish_for(turn, action.queue, interaction.caller_number, action.wish),
        )
    )
    return None


def _refusal(turn: Turn, interaction: Interaction, action: EnterQueue) -> str:
    if action.queue not in turn.index.queues or interaction.state is not InteractionState.IN_FLOW:
        return "failed"
    if action.no_agents_for != "nobody" and not _is_attended(turn, action.queue, action.skills):
        return "no-agents"
    most = action.most_waiting
    if most is None:
        most = turn.index.queues[action.queue].most_waiting
    has_place = action.queue in interaction.places
    if most is not None and not has_place and len(turn.index.queued[action.queue]) >= most:
        return "overflow"
    return ""


def read(turn: Turn, interaction: Interaction, action: ReadQueue) -> QueueRead | None:
    """Tell how a customer waits."""
    if interaction.queue is None or interaction.state not in _WAITING:
        return None
    position = position_of(turn, interaction)
    ready = turn.index.matching.ready_agents(interaction.queue, interaction.skills)
    estimate = tell_wait(turn, interaction, position, ready)
    return QueueRead(
        ask=action.ask,
        position=position,
        waiting=len(turn.index.queued[interaction.queue]),
        ready_agents=ready,
        estimated_wait_s=estimate,
    )


def leave(turn: Turn, interaction: Interaction, action: LeaveQueue) -> QueueLeft:
    """Take a customer out of his queue; an agent who is being rung for him is let go."""
    ask = interaction.queue_ask
    if interaction.state not in _WAITING:
        assert interaction.position is not None  # noqa: S101 - a flow asks for it
        return QueueLeft(ask=interaction.position.progress.queue_ask, reason="left")
    dequeue(turn, interaction, action.reason, keeps_place=action.keeps_place)
    return QueueLeft(ask=ask, reason="left")


def dequeue(turn: Turn, interaction: Interaction, reason: str, *, keeps_place: bool) -> None:
    """Let a customer wait no longer."""
    assert interaction.queue is not None  # noqa: S101 - he waits in one
    recall_all(turn, interaction, "left")
    turn.emit(
        InteractionDequeued(
            interaction=interaction.id,
            queue=interaction.queue,
            reason=reason,
            keeps_place=keeps_place,
        )
    )


def book_callback(
    turn: Turn, interaction: Interaction, action: BookCallback
) -> Booked | CallbackRefused:
    """Promise to call a customer back."""
    if action.queue not in turn.index.queues:
        return CallbackRefused(ask=action.ask, reason="no-queue")
    if len(turn.state.callbacks) >= MOST_CALLBACKS:
        return CallbackRefused(ask=action.ask, reason="too-many")
    since = interaction.places.get(action.queue)
    if interaction.queue == action.queue:
        since = interaction.enqueued_at
    book(
        turn,
        action.queue,
        action.number,
        action.priority,
        action.skills,
        since=turn.now if since is None else since,
        interaction=interaction,
    )
    return Booked(ask=action.ask)


def left_unattended(turn: Turn) -> list[Interaction]:
    """Return who wants to leave because the last agent of his queue has just signed out."""
    if not any(type(event) in _SIGN_OUTS for event in turn.events):
        return []
    return [
        turn.state.interactions[name]
        for name, queue in turn.index.leavers.items()
        if not _is_attended(turn, queue, turn.state.interactions[name].skills)
    ]


def _is_attended(turn: Turn, queue: QueueId, skills: Mapping[str, int]) -> bool:
    """Tell whether an eligible agent is at work, or in a pause that ends by itself."""
    return turn.index.matching.signed_in_agents(queue, skills) > 0
