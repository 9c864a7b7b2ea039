# SPDX-License-Identifier: Apache-2.0
"""Estimates in the engine: made once for a wait, kept in events, judged when an agent answers."""

from __future__ import annotations

import msgspec
import pytest

from bench.core_wait import own_agents, pairs_of, shared_agents
from centralino.core.interactions.commands import ConfirmAnswered, EndLeg, QueueInteraction
from centralino.core.interactions.effects import RingAgent
from centralino.core.interactions.wait_events import (
    InteractionWaitEstimated,
    InteractionWaitJudged,
)
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.metrics.estimated_wait import WaitMethod
from tests.unit.core.company import SALES, Desk, company, only

pytestmark = pytest.mark.unit


def _desk() -> Desk:
    made = company(wrap_up_for_ms=0)
    sales, support = made.queues
    sales = msgspec.structs.replace(sales, is_wait_estimated=True)
    return Desk(msgspec.structs.replace(made, queues=(sales, support)))


def _come(leg: str) -> QueueInteraction:
    return QueueInteraction(leg=LegId(leg), queue=SALES)


def _talk(desk: Desk, leg: str) -> LegId:
    """Let somebody reach an agent at once; returns the agent's leg."""
    ring = only(desk.do(_come(leg)), RingAgent).leg
    desk.do(ConfirmAnswered(leg=ring))
    return ring


def test_who_has_to_wait_is_estimated_and_the_estimate_is_judged() -> None:
    desk = _desk()
    desk.do(EndLeg(leg=_talk(desk, "a"), outcome=COMPLETED, by_far_end=True), after_s=100)
    busy = [_talk(desk, "b"), _talk(desk, "c")]
    waiting = desk.do(_come("d"))
    (told,) = [e for e in waiting.events if isinstance(e, InteractionWaitEstimated)]
    assert (told.position, told.agents) == (1, 2)
    assert told.estimate.expected_ms == 50_000
    assert told.estimate.method is WaitMethod.QUEUE_LENGTH
    ring = only(desk.do(EndLeg(leg=busy[0], outcome=COMPLETED, by_far_end=True), 30), RingAgent)
    answered = desk.do(ConfirmAnswered(leg=ring.leg), after_s=3)
    (judged,) = [e for e in answered.events if isinstance(e, InteractionWaitJudged)]
    assert (judged.expected_ms, judged.actual_ms) == (50_000, 33_000)
    assert sum(desk.engine.state.waits[SALES].scores[WaitMethod.QUEUE_LENGTH]) == 1


def test_who_is_offered_at_once_and_who_gives_up_is_not_judged() -> None:
    desk = _desk()
    desk.do(EndLeg(leg=_talk(desk, "a"), outcome=COMPLETED, by_far_end=True), after_s=100)
    for leg in ("b", "c"):
        _talk(desk, leg)
    desk.do(_come("d"))
    desk.do(EndLeg(leg=LegId("d"), outcome=COMPLETED, by_far_end=True), after_s=20)
    events = [event for decision in desk.decisions for event in decision.events]
    assert sum(isinstance(event, InteractionWaitEstimated) for event in events) == 1
    assert not any(isinstance(event, InteractionWaitJudged) for event in events)
    assert desk.engine.state.waits[SALES].lost == 1


def test_estimates_of_own_agents_are_nearly_as_good_as_with_known_parameters() -> None:
    pairs = pairs_of(own_agents(30, 1.15, 300.0, 8), 300.0)
    assert pairs.error(pairs.ours) <= 1.15 * pairs.error(pairs.best)
    assert pairs.error(pairs.ours) <= pairs.error(pairs.last)
    assert pairs.coverage(is_wide=False) == pytest.approx(0.5, abs=0.04)
    assert pairs.coverage(is_wide=True) == pytest.approx(0.9, abs=0.04)


def test_estimates_of_shared_agents_are_better_than_the_last_wait() -> None:
    pairs = pairs_of(shared_agents(5, 300.0), 300.0)
    assert pairs.error(pairs.ours) <= pairs.error(pairs.last)
