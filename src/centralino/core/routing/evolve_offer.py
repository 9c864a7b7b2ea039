# SPDX-License-Identifier: Apache-2.0
"""How each event of an offer changes the state: of the interaction, and of the agent asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.agents.lifecycle import AGENT, AgentState, AgentStep
from centralino.core.interactions import events as calls
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import INTERACTION, InteractionState, InteractionStep
from centralino.core.interactions.offer_lifecycle import OFFER, OfferStep
from centralino.core.interactions.recording_lifecycle import RECORDING, RecordingStep
from centralino.core.interactions.state import Interaction, Offer, Recording
from centralino.core.kernel.instant import Duration, after, seconds
from centralino.core.routing.evolve_wait import note_left

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import OfferId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

LOST_RECORDING_WITHIN = seconds(3600)
"""As long as the file of a recording is awaited whose agent was gone at once."""
_Lost = calls.OfferMissed | calls.OfferDeclined | calls.OfferFailed
_LOST_STEPS = {
    calls.OfferMissed: OfferStep.MISSED,
    calls.OfferDeclined: OfferStep.DECLINED,
    calls.OfferFailed: OfferStep.FAILED,
}


def free_agent(index: Index, agent: Agent, deadline: Instant | None = None) -> None:
    """Let an agent's call go; what he has on other channels he keeps."""
    if agent.leg is not None:
        index.agent_legs.pop(agent.leg, None)
    agent.leg = agent.offer = agent.interaction = agent.wrap_up_until = None
    agent.engaged = tuple(one for one in agent.engaged if one.channel is not Channel.VOICE)
    agent.deadline = deadline
    index.note_agent(agent)


def _close(state: TenantState, index: Index, name: OfferId, step: OfferStep) -> Offer:
    offer = state.offers.pop(name)
    offer.state = OFFER.next(offer.state, step)
    if offer.channel is not Channel.VOICE:
        index.leases.drop(offer.id)
    return offer


def _drop(interaction: Interaction, name: OfferId) -> None:
    interaction.offers = tuple(one for one in interaction.offers if one != name)


def _give_back(interaction: Interaction) -> None:
    """Let a customer wait again when nobody is asked for him any more."""
    if not interaction.offers and interaction.state is InteractionState.OFFERED:
        interaction.state = INTERACTION.next(interaction.state, InteractionStep.RETURNED)


def _made(state: TenantState, index: Index, event: calls.OfferMade, at: Instant) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.OFFERED)
    interaction.offers = (*interaction.offers, event.offer)
    state.offers[event.offer] = Offer(
        event.offer,
        event.interaction,
        event.agent,
        event.leg,
        made_at=at,
        channel=event.channel,
        deadline=event.deadline,
        is_reserved=event.is_reserved,
    )
    agent = state.agents[event.agent]
    agent.engage(event.interaction, event.channel, is_offer=True)
    if event.channel is Channel.VOICE:
        agent.state = AGENT.next(agent.state, AgentStep.RESERVED)
        agent.offer = event.offer
        agent.interaction = event.interaction
        agent.leg = event.leg
        agent.deadline = event.deadline
        if not event.is_reserved:
            index.agent_legs[event.leg] = event.agent
    else:
        index.leases.put(event.offer, (event.deadline,))
    if interaction.queue is not None:
        index.matching.note_offered(interaction.queue, event.agent)
    index.note_interaction(interaction)
    index.note_agent(agent)


def _rang(state: TenantState, index: Index, event: calls.OfferRang, at: Instant) -> None:
    offer = state.offers[event.offer]
    offer.state = OFFER.next(offer.state, OfferStep.RANG)


def _answered(state: TenantState, index: Index, event: calls.OfferAnswered, at: Instant) -> None:
    offer = state.offers[event.offer]
    offer.state = OFFER.next(offer.state, OfferStep.ANSWERED)
    offer.expects = event.play
    offer.deadline = event.deadline
    agent = state.agents[event.agent]
    agent.deadline = event.deadline
    index.note_agent(agent)


