# SPDX-License-Identifier: Apache-2.0
"""Callbacks: the place they keep, when the customer is called, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.calendars.calendar import Calendar
from centralino.core.interactions import callback_events as told
from centralino.core.interactions import effects, supervision
from centralino.core.interactions import events as calls
from centralino.core.interactions.callback_lifecycle import CallbackState
from centralino.core.interactions.callback_policy import CallbackMode, CallbackPolicy
from centralino.core.interactions.commands import (
    ConfirmAnswered,
    EndInteraction,
    EndLeg,
    LegView,
    ReconcileLegs,
)
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.kernel.errors import InvalidInput, NotFound
from centralino.core.kernel.ids import LegId, QueueId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant, Tick
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, only
from tests.unit.core.flow_company import FlowDesk, catalogue, flow_company

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit

NUMBER = "+39333444555"
BUSY = Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY)
NOBODY = Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND)
EVERYBODY = (ANNA, BRUNO, CARLA)


def desk_of(policy: CallbackPolicy, **changes: Any) -> FlowDesk:  # noqa: ANN401 - any field
    """Return a desk whose sales calls back; everybody rests."""
    plain = flow_company(**changes)
    sales = msgspec.structs.replace(plain.queues[0], callbacks=policy)
    desk = FlowDesk(msgspec.structs.replace(plain, queues=(sales, *plain.queues[1:])))
    for agent in EVERYBODY:
        desk.do(MakeAgentNotReady(agent=agent, reason="break"))
    return desk


def book(desk: FlowDesk, **fields: Any) -> Decision:  # noqa: ANN401 - any field
    """Promise a callback from outside and let it be queued."""
    desk.do(supervision.BookCallback(queue=SALES, number=NUMBER, **fields))
    return desk.do(Tick())


def of_kind(decision: Decision, kind: type[Any]) -> list[Any]:
    """Return the events of a kind."""
    return [event for event in decision.events if isinstance(event, kind)]


def all_of(desk: FlowDesk, kind: type[Any]) -> list[Any]:
    """Return every event of a kind so far."""
    return [event for decision in desk.decisions for event in of_kind(decision, kind)]


def test_an_agent_is_reserved_the_customer_called_and_only_then_the_agent_rung() -> None:
    desk = desk_of(CallbackPolicy())
    book(desk)
    free = desk.do(MakeAgentReady(agent=ANNA))
    assert not [e for e in free.effects if isinstance(e, effects.RingAgent)]
    call = only(free, effects.RingParty)
    assert (call.target, call.trunk, call.ring_for_ms) == (NUMBER, "carrier", 30_000)
    assert desk.engine.state.agents[ANNA].state is AgentState.RESERVED
    reached = desk.do(ConfirmAnswered(leg=call.leg))
    ring = only(reached, effects.RingAgent)
    assert (ring.agent, ring.near) == (ANNA, call.leg)
    assert only(reached, effects.PlayPrompts).is_looped
    assert not desk.engine.state.callbacks
    connected = desk.do(ConfirmAnswered(leg=ring.leg))
    assert only(connected, effects.BridgeLegs).leg == call.leg


def test_virtual_and_live_callers_are_one_list_by_the_time_they_came() -> None:
    desk = desk_of(CallbackPolicy())
    desk.choose("in-1", "2")
    desk.do(Tick(), after_s=5)
    book(desk)
    desk.do(Tick(), after_s=5)
    desk.choose("in-2", "2")
    places = sorted(desk.engine.index.queued[SALES].values())
    waiting = list(desk.engine.state.interactions.values())
    assert len(set(places)) == 3
    order = sorted(waiting, key=lambda one: (one.priority, one.enqueued_at or 0))
    assert [one.leg for one in order] == ["in-1", "", "in-2"]
    first = desk.do(MakeAgentReady(agent=CARLA))
    assert only(first, effects.RingAgent).near == "in-1"


def test_the_place_of_the_call_is_kept_and_nobody_is_called_who_has_not_hung_up() -> None:
    desk = desk_of(CallbackPolicy())
    for agent in (ANNA,):
        desk.do(MakeAgentReady(agent=agent))
    offered = desk.choose("in-1", "7")
    desk.pressed("in-1", offered, "1")
    since = desk.now
    desk.do(Tick())
    deferred = all_of(desk, told.CallbackDeferred)
    assert deferred[-1].reason == "on-the-line"
    assert not [e for d in desk.decisions for e in d.effects if isinstance(e, effects.RingParty)]
    desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True), after_s=1)
    called = desk.do(Tick(), after_s=1)
    assert only(called, effects.RingParty).caller_number == "+390200000001"
    queued = of_kind(called, calls.InteractionQueued)[-1]
    assert queued.since == since


def test_a_customer_who_is_busy_is_called_again_and_given_up_in_the_end() -> None:
    desk = desk_of(CallbackPolicy(attempts=2, busy_retry_ms=60_000))
    book(desk)
    first = only(desk.do(MakeAgentReady(agent=ANNA)), effects.RingParty)
    idle_since = desk.engine.state.agents[ANNA].idle_since
    missed = desk.do(EndLeg(leg=first.leg, outcome=BUSY, by_far_end=True), after_s=3)
    assert of_kind(missed, told.CallbackMissed)[0].result == "busy"
    anna = desk.engine.state.agents[ANNA]
    assert (anna.state, anna.idle_since) == (AgentState.READY, idle_since)
    assert not [e for e in missed.effects if isinstance(e, effects.CancelRing)]
    (callback,) = desk.engine.state.callbacks.values()
    assert (callback.state, callback.attempts) == (CallbackState.BOOKED, 1)
    second = only(desk.do(Tick(), after_s=60), effects.RingParty)
    over = desk.do(EndLeg(leg=second.leg, outcome=BUSY, by_far_end=True))
    assert of_kind(over, told.CallbackFailed)[0].result == "busy"
    assert not desk.engine.state.callbacks
    assert not desk.engine.state.interactions
    assert len(all_of(desk, calls.InteractionEnded)) == 2


def test_a_number_that_nobody_has_is_not_called_twice() -> None:
    desk = desk_of(CallbackPolicy())
    book(desk)
    call = only(desk.do(MakeAgentReady(agent=ANNA)), effects.RingParty)
    over = desk.do(EndLeg(leg=call.leg, outcome=NOBODY, by_far_end=True))
    assert of_kind(over, told.CallbackFailed)[0].result == "not-found"


def test_a_driver_that_says_nothing_strands_neither_agent_nor_callback() -> None:
    desk = desk_of(CallbackPolicy())
    book(desk)
    call = only(desk.do(MakeAgentReady(agent=ANNA)), effects.RingParty)
    late = desk.do(Tick(), after_s=60)
    assert only(late, effects.CancelRing).leg == call.leg
    assert of_kind(late, told.CallbackMissed)[0].result == "no-answer"
    assert desk.engine.state.agents[ANNA].state is AgentState.READY


def test_by_lead_time_the_customer_is_called_before_an_agent_is_free() -> None:
    desk = desk_of(CallbackPolicy(mode=CallbackMode.LEAD, lead_ms=60_000))
    desk.do(MakeAgentReady(agent=ANNA))
    ring = only(desk.choose("in-1", "1"), effects.RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    call = only(book(desk), effects.RingParty)
    (virtual,) = [i for i in desk.engine.state.interactions.values() if i.callback]
    assert virtual.is_dialling
    assert len(desk.engine.index.queued[SALES]) == 1, "his place counts"
    reached = desk.do(ConfirmAnswered(leg=call.leg))
    assert virtual.state is InteractionState.QUEUED, "he waits on the line"
    assert only(reached, effects.PlayPrompts).is_looped
    desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True), after_s=9)
    desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=False))
    assert only(desk.do(Tick(), after_s=5), effects.RingAgent).near == call.leg


def test_nobody_is_called_outside_the_open_hours() -> None:
    hours = Calendar(name="office", zone="UTC", hours={"wed": ("09:00-18:00",)})
    opened = msgspec.structs.replace(catalogue(), calendars=(hours,))
    desk = desk_of(CallbackPolicy(calendar="office"), catalogue=opened)
    book(desk)
    (callback,) = desk.engine.state.callbacks.values()
    assert callback.last_result == "outside-hours"
    desk.do(MakeAgentReady(agent=ANNA))
    assert callback.deadline is not None
    called = desk.do(Tick(), after_s=(callback.deadline - desk.now) / SECOND)
    assert only(called, effects.RingParty).target == NUMBER


def test_one_for_a_time_is_called_at_that_time() -> None:
    desk = desk_of(CallbackPolicy())
    desk.do(MakeAgentReady(agent=ANNA))
    at = Instant(desk.now + 600 * SECOND)
    desk.do(supervision.BookCallback(queue=SALES, number=NUMBER, at=at))
    assert desk.do(Tick(), after_s=599).is_empty
    assert only(desk.do(Tick(), after_s=1), effects.RingParty).target == NUMBER


@pytest.mark.parametrize("state", ["booked", "waiting", "dialling"])
def test_it_can_be_called_off_in_every_state(state: str) -> None:
    desk = desk_of(CallbackPolicy())
    desk.do(supervision.BookCallback(queue=SALES, number=NUMBER))
    if state != "booked":
        desk.do(Tick())
    if state == "dialling":
        desk.do(MakeAgentReady(agent=ANNA))
    (callback,) = desk.engine.state.callbacks.values()
    assert callback.state == state
    done = desk.do(supervision.CancelCallback(callback=callback.id))
    assert of_kind(done, told.CallbackCancelled)
    assert (desk.engine.state.callbacks, desk.engine.state.interactions) == ({}, {})
    if state == "dialling":
        assert only(done, effects.CancelRing).cause == "caller-gone"
        assert desk.engine.state.agents[ANNA].state is AgentState.READY
    with pytest.raises(NotFound):
        desk.do(supervision.CancelCallback(callback=callback.id))


def test_ending_its_interaction_calls_it_off() -> None:
    desk = desk_of(CallbackPolicy())
    book(desk)
    (virtual,) = desk.engine.state.interactions
    desk.do(EndInteraction(interaction=virtual))
    assert not desk.engine.state.callbacks


def test_what_is_too_old_is_given_up() -> None:
    desk = desk_of(CallbackPolicy(give_up_after_ms=120_000))
    book(desk)
    over = desk.do(Tick(), after_s=120)
    assert of_kind(over, told.CallbackExpired)
    assert not desk.engine.state.interactions


def test_the_same_promise_is_made_once_and_only_where_there_is_a_way() -> None:
    desk = desk_of(CallbackPolicy())
    book(desk)
    assert desk.do(supervision.BookCallback(queue=SALES, number=NUMBER)).is_empty
    with pytest.raises(NotFound):
        desk.do(supervision.BookCallback(queue=QueueId("no"), number=NUMBER))
    shut = desk_of(CallbackPolicy(), outside_trunk="")
    with pytest.raises(InvalidInput):
        shut.do(supervision.BookCallback(queue=SALES, number=NUMBER))


def called_desk() -> tuple[FlowDesk, LegId]:
    """Return a desk that calls a customer, and his leg."""
    desk = desk_of(CallbackPolicy())
    book(desk)
    return desk, only(desk.do(MakeAgentReady(agent=ANNA)), effects.RingParty).leg


def test_a_restart_while_the_customer_is_called_finds_out_what_became_of_it() -> None:
    desk, leg = called_desk()
    assert desk.do(ReconcileLegs(legs=(LegView(leg, "inviting"),))).is_empty
    answered = desk.do(ReconcileLegs(legs=(LegView(leg, "answered"),)))
    assert only(answered, effects.RingAgent).agent == ANNA
    desk, leg = called_desk()
    lost = desk.do(ReconcileLegs(legs=()))
    assert of_kind(lost, told.CallbackMissed)[0].result == "peer-lost"
    assert desk.engine.state.agents[ANNA].state is AgentState.READY


def test_an_agent_who_is_dropped_while_the_customer_is_called_is_not_rung() -> None:
    desk, leg = called_desk()
    plain = desk.engine.state.configuration
    assert plain is not None
    queues = tuple(
        msgspec.structs.replace(queue, agents=tuple(a for a in queue.agents if a != ANNA))
        for queue in plain.queues
    )
    agents = tuple(agent for agent in plain.agents if agent.id != ANNA)
    fewer = msgspec.structs.replace(plain, queues=queues, agents=agents)
    desk.do(ConfigureTenant(configuration=fewer))
    answered = desk.do(ConfirmAnswered(leg=leg))
    assert not [e for e in answered.effects if isinstance(e, effects.RingAgent)]
    assert only(answered, effects.PlayPrompts).is_looped, "he waits for somebody else"
    (customer,) = desk.engine.state.interactions.values()
    assert (customer.state, customer.leg) == (InteractionState.QUEUED, leg)
