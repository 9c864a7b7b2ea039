# SPDX-License-Identifier: Apache-2.0
"""An agent between offers: conversation's end, wrap-up, readiness, what others say of him.

His wish while he is busy is kept until he is free. Presence is noted and moves nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import (
    AgentCleared,
    AgentIntended,
    AgentReadied,
    AgentUnreadied,
    PresenceNoted,
    WrapUpChanged,
)
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.presence import presence_of
from centralino.core.agents.wrap_up import WrapUpMode, wrap_up_ms
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.effects import HangUpLeg, StopRecording
from centralino.core.interactions.events import InteractionEnded, InteractionReleased
from centralino.core.kernel.errors import Conflict, NotFound
from centralino.core.kernel.instant import Instant, after, milliseconds, seconds
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing import decisions_offer, decisions_work
from centralino.core.routing.decisions_recall import leave, recall_all, recall_consult

if TYPE_CHECKING:
    from centralino.core.agents.commands import (
        ExtendWrapUp,
        FinishWrapUp,
        MakeAgentNotReady,
        MakeAgentReady,
        NotePresence,
    )
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import AgentId, InteractionId
    from centralino.core.routing.configuration import QueueConfiguration
    from centralino.core.routing.turn import Turn

_VOICE = Channel.VOICE
_CONNECTED = AgentState.CONNECTED
_WRAP_UP = AgentState.WRAP_UP
_NOT_READY = AgentState.NOT_READY
CLEAR_WITHIN = seconds(5)
"""Longest time until a phone that we hung up is quiet."""
GAVE_UP = Outcome(Result.CLIENT_ERROR, OutcomeReason.ABANDONED)


def end_agent_leg(turn: Turn, agent: Agent, outcome: Outcome) -> None:
    """The agent's leg is over: what that means depends on where he was."""
    assert agent.leg is not None  # noqa: S101 - found by this leg
    if agent.offer is not None:
        decisions_offer.end_offered_leg(turn, turn.state.offers[agent.offer], outcome)
    elif agent.state is _CONNECTED and agent.interaction is not None:
        interaction = turn.state.interactions[agent.interaction]
        if interaction.is_provisional:
            decisions_offer.take_back(turn, interaction, agent, outcome)
            return
        turn.order(HangUpLeg(leg=interaction.leg))
        release(turn, interaction, outcome, is_by_customer=False)
    else:
        turn.emit(AgentCleared(agent=agent.id, leg=agent.leg))
        if agent.wrap_up_until is not None and agent.wrap_up_until <= turn.now:
            finish_wrap_up(turn, agent)


def release(
    turn: Turn, interaction: Interaction, outcome: Outcome, *, is_by_customer: bool
) -> None:
    """The conversation is over: end the other leg, finish the recording, wrap up."""
    if interaction.channel is not _VOICE:
        decisions_work.release(turn, interaction, outcome, is_by_customer=is_by_customer)
        return
    assert interaction.agent is not None  # noqa: S101 - connected interactions have both
    assert interaction.queue is not None  # noqa: S101 - and came from a queue
    agent = turn.state.agents[interaction.agent]
    leg = agent.leg
    recall_all(turn, interaction)
    recall_consult(turn, interaction, ConsultState.ABANDONED, GAVE_UP)
    queue = turn.index.queues[interaction.queue]
    wrap_up_for_ms = wrap_up_ms(queue.wrap_up, queue.wrap_up_for_ms, outcome)
    turn.emit(
        InteractionReleased(
            interaction=interaction.id,
            agent=agent.id,
            outcome=outcome if not outcome.is_success else COMPLETED,
            is_by_customer=is_by_customer,
            has_agent_leg=is_by_customer,
            wrap_up_until=turn.within_ms(wrap_up_for_ms),
            clear_by=turn.within(CLEAR_WITHIN),
        )
    )
    if interaction.recording is not None:
        alive = leg if is_by_customer and leg is not None else interaction.leg
        turn.order(StopRecording(leg=alive, recording=interaction.recording))
    if is_by_customer and leg is not None:
        turn.order(HangUpLeg(leg=leg))
    elif wrap_up_for_ms == 0:
        finish_wrap_up(turn, agent)


def finish_wrap_up(turn: Turn, agent: Agent) -> None:
    """Wrap-up is over: the interaction ends, the agent becomes what he wants to be."""
    if agent.interaction is not None:
        end_wrapped(turn, agent.interaction)
    become_intended(turn, agent)


