# SPDX-License-Identifier: Apache-2.0
"""Decisions about a tenant as a whole: a new configuration, a re-attached driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.agents.events import AgentAdded, AgentReadied, AgentRemoved
from centralino.core.agents.lifecycle import AgentState
from centralino.core.flows.document import Catalogue, publish, retire
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.commands import EndInteraction, EndLeg, LegView, ReconcileLegs
from centralino.core.interactions.effects import AnswerCall, CancelRing, HangUpLeg
from centralino.core.interactions.events import InteractionEnded
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.errors import Conflict, NotFound
from centralino.core.kernel.outcome import CANCELLED, Outcome, OutcomeReason, Result
from centralino.core.routing import (
    decisions_callback,
    decisions_consult,
    decisions_flow,
    decisions_offer,
    decisions_party,
    decisions_refuse,
    decisions_voicemail,
)
from centralino.core.routing.decisions_agent import end_agent_leg, release
from centralino.core.routing.decisions_customer import (
    customer_of,
    drop_ways,
    lose_customer,
    order_greeting,
    order_menu,
    order_music,
)
from centralino.core.routing.decisions_recall import hang_up_cause
from centralino.core.routing.events import TenantConfigured

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.kernel.ids import LegId
    from centralino.core.routing.commands import ConfigureTenant
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.turn import Turn

LOST = Outcome(Result.INDETERMINATE, OutcomeReason.PEER_LOST)
"""The driver has the leg no longer and did not say why."""

_HEARS_US = frozenset(
    {
        InteractionState.ARRIVED,
        InteractionState.GREETED,
        InteractionState.CHOOSING,
        InteractionState.QUEUED,
        InteractionState.OFFERED,
        InteractionState.DISMISSED,
    }
)
_FREE = frozenset({AgentState.READY, AgentState.NOT_READY})
_IN_MENU = frozenset(
    {InteractionState.ARRIVED, InteractionState.GREETED, InteractionState.CHOOSING}
)
"""States in which a customer without a flow needs the menu of the number he called."""


def configure(turn: Turn, command: ConfigureTenant) -> None:
    """Take a configuration into force; agents keep their states, interactions go on.

    Raises:
        InvalidInput: it contradicts itself.
        Conflict: customers are in a queue or a flow that it has no longer.
    """
    command.configuration.require_valid()
    configuration = merge_catalogue(turn, command.configuration)
    if turn.state.configuration == configuration:
        return
    queues = {queue.id for queue in configuration.queues}
    numbers = {number.number for number in configuration.numbers}
    for interaction in turn.state.interactions.values():
        if interaction.queue is not None and interaction.queue not in queues:
            raise Conflict(f"customers wait in {interaction.queue}, which would be gone")
        if interaction.state in _IN_MENU and interaction.called_number not in numbers:
            raise Conflict("customers are in the flow of a number that would be gone")
    version = turn.state.configuration_version + 1
    turn.emit(TenantConfigured(version=version, configuration=configuration))
    for agent in configuration.agents:
        if agent.id not in turn.state.agents:
            turn.emit(AgentAdded(agent=agent.id))
            if agent.is_ready_at_start:
                turn.emit(AgentReadied(agent=agent.id))
    kept = {agent.id for agent in configuration.agents}
    for known in list(turn.state.agents.values()):
        if known.id not in kept and known.state in _FREE and not known.engaged:
            turn.emit(AgentRemoved(agent=known.id))


def merge_catalogue(turn: Turn, wanted: TenantConfiguration) -> TenantConfiguration:
    """Return a configuration whose flows have versions of this tenant's own count.

    What has not changed keeps its version; old versions stay while calls are in them.
    """
    published = Catalogue()
    if turn.state.configuration is not None:
        published = turn.state.configuration.catalogue
    names = {one.flow.flow for one in wanted.catalogue.flows}
    merged = published
    for name in sorted(names):
        newest = wanted.catalogue.newest(name)
        assert newest is not None  # noqa: S101 - the name is one of them
        merged = publish(merged, newest.flow)
    in_use = frozenset(
        used
        for interaction in turn.state.interactions.values()
        if interaction.position is not None
        for used in interaction.position.versions.items()
    )
    kept = tuple(
        one
        for one in retire(merged, in_use).flows
        if one.flow.flow in names or (one.flow.flow, one.version) in in_use
    )
    catalogue = msgspec.structs.replace(wanted.catalogue, flows=kept)
    return msgspec.structs.replace(wanted, catalogue=catalogue)


def end_leg(turn: Turn, command: EndLeg) -> None:
    """A leg is over; one that we do not know any more changes nothing."""
    interaction = customer_of(turn, command.leg)
    if interaction is None:
        agent = turn.index.agent_legs.get(command.leg)
        if command.leg in turn.index.consult_legs:
            decisions_consult.end_leg(turn, command.leg, command.outcome)
        elif agent is not None:
            if not decisions_consult.leave_customer(turn, turn.state.agents[agent]):
                end_agent_leg(turn, turn.state.agents[agent], command.outcome)
        elif command.leg in turn.index.party_legs:
            decisions_flow.end_party(turn, command.leg, command.outcome)
    elif interaction.is_dialling:
        decisions_callback.miss(turn, interaction, command.outcome)
    elif interaction.state is InteractionState.TRANSFERRED:
        decisions_party.end(turn, interaction, is_by_customer=True)
    elif interaction.state is InteractionState.CONNECTED:
        release(turn, interaction, command.outcome, is_by_customer=True)
    else:
        lose_customer(turn, interaction, command.outcome)


def end_interaction(turn: Turn, command: EndInteraction) -> None:
    """End a customer's call because somebody in charge wants it; the agent wraps up.

    Raises:
        NotFound: there is no such interaction, or it has ended.
        Conflict: the customer has gone already.
    """
    interaction = turn.state.interactions.get(command.interaction)
    if interaction is None:
        raise NotFound(f"there is no interaction {command.interaction}")
    if interaction.callback in turn.state.callbacks:
        decisions_callback.cancel(turn, turn.state.callbacks[interaction.callback])
        return
    if interaction.leg not in turn.index.customer_legs:
        raise Conflict("the customer has gone already")
    drop_ways(turn, interaction)
    if interaction.channel is Channel.VOICE:
        turn.order(HangUpLeg(leg=interaction.leg))
    if interaction.state is InteractionState.CONNECTED:
        release(turn, interaction, CANCELLED, is_by_customer=True)
    elif interaction.state is InteractionState.TRANSFERRED:
        decisions_party.end(turn, interaction, is_by_customer=True)
    else:
        turn.emit(InteractionEnded(interaction=interaction.id, outcome=CANCELLED))


def reconcile(turn: Turn, command: ReconcileLegs) -> None:
    """Bring what we think and what a driver has into line; the driver's word holds."""
    listed = {view.leg: view for view in command.legs}
    for leg in _known_legs(turn):
        if leg not in listed:
            end_leg(turn, EndLeg(leg=leg, outcome=LOST, by_far_end=False))
    for view in command.legs:
        _restore(turn, view)
    decisions_voicemail.discard_lost(turn, frozenset(listed))
    for voicemail in turn.state.voicemails.values():
        if voicemail.path:
            decisions_voicemail.order_mail(turn, voicemail)


