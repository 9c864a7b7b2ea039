# SPDX-License-Identifier: Apache-2.0
"""What happens between an agent and an interaction: offer, conversation, wrap-up.

An agent who misses, declines or cannot be reached is paused for a while with the reason
shown, so that the next offer goes to somebody else and no phone is rung in a loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import (
    AgentCleared,
    AgentIntended,
    AgentReadied,
    AgentRemoved,
    AgentUnreadied,
)
from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.flows.happenings import QueueLeft
from centralino.core.interactions.effects import (
    BridgeLegs,
    CancelRing,
    HangUpLeg,
    RingAgent,
    StartRecording,
    StopRecording,
)
from centralino.core.interactions.events import (
    InteractionEnded,
    InteractionReleased,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    OfferMade,
    OfferMissed,
    OfferRang,
    OfferWithdrawn,
)
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import (
    AgentId,
    BridgeId,
    InteractionId,
    LegId,
    OfferId,
    RecordingId,
)
from centralino.core.kernel.instant import seconds
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason
from centralino.core.routing.decisions_flow import hand_over

if TYPE_CHECKING:
    from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.routing.turn import Turn

LEASE_MARGIN_MS = 5000
"""How much longer than the ringing an offer's lease lasts."""
CLEAR_WITHIN = seconds(5)
"""Longest time until a phone that we hung up is quiet."""

_MISSED = frozenset({OutcomeReason.NO_ANSWER, OutcomeReason.TIMEOUT, OutcomeReason.CANCELLED})
_DECLINED = {
    OutcomeReason.DECLINED: NotReadyReason.DECLINED_OFFER,
    OutcomeReason.REJECTED: NotReadyReason.DECLINED_OFFER,
    OutcomeReason.COMPLETED: NotReadyReason.DECLINED_OFFER,
    OutcomeReason.BUSY: NotReadyReason.PHONE_BUSY,
}


def offer(turn: Turn, interaction: Interaction, agent: AgentId) -> None:
    """Reserve an agent for an interaction and call his phone."""
    assert interaction.queue is not None  # noqa: S101 - only waiting interactions are offered
    queue = turn.index.queues[interaction.queue]
    phone = turn.index.agent_configurations[agent]
    leg = LegId(turn.ids.next("leg"))
    turn.emit(
        OfferMade(
            interaction=interaction.id,
            offer=OfferId(turn.ids.next("offer")),
            agent=agent,
            leg=leg,
            deadline=turn.within_ms(queue.ring_for_ms + LEASE_MARGIN_MS),
        )
    )
    turn.order(
        RingAgent(
            leg=leg,
            agent=agent,
            trunk=phone.trunk,
            target=phone.target,
            caller_number=interaction.caller_number,
            ring_for_ms=queue.ring_for_ms,
            near=interaction.leg,
        )
    )


def ring(turn: Turn, agent: Agent) -> None:
    """The agent's phone rings."""
    if agent.offer is not None and turn.state.offers[agent.offer].state is OfferState.MADE:
        made = turn.state.offers[agent.offer]
        turn.emit(OfferRang(interaction=made.interaction, offer=made.id))


def accept(turn: Turn, agent: Agent) -> None:
    """The agent answered: connect him, or hang up when the customer has just gone."""
    assert agent.leg is not None  # noqa: S101 - found by this leg
    if agent.offer is None:
        if agent.state is AgentState.WRAP_UP:
            turn.order(HangUpLeg(leg=agent.leg))
        return
    made = turn.state.offers[agent.offer]
    if made.state is OfferState.RECALLED:
        turn.order(HangUpLeg(leg=agent.leg, cause="caller-gone"))
        return
    interaction = turn.state.interactions[made.interaction]
    assert interaction.queue is not None  # noqa: S101 - it was offered from its queue
    if interaction.position is not None:
        answered = QueueLeft(ask=interaction.queue_ask, reason="answered")
        hand_over(turn, interaction, answered)
    is_recorded = turn.index.queues[interaction.queue].is_recorded
    turn.emit(
        OfferAccepted(
            interaction=interaction.id,
            offer=made.id,
            agent=agent.id,
            bridge=BridgeId(turn.ids.next("bridge")),
            recording=RecordingId(turn.ids.next("recording")) if is_recorded else None,
        )
    )
    order_conversation(turn, interaction, agent.leg)


def order_conversation(turn: Turn, interaction: Interaction, agent_leg: LegId) -> None:
    """Order the bridge and the recording; also when they were lost on the way."""
    assert interaction.bridge is not None  # noqa: S101 - connected interactions have one
    turn.order(BridgeLegs(leg=interaction.leg, bridge=interaction.bridge, agent_leg=agent_leg))
    if interaction.recording is not None:
        turn.order(
            StartRecording(
                leg=interaction.leg, recording=interaction.recording, agent_leg=agent_leg
            )
        )


