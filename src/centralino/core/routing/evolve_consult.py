# SPDX-License-Identifier: Apache-2.0
"""How each event of a consult changes the state: of the customer, of who asks, of the colleague."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.agents.lifecycle import AGENT, AgentStep
from centralino.core.interactions import consult_events as consults
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_lifecycle import CONSULT, ConsultStep
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep
from centralino.core.interactions.state import Consult, PartyCall, Recording
from centralino.core.interactions.transfer_lifecycle import TransferState
from centralino.core.kernel.instant import Duration
from centralino.core.routing.evolve_offer import free_agent, note_refusal
from centralino.core.routing.evolve_release import await_recording, begin_wrap_up, note_handling

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import LegId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState


def _requested(
    state: TenantState, index: Index, event: consults.ConsultRequested, at: Instant
) -> None:
    consult = Consult(
        id=event.consult,
        interaction=event.interaction,
        agent=event.agent,
        leg=event.leg,
        deadline=event.deadline,
        requested_at=at,
        colleague=event.colleague,
        number=event.number,
    )
    state.consults[event.consult] = consult
    index.note_consult(consult)
    state.interactions[event.interaction].consult = event.consult
    if event.colleague is not None:
        colleague = state.agents[event.colleague]
        colleague.state = AGENT.next(colleague.state, AgentStep.CONSULTED)
        colleague.consult = event.consult
        colleague.engage(event.interaction, Channel.VOICE, is_offer=True)
        index.note_agent(colleague)


def _rang(state: TenantState, index: Index, event: consults.ConsultRang, at: Instant) -> None:
    consult = state.consults[event.consult]
    consult.state = CONSULT.next(consult.state, ConsultStep.RANG)


def _answered(
    state: TenantState, index: Index, event: consults.ConsultAnswered, at: Instant
) -> None:
    consult = state.consults[event.consult]
    consult.state = CONSULT.next(consult.state, ConsultStep.ANSWERED)
    consult.bridge = event.bridge
    consult.deadline = event.deadline
    index.note_consult(consult)
    if event.colleague is not None:
        colleague = state.agents[event.colleague]
        colleague.engage(event.interaction, Channel.VOICE, is_offer=False)
        index.note_agent(colleague)


def _recalled(
    state: TenantState, index: Index, event: consults.ConsultRecalled, at: Instant
) -> None:
    consult = state.consults[event.consult]
    consult.state = CONSULT.next(consult.state, ConsultStep.RECALLED)
    consult.closes_as = event.result
    consult.outcome = event.outcome
    consult.deadline = event.deadline
    index.note_consult(consult)
    state.interactions[event.interaction].consult = None


def _ended(state: TenantState, index: Index, event: consults.ConsultEnded, at: Instant) -> None:
    consult = state.consults.pop(event.consult)
    consult.state = CONSULT.next(consult.state, ConsultStep(event.result))
    index.forget_consult(consult)
    interaction = state.interactions.get(event.interaction)
    if interaction is not None and interaction.consult == event.consult:
        interaction.consult = None
    if event.colleague is None:
        return
    colleague = state.agents[event.colleague]
    colleague.consult = None
    step = AgentStep.MISSED if event.reason else AgentStep.RELEASED
    colleague.state = AGENT.next(colleague.state, step)
    if event.reason:
        note_refusal(colleague, event.reason, event.until)
    free_agent(index, colleague, event.until)


def _completed(
    state: TenantState, index: Index, event: consults.ConsultCompleted, at: Instant
) -> None:
    consult = state.consults.pop(event.consult)
    consult.state = CONSULT.next(consult.state, ConsultStep.COMPLETED)
    index.forget_consult(consult)
    interaction = state.interactions[event.interaction]
    asker = state.agents[event.agent]
    _count(state, index, interaction, asker, event.wrap_up_until)
    await_recording(state, index, interaction, at)
    begin_wrap_up(index, asker, event, at)
    asker.interaction = None
    index.note_agent(asker)
    interaction.consult = None
    interaction.bridge = event.bridge
    interaction.recording = event.recording
    if event.recording is not None:
        state.recordings[event.recording] = Recording(event.recording, event.interaction)
    if event.colleague is None:
        interaction.state = INTERACTION.next(interaction.state, InteractionStep.HANDED_ON)
        interaction.transfer = PartyCall(ask="", leg=event.leg, state=TransferState.TALKING)
        index.party_legs[event.leg] = event.interaction
    else:
        interaction.agent = event.colleague
        interaction.connected_at = at
        _connect(index, state.agents[event.colleague], interaction, event.leg)
    index.note_interaction(interaction)


def _connect(index: Index, colleague: Agent, interaction: Interaction, leg: LegId) -> None:
    """Let the colleague have the customer as if he had been offered him."""
    colleague.state = AGENT.next(colleague.state, AgentStep.CONNECTED)
    colleague.consult = None
    colleague.interaction = interaction.id
    colleague.leg = leg
    colleague.refusals, colleague.refusal_reason = 0, ""
    index.agent_legs[leg] = colleague.id
    index.matching.past.note_talked(interaction.caller_number, colleague.id)
    index.note_agent(colleague)


def _forsaken(
    state: TenantState, index: Index, event: consults.InteractionForsaken, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    asker = state.agents[event.agent]
    _count(state, index, interaction, asker, event.wrap_up_until)
    await_recording(state, index, interaction, at)
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.FORSAKEN)
    interaction.enqueued_at = event.since
    interaction.agent = interaction.bridge = interaction.recording = None
    interaction.connected_at = None
    interaction.position = None
    interaction.queue_ask = ""
    interaction.leaves_unattended = False
    index.note_interaction(interaction)
    asker.state = AGENT.next(asker.state, AgentStep.WRAPPED)
    asker.wrap_up_since = at
    asker.wrap_up_until = asker.deadline = event.wrap_up_until
    if asker.leg is not None:
        index.agent_legs.pop(asker.leg, None)
    asker.interaction = asker.leg = None
    index.note_agent(asker)


def _count(
    state: TenantState, index: Index, interaction: Interaction, agent: Agent, until: Instant
) -> None:
    """Let an agent's part of a conversation count in what is measured of his queue and him."""
    note_handling(state, interaction, until)
    if interaction.queue is not None and interaction.connected_at is not None:
        took = Duration(until - interaction.connected_at)
        index.matching.past.note_handled(interaction.queue, agent.id, took)


CONSULT_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    consults.ConsultRequested: _requested,
    consults.ConsultRang: _rang,
    consults.ConsultAnswered: _answered,
    consults.ConsultRecalled: _recalled,
    consults.ConsultCompleted: _completed,
    consults.ConsultEnded: _ended,
    consults.InteractionForsaken: _forsaken,
}
"""Every event of a consult."""
