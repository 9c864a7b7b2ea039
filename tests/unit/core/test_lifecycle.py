# SPDX-License-Identifier: Apache-2.0
"""The lifecycles: terminal states, what may not happen, and one offer at a time."""

from __future__ import annotations

import pytest

from centralino.core.agents.lifecycle import AGENT, AgentState, AgentStep
from centralino.core.interactions.lifecycle import (
    INTERACTION,
    InteractionState,
    InteractionStep,
)
from centralino.core.interactions.offer_lifecycle import OFFER, OfferState, OfferStep
from centralino.core.kernel.errors import IllegalTransition

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (InteractionState.ENDED, InteractionStep.QUEUED),
        (InteractionState.QUEUED, InteractionStep.CONNECTED),
        (InteractionState.CONNECTED, InteractionStep.RETURNED),
        (InteractionState.CONNECTED, InteractionStep.ENDED),
    ],
)
def test_an_interaction_cannot(state: InteractionState, step: InteractionStep) -> None:
    with pytest.raises(IllegalTransition):
        INTERACTION.next(state, step)


@pytest.mark.parametrize("state", [s for s in InteractionState if s is not InteractionState.ENDED])
def test_every_state_of_an_interaction_leads_to_its_end(state: InteractionState) -> None:
    reached = {state}
    for _ in InteractionState:
        reached |= {
            target for (source, _), target in INTERACTION.table.items() if source in reached
        }
    assert InteractionState.ENDED in reached


def test_an_agent_is_reserved_only_when_free() -> None:
    allowed = {state for state in AgentState if AGENT.allows(state, AgentStep.RESERVED)}
    assert allowed == {AgentState.READY}


def test_a_recalled_offer_can_only_be_withdrawn() -> None:
    allowed = {step for step in OfferStep if OFFER.allows(OfferState.RECALLED, step)}
    assert allowed == {OfferStep.WITHDRAWN}
