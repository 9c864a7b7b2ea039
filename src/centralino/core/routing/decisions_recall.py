# SPDX-License-Identifier: Apache-2.0
"""Taking an offer or a consult back: the answer of who was asked would not count any more.

He stays reserved until his phone is quiet, so that he is never rung twice at once, and has
missed nothing: no pause, his idle time kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import AgentRemoved, AgentUnreadied
from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_events import ConsultRecalled
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.effects import CancelRing, HangUpLeg
from centralino.core.interactions.events import OfferRecalled, OfferWithdrawn
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.instant import seconds

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.kernel.ids import OfferId
    from centralino.core.kernel.outcome import Outcome
    from centralino.core.routing.turn import Turn

RECALL_WITHIN = seconds(5)
"""Longest time until a phone that we stopped ringing is quiet."""
ELSEWHERE = "answered-elsewhere"


def recall_all(turn: Turn, interaction: Interaction, reason: str = "caller-gone") -> None:
    """Stop asking everybody who is asked for a customer."""
    for name in interaction.offers:
        recall(turn, name, reason)


def recall(turn: Turn, name: OfferId, reason: str, *, is_answered: bool = False) -> None:
    """Stop asking one agent; ``is_answered`` when his phone has just been answered."""
    offer = turn.state.offers[name]
    is_answered |= offer.state is OfferState.ANSWERED
    turn.emit(
        OfferRecalled(
            interaction=offer.interaction,
            offer=name,
            agent=offer.agent,
            deadline=turn.within(RECALL_WITHIN),
            reason=reason,
        )
    )
    if offer.channel is not Channel.VOICE or offer.is_reserved:
        withdraw(turn, offer)
    elif is_answered:
        turn.order(HangUpLeg(leg=offer.leg, cause=hang_up_cause(offer)))
    else:
        turn.order(CancelRing(leg=offer.leg, cause=hang_up_cause(offer)))


def hang_up_cause(offer: Offer) -> str:
    """Return what a phone is told whose offer was recalled."""
    return ELSEWHERE if offer.recall_reason == ELSEWHERE else "caller-gone"


def withdraw(turn: Turn, made: Offer) -> None:
    """A recalled offer is over: the agent is free again, or what he asked for meanwhile."""
    agent = turn.state.agents[made.agent]
    intended = agent.intended_reason
    turn.emit(
        OfferWithdrawn(
            interaction=made.interaction,
            offer=made.id,
            agent=made.agent,
            reason=made.recall_reason,
        )
    )
    if made.channel is not Channel.VOICE:
        return
    if made.agent not in turn.index.agent_configurations:
        leave(turn, agent)
    elif intended is not None:
        turn.emit(AgentUnreadied(agent=made.agent, reason=intended))


def recall_consult(
    turn: Turn, interaction: Interaction, result: ConsultState, outcome: Outcome
) -> None:
    """Stop asking a colleague about a customer, if one is asked."""
    if interaction.consult is None:
        return
    consult = turn.state.consults[interaction.consult]
    was_talking = consult.state is ConsultState.TALKING
    turn.emit(
        ConsultRecalled(
            interaction=interaction.id,
            consult=consult.id,
            agent=consult.agent,
            colleague=consult.colleague,
            result=result,
            outcome=outcome,
            deadline=turn.within(RECALL_WITHIN),
        )
    )
    if was_talking:
        turn.order(HangUpLeg(leg=consult.leg))
    else:
        turn.order(CancelRing(leg=consult.leg, cause="caller-gone"))


def leave(turn: Turn, agent: Agent) -> None:
    """An agent whom the configuration has no longer goes, after what he still has to do."""
    if all(one.channel is Channel.VOICE for one in agent.engaged):
        turn.emit(AgentRemoved(agent=agent.id))
    elif agent.state is not AgentState.NOT_READY or agent.deadline is not None:
        turn.emit(AgentUnreadied(agent=agent.id, reason=NotReadyReason.SIGNED_OUT))
