# SPDX-License-Identifier: Apache-2.0
"""Customers who come straight into a queue: no menu, the same life from there on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.interactions.commands import (
    ConfirmAnswered,
    EndLeg,
    LegView,
    QueueInteraction,
    ReconcileLegs,
)
from centralino.core.interactions.effects import HangUpLeg, PlayPrompts, RingAgent
from centralino.core.interactions.events import InteractionArrived, InteractionEnded
from centralino.core.interactions.flow_events import InteractionTurnedAway
from centralino.core.interactions.supervision import BookCallback
from centralino.core.kernel.errors import AppError, InvalidInput, NotFound
from centralino.core.kernel.ids import LegId, QueueId
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.routing.commands import ConfigureTenant
from centralino.core.routing.decisions_customer import ABANDONED, OVERLOADED
from tests.unit.core.company import ANNA, SALES, Desk, company, only

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration

pytestmark = pytest.mark.unit


def _come(leg: str, **wanted: object) -> QueueInteraction:
    return msgspec.convert(
        {"type": "queue-interaction", "leg": leg, "queue": SALES, **wanted}, QueueInteraction
    )


def _limited(most_waiting: int, *, music: tuple[str, ...] = ("music",)) -> TenantConfiguration:
    made = company(wrap_up_for_ms=0)
    sales, support = made.queues
    limited = msgspec.structs.replace(sales, most_waiting=most_waiting, music=music)
    return msgspec.structs.replace(made, queues=(limited, support))


def test_a_customer_is_offered_with_his_arrival_and_ends_with_the_conversation() -> None:
    desk = Desk(company(wrap_up_for_ms=0))
    ring = only(desk.do(_come("chat-1", caller_name="Ada")), RingAgent)
    desk.do(ConfirmAnswered(leg=ring.leg))
    ended = desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True), after_s=60)
    assert only(ended, HangUpLeg).leg == "chat-1"
    assert not desk.engine.state.interactions
    assert {r.deadline for r in desk.engine.state.recordings.values()} == {
        desk.engine.next_deadline()
    }, "only the file of the recording is awaited"


def test_who_waits_hears_the_queue_s_music_and_may_give_up() -> None:
    desk = Desk()
    for number in range(2):
        desk.do(_come(f"in-{number}"))
    waiting = desk.do(_come("in-2"))
    assert only(waiting, PlayPrompts).prompts == ("music",)
    gone = desk.do(EndLeg(leg=LegId("in-2"), outcome=COMPLETED, by_far_end=True))
    (event,) = gone.events
    assert isinstance(event, InteractionEnded)
    assert event.outcome == ABANDONED


def test_a_full_queue_takes_only_whom_somebody_can_take_at_once() -> None:
    desk = Desk(_limited(0))
    refused = desk.do(_come("in-0"))
    for _ in range(2):
        agent = next(a for a in desk.engine.state.agents.values() if a.leg and a.offer)
        assert agent.leg is not None
        desk.do(ConfirmAnswered(leg=agent.leg))
        refused = desk.do(_come(f"in-{len(desk.decisions)}"))
    kinds = [type(event) for event in refused.events]
    assert kinds == [InteractionArrived, InteractionTurnedAway, InteractionEnded]
    assert isinstance(refused.events[-1], InteractionEnded)
    assert refused.events[-1].outcome == OVERLOADED
    assert only(refused, HangUpLeg).cause == "normal"


def test_a_queue_that_is_not_there_is_refused_and_nothing_changes() -> None:
    desk = Desk()
    before = desk.engine.state_hash()
    with pytest.raises(NotFound, match="no queue nowhere"):
        desk.do(_come("in-0", queue=QueueId("nowhere")))
    assert desk.engine.state_hash() == before


def test_a_leg_that_waits_already_changes_nothing() -> None:
    desk = Desk()
    desk.do(_come("in-0"))
    assert desk.do(_come("in-0")).is_empty


def test_a_new_configuration_and_a_lost_driver_leave_him_in_his_place() -> None:
    desk = Desk()
    rings = [only(desk.do(_come(f"in-{n}")), RingAgent).leg for n in range(2)]
    desk.do(_come("in-2", priority=3))
    desk.do(ConfigureTenant(configuration=company(wrap_up_for_ms=1000)))
    legs = [LegView(leg=LegId(f"in-{n}"), state="answered") for n in range(3)]
    legs += [LegView(leg=leg, state="inviting") for leg in rings]
    again = desk.do(ReconcileLegs(legs=tuple(legs)))
    assert {e.leg for e in again.effects if isinstance(e, PlayPrompts)} == {"in-0", "in-1", "in-2"}
    assert len(desk.engine.state.interactions) == 3


def test_a_queue_without_music_orders_none_even_when_the_driver_comes_back() -> None:
    desk = Desk(_limited(5, music=()))
    for number in range(3):
        decision = desk.do(_come(f"in-{number}"))
        assert not [e for e in decision.effects if isinstance(e, PlayPrompts)]
    legs = tuple(
        LegView(leg=leg, state="answered")
        for leg in (*desk.engine.index.customer_legs, *desk.engine.index.agent_legs)
    )
    again = desk.do(ReconcileLegs(legs=legs))
    assert not [e for e in again.effects if isinstance(e, PlayPrompts)]


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"skills": {"fr": 1}}, NotFound, "no agent has the skill fr"),
        ({"skills": {"es": 0}}, InvalidInput, "levels of es are 1 to 10"),
        ({"skills": {"es": 11}}, InvalidInput, "levels of es are 1 to 10"),
        ({"priority": 10}, InvalidInput, "priorities are 0 to 9"),
        ({"wish": {"agents": [ANNA, "nobody"]}}, NotFound, "no agent nobody"),
    ],
)
def test_who_asks_for_what_is_not_there_is_refused_and_nothing_changes(
    fields: dict[str, Any], kind: type[AppError], words: str
) -> None:
    plain = company()
    agents = tuple(msgspec.structs.replace(one, skills={"es": 3}) for one in plain.agents)
    desk = Desk(msgspec.structs.replace(plain, agents=agents))
    before = desk.engine.state_hash()
    with pytest.raises(kind, match=words):
        desk.do(_come("in-0", **fields))
    if "skills" in fields:
        with pytest.raises(kind, match=words):
            desk.do(BookCallback(queue=SALES, number="+390212345678", **fields))
    assert desk.engine.state_hash() == before
    desk.do(_come("in-0", skills={"es": 8}))
