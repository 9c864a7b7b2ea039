# SPDX-License-Identifier: Apache-2.0
"""How each event changes the state: the only place that does.

Decisions and replays both come through here, so what is not in an event cannot be in
the state. Steps go through the lifecycle tables; an unlisted one raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from centralino.core.agents import events as agents
from centralino.core.agents.lifecycle import AGENT, AgentStep
from centralino.core.agents.state import Agent
from centralino.core.interactions import events as calls
from centralino.core.interactions.lifecycle import INTERACTION, InteractionStep
from centralino.core.interactions.offer_lifecycle import OFFER, OfferStep
from centralino.core.interactions.state import Interaction, Offer
from centralino.core.kernel.instant import Duration
from centralino.core.routing.events import Event, TenantConfigured
from centralino.core.routing.evolve_flow import FLOW_EVOLVERS

if TYPE_CHECKING:
    from centralino.core.kernel.ids import InteractionId, OfferId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

HANDLING_WEIGHT = 8
"""A conversation counts for one part in so many in the moving average."""

_Lost = calls.OfferMissed | calls.OfferDeclined | calls.OfferFailed
_LOST_STEPS = {
    calls.OfferMissed: OfferStep.MISSED,
    calls.OfferDeclined: OfferStep.DECLINED,
    calls.OfferFailed: OfferStep.FAILED,
}


@dataclass(slots=True)
class _Fold:
    """What an event is applied to, and when it happened."""

    state: TenantState
    index: Index
    at: Instant

    def step(
        self, name: InteractionId, step: InteractionStep, deadline: Instant | None = None
    ) -> Interaction:
        interaction = self.state.interactions[name]
        interaction.state = INTERACTION.next(interaction.state, step)
        interaction.deadline = deadline
        return interaction

    def step_on(self, name: InteractionId, step: InteractionStep) -> Interaction:
        """Move to the next state and keep the deadline, which is the flow's."""
        return self.step(name, step, self.state.interactions[name].deadline)

    def close_offer(self, name: OfferId, step: OfferStep) -> Offer:
        offer = self.state.offers.pop(name)
        offer.state = OFFER.next(offer.state, step)
        return offer

    def free_agent(self, agent: Agent, deadline: Instant | None = None) -> None:
        if agent.leg is not None:
            self.index.agent_legs.pop(agent.leg, None)
        agent.leg = agent.offer = agent.interaction = agent.wrap_up_until = None
        agent.deadline = deadline
        self.index.note_agent(agent)


def evolve(state: TenantState, index: Index, event: Event, at: Instant) -> None:
    """Apply one event that happened ``at``.

    Raises:
        IllegalTransition: a lifecycle has no such step.
    """
    kind = type(event)
    evolver = _EVOLVERS.get(kind)
    if evolver is None:
        FLOW_EVOLVERS[kind](state, index, event)  # type: ignore[index]  # the other half of all
    else:
        evolver(_Fold(state, index, at), event)


def _configured(fold: _Fold, event: TenantConfigured) -> None:
    fold.state.configuration = event.configuration
    fold.state.configuration_version = event.version
    fold.index.configure(event.configuration)
    for agent in fold.state.agents.values():
        fold.index.note_agent(agent)
    for interaction in fold.state.interactions.values():
        fold.index.note_interaction(interaction)


def _agent_added(fold: _Fold, event: agents.AgentAdded) -> None:
    agent = Agent(event.agent)
    fold.state.agents[event.agent] = agent
    fold.index.note_agent(agent)


def _agent_removed(fold: _Fold, event: agents.AgentRemoved) -> None:
    agent = fold.state.agents.pop(event.agent)
    fold.free_agent(agent)
    fold.index.forget_agent(agent)


def _agent_readied(fold: _Fold, event: agents.AgentReadied) -> None:
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.READIED)
    agent.reason = ""
    agent.intended_reason = None
    agent.idle_since = fold.at
    fold.free_agent(agent)


