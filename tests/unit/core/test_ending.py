# SPDX-License-Identifier: Apache-2.0
"""Ending an interaction from outside: in each state the customer's leg is hung up, once."""

from __future__ import annotations

import pytest

from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.commands import ConfirmAnswered, EndInteraction, EndLeg
from centralino.core.interactions.effects import CancelRing, HangUpLeg, RingAgent
from centralino.core.interactions.events import InteractionEnded
from centralino.core.kernel.errors import Conflict, NotFound
from centralino.core.kernel.ids import InteractionId, LegId
from centralino.core.kernel.outcome import CANCELLED, COMPLETED
from tests.unit.core.company import Desk, company, only

pytestmark = pytest.mark.unit


def _only_interaction(desk: Desk) -> InteractionId:
    (name,) = desk.engine.state.interactions
    return name


def test_an_offered_interaction_ends_and_its_agent_is_silenced() -> None:
    desk = Desk()
    ring = only(desk.queue_call("in-1"), RingAgent)
    ended = desk.do(EndInteraction(interaction=_only_interaction(desk)))
    assert only(ended, HangUpLeg).leg == "in-1"
    assert only(ended, CancelRing).leg == ring.leg
    (event,) = [event for event in ended.events if isinstance(event, InteractionEnded)]
    assert event.outcome == CANCELLED
    assert not desk.engine.state.interactions
    late = desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=False))
    assert late.is_empty


def test_a_connected_interaction_is_hung_up_on_both_sides_and_wrapped_up() -> None:
    desk = Desk(company(wrap_up_for_ms=5000))
    ring = desk.connect_call("in-1")
    name = _only_interaction(desk)
    ended = desk.do(EndInteraction(interaction=name))
    legs = [effect.leg for effect in ended.effects if isinstance(effect, HangUpLeg)]
    assert legs == ["in-1", ring.leg]
    assert desk.engine.state.agents[ring.agent].state is AgentState.WRAP_UP
    with pytest.raises(Conflict):
        desk.do(EndInteraction(interaction=name))


def test_an_unknown_interaction_is_not_found() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        desk.do(EndInteraction(interaction=InteractionId("nobody")))
    assert desk.do(ConfirmAnswered(leg=LegId("stranger"))).effects