def _restore(turn: Turn, view: LegView) -> None:
    interaction = customer_of(turn, view.leg)
    if interaction is not None:
        _restore_customer(turn, interaction, view)
    elif view.leg in turn.index.agent_legs:
        _restore_agent(turn, view)
    elif view.leg in turn.index.consult_legs:
        decisions_consult.restore(turn, view)
    elif view.leg in turn.index.party_legs:
        if view.state == "answered":
            decisions_flow.answer_party(turn, view.leg)
    else:
        turn.order(HangUpLeg(leg=view.leg, cause="error"))


def _known_legs(turn: Turn) -> list[LegId]:
    """Return our telephones' legs in an order that does not depend on how the state came to be."""
    index = turn.index
    customers = [
        leg
        for leg, name in index.customer_legs.items()
        if turn.state.interactions[name].channel is Channel.VOICE
    ]
    asked = sorted(index.consult_legs)
    return [*sorted(customers), *sorted(index.agent_legs), *asked, *sorted(index.party_legs)]


def _restore_customer(turn: Turn, interaction: Interaction, view: LegView) -> None:
    if interaction.is_dialling:
        if view.state == "answered":
            decisions_callback.reach(turn, interaction)
    elif _is_in_flow(interaction):
        decisions_flow.restore(turn, interaction, view)
    elif view.play is None and interaction.state in _HEARS_US:
        _restore_sound(turn, interaction, view)
    elif interaction.consult is not None:
        decisions_consult.restore_hold(turn, interaction, view)
    elif interaction.state is InteractionState.CONNECTED and interaction.agent is not None:
        agent = turn.state.agents[interaction.agent]
        is_whole = view.bridge == interaction.bridge and view.recording == interaction.recording
        if agent.leg is not None and not is_whole:
            decisions_offer.order_conversation(turn, interaction, agent.leg)
    elif interaction.state is InteractionState.TRANSFERRED and view.bridge != interaction.bridge:
        decisions_party.order_bridge(turn, interaction)


def _is_in_flow(interaction: Interaction) -> bool:
    """Tell whether a flow treats the customer, and nobody has just answered for him."""
    position = interaction.position
    return position is not None and not position.is_over and not interaction.is_provisional


def _restore_sound(turn: Turn, interaction: Interaction, view: LegView) -> None:
    match interaction.state:
        case InteractionState.ARRIVED:
            if view.state == "offered":
                turn.order(AnswerCall(leg=view.leg))
        case InteractionState.GREETED:
            order_greeting(turn, interaction)
        case InteractionState.CHOOSING:
            order_menu(turn, interaction)
        case InteractionState.DISMISSED:
            decisions_refuse.let_go(turn, interaction)
        case _:
            order_music(turn, interaction)


def _restore_agent(turn: Turn, view: LegView) -> None:
    agent = turn.state.agents[turn.index.agent_legs[view.leg]]
    if agent.state is AgentState.WRAP_UP:
        turn.order(HangUpLeg(leg=view.leg))
    elif agent.offer is not None:
        _restore_offer(turn, turn.state.offers[agent.offer], view)


def _restore_offer(turn: Turn, made: Offer, view: LegView) -> None:
    if made.state is OfferState.RECALLED:
        cause = hang_up_cause(made)
        if view.state == "answered":
            turn.order(HangUpLeg(leg=view.leg, cause=cause))
        else:
            turn.order(CancelRing(leg=view.leg, cause=cause))
    elif made.state is OfferState.ANSWERED:
        if view.play is None:
            decisions_offer.order_whisper(turn, made)
    elif view.state == "answered":
        decisions_offer.answer(turn, turn.state.agents[made.agent])
