# SPDX-License-Identifier: Apache-2.0
"""Scores learned elsewhere: who is asked by them, when they count no more, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.interactions import effects
from centralino.core.interactions.commands import QueueInteraction
from centralino.core.interactions.events import OfferMade
from centralino.core.kernel.errors import AppError, Conflict, InvalidInput, NotFound
from centralino.core.kernel.ids import AgentId, LegId, QueueId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.commands import Tick
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.explain import explain
from centralino.core.routing.matching.choosing import is_held_out
from centralino.core.routing.matching.policy import QueueMatching, Strategy
from centralino.core.routing.score_commands import LearnScores
from centralino.core.routing.score_events import ScoresExpired
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, SUPPORT, TENANT, Desk, company

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit


def desk_of(*, hold_out_percent: int = 0) -> Desk:
    """Return a desk whose sales choose by prediction; bruno speaks Spanish at level 3."""
    plain = company()
    matching = QueueMatching(strategy=Strategy.PREDICTED, hold_out_percent=hold_out_percent)
    sales = msgspec.structs.replace(plain.queues[0], matching=matching)
    agents = tuple(
        msgspec.structs.replace(one, skills={"es": 3}) if one.id != CARLA else one
        for one in plain.agents
    )
    return Desk(msgspec.structs.replace(plain, queues=(sales, *plain.queues[1:]), agents=agents))


def learn(desk: Desk, scores: dict[AgentId, int], **fields: Any) -> Decision:  # noqa: ANN401
    """Let sales take scores."""
    told = {"queue": SALES, "scores": scores, "at": desk.now, "source": "model-1", **fields}
    return desk.do(LearnScores(**told))


def come(desk: Desk, name: str = "in-1", **skills: int) -> OfferMade:
    """Let a customer come; returns whom he is offered to and why."""
    decision = desk.do(QueueInteraction(leg=LegId(name), queue=SALES, skills=skills))
    (made,) = [event for event in decision.events if isinstance(event, OfferMade)]
    return made


def test_the_highest_score_is_asked_and_the_next_set_is_in_its_place() -> None:
    desk = desk_of()
    learn(desk, {ANNA: 1, BRUNO: 5})
    made = come(desk)
    assert (made.agent, made.rule) == (BRUNO, "predicted")
    desk = desk_of()
    learn(desk, {ANNA: 1, BRUNO: 5})
    learn(desk, {BRUNO: -1}, at=Instant(desk.now + SECOND))
    assert come(desk).agent == ANNA, "who is left out counts as 0"


def test_waits_that_ask_for_the_same_may_have_scores_of_their_own() -> None:
    desk = desk_of()
    learn(desk, {ANNA: 5})
    learn(desk, {BRUNO: 5}, skills={"es": 2})
    assert set(desk.engine.state.memory.scores) == {"sales", "sales es=2"}
    assert come(desk, es=2).agent == BRUNO
    desk = desk_of()
    learn(desk, {BRUNO: 5})
    learn(desk, {ANNA: 9}, skills={"es": 2})
    assert come(desk, es=1).agent == BRUNO, "others have those of the queue"


def test_without_scores_and_when_they_are_too_old_the_one_idle_longest_is_asked() -> None:
    desk = desk_of()
    assert come(desk).rule == "unscored"
    desk = desk_of()
    learn(desk, {BRUNO: 5}, good_for_ms=60_000)
    assert desk.engine.next_deadline() == desk.now + 60 * SECOND
    expired = desk.do(Tick(), after_s=60)
    (event,) = expired.events
    assert isinstance(event, ScoresExpired)
    assert (event.signature, event.source) == ("sales", "model-1")
    made = come(desk)
    assert (made.agent, made.rule) == (ANNA, "unscored")
    assert desk.engine.next_deadline() != desk.now


def test_a_share_of_the_waits_is_held_out() -> None:
    desk = desk_of(hold_out_percent=50)
    learn(desk, {BRUNO: 5})
    made = come(desk)
    is_held = is_held_out(made.interaction, 50)
    assert (made.agent, made.rule) == ((ANNA, "held-out") if is_held else (BRUNO, "predicted"))


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"queue": QueueId("nowhere")}, NotFound, "no queue nowhere"),
        ({"queue": SUPPORT}, Conflict, "support does not choose by prediction but longest-idle"),
        ({"scores": {AgentId("nobody"): 1}}, NotFound, "no agent nobody"),
        ({"scores": {ANNA: 1_000_001}}, InvalidInput, "scores are from"),
        ({"skills": {"fr": 1}}, NotFound, "no agent has the skill fr"),
        ({"skills": {"es": 11}}, InvalidInput, "levels of es are 1 to 10"),
        ({"skills": {"es": 0}}, InvalidInput, "levels of es are 1 to 10"),
        ({"good_for_ms": 999}, InvalidInput, "good for one second"),
        ({"source": "x" * 65}, InvalidInput, "longer than 64"),
        ({"at": Instant(1_700_000_000 * SECOND - 8 * 86_400 * SECOND)}, InvalidInput, "too old"),
        ({"at": Instant(1_700_000_061 * SECOND)}, InvalidInput, "in the future"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    fields: dict[str, Any], kind: type[AppError], words: str
) -> None:
    desk = desk_of()
    before = desk.engine.state_bytes()
    with pytest.raises(kind, match=words):
        learn(desk, fields.pop("scores", {ANNA: 1}), **fields)
    assert desk.engine.state_bytes() == before


def test_scores_that_come_late_are_refused_and_the_same_again_changes_nothing() -> None:
    desk = desk_of()
    learn(desk, {ANNA: 1})
    assert learn(desk, {ANNA: 1}).is_empty
    with pytest.raises(Conflict, match="newer scores are known for sales"):
        learn(desk, {ANNA: 9}, at=Instant(desk.now - SECOND))


def test_only_so_many_signatures_of_a_queue_have_scores() -> None:
    plain = desk_of().engine.state.configuration
    assert plain is not None
    skills = {f"s{number}": 1 for number in range(201)}
    agents = tuple(msgspec.structs.replace(one, skills=skills) for one in plain.agents)
    desk = Desk(msgspec.structs.replace(plain, agents=agents))
    for number in range(200):
        learn(desk, {ANNA: 1}, skills={f"s{number}": 1})
    with pytest.raises(Conflict, match="200 signatures"):
        learn(desk, {ANNA: 1}, skills={"s200": 1})
    learn(desk, {ANNA: 2}, skills={"s0": 1}, at=Instant(desk.now + SECOND))


def test_explain_says_what_is_predicted_and_how_old_it_is() -> None:
    desk = desk_of()
    learn(desk, {ANNA: 2, BRUNO: 5})
    made = come(desk, es=1)
    found = explain(desk.engine.state, made.interaction, desk.now).prediction
    assert found is not None
    assert (found.signature, found.source, found.is_held_out) == ("sales", "model-1", False)
    assert found.learned_at == desk.now
    assert found.scores == {ANNA: 2, BRUNO: 5}
    decision = desk.do(QueueInteraction(leg=LegId("in-2"), queue=SUPPORT))
    other = next(e.interaction for e in decision.events if isinstance(e, OfferMade))
    assert explain(desk.engine.state, other, desk.now).prediction is None
    desk = desk_of()
    nothing = explain(desk.engine.state, come(desk).interaction, desk.now).prediction
    assert nothing is not None
    assert (nothing.learned_at, nothing.scores) == (None, {})


def test_scores_live_on_in_a_snapshot_and_in_their_events() -> None:
    desk = desk_of()
    learn(desk, {ANNA: 1, BRUNO: 5}, good_for_ms=60_000)
    folded = TenantEngine(TENANT)
    for decision in desk.decisions:
        folded.restore(decision.sequence, decision.at, decision.events)
    revived = TenantEngine.revive(desk.engine.state_bytes())
    for engine in (desk.engine, folded, revived):
        assert engine.next_deadline() == desk.now + 60 * SECOND
        command = QueueInteraction(leg=LegId("in-9"), queue=SALES)
        (ring,) = [
            effect
            for effect in engine.apply(command, desk.now).effects
            if isinstance(effect, effects.RingAgent)
        ]
        assert ring.agent == BRUNO
