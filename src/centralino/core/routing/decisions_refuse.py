# SPDX-License-Identifier: Apache-2.0
"""Whether a queue takes somebody, and what becomes of him if not: closures and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.calendars.hours import Kind, kind_at
from centralino.core.flows.actions import StopCollect
from centralino.core.flows.happenings import QueueLeft
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.effects import HangUpLeg, PlayPrompts, StopCollecting
from centralino.core.interactions.events import InteractionEnded, InteractionQueued
from centralino.core.interactions.flow_events import FlowAdvanced, InteractionTurnedAway
from centralino.core.interactions.limits import ActionKind, LimitKind, QueueAction
from centralino.core.interactions.queue_events import InteractionDismissed
from centralino.core.kernel.instant import seconds
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.decisions_customer import drop_ways
from centralino.core.routing.decisions_wait import estimate_s
from centralino.core.routing.decisions_wish import wish_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.flows.actions import EnterQueue
    from centralino.core.interactions.limits import QueueLimit
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import QueueId
    from centralino.core.routing.turn import Turn

DISMISS_WITHIN = seconds(120)
"""Longest announcement to somebody who is let go."""
QUEUE_CLOSED = Outcome(Result.SUCCESS, OutcomeReason.QUEUE_CLOSED)

REASONS = {
    LimitKind.LENGTH: "overflow",
    LimitKind.WAIT: "timeout",
    LimitKind.NO_AGENTS: "no-agents",
    LimitKind.CLOSED: "closed",
    LimitKind.ESTIMATED_WAIT: "overflow",
}
"""What a flow is told."""


def refusal(
    turn: Turn, queue: QueueId, skills: Mapping[str, int], *, has_place: bool
) -> tuple[str, QueueAction] | None:
    """Return why a queue does not take somebody and what becomes of him, ``None`` if it does."""
    closure = turn.state.closures.get(queue)
    if closure is not None:
        return "closed", closure.action
    for limit in turn.index.queues[queue].limits:
        if _holds(turn, queue, skills, limit, has_place=has_place):
            return REASONS[limit.on], limit.action
    return None


def _holds(
    turn: Turn, queue: QueueId, skills: Mapping[str, int], limit: QueueLimit, *, has_place: bool
) -> bool:
    match limit.on:
        case LimitKind.LENGTH:
            return not has_place and len(turn.index.queued[queue]) >= limit.threshold
        case LimitKind.NO_AGENTS:
            return turn.index.matching.signed_in_agents(queue, skills) < limit.threshold
        case LimitKind.CLOSED:
            calendar = turn.index.library.calendar(limit.calendar)
            return calendar is not None and kind_at(calendar, turn.now) is not Kind.OPEN
        case LimitKind.ESTIMATED_WAIT:
            if turn.index.matching.has_free_agent(queue, skills):
                return False
            ready = turn.index.matching.ready_agents(queue, skills)
            place = len(turn.index.queued[queue]) + 1
            return estimate_s(turn, queue, place, ready) >= limit.threshold
        case LimitKind.WAIT:
            return False


def instead(
    turn: Turn, interaction: Interaction, action: EnterQueue, reason: str, what: QueueAction
) -> QueueLeft | None:
    """Do what becomes of somebody who wanted to enter; tell his flow if it goes on."""
    turn.emit(InteractionTurnedAway(interaction=interaction.id, queue=action.queue, reason=reason))
    if what.kind is ActionKind.QUEUE and is_open(turn, what.queue):
        other = turn.index.queues[what.queue]
        turn.emit(
            InteractionQueued(
                interaction=interaction.id,
                queue=other.id,
                priority=other.priority if action.priority is None else action.priority,
                digit="",
                ask=action.ask,
                skills=action.skills,
                since=interaction.places.get(action.queue),
                wish=wish_for(turn, other.id, interaction.caller_number, action.wish),
            )
        )
        return None
    if what.kind is ActionKind.END:
        dismiss(turn, interaction, action.queue, reason, what.prompts)
        return None
    return QueueLeft(ask=action.ask, reason=reason)


def is_open(turn: Turn, queue: QueueId) -> bool:
    """Tell whether somebody can be led to a queue."""
    return queue in turn.index.queues and queue not in turn.state.closures


def dismiss(
    turn: Turn, interaction: Interaction, queue: QueueId, reason: str, prompts: tuple[str, ...]
) -> None:
    """Tell somebody why he is let go, then end his call."""
    drop_ways(turn, interaction)
    _cut(turn, interaction)
    if not prompts or interaction.channel is not Channel.VOICE:
        let_go(turn, interaction)
        return
    play = f"{interaction.id}/dismissal"
    turn.emit(
        InteractionDismissed(
            interaction=interaction.id,
            queue=queue,
            reason=reason,
            play=play,
            deadline=turn.within(DISMISS_WITHIN),
        )
    )
    order_dismissal(turn, interaction, prompts)


def order_dismissal(turn: Turn, interaction: Interaction, prompts: tuple[str, ...]) -> None:
    """Order what somebody hears before he is let go."""
    turn.order(PlayPrompts(leg=interaction.leg, play=interaction.expects, prompts=prompts))


def let_go(turn: Turn, interaction: Interaction) -> None:
    """End the call of somebody who has heard why."""
    if interaction.channel is Channel.VOICE:
        turn.order(HangUpLeg(leg=interaction.leg))
    turn.emit(InteractionEnded(interaction=interaction.id, outcome=QUEUE_CLOSED))


def finish_dismissal(turn: Turn, interaction: Interaction, play: str) -> None:
    """What somebody hears before he is let go is over."""
    if interaction.expects == play:
        let_go(turn, interaction)


def _cut(turn: Turn, interaction: Interaction) -> None:
    """End a flow without letting it go on: somebody else decides about the customer now."""
    position = interaction.position
    if position is None or position.is_over:
        return
    over = msgspec.structs.replace(position, end="dismissed", expects=(), deadline=None)
    listened = interaction.collect is not None
    kept = (StopCollect(),) if listened else ()
    turn.emit(FlowAdvanced(interaction=interaction.id, position=over, actions=kept))
    if listened:
        turn.order(StopCollecting(leg=interaction.leg))