def _accepted(state: TenantState, index: Index, event: calls.OfferAccepted, at: Instant) -> None:
    offer = _close(state, index, event.offer, OfferStep.ACCEPTED)
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.CONNECTED)
    _drop(interaction, event.offer)
    interaction.agent = event.agent
    interaction.connected_at = at
    if interaction.queue is not None and interaction.enqueued_at is not None:
        waited = Duration(at - interaction.enqueued_at)
        index.matching.note_accepted(interaction.queue, event.agent, waited)
        note_left(state, index, interaction, waited, at)
        index.matching.note_talked(interaction.caller_number, event.agent)
    interaction.bridge = event.bridge
    interaction.recording = event.recording
    interaction.deadline = event.confirm_by
    interaction.is_provisional = bool(interaction.offers)
    if not interaction.is_provisional:
        interaction.play = interaction.collect = None
    if event.recording is not None:
        state.recordings[event.recording] = Recording(event.recording, event.interaction)
    agent = state.agents[event.agent]
    agent.engage(event.interaction, offer.channel, is_offer=False)
    agent.refusals, agent.refusal_reason = 0, ""
    if offer.channel is Channel.VOICE:
        agent.state = AGENT.next(agent.state, AgentStep.CONNECTED)
        agent.offer = None
        agent.deadline = None
    index.note_interaction(interaction)
    index.note_agent(agent)


def _bridged(
    state: TenantState, index: Index, event: calls.InteractionBridged, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.is_provisional = False
    interaction.play = interaction.collect = interaction.deadline = None
    index.note_interaction(interaction)


def _returned(
    state: TenantState, index: Index, event: calls.InteractionReturned, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.BROKEN)
    _give_back(interaction)
    if interaction.recording in state.recordings:
        recording = state.recordings[interaction.recording]
        recording.state = RECORDING.next(recording.state, RecordingStep.STOPPED)
        recording.deadline = after(at, LOST_RECORDING_WITHIN)
        index.leases.put(recording.id, (recording.deadline,))
    interaction.agent = interaction.bridge = interaction.recording = None
    interaction.connected_at = None
    interaction.is_provisional = False
    interaction.deadline = interaction.position.deadline if interaction.position else None
    index.note_interaction(interaction)
    agent = state.agents[event.agent]
    _refuse(index, agent, interaction, event.reason, event.until)


def _refuse(
    index: Index, agent: Agent, interaction: Interaction, reason: str, until: Instant | None
) -> None:
    """Let an agent rest who has not taken, or not kept, an interaction."""
    if interaction.channel is Channel.VOICE:
        agent.state = AGENT.next(agent.state, AgentStep.MISSED)
        note_refusal(agent, reason, until)
        free_agent(index, agent, until)
        return
    agent.disengage(interaction.id)
    if agent.state is AgentState.READY:
        agent.state = AGENT.next(agent.state, AgentStep.UNREADIED)
        note_refusal(agent, reason, until)
        agent.deadline = until
    index.note_agent(agent)


def _lost(state: TenantState, index: Index, event: _Lost, at: Instant) -> None:
    _close(state, index, event.offer, _LOST_STEPS[type(event)])
    interaction = state.interactions[event.interaction]
    _drop(interaction, event.offer)
    _give_back(interaction)
    index.note_interaction(interaction)
    _refuse(index, state.agents[event.agent], interaction, event.reason, event.until)


def note_refusal(agent: Agent, reason: str, until: Instant | None) -> None:
    """Remember why an agent rests, and how often in a row."""
    agent.reason = reason
    agent.refusals = agent.refusals + 1 if agent.refusal_reason == reason else 1
    agent.refusal_reason = reason
    if until is None:
        agent.refusals = 0


def _recalled(state: TenantState, index: Index, event: calls.OfferRecalled, at: Instant) -> None:
    offer = state.offers[event.offer]
    offer.state = OFFER.next(offer.state, OfferStep.RECALLED)
    offer.recall_reason = event.reason
    offer.deadline = event.deadline
    interaction = state.interactions[event.interaction]
    _drop(interaction, event.offer)
    _give_back(interaction)
    index.note_interaction(interaction)
    agent = state.agents[event.agent]
    if offer.channel is Channel.VOICE:
        agent.interaction = None
        agent.deadline = event.deadline
    else:
        index.leases.put(event.offer, (event.deadline,))
    index.note_agent(agent)


def _withdrawn(state: TenantState, index: Index, event: calls.OfferWithdrawn, at: Instant) -> None:
    offer = _close(state, index, event.offer, OfferStep.WITHDRAWN)
    agent = state.agents[event.agent]
    if offer.channel is Channel.VOICE:
        agent.state = AGENT.next(agent.state, AgentStep.RELEASED)
        free_agent(index, agent)
    else:
        agent.disengage(event.interaction)
        index.note_agent(agent)


OFFER_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    calls.OfferMade: _made,
    calls.OfferRang: _rang,
    calls.OfferAnswered: _answered,
    calls.OfferAccepted: _accepted,
    calls.InteractionBridged: _bridged,
    calls.InteractionReturned: _returned,
    calls.OfferMissed: _lost,
    calls.OfferDeclined: _lost,
    calls.OfferFailed: _lost,
    calls.OfferRecalled: _recalled,
    calls.OfferWithdrawn: _withdrawn,
}
"""Every event of an offer."""