def _agent_unreadied(fold: _Fold, event: agents.AgentUnreadied) -> None:
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.UNREADIED)
    agent.reason = event.reason
    agent.intended_reason = None
    fold.free_agent(agent, event.until)


def _agent_intended(fold: _Fold, event: agents.AgentIntended) -> None:
    fold.state.agents[event.agent].intended_reason = event.reason


def _agent_cleared(fold: _Fold, event: agents.AgentCleared) -> None:
    agent = fold.state.agents[event.agent]
    fold.index.agent_legs.pop(event.leg, None)
    agent.leg = None
    agent.deadline = agent.wrap_up_until
    fold.index.note_agent(agent)


def _arrived(fold: _Fold, event: calls.InteractionArrived) -> None:
    fold.state.arrivals += 1
    interaction = Interaction(
        id=event.interaction,
        number=fold.state.arrivals,
        leg=event.leg,
        trunk=event.trunk,
        called_number=event.called_number,
        caller_number=event.caller_number,
        arrived_at=fold.at,
        deadline=event.deadline,
        caller_name=event.caller_name,
    )
    fold.state.interactions[event.interaction] = interaction
    fold.index.customer_legs[event.leg] = event.interaction
    fold.index.note_interaction(interaction)


def _greeted(fold: _Fold, event: calls.InteractionGreeted) -> None:
    interaction = fold.step(event.interaction, InteractionStep.GREETED, event.deadline)
    interaction.expects = event.play
    fold.index.note_interaction(interaction)


def _prompted(fold: _Fold, event: calls.InteractionPrompted) -> None:
    interaction = fold.step(event.interaction, InteractionStep.PROMPTED, event.deadline)
    interaction.menu_attempt = event.attempt
    interaction.expects = event.collect
    fold.index.note_interaction(interaction)


def _queued(fold: _Fold, event: calls.InteractionQueued) -> None:
    interaction = fold.state.interactions[event.interaction]
    interaction.state = INTERACTION.next(interaction.state, InteractionStep.QUEUED)
    if interaction.position is None:
        interaction.deadline = None
    interaction.expects = ""
    interaction.queue = event.queue
    interaction.priority = event.priority
    interaction.enqueued_at = fold.at if event.since is None else event.since
    interaction.queue_ask = event.ask
    interaction.skills = event.skills
    interaction.leaves_unattended = event.leaves_unattended
    interaction.places.pop(event.queue, None)
    fold.index.note_interaction(interaction)


def _offer_made(fold: _Fold, event: calls.OfferMade) -> None:
    interaction = fold.step_on(event.interaction, InteractionStep.OFFERED)
    interaction.offer = event.offer
    fold.state.offers[event.offer] = Offer(
        event.offer, event.interaction, event.agent, event.leg, made_at=fold.at
    )
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.RESERVED)
    agent.offer = event.offer
    agent.interaction = event.interaction
    agent.leg = event.leg
    agent.deadline = event.deadline
    fold.index.agent_legs[event.leg] = event.agent
    fold.index.note_interaction(interaction)
    fold.index.note_agent(agent)


def _offer_rang(fold: _Fold, event: calls.OfferRang) -> None:
    offer = fold.state.offers[event.offer]
    offer.state = OFFER.next(offer.state, OfferStep.RANG)


def _offer_accepted(fold: _Fold, event: calls.OfferAccepted) -> None:
    fold.close_offer(event.offer, OfferStep.ACCEPTED)
    interaction = fold.step(event.interaction, InteractionStep.CONNECTED)
    interaction.offer = None
    interaction.agent = event.agent
    interaction.connected_at = fold.at
    interaction.play = interaction.collect = None
    interaction.bridge = event.bridge
    interaction.recording = event.recording
    if event.recording is not None:
        fold.state.recordings[event.recording] = event.interaction
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.CONNECTED)
    agent.offer = None
    agent.deadline = None
    fold.index.note_interaction(interaction)
    fold.index.note_agent(agent)


