# SPDX-License-Identifier: Apache-2.0
"""One tenant's engine, case by case: who is rung, who waits, what is ordered."""

from __future__ import annotations

import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    EndLeg,
    FinishCollect,
    LegView,
    ReceiveCall,
    ReconcileLegs,
)
from centralino.core.interactions.effects import (
    AnswerCall,
    BridgeLegs,
    CancelRing,
    CollectKey,
    HangUpLeg,
    PlayPrompts,
    RejectCall,
    RingAgent,
    StartRecording,
    StopRecording,
)
from centralino.core.interactions.events import (
    InteractionEnded,
    InteractionQueued,
    OfferAccepted,
    OfferMissed,
    OfferWithdrawn,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import AgentId, LegId, TrunkId
from centralino.core.kernel.instant import SECOND
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Tick
from centralino.core.routing.turn import Turn
from tests.unit.core.company import ANNA, BRUNO, CARLA, START, SUPPORT, TENANT, Desk, only

pytestmark = pytest.mark.unit

NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
IN_1 = LegId("in-1")


def test_an_unknown_number_is_refused_and_counted() -> None:
    decision = Desk().do(
        ReceiveCall(leg=IN_1, trunk=TrunkId("carrier"), called_number="+391", caller_number=None)
    )
    assert only(decision, RejectCall).cause == "not-found"
    assert isinstance(decision.events[-1], InteractionEnded)


def test_new_ids_are_numbered_through_one_decision_and_begin_anew_in_the_next() -> None:
    engine = Desk().engine
    turn, again = (Turn(engine.state, engine.index, START) for _ in range(2))
    prefix = f"{TENANT}.{engine.state.sequence + 1}"
    assert [turn.new_id("leg"), turn.new_id("offer")] == [f"leg-{prefix}.1", f"offer-{prefix}.2"]
    assert again.new_id("leg") == f"leg-{prefix}.1"


def test_the_longest_idle_agent_is_rung_and_others_in_turn() -> None:
    desk = Desk()
    assert [desk.connect_call(f"in-{n}").agent for n in (1, 2)] == [ANNA, BRUNO]
    waiting = desk.queue_call("in-3")
    assert not [effect for effect in waiting.effects if isinstance(effect, RingAgent)]
    assert only(waiting, PlayPrompts).is_looped


def test_an_answer_bridges_and_records_customer_first() -> None:
    desk = Desk()
    ring = only(desk.queue_call("in-1"), RingAgent)
    answered = desk.do(ConfirmAnswered(leg=ring.leg))
    assert (only(answered, BridgeLegs).leg, only(answered, BridgeLegs).agent_leg) == (
        IN_1,
        ring.leg,
    )
    assert only(answered, StartRecording).agent_leg == ring.leg


@pytest.mark.parametrize("is_by_customer", [True, False])
def test_whoever_hangs_up_the_other_leg_is_ended_and_the_recording_finished(
    is_by_customer: bool,
) -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    gone, other = (IN_1, ring.leg) if is_by_customer else (ring.leg, IN_1)
    decision = desk.do(EndLeg(leg=gone, outcome=COMPLETED, by_far_end=True), after_s=10)
    assert only(decision, HangUpLeg).leg == other
    assert only(decision, StopRecording).leg == other
    assert desk.engine.state.agents[ANNA].state is AgentState.WRAP_UP


def test_wrap_up_ends_in_its_time_and_the_freed_agent_takes_who_waits() -> None:
    desk = Desk()
    first, _ = desk.connect_call("in-1"), desk.connect_call("in-2")
    desk.queue_call("in-3")
    desk.do(EndLeg(leg=IN_1, outcome=COMPLETED, by_far_end=True), after_s=10)
    desk.do(EndLeg(leg=first.leg, outcome=COMPLETED, by_far_end=False))
    assert desk.engine.next_deadline() == desk.now + 5 * SECOND
    assert desk.do(Tick(), after_s=4.9).is_empty
    assert only(desk.do(Tick(), after_s=0.1), RingAgent).agent == ANNA


def test_an_agent_whose_leg_is_not_gone_is_not_rung_before_it_counts_as_gone() -> None:
    desk = Desk()
    desk.connect_call("in-1")
    desk.do(EndLeg(leg=IN_1, outcome=COMPLETED, by_far_end=True))
    desk.do(Tick(), after_s=5)
    assert desk.engine.state.agents[ANNA].state is AgentState.READY
    assert any(isinstance(effect, HangUpLeg) for effect in desk.decisions[-1].effects)


def test_a_lease_ends_by_itself_and_the_place_is_kept() -> None:
    desk = Desk()
    ring = only(desk.queue_call("in-1"), RingAgent)
    enqueued_at = desk.now
    decision = desk.do(Tick(), after_s=20)
    assert only(decision, CancelRing).leg == ring.leg
    assert [e.agent for e in decision.events if isinstance(e, OfferMissed)] == [ANNA]
    assert only(decision, RingAgent).agent == BRUNO
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.enqueued_at == enqueued_at
    assert desk.engine.state.agents[ANNA].reason == "missed-offer"
    assert only(desk.do(Tick(), after_s=30), RingAgent).agent == ANNA


def test_a_late_answer_after_the_lease_is_hung_up() -> None:
    desk = Desk()
    ring = only(desk.queue_call("in-1"), RingAgent)
    desk.do(Tick(), after_s=20)
    assert only(desk.do(ConfirmAnswered(leg=ring.leg)), HangUpLeg).leg == ring.leg


def test_an_answer_that_crosses_the_customers_leaving_reaches_nobody() -> None:
    desk = Desk()
    ring = only(desk.queue_call("in-1"), RingAgent)
    idle_since = desk.engine.state.agents[ANNA].idle_since
    left = desk.do(EndLeg(leg=IN_1, outcome=COMPLETED, by_far_end=True), after_s=2)
    assert only(left, CancelRing).cause == "caller-gone"
    crossed = desk.do(ConfirmAnswered(leg=ring.leg))
    assert only(crossed, HangUpLeg).leg == ring.leg
    assert not [e for e in crossed.events if isinstance(e, OfferAccepted)]
    over = desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=False))
    assert isinstance(over.events[0], OfferWithdrawn)
    assert desk.engine.state.agents[ANNA].idle_since == idle_since