def end_agent_leg(turn: Turn, agent: Agent, outcome: Outcome) -> None:
    """The agent's leg is over: what that means depends on where he was."""
    assert agent.leg is not None  # noqa: S101 - found by this leg
    if agent.offer is not None:
        made = turn.state.offers[agent.offer]
        if made.state is OfferState.RECALLED:
            withdraw(turn, made)
        else:
            lose_offer(turn, made, outcome)
    elif agent.state is AgentState.CONNECTED and agent.interaction is not None:
        interaction = turn.state.interactions[agent.interaction]
        turn.order(HangUpLeg(leg=interaction.leg))
        release(turn, interaction, outcome, is_by_customer=False)
    else:
        turn.emit(AgentCleared(agent=agent.id, leg=agent.leg))
        if agent.wrap_up_until is not None and agent.wrap_up_until <= turn.now:
            finish_wrap_up(turn, agent)


def lose_offer(turn: Turn, made: Offer, outcome: Outcome) -> None:
    """The agent's phone ended without an answer: pause him, keep the customer's place."""
    pause_ms = turn.configuration.missed_pause_ms
    if outcome.reason in _MISSED:
        turn.emit(
            OfferMissed(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=NotReadyReason.MISSED_OFFER,
                until=turn.within_ms(pause_ms),
            )
        )
    elif outcome.reason in _DECLINED:
        turn.emit(
            OfferDeclined(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=_DECLINED[outcome.reason],
                until=turn.within_ms(pause_ms),
            )
        )
    else:
        turn.emit(
            OfferFailed(
                interaction=made.interaction,
                offer=made.id,
                agent=made.agent,
                reason=NotReadyReason.TECHNICAL_ISSUE,
                outcome=outcome,
                until=turn.within_ms(turn.configuration.failed_pause_ms),
            )
        )


def withdraw(turn: Turn, made: Offer) -> None:
    """A recalled offer is over: the agent is free again, or what he asked for meanwhile."""
    agent = turn.state.agents[made.agent]
    intended = agent.intended_reason
    turn.emit(OfferWithdrawn(interaction=made.interaction, offer=made.id, agent=made.agent))
    if made.agent not in turn.index.agent_configurations:
        turn.emit(AgentRemoved(agent=made.agent))
    elif intended is not None:
        turn.emit(AgentUnreadied(agent=made.agent, reason=intended))


def release(
    turn: Turn, interaction: Interaction, outcome: Outcome, *, is_by_customer: bool
) -> None:
    """The conversation is over: end the other leg, finish the recording, wrap up."""
    assert interaction.agent is not None  # noqa: S101 - connected interactions have both
    assert interaction.queue is not None  # noqa: S101 - and came from a queue
    agent = turn.state.agents[interaction.agent]
    leg = agent.leg
    wrap_up_for_ms = turn.index.queues[interaction.queue].wrap_up_for_ms
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
        turn.emit(AgentRemoved(agent=agent.id))
    elif agent.intended_reason is not None:
        turn.emit(AgentUnreadied(agent=agent.id, reason=agent.intended_reason))
    else:
        turn.emit(AgentReadied(agent=agent.id))


def expire(turn: Turn, agent: Agent) -> None:
    """An agent's lease, wrap-up or pause is over."""
    if agent.state is AgentState.NOT_READY:
        become_intended(turn, agent)
    elif agent.state is AgentState.WRAP_UP:
        if agent.leg is not None:
            turn.order(HangUpLeg(leg=agent.leg))
        finish_wrap_up(turn, agent)
    elif agent.offer is not None:
        made = turn.state.offers[agent.offer]
        turn.order(CancelRing(leg=made.leg, cause="no-answer"))
        if made.state is OfferState.RECALLED:
            withdraw(turn, made)
        else:
            turn.emit(
                OfferMissed(
                    interaction=made.interaction,
                    offer=made.id,
                    agent=made.agent,
                    reason=NotReadyReason.MISSED_OFFER,
                    until=turn.within_ms(turn.configuration.missed_pause_ms),
                )
            )


def make_ready(turn: Turn, command: MakeAgentReady) -> None:
    """The agent wants interactions."""
    agent = _require_agent(turn, command.agent)
    if agent.state is AgentState.NOT_READY:
        turn.emit(AgentReadied(agent=agent.id))
    elif agent.intended_reason is not None:
        turn.emit(AgentIntended(agent=agent.id, reason=None))


def make_not_ready(turn: Turn, command: MakeAgentNotReady) -> None:
    """The agent wants no interactions."""
    agent = _require_agent(turn, command.agent)
    if agent.state in {AgentState.READY, AgentState.NOT_READY}:
        if agent.reason != command.reason or agent.deadline is not None:
            turn.emit(AgentUnreadied(agent=agent.id, reason=command.reason))
    elif agent.intended_reason != command.reason:
        turn.emit(AgentIntended(agent=agent.id, reason=command.reason))


def _require_agent(turn: Turn, name: AgentId) -> Agent:
    if name not in turn.state.agents:
        raise NotFound(f"there is no agent {name}", details={"agent": name})
    return turn.state.agents[name]