def _offer_lost(fold: _Fold, event: _Lost) -> None:
    fold.close_offer(event.offer, _LOST_STEPS[type(event)])
    interaction = fold.step_on(event.interaction, InteractionStep.RETURNED)
    interaction.offer = None
    fold.index.note_interaction(interaction)
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.MISSED)
    agent.reason = event.reason
    fold.free_agent(agent, event.until)


def _offer_recalled(fold: _Fold, event: calls.OfferRecalled) -> None:
    offer = fold.state.offers[event.offer]
    offer.state = OFFER.next(offer.state, OfferStep.RECALLED)
    agent = fold.state.agents[event.agent]
    agent.interaction = None
    agent.deadline = event.deadline
    fold.index.note_agent(agent)


def _offer_withdrawn(fold: _Fold, event: calls.OfferWithdrawn) -> None:
    fold.close_offer(event.offer, OfferStep.WITHDRAWN)
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.RELEASED)
    fold.free_agent(agent)


def _released(fold: _Fold, event: calls.InteractionReleased) -> None:
    interaction = fold.step(event.interaction, InteractionStep.RELEASED)
    interaction.outcome = event.outcome
    note_handling(fold.state, interaction, event.wrap_up_until)
    fold.index.customer_legs.pop(interaction.leg, None)
    fold.index.note_interaction(interaction)
    agent = fold.state.agents[event.agent]
    agent.state = AGENT.next(agent.state, AgentStep.WRAPPED)
    agent.wrap_up_until = event.wrap_up_until
    agent.deadline = event.wrap_up_until
    if event.has_agent_leg:
        agent.deadline = max(event.wrap_up_until, event.clear_by)
    elif agent.leg is not None:
        fold.index.agent_legs.pop(agent.leg, None)
        agent.leg = None
    fold.index.note_agent(agent)


def _ended(fold: _Fold, event: calls.InteractionEnded) -> None:
    interaction = fold.step(event.interaction, InteractionStep.ENDED)
    del fold.state.interactions[event.interaction]
    fold.index.forget_interaction(interaction)


def _recording_completed(fold: _Fold, event: calls.RecordingCompleted) -> None:
    fold.state.recordings.pop(event.recording, None)


def note_handling(state: TenantState, interaction: Interaction, until: Instant) -> None:
    """Let a conversation count in how long one of its queue takes."""
    if interaction.queue is None or interaction.connected_at is None:
        return
    took = until - interaction.connected_at
    known = state.handling.get(interaction.queue, took)
    state.handling[interaction.queue] = Duration(known + (took - known) // HANDLING_WEIGHT)


_EVOLVERS: dict[type[Event], Callable[[_Fold, Any], None]] = {
    TenantConfigured: _configured,
    agents.AgentAdded: _agent_added,
    agents.AgentRemoved: _agent_removed,
    agents.AgentReadied: _agent_readied,
    agents.AgentUnreadied: _agent_unreadied,
    agents.AgentIntended: _agent_intended,
    agents.AgentCleared: _agent_cleared,
    calls.InteractionArrived: _arrived,
    calls.InteractionGreeted: _greeted,
    calls.InteractionPrompted: _prompted,
    calls.InteractionQueued: _queued,
    calls.OfferMade: _offer_made,
    calls.OfferRang: _offer_rang,
    calls.OfferAccepted: _offer_accepted,
    calls.OfferMissed: _offer_lost,
    calls.OfferDeclined: _offer_lost,
    calls.OfferFailed: _offer_lost,
    calls.OfferRecalled: _offer_recalled,
    calls.OfferWithdrawn: _offer_withdrawn,
    calls.InteractionReleased: _released,
    calls.InteractionEnded: _ended,
    calls.RecordingCompleted: _recording_completed,
}
