# SPDX-License-Identifier: Apache-2.0
"""A customer who comes straight into a queue: connected already, with no menu before it.

What chats and tasks do, and calls whose number leads nowhere else. From the queue on he is
like any other; a queue that is full does not take him, and his interaction is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.interactions.channel import Channel
from centralino.core.interactions.effects import HangUpLeg
from centralino.core.interactions.events import (
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
)
from centralino.core.interactions.flow_events import InteractionTurnedAway
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import InteractionId
from centralino.core.routing.decisions_customer import ANSWER_WITHIN, OVERLOADED, order_music
from centralino.core.routing.decisions_skill import require_skills
from centralino.core.routing.decisions_supervision import require_priority
from centralino.core.routing.decisions_wait import position_of, tell_wait
from centralino.core.routing.decisions_wish import wish_for

if TYPE_CHECKING:
    from centralino.core.interactions.commands import QueueInteraction
    from centralino.core.routing.turn import Turn


def queue_interaction(turn: Turn, command: QueueInteraction) -> None:
    """Let a connected customer wait, or end his interaction because he may not.

    A leg that is known already changes nothing.

    Raises:
        NotFound: there is no such queue, skill or agent; nothing has changed.
        InvalidInput: there is no such priority or level; nothing has changed.
    """
    queue = turn.index.queues.get(command.queue)
    if queue is None:
        raise NotFound(f"there is no queue {command.queue}", details={"queue": command.queue})
    if command.leg in turn.index.customer_legs:
        return
    require_skills(turn, command.skills)
    if command.priority is not None:
        require_priority(command.priority)
    for agent in command.wish.agents if command.wish is not None else ():
        if agent not in turn.index.agent_configurations:
            raise NotFound(f"there is no agent {agent}", details={"agent": agent})
    interaction = InteractionId(turn.new_id("interaction"))
    turn.emit(
        InteractionArrived(
            interaction=interaction,
            leg=command.leg,
            trunk=command.trunk,
            called_number=command.called_number,
            caller_number=command.caller_number,
            caller_name=command.caller_name,
            deadline=turn.within(ANSWER_WITHIN),
            channel=command.channel,
        )
    )
    reason = _refusal(turn, command)
    if reason:
        turn.emit(InteractionTurnedAway(interaction=interaction, queue=queue.id, reason=reason))
        if command.channel is Channel.VOICE:
            turn.order(HangUpLeg(leg=command.leg))
        turn.emit(InteractionEnded(interaction=interaction, outcome=OVERLOADED))
        return
    matching = turn.index.matching
    has_to_wait = queue.is_wait_estimated and not matching.has_free_agent(
        command.queue, command.skills
    )
    turn.emit(
        InteractionQueued(
            interaction=interaction,
            queue=queue.id,
            priority=queue.priority if command.priority is None else command.priority,
            digit="",
            skills=command.skills,
            wish=wish_for(turn, queue.id, command.caller_number, command.wish),
        )
    )
    waiting = turn.state.interactions[interaction]
    order_music(turn, waiting)
    if has_to_wait:
        ready = matching.ready_agents(command.queue, command.skills)
        tell_wait(turn, waiting, position_of(turn, waiting), ready)


def _refusal(turn: Turn, command: QueueInteraction) -> str:
    """Return why the customer may not wait, nothing when he may."""
    most = turn.index.queues[command.queue].most_waiting
    is_full = most is not None and len(turn.index.queued[command.queue]) >= most
    if is_full and not turn.index.matching.has_free_agent(command.queue, command.skills):
        return "overflow"
    if len(turn.state.interactions) > turn.configuration.most_interactions:
        return "failed"
    return ""
