# SPDX-License-Identifier: Apache-2.0
"""Every lease that is over: what was expected did not come, and something follows.

One place looks at all deadlines, agents' first, so that the order is the same in every
replay. Whatever is due here becomes ordinary events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.events import AgentRemoved
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.events import RecordingLost
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.kernel.ids import CallbackId, ConsultId, OfferId, RecordingId
from centralino.core.routing import (
    decisions_agent,
    decisions_callback,
    decisions_consult,
    decisions_customer,
    decisions_flow,
    decisions_limit,
    decisions_offer,
    decisions_refer,
    decisions_refuse,
    decisions_score,
    decisions_work,
)
from centralino.core.routing.state import SCORES

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction
    from centralino.core.routing.turn import Turn


_FREE = frozenset({AgentState.READY, AgentState.NOT_READY})


def expire_all(turn: Turn) -> None:
    """Do what is due."""
    while (entry := turn.index.agent_deadlines.first()) is not None:
        if entry[0] > turn.now:
            break
        _expire_agent(turn, turn.state.agents[entry[1]])
    while (waiting := turn.index.interaction_deadlines.first()) is not None:
        if waiting[0] > turn.now:
            break
        _expire(turn, turn.state.interactions[waiting[1]])
    while (lease := turn.index.leases.first()) is not None:
        if lease[0] > turn.now:
            break
        _expire_lease(turn, lease[1])
    while (limit := turn.index.wait_limits.first()) is not None:
        if limit[0] > turn.now:
            break
        decisions_limit.expire_wait(turn, turn.state.interactions[limit[1]])


def settle(turn: Turn) -> None:
    """Do what follows from what has just happened, before anybody is matched."""
    if turn.index.leavers:
        decisions_flow.leave_unattended(turn)
    if turn.index.leaving:
        _let_leave(turn)
    if turn.index.waiting_callbacks and turn.events:
        decisions_callback.dial_near(turn)


def _let_leave(turn: Turn) -> None:
    """Remove agents whom the configuration has no longer and who have finished."""
    for name in sorted(turn.index.leaving):
        agent = turn.state.agents[name]
        if not agent.engaged and agent.state in _FREE:
            turn.emit(AgentRemoved(agent=name))


def _expire_agent(turn: Turn, agent: Agent) -> None:
    made = turn.state.offers.get(agent.offer) if agent.offer is not None else None
    if made is not None and made.is_reserved and made.state is OfferState.MADE:
        callback = turn.state.interactions[made.interaction].callback
        assert callback is not None  # noqa: S101 - only they reserve
        decisions_callback.expire(turn, turn.state.callbacks[callback])
    else:
        decisions_agent.expire(turn, agent)


def _expire_lease(turn: Turn, name: str) -> None:
    offer = turn.state.offers.get(OfferId(name))
    callback = turn.state.callbacks.get(CallbackId(name))
    consult = turn.state.consults.get(ConsultId(name))
    if offer is not None:
        decisions_offer.expire(turn, offer)
    elif callback is not None:
        decisions_callback.expire(turn, callback)
    elif consult is not None:
        decisions_consult.expire(turn, consult)
    elif name.startswith(SCORES):
        decisions_score.expire(turn, name.removeprefix(SCORES))
    else:
        recording = turn.state.recordings[RecordingId(name)]
        turn.emit(RecordingLost(interaction=recording.interaction, recording=recording.id))


def _expire(turn: Turn, interaction: Interaction) -> None:
    if interaction.state is InteractionState.CONNECTED:
        _expire_conversation(turn, interaction)
    elif interaction.state is InteractionState.DISMISSED:
        decisions_refuse.let_go(turn, interaction)
    elif interaction.state is InteractionState.WRAP_UP:
        decisions_work.end_wrapped(turn, interaction)
    elif interaction.position is None:
        decisions_customer.expire(turn, interaction)
    else:
        decisions_flow.expire(turn, interaction)


def _expire_conversation(turn: Turn, interaction: Interaction) -> None:
    if interaction.is_provisional:
        decisions_offer.confirm(turn, interaction)
    elif interaction.refers_to:
        decisions_refer.expire(turn, interaction)
    else:
        decisions_work.lapse(turn, interaction)
