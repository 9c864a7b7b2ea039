# SPDX-License-Identifier: Apache-2.0
"""Every lease that is over: what was expected did not come, and something follows.

One place looks at all deadlines, agents' first, so that the order is the same in every
replay. Whatever is due here becomes ordinary events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.ids import OfferId
from centralino.core.routing import (
    decisions_agent,
    decisions_customer,
    decisions_flow,
    decisions_offer,
)

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.routing.turn import Turn


def expire_all(turn: Turn) -> None:
    """Do what is due."""
    while (entry := turn.index.agent_deadlines.first_entry()) is not None:
        if entry[0][0] > turn.now:
            break
        decisions_agent.expire(turn, turn.state.agents[entry[1]])
    while (waiting := turn.index.interaction_deadlines.first_entry()) is not None:
        if waiting[0][0] > turn.now:
            break
        _expire(turn, turn.state.interactions[waiting[1]])
    while (lease := turn.index.leases.first_entry()) is not None:
        if lease[0][0] > turn.now:
            break
        decisions_offer.expire(turn, turn.state.offers[OfferId(lease[1])])


def _expire(turn: Turn, interaction: Interaction) -> None:
    if interaction.state is InteractionState.CONNECTED:
        decisions_offer.confirm(turn, interaction)
    elif interaction.state is InteractionState.WRAP_UP:
        decisions_agent.end_wrapped(turn, interaction.id)
    elif interaction.position is None:
        decisions_customer.expire(turn, interaction)
    else:
        decisions_flow.expire(turn, interaction)
