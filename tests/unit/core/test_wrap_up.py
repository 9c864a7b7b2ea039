# SPDX-License-Identifier: Apache-2.0
"""Who ends a wrap-up, and after which conversations there is one."""

from __future__ import annotations

import pytest

from centralino.core.agents.commands import ExtendWrapUp, FinishWrapUp
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.wrap_up import WrapUp, WrapUpMode
from centralino.core.interactions.commands import EndLeg
from centralino.core.kernel.errors import Conflict
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED, OutcomeReason
from centralino.core.routing.commands import Tick
from tests.unit.core.company import ANNA, Desk
from tests.unit.core.test_offers import changed

pytestmark = pytest.mark.unit


def after_a_call(wrap_up: WrapUp, *, is_agent_leg_over: bool = True) -> Desk:
    """Return a desk whose agent has just talked; the length is 5 s."""
    desk = Desk(changed(wrap_up=wrap_up))
    ring = desk.connect_call("in-1")
    desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True), after_s=20)
    if is_agent_leg_over:
        desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=False))
    return desk


def state_of(desk: Desk) -> AgentState:
    """Return where the agent is."""
    return desk.engine.state.agents[ANNA].state


def test_without_one_the_agent_is_free_at_once() -> None:
    assert state_of(after_a_call(WrapUp(mode=WrapUpMode.NONE))) is AgentState.READY


def test_only_some_outcomes_have_one() -> None:
    never = WrapUp(only_after=(OutcomeReason.MEDIA_FAILED,))
    assert state_of(after_a_call(never)) is AgentState.READY
    always = WrapUp(only_after=(OutcomeReason.COMPLETED,))
    assert state_of(after_a_call(always)) is AgentState.WRAP_UP


def test_until_done_lasts_until_the_agent_says_so_or_the_longest_time() -> None:
    until_done = WrapUp(mode=WrapUpMode.UNTIL_DONE, most_ms=60_000)
    desk = after_a_call(until_done)
    desk.do(Tick(), after_s=30)
    assert state_of(desk) is AgentState.WRAP_UP
    desk.do(FinishWrapUp(agent=ANNA))
    assert state_of(desk) is AgentState.READY
    assert desk.do(FinishWrapUp(agent=ANNA)).is_empty
    desk = after_a_call(until_done)
    desk.do(Tick(), after_s=60)
    assert state_of(desk) is AgentState.READY


def test_more_time_is_given_where_the_queue_lets_it_and_not_for_ever() -> None:
    extendable = WrapUp(mode=WrapUpMode.EXTENDABLE, extend_by_ms=10_000, most_ms=12_000)
    desk = after_a_call(extendable)
    desk.do(ExtendWrapUp(agent=ANNA))
    with pytest.raises(Conflict, match="cannot be extended"):
        desk.do(ExtendWrapUp(agent=ANNA))
    desk.do(Tick(), after_s=11)
    assert state_of(desk) is AgentState.WRAP_UP
    desk.do(Tick(), after_s=1)
    assert state_of(desk) is AgentState.READY
    with pytest.raises(Conflict, match="not in wrap-up"):
        desk.do(ExtendWrapUp(agent=ANNA))


def test_a_fixed_one_is_not_extended() -> None:
    with pytest.raises(Conflict, match="cannot be extended"):
        after_a_call(WrapUp()).do(ExtendWrapUp(agent=ANNA))


def test_who_is_done_while_his_phone_is_not_quiet_is_free_as_soon_as_it_is() -> None:
    desk = after_a_call(WrapUp(), is_agent_leg_over=False)
    leg = desk.engine.state.agents[ANNA].leg
    assert leg is not None
    desk.do(FinishWrapUp(agent=ANNA))
    assert state_of(desk) is AgentState.WRAP_UP
    desk.do(EndLeg(leg=leg, outcome=COMPLETED, by_far_end=False))
    assert state_of(desk) is AgentState.READY
