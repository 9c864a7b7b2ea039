# SPDX-License-Identifier: Apache-2.0
"""What an explanation says of an interaction, in the states it may be in."""

from __future__ import annotations

import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions.commands import EndLeg
from centralino.core.interactions.effects import RingAgent
from centralino.core.kernel.errors import NotFound
from centralino.core.kernel.ids import InteractionId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.core.routing.explain import Explanation, explain
from centralino.core.routing.explain_rules import Rule
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, SUPPORT, Desk, only

pytestmark = pytest.mark.unit

DECLINED = Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED)


def asked(desk: Desk, name: InteractionId) -> Explanation:
    return explain(desk.engine.state, name, desk.now)


def last(desk: Desk) -> InteractionId:
    return list(desk.engine.state.interactions)[-1]


def ready(desk: Desk) -> None:
    for agent in (ANNA, BRUNO, CARLA):
        desk.do(MakeAgentReady(agent=agent))


def test_one_who_waits_says_why_of_each_agent() -> None:
    desk = Desk()
    ready(desk)
    desk.do(MakeAgentNotReady(agent=ANNA, reason="break"))
    ring = only(desk.queue_call("in-1"), RingAgent)
    assert ring.agent == BRUNO
    desk.queue_call("in-2")
    desk.do(EndLeg(leg=ring.leg, outcome=DECLINED, by_far_end=True), after_s=2)
    found = asked(desk, last(desk))
    assert found.state == "queued"
    assert found.text == "It waits in sales: no agent may take it now."
    assert (found.queue, found.ahead, found.others) == (SALES, 1, 1)
    why = {one.agent: one for one in found.agents}
    assert why[ANNA].rule is Rule.NOT_READY
    assert why[ANNA].text == "he is not ready: break"
    assert why[BRUNO].rule is Rule.BACK_OFF
    assert why[BRUNO].until == desk.engine.state.agents[BRUNO].deadline
    (queue,) = found.queues
    assert (queue.queue, queue.waiting, queue.next) != (SALES, 2, found.interaction)
    assert queue.why == {"not-ready": 1, "back-off": 1}
    assert queue.changes_at == why[BRUNO].until


def test_one_who_is_offered_says_to_whom() -> None:
    desk = Desk()
    ready(desk)
    ring = only(desk.queue_call("in-1"), RingAgent)
    found = asked(desk, last(desk))
    assert found.text == f"It is being offered to {ring.agent}."
    assert found.asked == (ring.agent,)
    rules = {one.agent: one.rule for one in found.agents}
    assert rules[ring.agent] is Rule.BUSY


def test_one_who_talks_needs_no_agent() -> None:
    desk = Desk()
    ready(desk)
    ring = desk.connect_call("in-1", "2")
    found = asked(desk, last(desk))
    assert (found.state, found.agent) == ("connected", ring.agent)
    assert found.agents == ()
    assert found.ahead is None
    assert found.queues == ()
    desk.queue_call("in-2", "2")
    other = asked(desk, last(desk))
    assert SUPPORT in {other.queue, *(queue.queue for queue in other.queues)}


def test_one_who_is_not_there_is_not_found() -> None:
    desk = Desk()
    with pytest.raises(NotFound, match="came later or had ended"):
        explain(desk.engine.state, InteractionId("i-9"), Instant(5 * SECOND))