def test_nobody_pressing_repeats_the_menu_then_takes_the_default_queue() -> None:
    desk = Desk()
    again = desk.queue_call("in-1", digits="")
    collect = only(again, CollectKey).collect
    chosen = desk.do(FinishCollect(leg=IN_1, collect=collect, digits=""))
    (queued,) = [e for e in chosen.events if isinstance(e, InteractionQueued)]
    assert (queued.queue, queued.digit) == (SUPPORT, "")


def test_a_driver_that_says_nothing_strands_nobody() -> None:
    desk = Desk()
    desk.do(
        ReceiveCall(
            leg=IN_1,
            trunk=TrunkId("carrier"),
            called_number="+390200000001",
            caller_number=None,
        )
    )
    desk.do(ConfirmAnswered(leg=IN_1))
    for _ in range(3):
        desk.do(Tick(), after_s=200)
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.state is InteractionState.OFFERED


def test_a_wish_to_rest_is_kept_until_the_call_is_over() -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    desk.do(MakeAgentNotReady(agent=ANNA, reason="break"))
    assert desk.do(MakeAgentNotReady(agent=ANNA, reason="break")).is_empty
    desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True))
    desk.do(Tick(), after_s=5)
    agent = desk.engine.state.agents[ANNA]
    assert (agent.state, agent.reason, agent.deadline) == (AgentState.NOT_READY, "break", None)
    desk.do(MakeAgentReady(agent=ANNA))
    assert agent.state is AgentState.READY


def test_an_unknown_agent_is_said_to_be_none() -> None:
    with pytest.raises(NotFound, match="no agent zoe"):
        Desk().do(MakeAgentReady(agent=AgentId("zoe")))


def test_reconciling_restores_what_is_missing_and_ends_what_is_unknown() -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    desk.queue_call("in-2", digits="2")
    desk.do(MakeAgentNotReady(agent=CARLA, reason="break"))
    decision = desk.do(
        ReconcileLegs(
            legs=(
                LegView(IN_1, "answered"),
                LegView(ring.leg, "answered"),
                LegView(LegId("stranger"), "answered"),
                LegView(LegId("in-2"), "answered"),
            )
        )
    )
    assert only(decision, BridgeLegs).leg == IN_1
    assert only(decision, HangUpLeg).leg == LegId("stranger")
    assert only(decision, PlayPrompts).leg == LegId("in-2")
    assert desk.engine.state.agents[BRUNO].reason == "technical-issue"


def test_an_offered_call_that_was_not_answered_yet_is_answered_after_a_restart() -> None:
    desk = Desk()
    desk.do(
        ReceiveCall(
            leg=IN_1,
            trunk=TrunkId("carrier"),
            called_number="+390200000001",
            caller_number=None,
        )
    )
    decision = desk.do(ReconcileLegs(legs=(LegView(IN_1, "offered"),)))
    assert only(decision, AnswerCall).leg == IN_1
