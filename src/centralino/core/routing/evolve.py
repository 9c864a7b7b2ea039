# SPDX-License-Identifier: Apache-2.0
"""How each event changes the state: the only place that does.

Decisions and replays both come through here, so what is not in an event cannot be in
the state. Steps go through the lifecycle tables; an unlisted one raises. Events of offers
and of flows have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from centralino.core.agents import events as agents
from centralino.core.agents.lifecycle import AGENT, AgentStep, NotReadyReason
from centralino.core.agents.state import Agent
from centralino.core.interactions import events as calls
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep
from centralino.core.interactions.recording_lifecycle import RECORDING, RecordingStep
from centralino.core.interactions.state import Interaction, LeftPlace, PartyCall
from centralino.core.interactions.transfer_lifecycle import TransferState
from centralino.core.kernel.instant import Duration, after, milliseconds
from centralino.core.kernel.outcome import OutcomeReason
from centralino.core.routing.events import Event, TenantConfigured
from centralino.core.routing.evolve_callback import CALLBACK_EVOLVERS
from centralino.core.routing.evolve_consult import CONSULT_EVOLVERS
from centralino.core.routing.evolve_flow import FLOW_EVOLVERS
from centralino.core.routing.evolve_offer import OFFER_EVOLVERS, free_agent
from centralino.core.routing.evolve_queue import QUEUE_EVOLVERS
from centralino.core.routing.evolve_release import await_recording, begin_wrap_up, note_handling
from centralino.core.routing.evolve_score import SCORE_EVOLVERS
from centralino.core.routing.evolve_wait import WAIT_EVOLVERS, note_left

if TYPE_CHECKING:
    from centralino.core.kernel.ids import QueueId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

_VOICE = Channel.VOICE
_ABANDONED = OutcomeReason.ABANDONED
_AGENT_READIED = AGENT.step(AgentStep.READIED)
_AGENT_UNREADIED = AGENT.step(AgentStep.UNREADIED)
_AGENT_WRAPPED = AGENT.step(AgentStep.WRAPPED)
_INTERACTION_ENDED = INTERACTION.step(InteractionStep.ENDED)
_INTERACTION_GREETED = INTERACTION.step(InteractionStep.GREETED)
_INTERACTION_HANDED_ON = INTERACTION.step(InteractionStep.HANDED_ON)
_INTERACTION_PROMPTED = INTERACTION.step(InteractionStep.PROMPTED)
_INTERACTION_QUEUED = INTERACTION.step(InteractionStep.QUEUED)
_INTERACTION_RELEASED = INTERACTION.step(InteractionStep.RELEASED)
_RECORDING_LOST = RECORDING.step(RecordingStep.LOST)
_RECORDING_STORED = RECORDING.step(RecordingStep.STORED)
MOST_LEFT_PLACES = 10_000
"""Places of those who gave up waiting; the oldest are forgotten."""


def evolve(state: TenantState, index: Index, event: Event, at: Instant) -> None:
    """Apply one event that happened ``at``.

    Raises:
        IllegalTransition: a lifecycle has no such step.
    """
    EVOLVERS[type(event)](state, index, event, at)


def _configured(state: TenantState, index: Index, event: TenantConfigured, at: Instant) -> None:
    state.configuration = event.configuration
    state.configuration_version = event.version
    index.configure(event.configuration, state)
    for agent in state.agents.values():
        index.note_agent(agent)
    for interaction in state.interactions.values():
        index.note_interaction(interaction)


# ----------------------------------------------------------------------------- agents
def _agent_added(state: TenantState, index: Index, event: agents.AgentAdded, at: Instant) -> None:
    agent = Agent(event.agent)
    state.agents[event.agent] = agent
    index.note_agent(agent)


def _agent_removed(
    state: TenantState, index: Index, event: agents.AgentRemoved, at: Instant
) -> None:
    agent = state.agents.pop(event.agent)
    free_agent(index, agent)
    index.forget_agent(agent)
    state.memory.forget(event.agent)


def _agent_readied(
    state: TenantState, index: Index, event: agents.AgentReadied, at: Instant
) -> None:
    agent = state.agents[event.agent]
    agent.state = _AGENT_READIED[agent.state]
    agent.reason = ""
    agent.intended_reason = None
    agent.idle_since = at
    free_agent(index, agent)


def _agent_unreadied(
    state: TenantState, index: Index, event: agents.AgentUnreadied, at: Instant
) -> None:
    agent = state.agents[event.agent]
    agent.state = _AGENT_UNREADIED[agent.state]
    agent.reason = event.reason
    agent.intended_reason = None
    if event.reason == NotReadyReason.SIGNED_OUT:
        index.matching.past.note_signed_out(event.agent)
    free_agent(index, agent, event.until)


def _agent_intended(
    state: TenantState, index: Index, event: agents.AgentIntended, at: Instant
) -> None:
    state.agents[event.agent].intended_reason = event.reason


def _agent_cleared(
    state: TenantState, index: Index, event: agents.AgentCleared, at: Instant
) -> None:
    agent = state.agents[event.agent]
    index.agent_legs.pop(event.leg, None)
    agent.leg = None
    agent.deadline = agent.wrap_up_until
    index.note_agent(agent)


def _wrap_up_changed(
    state: TenantState, index: Index, event: agents.WrapUpChanged, at: Instant
) -> None:
    agent = state.agents[event.agent]
    agent.wrap_up_until = event.until
    agent.deadline = event.deadline
    index.note_agent(agent)


def _presence_noted(
    state: TenantState, index: Index, event: agents.PresenceNoted, at: Instant
) -> None:
    agent = state.agents[event.agent]
    agent.presence = event.presence
    index.note_agent(agent)


# ----------------------------------------------------------------------- interactions
def _arrived(
    state: TenantState, index: Index, event: calls.InteractionArrived, at: Instant
) -> None:
    state.arrivals += 1
    interaction = Interaction(
        id=event.interaction,
        number=state.arrivals,
        leg=event.leg,
        trunk=event.trunk,
        called_number=event.called_number,
        caller_number=event.caller_number,
        arrived_at=at,
        deadline=event.deadline,
        caller_name=event.caller_name,
        channel=event.channel,
        callback=event.callback,
    )
    state.interactions[event.interaction] = interaction
    if event.leg:
        index.customer_legs[event.leg] = event.interaction
    index.note_interaction(interaction)


def _greeted(
    state: TenantState, index: Index, event: calls.InteractionGreeted, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_GREETED[interaction.state]
    interaction.deadline = event.deadline
    interaction.expects = event.play
    index.note_interaction(interaction)


def _prompted(
    state: TenantState, index: Index, event: calls.InteractionPrompted, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_PROMPTED[interaction.state]
    interaction.deadline = event.deadline
    interaction.menu_attempt = event.attempt
    interaction.expects = event.collect
    index.note_interaction(interaction)


def _queued(state: TenantState, index: Index, event: calls.InteractionQueued, at: Instant) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_QUEUED[interaction.state]
    if interaction.position is None:
        interaction.deadline = None
    interaction.expects = ""
    interaction.queue = event.queue
    interaction.priority = event.priority
    interaction.enqueued_at = at if event.since is None else event.since
    interaction.queue_ask = event.ask
    interaction.skills = event.skills
    interaction.leaves_unattended = event.leaves_unattended
    interaction.wish = event.wish
    interaction.places.pop(event.queue, None)
    if state.left_places and interaction.caller_number:
        state.left_places.pop(place_key(event.queue, interaction.caller_number), None)
    index.note_interaction(interaction)


def _released(
    state: TenantState, index: Index, event: calls.InteractionReleased, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_RELEASED[interaction.state]
    interaction.deadline = None
    interaction.outcome = event.outcome
    interaction.is_provisional = False
    interaction.refers_to = ""
    note_handling(state, interaction, event.wrap_up_until)
    if interaction.queue is not None and interaction.connected_at is not None:
        took = Duration(event.wrap_up_until - interaction.connected_at)
        index.matching.past.note_handled(interaction.queue, event.agent, took)
    await_recording(state, index, interaction, at)
    index.customer_legs.pop(interaction.leg, None)
    agent = state.agents[event.agent]
    if interaction.channel is _VOICE:
        begin_wrap_up(index, agent, event, at)
    else:
        interaction.deadline = event.wrap_up_until
    index.note_interaction(interaction)
    index.note_agent(agent)


def _ended(state: TenantState, index: Index, event: calls.InteractionEnded, at: Instant) -> None:
    interaction = state.interactions.pop(event.interaction)
    if event.outcome.reason is _ABANDONED and interaction.queue is not None:
        _keep_place(state, index, interaction, at)
        if interaction.enqueued_at is not None:
            waited = Duration(at - interaction.enqueued_at)
            index.matching.past.note_abandoned(interaction.queue, waited)
            note_left(state, index, interaction, waited, at)
    interaction.state = _INTERACTION_ENDED[interaction.state]
    interaction.deadline = None
    index.forget_interaction(interaction)
    if interaction.channel is not _VOICE and interaction.agent is not None:
        agent = state.agents.get(interaction.agent)
        if agent is not None:
            agent.disengage(interaction.id)
            index.note_agent(agent)


def place_key(queue: QueueId, number: str) -> str:
    """Return the name of the place that a number has left in a queue."""
    return f"{queue} {number}"


def _keep_place(state: TenantState, index: Index, interaction: Interaction, at: Instant) -> None:
    """Remember the place of somebody who gave up waiting, where his queue wants that."""
    assert interaction.queue is not None  # noqa: S101 - he waited in one
    keep_ms = index.queues[interaction.queue].resume_place_for_ms
    if not keep_ms or not interaction.caller_number or interaction.enqueued_at is None:
        return
    places = state.left_places
    key = place_key(interaction.queue, interaction.caller_number)
    places.pop(key, None)
    places[key] = LeftPlace(interaction.enqueued_at, after(at, milliseconds(keep_ms)))
    for oldest, place in list(islice(places.items(), 2)):
        if place.until <= at or len(places) > MOST_LEFT_PLACES:
            del places[oldest]


def _recording_completed(
    state: TenantState, index: Index, event: calls.RecordingCompleted, at: Instant
) -> None:
    recording = state.recordings.pop(event.recording, None)
    if recording is not None:
        recording.state = _RECORDING_STORED[recording.state]
        index.leases.drop(event.recording)


def _recording_lost(
    state: TenantState, index: Index, event: calls.RecordingLost, at: Instant
) -> None:
    recording = state.recordings.pop(event.recording)
    recording.state = _RECORDING_LOST[recording.state]
    index.leases.drop(event.recording)


def _handed_on(
    state: TenantState, index: Index, event: calls.InteractionHandedOn, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.state = _INTERACTION_HANDED_ON[interaction.state]
    interaction.transfer = PartyCall(ask="", leg=event.leg, state=TransferState.TALKING)
    interaction.deadline = None
    interaction.refers_to = ""
    note_handling(state, interaction, event.wrap_up_until)
    await_recording(state, index, interaction, at)
    interaction.recording = None
    index.note_interaction(interaction)
    index.party_legs[event.leg] = event.interaction
    index.agent_legs.pop(event.leg, None)
    agent = state.agents[event.agent]
    agent.state = _AGENT_WRAPPED[agent.state]
    agent.interaction = agent.leg = None
    agent.wrap_up_since = at
    agent.wrap_up_until = agent.deadline = event.wrap_up_until
    index.note_agent(agent)


def _referred(
    state: TenantState, index: Index, event: calls.InteractionReferred, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.refers_to = event.target
    interaction.deadline = event.deadline
    index.note_interaction(interaction)


def _refer_failed(state: TenantState, index: Index, event: calls.ReferFailed, at: Instant) -> None:
    interaction = state.interactions[event.interaction]
    interaction.refers_to = ""
    interaction.deadline = None
    index.note_interaction(interaction)


def _ownership_renewed(
    state: TenantState, index: Index, event: calls.OwnershipRenewed, at: Instant
) -> None:
    interaction = state.interactions[event.interaction]
    interaction.deadline = event.deadline
    index.note_interaction(interaction)


EVOLVERS: dict[type[Event], Callable[[TenantState, Index, Any, Instant], None]] = {
    TenantConfigured: _configured,
    agents.AgentAdded: _agent_added,
    agents.AgentRemoved: _agent_removed,
    agents.AgentReadied: _agent_readied,
    agents.AgentUnreadied: _agent_unreadied,
    agents.AgentIntended: _agent_intended,
    agents.AgentCleared: _agent_cleared,
    agents.WrapUpChanged: _wrap_up_changed,
    agents.PresenceNoted: _presence_noted,
    calls.InteractionArrived: _arrived,
    calls.InteractionGreeted: _greeted,
    calls.InteractionPrompted: _prompted,
    calls.InteractionQueued: _queued,
    calls.InteractionReleased: _released,
    calls.InteractionEnded: _ended,
    calls.RecordingCompleted: _recording_completed,
    calls.RecordingLost: _recording_lost,
    calls.InteractionHandedOn: _handed_on,
    calls.InteractionReferred: _referred,
    calls.ReferFailed: _refer_failed,
    calls.OwnershipRenewed: _ownership_renewed,
    **OFFER_EVOLVERS,
    **QUEUE_EVOLVERS,
    **CALLBACK_EVOLVERS,
    **CONSULT_EVOLVERS,
    **WAIT_EVOLVERS,
    **SCORE_EVOLVERS,
    **FLOW_EVOLVERS,
}
"""Every event to what it changes."""
