# SPDX-License-Identifier: Apache-2.0
"""Closures, limits, places given by hand, and who gets whom by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.calendars.calendar import Calendar
from centralino.core.interactions import effects, supervision
from centralino.core.interactions import events as calls
from centralino.core.interactions.commands import ConfirmAnswered, EndLeg, FinishPlay
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.limits import ActionKind, LimitKind, QueueAction, QueueLimit
from centralino.core.kernel.errors import Conflict, InvalidInput, NotFound
from centralino.core.kernel.ids import InteractionId, LegId, QueueId
from centralino.core.kernel.instant import SECOND
from centralino.core.kernel.outcome import COMPLETED, OutcomeReason
from centralino.core.routing.commands import Tick
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, SUPPORT, only
from tests.unit.core.flow_company import FlowDesk, catalogue, flow_company

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction

pytestmark = pytest.mark.unit

END = QueueAction(kind=ActionKind.END, prompts=("goodbye.en",))
TO_SUPPORT = QueueAction(kind=ActionKind.QUEUE, queue=SUPPORT)
EVERYBODY = (ANNA, BRUNO, CARLA)


def desk_of(*limits: QueueLimit, **changes: Any) -> FlowDesk:  # noqa: ANN401 - any field
    """Return a desk whose sales has limits; everybody rests."""
    plain = flow_company(**changes.pop("tenant", {}))
    sales = msgspec.structs.replace(plain.queues[0], limits=limits, **changes)
    desk = FlowDesk(msgspec.structs.replace(plain, queues=(sales, *plain.queues[1:])))
    for agent in EVERYBODY:
        desk.do(MakeAgentNotReady(agent=agent, reason="break"))
    return desk


def the_one(desk: FlowDesk, leg: str = "in-1") -> Interaction:
    """Return the interaction of a leg."""
    return next(i for i in desk.engine.state.interactions.values() if i.leg == leg)


def plays(desk: FlowDesk, leg: str) -> list[str]:
    """Return everything that was played to a leg."""
    return [
        prompt
        for decision in desk.decisions
        for effect in decision.effects
        if isinstance(effect, effects.PlayPrompts) and effect.leg == leg
        for prompt in effect.prompts
    ]


# --------------------------------------------------------------------------- closures
def test_a_closed_queue_says_goodbye_to_who_waits_and_who_comes() -> None:
    desk = desk_of()
    desk.choose("in-1", "2")
    desk.do(supervision.CloseQueue(queue=SALES, reason="evacuation", action=END))
    assert the_one(desk).state is InteractionState.DISMISSED
    assert plays(desk, "in-1")[-1] == "goodbye.en"
    play = the_one(desk).expects
    over = desk.do(FinishPlay(leg=LegId("in-1"), play=play, reason="completed"))
    assert only(over, effects.HangUpLeg).leg == "in-1"
    ended = [e for e in over.events if isinstance(e, calls.InteractionEnded)]
    assert ended[0].outcome.reason is OutcomeReason.QUEUE_CLOSED
    desk.choose("in-2", "2")
    assert the_one(desk, "in-2").state is InteractionState.DISMISSED
    assert desk.do(Tick(), after_s=120).effects, "nobody hears a goodbye for ever"
    assert not desk.engine.state.interactions


def test_a_closed_queue_leads_to_another_with_the_place_kept() -> None:
    desk = desk_of()
    desk.choose("in-1", "2")
    since = the_one(desk).enqueued_at
    desk.do(Tick(), after_s=7)
    desk.do(supervision.CloseQueue(queue=SALES, reason="drill", action=TO_SUPPORT))
    assert (the_one(desk).queue, the_one(desk).enqueued_at) == (SUPPORT, since)
    desk.choose("in-2", "2")
    assert the_one(desk, "in-2").queue == SUPPORT


def test_without_an_action_the_flow_goes_on_where_its_node_says() -> None:
    desk = desk_of()
    desk.do(MakeAgentReady(agent=ANNA))
    ring = only(desk.choose("in-1", "1"), effects.RingAgent)
    closed = desk.do(supervision.CloseQueue(queue=SALES, reason="drill"))
    assert only(closed, effects.CancelRing).leg == ring.leg
    assert plays(desk, "in-1")[-1] == "goodbye", "the edge of no agents"


def test_who_waits_may_stay_and_an_opened_queue_takes_customers_again() -> None:
    desk = desk_of()
    desk.choose("in-1", "2")
    close = supervision.CloseQueue(queue=SALES, reason="drill", action=END, keeps_waiting=True)
    desk.do(close)
    assert desk.do(close).is_empty
    assert the_one(desk).state is InteractionState.QUEUED
    desk.do(supervision.OpenQueue(queue=SALES))
    assert desk.do(supervision.OpenQueue(queue=SALES)).is_empty
    desk.choose("in-2", "2")
    assert the_one(desk, "in-2").state is InteractionState.QUEUED
    with pytest.raises(NotFound):
        desk.do(supervision.CloseQueue(queue=QueueId("no"), reason="drill"))


# ----------------------------------------------------------------------------- limits
@pytest.mark.parametrize(
    "limit",
    [
        QueueLimit(on=LimitKind.LENGTH, threshold=1, action=END),
        QueueLimit(on=LimitKind.NO_AGENTS, threshold=1, action=END),
        QueueLimit(on=LimitKind.CLOSED, calendar="office", action=END),
        QueueLimit(on=LimitKind.ESTIMATED_WAIT, threshold=30, action=END),
    ],
)
def test_each_limit_holds_at_the_door(limit: QueueLimit) -> None:
    hours = Calendar(name="office", zone="UTC", hours={"wed": ("09:00-18:00",)})
    opened = msgspec.structs.replace(catalogue(), calendars=(hours,))
    desk = desk_of(limit, tenant={"catalogue": opened})
    if limit.on is not LimitKind.NO_AGENTS:
        desk.do(MakeAgentReady(agent=ANNA))
    if limit.on is LimitKind.LENGTH:
        desk.choose("in-0", "2")
    if limit.on is LimitKind.ESTIMATED_WAIT:
        ring = only(desk.choose("in-0", "1"), effects.RingAgent)
        desk.do(ConfirmAnswered(leg=ring.leg))
        desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True), after_s=60)
        desk.do(Tick(), after_s=5)
        ring = only(desk.choose("in-00", "1"), effects.RingAgent)
        desk.do(ConfirmAnswered(leg=ring.leg))
    desk.choose("in-1", "1" if limit.on is LimitKind.ESTIMATED_WAIT else "2")
    assert the_one(desk).state is InteractionState.DISMISSED


def test_the_longest_wait_leads_to_another_queue() -> None:
    desk = desk_of(QueueLimit(on=LimitKind.WAIT, threshold=30, action=TO_SUPPORT))
    desk.choose("in-1", "2")
    since = the_one(desk).enqueued_at
    assert desk.engine.next_deadline() == desk.now + 30 * SECOND
    desk.do(Tick(), after_s=30)
    assert (the_one(desk).queue, the_one(desk).enqueued_at) == (SUPPORT, since)


def test_a_caller_who_gave_up_has_his_place_when_he_calls_again_in_time() -> None:
    desk = desk_of(resume_place_for_ms=60_000)
    desk.choose("in-1", "2")
    since = the_one(desk).enqueued_at
    desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True), after_s=10)
    desk.do(Tick(), after_s=30)
    desk.choose("in-2", "2")
    assert the_one(desk, "in-2").enqueued_at == since
    assert the_one(desk, "in-2").arrived_at == desk.now
    desk.do(EndLeg(leg=LegId("in-2"), outcome=COMPLETED, by_far_end=True))
    desk.do(Tick(), after_s=61)
    desk.choose("in-3", "2")
    assert the_one(desk, "in-3").enqueued_at == desk.now


# ---------------------------------------------------------------------------- by hand
def test_another_priority_changes_the_order_and_not_since_when_somebody_waits() -> None:
    desk = desk_of()
    desk.choose("in-1", "2")
    desk.do(Tick(), after_s=5)
    desk.choose("in-2", "2")
    second = the_one(desk, "in-2")
    since = second.enqueued_at
    rerank = supervision.RerankInteraction(interaction=second.id, priority=1)
    desk.do(rerank)
    assert desk.do(rerank).is_empty
    assert second.enqueued_at == since
    assert only(desk.do(MakeAgentReady(agent=CARLA)), effects.RingAgent).near == "in-2"
    with pytest.raises(InvalidInput):
        desk.do(supervision.RerankInteraction(interaction=second.id, priority=10))


def test_another_queue_keeps_the_place_and_lets_the_agent_who_is_rung_go() -> None:
    desk = desk_of()
    desk.do(MakeAgentReady(agent=ANNA))
    ring = only(desk.choose("in-1", "1"), effects.RingAgent)
    one = the_one(desk)
    since = one.enqueued_at
    moved = desk.do(supervision.RequeueInteraction(interaction=one.id, queue=SUPPORT))
    assert only(moved, effects.CancelRing).leg == ring.leg
    assert (one.queue, one.enqueued_at, one.state) == (SUPPORT, since, InteractionState.QUEUED)
    desk.do(supervision.CloseQueue(queue=SALES, reason="drill"))
    with pytest.raises(Conflict, match="is closed"):
        desk.do(supervision.RequeueInteraction(interaction=one.id, queue=SALES))


def test_an_assigned_customer_is_offered_to_that_agent_alone() -> None:
    desk = desk_of()
    desk.do(MakeAgentReady(agent=ANNA))
    first = only(desk.choose("in-1", "1"), effects.RingAgent)
    desk.do(MakeAgentReady(agent=BRUNO))
    assign = supervision.AssignInteraction(interaction=the_one(desk).id, agent=BRUNO)
    assigned = desk.do(assign)
    assert only(assigned, effects.CancelRing).leg == first.leg
    assert only(assigned, effects.RingAgent).agent == BRUNO
    assert desk.do(assign).is_empty
    with pytest.raises(Conflict, match="not free"):
        desk.do(supervision.AssignInteraction(interaction=the_one(desk).id, agent=CARLA))


def test_who_is_picked_has_one_agent_and_the_second_is_told_so() -> None:
    desk = desk_of(tenant={"queues": flow_company().queues})
    desk.choose("in-1", "2")
    one = the_one(desk)
    desk.do(MakeAgentReady(agent=ANNA))
    desk.do(MakeAgentReady(agent=BRUNO))
    picked = desk.do(supervision.PickInteraction(interaction=one.id, agent=BRUNO))
    made = [e for e in picked.events if isinstance(e, calls.OfferMade)]
    assert [(e.agent, e.rule) for e in made] == [(BRUNO, "picked")]
    with pytest.raises(Conflict, match="offered already"):
        desk.do(supervision.PickInteraction(interaction=one.id, agent=ANNA))
    ring = only(picked, effects.RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    with pytest.raises(Conflict, match="does not wait"):
        desk.do(supervision.PickInteraction(interaction=one.id, agent=ANNA))
    with pytest.raises(NotFound):
        desk.do(supervision.PickInteraction(interaction=InteractionId("no"), agent=ANNA))
