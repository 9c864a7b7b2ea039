# SPDX-License-Identifier: Apache-2.0
"""How each event of an offer changes the state: of the interaction, and of the agent asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from centralino.core.agents.lifecycle import AGENT, AgentState, AgentStep
from centralino.core.interactions import events as calls
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import INTERACTION, InteractionState, InteractionStep
from centralino.core.interactions.offer_lifecycle import OFFER, OfferState, OfferStep
from centralino.core.interactions.recording_lifecycle import RECORDING, RecordingStep
from centralino.core.interactions.state import Interaction, Offer, Recording
from centralino.core.kernel.instant import Duration, after, seconds
from centralino.core.routing.evolve_wait import note_left

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import OfferId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

_VOICE = Channel.VOICE
_AGENT_CONNECTED = AGENT.step(AgentStep.CONNECTED)
_AGENT_MISSED = AGENT.step(AgentStep.MISSED)
_AGENT_RELEASED = AGENT.step(AgentStep.RELEASED)
_AGENT_RESERVED = AGENT.step(AgentStep.RESERVED)
_AGENT_UNREADIED = AGENT.step(AgentStep.UNREADIED)
_INTERACTION_BROKEN = INTERACTION.step(InteractionStep.BROKEN)
_INTERACTION_CONNECTED = INTERACTION.step(InteractionStep.CONNECTED)
_INTERACTION_OFFERED = INTERACTION.step(InteractionStep.OFFERED)
_INTERACTION_RETURNED = INTERACTION.step(InteractionStep.RETURNED)
_OFFER_ACCEPTED = OFFER.step(OfferStep.ACCEPTED)
_OFFER_ANSWERED = OFFER.step(OfferStep.ANSWERED)
_OFFER_RANG = OFFER.step(OfferStep.RANG)
_OFFER_RECALLED = OFFER.step(OfferStep.RECALLED)
_OFFER_WITHDRAWN = OFFER.step(OfferStep.WITHDRAWN)
_RECORDING_STOPPED = RECORDING.step(RecordingStep.STOPPED)
LOST_RECORDING_WITHIN = seconds(3600)
"""As long as the file of a recording is awaited whose agent was gone at once."""
_Lost = calls.OfferMissed | calls.OfferDeclined | calls.OfferFailed
_LOST_STEPS = {
    calls.OfferMissed: OFFER.step(OfferStep.MISSED),
    calls.OfferDeclined: OFFER.step(OfferStep.DECLINED),
    calls.OfferFailed: OFFER.step(OfferStep.FAILED),
}


def free_agent(index: Index, agent: Agent, deadline: Instant | None = None) -> None:
    """Let an agent's call go; what he has on other channels he keeps."""
    if agent.leg is not None:
        index.agent_legs.pop(agent.leg, None)
    agent.leg = agent.offer = agent.interaction = agent.wrap_up_until = None
    if agent.engaged:
        agent.engaged = tuple([one for one in agent.engaged if one.channel is not _VOICE])
    agent.deadline = deadline
    index.note_agent(agent)


def _close(
    state: TenantState, index: Index, name: OfferId, step: Mapping[OfferState, OfferState]
) -> Offer:
    offer = state.offers.pop(name)
    offer.state = step[offer.state]
    if offer.channel is not _VOICE:
        index.leases.drop(offer.id)
    return offer


def _drop(interaction: Interaction, name: OfferId) -> None:
    interaction.offers = tuple([one for one in interaction.offers if one != name])


def _give_back(interaction: Interaction) -> None:
    """Let a customer wait again when nobody is asked for him any more."""
    if not interaction.offers and interaction.state is InteractionState.OFFERED:
        interaction.state = _INTERACTION_RETURNED[interaction.state]


def _made(state: TenantState, index: Index, event: calls.OfferMade, at: Instant) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_OFFERED[interaction.state]
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
    if event.channel is _VOICE:
        agent.state = _AGENT_RESERVED[agent.state]
        agent.offer = event.offer
        agent.interaction = event.interaction
        agent.leg = event.leg
        agent.deadline = event.deadline
        if not event.is_reserved:
            index.agent_legs[event.leg] = event.agent
    else:
        index.leases.put(event.offer, event.deadline)
    if interaction.queue is not None:
        index.matching.past.note_offered(interaction.queue, event.agent)
    index.note_interaction(interaction)
    index.note_agent(agent)


def _rang(state: TenantState, index: Index, event: calls.OfferRang, at: Instant) -> None:
    offer = state.offers[event.offer]
    offer.state = _OFFER_RANG[offer.state]


def _answered(state: TenantState, index: Index, event: calls.OfferAnswered, at: Instant) -> None:
    offer = state.offers[event.offer]
    offer.state = _OFFER_ANSWERED[offer.state]
    offer.expects = event.play
    offer.deadline = event.deadline
    agent = state.agents[event.agent]
    agent.deadline = event.deadline
    index.note_agent(agent)


def _accepted(state: TenantState, index: Index, event: calls.OfferAccepted, at: Instant) -> None:
    offer = _close(state, index, event.offer, _OFFER_ACCEPTED)
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_CONNECTED[interaction.state]
    _drop(interaction, event.offer)
    interaction.agent = event.agent
    interaction.connected_at = at
    if interaction.queue is not None and interaction.enqueued_at is not None:
        waited = Duration(at - interaction.enqueued_at)
        index.matching.past.note_accepted(interaction.queue, event.agent, waited)
        note_left(state, index, interaction, waited, at)
        index.matching.past.note_talked(interaction.caller_number, event.agent)
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
    if offer.channel is _VOICE:
        agent.state = _AGENT_CONNECTED[agent.state]
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
    interaction.state = _INTERACTION_BROKEN[interaction.state]
    _give_back(interaction)
    if interaction.recording in state.recordings:
        recording = state.recordings[interaction.recording]
        recording.state = _RECORDING_STOPPED[recording.state]
        recording.deadline = after(at, LOST_RECORDING_WITHIN)
        index.leases.put(recording.id, recording.deadline)
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
    if interaction.channel is _VOICE:
        agent.state = _AGENT_MISSED[agent.state]
        note_refusal(agent, reason, until)
        free_agent(index, agent, until)
        return
    agent.disengage(interaction.id)
    if agent.state is AgentState.READY:
        agent.state = _AGENT_UNREADIED[agent.state]
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
    offer.state = _OFFER_RECALLED[offer.state]
    offer.recall_reason = event.reason
    offer.deadline = event.deadline
    interaction = state.interactions[event.interaction]
    _drop(interaction, event.offer)
    _give_back(interaction)
    index.note_interaction(interaction)
    agent = state.agents[event.agent]
    if offer.channel is _VOICE:
        agent.interaction = None
        agent.deadline = event.deadline
    else:
        index.leases.put(event.offer, event.deadline)
    index.note_agent(agent)


def _withdrawn(state: TenantState, index: Index, event: calls.OfferWithdrawn, at: Instant) -> None:
    offer = _close(state, index, event.offer, _OFFER_WITHDRAWN)
    agent = state.agents[event.agent]
    if offer.channel is _VOICE:
        agent.state = _AGENT_RELEASED[agent.state]
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
