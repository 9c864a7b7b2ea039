# SPDX-License-Identifier: Apache-2.0
"""What people in charge decide about queues, those who wait in them, and callbacks.

Whoever is offered by hand is offered by compare-and-set on what the engine knows now: the
customer waits, the agent is free. Otherwise it is a conflict that says what is so instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.capacity import may_take
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.queue_events import (
    InteractionReranked,
    QueueClosed,
    QueueOpened,
)
from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.routing import decisions_callback, decisions_limit, decisions_offer
from centralino.core.routing.decisions_dial import book, way_to
from centralino.core.routing.decisions_recall import recall_all
from centralino.core.routing.decisions_skill import require_skills

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions import supervision as asked
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import AgentId, InteractionId, QueueId
    from centralino.core.routing.turn import Turn

HIGHEST_PRIORITY, LOWEST_PRIORITY = 0, 9
_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})


def close_queue(turn: Turn, command: asked.CloseQueue) -> None:
    """Close a queue in an emergency, and lead away who waits in it.

    Raises:
        NotFound: there is no such queue, or none that customers are to go to.
    """
    _require_queue(turn, command.queue)
    if command.action.queue:
        _require_queue(turn, command.action.queue)
    closure = turn.state.closures.get(command.queue)
    if closure is None or (closure.reason, closure.action) != (command.reason, command.action):
        turn.emit(QueueClosed(queue=command.queue, reason=command.reason, action=command.action))
    if command.keeps_waiting:
        return
    for name in list(turn.index.queued[command.queue]):
        interaction = turn.state.interactions.get(name)
        if interaction is None or interaction.state not in _WAITING:
            continue
        if interaction.leg:
            if not interaction.is_dialling:
                decisions_limit.lead_away(turn, interaction, "closed", command.action)
        else:
            due_at = turn.within(decisions_callback.LOOK_AGAIN)
            decisions_callback.take_out(turn, interaction, "closed", due_at)


def open_queue(turn: Turn, command: asked.OpenQueue) -> None:
    """Open a closed queue again.

    Raises:
        NotFound: there is no such queue.
    """
    _require_queue(turn, command.queue)
    if command.queue in turn.state.closures:
        turn.emit(QueueOpened(queue=command.queue))


def rerank(turn: Turn, command: asked.RerankInteraction) -> None:
    """Give somebody who waits another priority.

    Raises:
        NotFound, Conflict: he is not there, or does not wait.
        InvalidInput: there is no such priority.
    """
    require_priority(command.priority)
    interaction = _require_waiting(turn, command.interaction)
    if interaction.priority != command.priority:
        turn.emit(InteractionReranked(interaction=interaction.id, priority=command.priority))


def requeue(turn: Turn, command: asked.RequeueInteraction) -> None:
    """Let somebody who waits wait in another queue, with the place he has.

    Raises:
        NotFound, Conflict: he or the queue is not there, he does not wait, or it is closed.
        InvalidInput: there is no such priority.
    """
    if command.priority is not None:
        require_priority(command.priority)
    interaction = _require_waiting(turn, command.interaction)
    _require_queue(turn, command.queue)
    if interaction.queue == command.queue:
        return
    if command.queue in turn.state.closures:
        raise Conflict(f"{command.queue} is closed", details={"queue": command.queue})
    if interaction.is_dialling:
        raise Conflict("the customer is being called at this moment")
    decisions_limit.requeue(turn, interaction, command.queue, command.priority, "moved")


def assign(turn: Turn, command: asked.AssignInteraction) -> None:
    """Offer somebody who waits to one agent; who else is asked for him is let go.

    Raises:
        NotFound, Conflict: either is not there, he does not wait, or the agent is not free.
    """
    interaction = _require_waiting(turn, command.interaction)
    if any(turn.state.offers[name].agent == command.agent for name in interaction.offers):
        return
    agent = require_free(turn, command.agent, interaction)
    if interaction.is_dialling:
        raise Conflict("the customer is being called at this moment")
    recall_all(turn, interaction, "moved")
    decisions_offer.offer(turn, interaction, (agent.id,), "assigned")


def pick(turn: Turn, command: asked.PickInteraction) -> None:
    """Let an agent take somebody who waits and is not being offered.

    Raises:
        NotFound, Conflict: either is not there, somebody else is faster, or the agent is not
            free.
    """
    interaction = _require_waiting(turn, command.interaction)
    if any(turn.state.offers[name].agent == command.agent for name in interaction.offers):
        return
    if interaction.state is not InteractionState.QUEUED:
        raise Conflict(
            f"{interaction.id} is being offered already",
            details={"interaction": interaction.id, "state": interaction.state},
        )
    agent = require_free(turn, command.agent, interaction)
    decisions_offer.offer(turn, interaction, (agent.id,), "picked")


def book_callback(turn: Turn, command: asked.BookCallback) -> None:
    """Promise to call somebody back; asking the same again changes nothing.

    Raises:
        NotFound: there is no such queue or skill.
        InvalidInput: the number cannot be called, or there is no such priority or level.
    """
    _require_queue(turn, command.queue)
    if command.priority is not None:
        require_priority(command.priority)
    require_skills(turn, command.skills)
    if way_to(turn, command.number) is None:
        raise InvalidInput("the number cannot be called from here", details={"path": "number"})
    for known in turn.state.callbacks.values():
        if (known.queue, known.number) == (command.queue, command.number):
            return
    book(turn, command.queue, command.number, command.priority, command.skills, at=command.at)


def cancel_callback(turn: Turn, command: asked.CancelCallback) -> None:
    """Call a callback off.

    Raises:
        NotFound: there is none, or it has ended.
    """
    callback = turn.state.callbacks.get(command.callback)
    if callback is None:
        raise NotFound(f"there is no callback {command.callback}")
    decisions_callback.cancel(turn, callback)


def _require_queue(turn: Turn, name: QueueId) -> None:
    if name not in turn.index.queues:
        raise NotFound(f"there is no queue {name}", details={"queue": name})


def require_priority(priority: int) -> None:
    """Check a priority; raises InvalidInput."""
    if not HIGHEST_PRIORITY <= priority <= LOWEST_PRIORITY:
        raise InvalidInput("priorities are 0 to 9", details={"path": "priority"})


def _require_waiting(turn: Turn, name: InteractionId) -> Interaction:
    interaction = turn.state.interactions.get(name)
    if interaction is None:
        raise NotFound(f"there is no interaction {name}", details={"interaction": name})
    if interaction.state not in _WAITING:
        raise Conflict(
            f"{name} does not wait: {interaction.state}",
            details={"interaction": name, "state": interaction.state},
        )
    return interaction


def require_free(turn: Turn, name: AgentId, interaction: Interaction) -> Agent:
    """Return an agent who may be rung for an interaction now.

    Raises:
        NotFound, Conflict: he is not there, or not free.
    """
    agent = turn.state.agents.get(name)
    configured = turn.index.agent_configurations.get(name)
    if agent is None or configured is None:
        raise NotFound(f"there is no agent {name}", details={"agent": name})
    is_ready = agent.state is AgentState.READY or interaction.channel is not Channel.VOICE
    if not is_ready or not may_take(configured.capacity, agent.engaged, interaction.channel):
        raise Conflict(
            f"{name} is not free: {agent.state}", details={"agent": name, "state": agent.state}
        )
    return agent
