# SPDX-License-Identifier: Apache-2.0
"""Consults: a colleague is asked while the customer hears music; what ends it, in every order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.interactions import consult_events as told
from centralino.core.interactions import effects
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    ConfirmRinging,
    ConfirmTransfer,
    EndInteraction,
    EndLeg,
    LegView,
    ReconcileLegs,
)
from centralino.core.interactions.consult_commands import (
    CompleteConsult,
    EndConsult,
    RequestConsult,
)
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.events import InteractionEnded
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.kernel.ids import AgentId, BridgeId, InteractionId, LegId, TrunkId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant, Tick
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.explain import explain
from centralino.exchange.summary import read_stories
from tests.unit.core.company import ANNA, BRUNO, CARLA, TENANT, Desk, company, only
from tests.unit.core.flow_company import FlowDesk, flow_company

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit

CUSTOMER = LegId("in-1")
NUMBER = "+390612345678"
BUSY = Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY)
NO_ANSWER = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
DECLINED = Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED)
UNREACHABLE = Outcome(Result.UPSTREAM_ERROR, OutcomeReason.UNREACHABLE)


class Talk:
    """Anna talks to a customer and asks somebody, Carla unless told otherwise."""

    def __init__(self, *, number: str = "", wrap_up_for_ms: int = 5000) -> None:
        plain = company(wrap_up_for_ms=wrap_up_for_ms)
        self.desk = Desk(msgspec.structs.replace(plain, outside_trunk=TrunkId("carrier")))
        self.anna = self.desk.connect_call(CUSTOMER).leg
        self.interaction = next(iter(self.desk.engine.state.interactions))
        self.number = number
        self.asked = self.ask()
        ring = effects.RingParty if number else effects.RingAgent
        self.colleague = only(self.asked, ring).leg

    def ask(self) -> Decision:
        """Ask the colleague."""
        return self.desk.do(
            RequestConsult(
                agent=ANNA,
                interaction=self.interaction,
                colleague=None if self.number else CARLA,
                number=self.number,
            ),
            after_s=20,
        )

    def answer(self) -> Decision:
        """Let the colleague answer."""
        self.desk.do(ConfirmRinging(leg=self.colleague), after_s=1)
        return self.desk.do(ConfirmAnswered(leg=self.colleague), after_s=4)

    def end(self, leg: LegId, outcome: Outcome = COMPLETED) -> Decision:
        """Let a leg end."""
        return self.desk.do(EndLeg(leg=leg, outcome=outcome, by_far_end=True), after_s=2)

    @property
    def one(self) -> Interaction:
        """The interaction."""
        return self.desk.engine.state.interactions[self.interaction]

    def state(self, agent: AgentId) -> AgentState:
        """Return where an agent is."""
        return self.desk.engine.state.agents[agent].state

    def results(self) -> list[ConsultState]:
        """Return how consults that passed nobody on have ended."""
        events = (event for decision in self.desk.decisions for event in decision.events)
        return [event.result for event in events if isinstance(event, told.ConsultEnded)]

    def require_settled(self) -> None:
        """Check that anna and her customer talk and nothing is left of the consult."""
        state = self.desk.engine.state
        assert (self.one.state, self.one.consult) == (InteractionState.CONNECTED, None)
        assert self.state(ANNA) is AgentState.CONNECTED
        assert state.consults == {}
        assert state.agents[CARLA].engaged == ()


def test_the_customer_hears_music_while_a_colleague_is_rung() -> None:
    talk = Talk()
    assert only(talk.asked, effects.UnbridgeLeg).leg == CUSTOMER
    plays = {e.leg: e for e in talk.asked.effects if isinstance(e, effects.PlayPrompts)}
    assert plays[CUSTOMER].is_looped
    assert plays[talk.anna].is_looped
    only(talk.asked, effects.PauseRecording)
    ring = only(talk.asked, effects.RingAgent)
    assert (ring.agent, ring.near) == (CARLA, CUSTOMER)
    assert talk.state(CARLA) is AgentState.CONSULTING
    answered = talk.answer()
    bridge = only(answered, effects.BridgeLegs)
    assert (bridge.leg, bridge.agent_leg) == (talk.colleague, talk.anna)
    (consult,) = talk.desk.engine.state.consults.values()
    assert consult.state is ConsultState.TALKING


def test_the_colleague_has_the_customer_and_who_asked_wraps_up() -> None:
    talk = Talk()
    talk.answer()
    done = talk.desk.do(CompleteConsult(agent=ANNA, interaction=talk.interaction), after_s=30)
    bridge = only(done, effects.BridgeLegs)
    assert (bridge.leg, bridge.agent_leg) == (CUSTOMER, talk.colleague)
    assert only(done, effects.HangUpLeg).leg == talk.anna
    stopped, started = only(done, effects.StopRecording), only(done, effects.StartRecording)
    assert stopped.recording != started.recording
    assert (talk.state(ANNA), talk.state(CARLA)) == (AgentState.WRAP_UP, AgentState.CONNECTED)
    assert (talk.one.agent, talk.one.state) == (CARLA, InteractionState.CONNECTED)
    talk.end(talk.anna)
    talk.desk.do(Tick(), after_s=5)
    assert talk.state(ANNA) is AgentState.READY
    over = talk.end(CUSTOMER)
    assert only(over, effects.HangUpLeg).leg == talk.colleague
    assert talk.state(CARLA) is AgentState.WRAP_UP


def test_who_hangs_up_on_the_colleague_leaves_the_customer_to_him() -> None:
    talk = Talk(wrap_up_for_ms=0)
    talk.answer()
    gone = talk.end(talk.anna)
    assert not [e for e in gone.effects if isinstance(e, effects.HangUpLeg)]
    assert only(gone, effects.BridgeLegs).agent_leg == talk.colleague
    assert (talk.state(ANNA), talk.one.agent) == (AgentState.READY, CARLA)


def test_a_number_is_asked_and_has_the_customer() -> None:
    talk = Talk(number=NUMBER)
    assert only(talk.asked, effects.RingParty).trunk == "carrier"
    talk.answer()
    talk.desk.do(CompleteConsult(agent=ANNA, interaction=talk.interaction))
    assert talk.one.state is InteractionState.TRANSFERRED
    over = talk.end(talk.colleague)
    assert only(over, effects.HangUpLeg).leg == CUSTOMER
    (ended,) = [e for e in over.events if isinstance(e, InteractionEnded)]
    assert ended.outcome.reason is OutcomeReason.TRANSFERRED
    told_events = [(one.at, event) for one in talk.desk.decisions for event in one.events]
    (story,) = read_stories(told_events)
    assert story.transferred_at == story.released_at
    assert story.transferred_at is not None


@pytest.mark.parametrize("by", [ANNA, CARLA])
def test_after_they_have_talked_the_customer_has_his_agent_again(by: AgentId) -> None:
    talk = Talk()
    idle_since = talk.desk.engine.state.agents[CARLA].idle_since
    talk.answer()
    back = talk.desk.do(EndConsult(agent=by, interaction=talk.interaction))
    bridge = only(back, effects.BridgeLegs)
    assert (bridge.leg, bridge.agent_leg, bridge.bridge) == (CUSTOMER, talk.anna, talk.one.bridge)
    only(back, effects.ResumeRecording)
    assert only(back, effects.HangUpLeg).leg == talk.colleague
    assert talk.state(CARLA) is AgentState.CONSULTING, "his phone is not quiet yet"
    talk.end(talk.colleague)
    assert talk.results() == [ConsultState.RETURNED]
    assert talk.state(CARLA) is AgentState.READY
    assert talk.desk.engine.state.agents[CARLA].idle_since == idle_since
    talk.require_settled()


def test_a_colleague_who_hangs_up_has_returned_the_customer() -> None:
    talk = Talk()
    talk.answer()
    only(talk.end(talk.colleague), effects.BridgeLegs)
    assert talk.results() == [ConsultState.RETURNED]
    talk.require_settled()


@pytest.mark.parametrize(
    ("outcome", "result", "reason"),
    [
        (NO_ANSWER, ConsultState.NO_ANSWER, NotReadyReason.MISSED_OFFER),
        (DECLINED, ConsultState.DECLINED, ""),
        (BUSY, ConsultState.DECLINED, NotReadyReason.PHONE_BUSY),
        (UNREACHABLE, ConsultState.FAILED, NotReadyReason.TECHNICAL_ISSUE),
    ],
)
def test_what_leads_to_nothing_gives_the_customer_back(
    outcome: Outcome, result: ConsultState, reason: str
) -> None:
    talk = Talk()
    only(talk.end(talk.colleague, outcome), effects.BridgeLegs)
    carla = talk.desk.engine.state.agents[CARLA]
    assert (talk.results(), carla.reason) == ([result], reason)
    assert (carla.state is AgentState.READY) == (not reason)
    talk.require_settled()


def test_a_phone_that_tells_nothing_is_a_lease_that_ends() -> None:
    talk = Talk()
    due = talk.desk.engine.next_deadline()
    assert due is not None
    talk.desk.now = due
    lapsed = talk.desk.do(Tick())
    assert only(lapsed, effects.CancelRing).leg == talk.colleague
    assert talk.results() == [ConsultState.NO_ANSWER]
    talk.require_settled()


def test_two_who_talk_too_long_are_parted_and_the_phone_is_quiet_in_time() -> None:
    talk = Talk()
    talk.answer()
    expired = talk.desk.do(Tick(), after_s=900)
    assert only(expired, effects.HangUpLeg).leg == talk.colleague
    assert only(expired, effects.BridgeLegs).leg == CUSTOMER
    talk.desk.do(Tick(), after_s=5)
    assert talk.results() == [ConsultState.EXPIRED]
    talk.require_settled()


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize("is_hang_up", [False, True])
def test_a_customer_who_goes_ends_it_for_all(*, is_answered: bool, is_hang_up: bool) -> None:
    talk = Talk()
    if is_answered:
        talk.answer()
    if is_hang_up:
        gone = talk.end(CUSTOMER)
    else:
        gone = talk.desk.do(EndInteraction(interaction=talk.interaction))
    ended = {e.leg for e in gone.effects if isinstance(e, effects.HangUpLeg | effects.CancelRing)}
    assert ended >= {talk.anna, talk.colleague}
    talk.end(talk.colleague, NO_ANSWER)
    assert talk.results() == [ConsultState.ABANDONED]
    assert (talk.state(ANNA), talk.state(CARLA)) == (AgentState.WRAP_UP, AgentState.READY)


def test_an_agent_who_goes_before_the_answer_costs_the_customer_nothing() -> None:
    talk = Talk()
    since = talk.one.enqueued_at
    assert since is not None
    waited = (talk.one.connected_at or since) - since
    gone = talk.end(talk.anna)
    assert only(gone, effects.CancelRing).leg == talk.colleague
    (offer,) = talk.one.offers
    assert talk.desk.engine.state.offers[offer].agent == BRUNO
    assert talk.one.enqueued_at == talk.desk.now - waited
    assert talk.state(ANNA) is AgentState.WRAP_UP
    talk.end(talk.colleague, NO_ANSWER)
    assert talk.results() == [ConsultState.ABANDONED]
    assert talk.state(CARLA) is AgentState.READY


@pytest.mark.parametrize("first", ["anna", "colleague", "customer"])
@pytest.mark.parametrize("second", ["anna", "colleague", "customer"])
def test_hang_ups_that_cross_leave_nothing_behind(first: str, second: str) -> None:
    talk = Talk()
    talk.answer()
    legs = {"anna": talk.anna, "colleague": talk.colleague, "customer": CUSTOMER}
    for name in (first, second, *legs):
        talk.end(legs[name])
    for _ in range(20):
        due = talk.desk.engine.next_deadline()
        if due is None or not talk.desk.engine.state.interactions:
            break
        talk.desk.now = max(talk.desk.now, due)
        talk.desk.do(Tick())
    state = talk.desk.engine.state
    assert state.interactions == {}
    assert state.consults == {}
    assert all(agent.engaged == () for agent in state.agents.values())


def test_an_answer_that_crosses_the_end_reaches_nobody() -> None:
    talk = Talk()
    talk.desk.do(EndConsult(agent=ANNA, interaction=talk.interaction))
    late = talk.desk.do(ConfirmAnswered(leg=talk.colleague))
    assert only(late, effects.HangUpLeg).leg == talk.colleague
    talk.end(talk.colleague)
    assert talk.results() == [ConsultState.ABANDONED]
    talk.require_settled()


def test_a_wish_to_rest_waits_for_the_end() -> None:
    talk = Talk()
    talk.answer()
    talk.desk.do(MakeAgentNotReady(agent=CARLA, reason="break"))
    talk.end(talk.colleague)
    carla = talk.desk.engine.state.agents[CARLA]
    assert (carla.state, carla.reason) == (AgentState.NOT_READY, "break")


def test_a_colleague_whom_the_file_has_no_longer_goes_afterwards() -> None:
    talk = Talk()
    talk.answer()
    plain = talk.desk.engine.state.configuration
    assert plain is not None
    queues = tuple(
        msgspec.structs.replace(queue, agents=tuple(a for a in queue.agents if a != CARLA))
        for queue in plain.queues
    )
    agents = tuple(agent for agent in plain.agents if agent.id != CARLA)
    talk.desk.do(
        ConfigureTenant(configuration=msgspec.structs.replace(plain, queues=queues, agents=agents))
    )
    assert CARLA in talk.desk.engine.state.agents
    talk.end(talk.colleague)
    assert CARLA not in talk.desk.engine.state.agents


def test_asking_again_changes_nothing_and_asking_another_is_refused() -> None:
    talk = Talk()
    assert talk.ask().is_empty
    with pytest.raises(Conflict, match="is asking carla already"):
        talk.desk.do(RequestConsult(agent=ANNA, interaction=talk.interaction, number=NUMBER))
    talk.desk.do(EndConsult(agent=ANNA, interaction=talk.interaction))
    assert talk.desk.do(EndConsult(agent=ANNA, interaction=talk.interaction)).is_empty


def test_who_is_not_free_or_not_there_is_not_asked() -> None:
    desk = Desk()
    desk.connect_call(CUSTOMER)
    name = next(iter(desk.engine.state.interactions))
    desk.do(MakeAgentNotReady(agent=CARLA, reason="break"))
    with pytest.raises(Conflict, match="carla is not free"):
        desk.do(RequestConsult(agent=ANNA, interaction=name, colleague=CARLA))
    with pytest.raises(Conflict, match="anna is not free"):
        desk.do(RequestConsult(agent=ANNA, interaction=name, colleague=ANNA))
    with pytest.raises(NotFound):
        desk.do(RequestConsult(agent=ANNA, interaction=name, colleague=AgentId("nobody")))
    with pytest.raises(NotFound):
        desk.do(RequestConsult(agent=ANNA, interaction=InteractionId("i"), colleague=CARLA))
    with pytest.raises(Conflict, match="bruno talks to nobody"):
        desk.do(RequestConsult(agent=BRUNO, interaction=name, colleague=CARLA))
    with pytest.raises(InvalidInput, match="cannot be called"):
        desk.do(RequestConsult(agent=ANNA, interaction=name, number=NUMBER))
    with pytest.raises(InvalidInput, match="either"):
        desk.do(RequestConsult(agent=ANNA, interaction=name))
    with pytest.raises(Conflict, match="talks to no colleague"):
        desk.do(CompleteConsult(agent=ANNA, interaction=name))
    with pytest.raises(Conflict, match="has no part"):
        desk.do(EndConsult(agent=BRUNO, interaction=name))
    desk.do(MakeAgentReady(agent=CARLA))
    desk.do(RequestConsult(agent=ANNA, interaction=name, colleague=CARLA))


def test_a_colleague_who_is_asked_is_not_rung_for_a_customer() -> None:
    talk = Talk()
    talk.desk.do(MakeAgentNotReady(agent=BRUNO, reason="break"))
    waits = talk.desk.queue_call("in-2", "2")
    assert not [e for e in waits.effects if isinstance(e, effects.RingAgent)]
    one = talk.desk.engine.state.interactions[
        next(n for n in talk.desk.engine.state.interactions if n != talk.interaction)
    ]
    found = explain(talk.desk.engine.state, one.id, talk.desk.now)
    texts = {finding.agent: finding.text for finding in found.agents}
    assert texts[CARLA] == "a colleague asks him about a customer"
    ring = only(talk.end(talk.colleague), effects.RingAgent)
    assert ring.agent == CARLA


def test_explain_says_whom_an_agent_asks() -> None:
    talk = Talk()
    state = talk.desk.engine.state
    ringing = explain(state, talk.interaction, talk.desk.now).text
    assert ringing == "anna has it and is calling carla to ask; the customer hears music."
    talk.answer()
    talking = explain(state, talk.interaction, talk.desk.now).text
    assert talking == "anna has it and asks carla; the customer hears music."


def test_a_telephone_that_passes_the_colleague_on_leaves_him_the_customer() -> None:
    talk = Talk()
    talk.answer()
    passed = talk.desk.do(ConfirmTransfer(leg=talk.anna))
    assert only(passed, effects.HangUpLeg).leg == talk.anna
    assert talk.one.agent == CARLA


def test_a_colleague_whose_telephone_is_passed_on_is_out_of_it() -> None:
    talk = Talk()
    talk.answer()
    passed = talk.desk.do(ConfirmTransfer(leg=talk.colleague))
    assert only(passed, effects.HangUpLeg).leg == talk.colleague
    assert talk.results() == [ConsultState.RETURNED]
    talk.require_settled()


def test_a_driver_that_comes_back_is_told_what_is_missing() -> None:
    talk = Talk()
    legs = (
        LegView(CUSTOMER, "answered"),
        LegView(talk.anna, "answered"),
        LegView(talk.colleague, "answered"),
    )
    answered = talk.desk.do(ReconcileLegs(legs=legs))
    assert only(answered, effects.BridgeLegs).leg == talk.colleague
    assert only(answered, effects.PlayPrompts).leg == CUSTOMER
    again = talk.desk.do(ReconcileLegs(legs=legs))
    assert only(again, effects.BridgeLegs).leg == talk.colleague
    lost = talk.desk.do(ReconcileLegs(legs=legs[:2]))
    assert {e.leg for e in lost.effects if isinstance(e, effects.BridgeLegs)} == {CUSTOMER}
    talk.require_settled()


def test_a_driver_that_comes_back_silences_who_is_asked_no_more() -> None:
    talk = Talk()
    talk.desk.do(EndConsult(agent=ANNA, interaction=talk.interaction))
    views = [LegView(talk.colleague, state) for state in ("inviting", "answered")]
    whole = (
        LegView(CUSTOMER, "answered", talk.one.bridge, recording=talk.one.recording),
        LegView(talk.anna, "answered", BridgeId("any")),
    )
    rings = talk.desk.do(ReconcileLegs(legs=(*whole, views[0])))
    assert only(rings, effects.CancelRing).leg == talk.colleague
    talks = talk.desk.do(ReconcileLegs(legs=(*whole, views[1])))
    assert only(talks, effects.HangUpLeg).leg == talk.colleague


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_consult_lives_on_in_a_snapshot_and_in_its_events(*, is_answered: bool) -> None:
    talk = Talk()
    if is_answered:
        talk.answer()
    revived = TenantEngine.revive(talk.desk.engine.state_bytes())
    folded, again = TenantEngine(TENANT), TenantEngine(TENANT)
    for (command, now), decision in zip(talk.desk.inputs, talk.desk.decisions, strict=True):
        assert again.apply(command, now) == decision
        folded.restore(decision.sequence, decision.at, decision.events)
    gone = EndLeg(leg=talk.colleague, outcome=NO_ANSWER, by_far_end=True)
    expected = talk.desk.do(gone)
    assert [engine.apply(gone, talk.desk.now) for engine in (revived, again)] == [expected] * 2
    assert folded.next_deadline() is not None


def test_one_whose_flow_is_over_waits_on_with_music_like_one_who_has_none() -> None:
    desk = FlowDesk(flow_company())
    ring = only(desk.choose("in-1", "1"), effects.RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    (name,) = desk.engine.state.interactions
    desk.do(RequestConsult(agent=ring.agent, interaction=name, colleague=CARLA), after_s=10)
    gone = desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True), after_s=3)
    assert only(gone, effects.PlayPrompts).leg == "in-1"
    assert desk.engine.state.interactions[name].position is None
    again = only(gone, effects.RingAgent)
    answered = desk.do(ConfirmAnswered(leg=again.leg), after_s=2)
    assert only(answered, effects.BridgeLegs).agent_leg == again.leg