def end_wrapped(turn: Turn, name: InteractionId) -> None:
    """End an interaction in wrap-up with the outcome of its conversation."""
    outcome = turn.state.interactions[name].outcome or COMPLETED
    turn.emit(InteractionEnded(interaction=name, outcome=outcome))


def become_intended(turn: Turn, agent: Agent) -> None:
    """Make an agent ready, not ready, or remove him, as was asked meanwhile."""
    if agent.id not in turn.index.agent_configurations:
        leave(turn, agent)
    elif agent.intended_reason is not None:
        turn.emit(AgentUnreadied(agent=agent.id, reason=agent.intended_reason))
    else:
        turn.emit(AgentReadied(agent=agent.id))


def expire(turn: Turn, agent: Agent) -> None:
    """An agent's lease, wrap-up or pause is over."""
    if agent.state is _NOT_READY:
        become_intended(turn, agent)
    elif agent.state is _WRAP_UP:
        if agent.leg is not None:
            turn.order(HangUpLeg(leg=agent.leg))
        finish_wrap_up(turn, agent)
    elif agent.offer is not None:
        decisions_offer.expire(turn, turn.state.offers[agent.offer])


def make_ready(turn: Turn, command: MakeAgentReady) -> None:
    """The agent wants interactions."""
    agent = _require_agent(turn, command.agent)
    if agent.state is _NOT_READY:
        turn.emit(AgentReadied(agent=agent.id))
    elif agent.intended_reason is not None:
        turn.emit(AgentIntended(agent=agent.id, reason=None))


def make_not_ready(turn: Turn, command: MakeAgentNotReady) -> None:
    """The agent wants no interactions."""
    agent = _require_agent(turn, command.agent)
    if agent.state in {AgentState.READY, _NOT_READY}:
        if agent.reason != command.reason or agent.deadline is not None:
            turn.emit(AgentUnreadied(agent=agent.id, reason=command.reason))
    elif agent.intended_reason != command.reason:
        turn.emit(AgentIntended(agent=agent.id, reason=command.reason))


def finish_early(turn: Turn, command: FinishWrapUp) -> None:
    """The agent has done what was left to do, before its time."""
    agent = _require_agent(turn, command.agent)
    if agent.state is not _WRAP_UP:
        return
    if agent.leg is None:
        finish_wrap_up(turn, agent)
    elif agent.wrap_up_until is None or agent.wrap_up_until > turn.now:
        clear_by = turn.within(CLEAR_WITHIN)
        turn.emit(WrapUpChanged(agent=agent.id, until=turn.now, deadline=clear_by))


def extend_wrap_up(turn: Turn, command: ExtendWrapUp) -> None:
    """The agent wants more time.

    Raises:
        Conflict: he is in no wrap-up, or in one that cannot be extended any more.
    """
    agent = _require_agent(turn, command.agent)
    queue = _wrapping_queue(turn, agent)
    if queue is None or agent.wrap_up_until is None:
        raise Conflict(f"{agent.id} is not in wrap-up", details={"agent": agent.id})
    policy = queue.wrap_up
    latest = after(agent.wrap_up_since, milliseconds(policy.most_ms))
    until = Instant(min(latest, agent.wrap_up_until + milliseconds(policy.extend_by_ms)))
    if policy.mode is not WrapUpMode.EXTENDABLE or until <= agent.wrap_up_until:
        raise Conflict(
            f"the wrap-up of {agent.id} cannot be extended (any more)",
            details={"agent": agent.id, "mode": policy.mode},
        )
    deadline = Instant(max(until, agent.deadline or until))
    turn.emit(WrapUpChanged(agent=agent.id, until=until, deadline=deadline))


def _wrapping_queue(turn: Turn, agent: Agent) -> QueueConfiguration | None:
    if agent.state is not _WRAP_UP or agent.interaction is None:
        return None
    name = turn.state.interactions[agent.interaction].queue
    return None if name is None else turn.index.queues[name]


def note_presence(turn: Turn, command: NotePresence) -> None:
    """Somebody else tells of an agent; what is older than what is known changes nothing."""
    agent = _require_agent(turn, command.agent)
    presence = presence_of(
        command.availability,
        command.activity,
        command.source,
        command.at,
        command.sequence,
        turn.now,
        is_out_of_office=command.is_out_of_office,
    )
    if presence.is_newer_than(agent.presence):
        turn.emit(PresenceNoted(agent=agent.id, presence=presence))


def _require_agent(turn: Turn, name: AgentId) -> Agent:
    if name not in turn.state.agents:
        raise NotFound(f"there is no agent {name}", details={"agent": name})
    return turn.state.agents[name]
