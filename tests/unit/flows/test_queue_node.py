# SPDX-License-Identifier: Apache-2.0
"""Waiting: the steps, what lets a caller out, and who was faster."""

from __future__ import annotations

import pytest

from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import Collect, EnterQueue, LeaveQueue, Play, ReadQueue
from centralino.core.kernel.instant import SECOND
from tests.unit.flows.table import Table, flow_of

pytestmark = pytest.mark.unit

MUSIC = {"type": "music", "prompts": ["music"], "for_s": 30}
QUEUE = {
    "type": "queue",
    "queue": "sales",
    "steps": [MUSIC, {"type": "message", "prompts": ["hold"]}],
    "keys": {"1": "pressed"},
    "max_wait_s": 100,
    "timeout": "late",
    "overflow": "full",
    "no_agents": "empty",
    "failed": "left",
}
ENDS = {name: {"type": "hang-up"} for name in ("pressed", "late", "full", "empty", "out")}


def waiting(*, is_in: bool = True, **fields: object) -> Table:
    table = Table(flow_of({"q": QUEUE | fields, **ENDS}))
    if is_in:
        read(table)
    return table


def read(table: Table, position: int = 1, estimate_s: int = -1, ready: int = 1) -> None:
    table.tell(
        happened.QueueRead(
            ask=table.ask,
            position=position,
            waiting=position,
            ready_agents=ready,
            estimated_wait_s=estimate_s,
        ),
        0,
    )


def left(table: Table, reason: str) -> None:
    ask = table.turn.position.progress.queue_ask
    table.tell(happened.QueueLeft(ask=ask, reason=reason), 0)


def test_a_caller_is_let_in_before_he_hears_anything() -> None:
    table = waiting(is_in=False, skills={"climbing": 3}, priority=2, most_waiting=7)
    entered = table.only(EnterQueue)
    assert (entered.queue, entered.priority, entered.skills) == ("sales", 2, {"climbing": 3})
    assert (entered.most_waiting, entered.no_agents_for) == (7, "new")
    assert [type(action) for action in table.turn.actions] == [EnterQueue, ReadQueue]
    read(table)
    assert table.only(Play).is_looped
    assert table.only(Collect).first_timeout_ms == 0


def test_steps_follow_each_other_again_and_again() -> None:
    table = waiting()
    heard = [table.heard()]
    for _ in range(2):
        table.expire()
        heard.append(table.heard())
        table.finish_play()
        heard.append(table.heard())
    assert heard == [["music"], ["hold.en"], ["music"], ["hold.en"], ["music"]]


def test_the_steps_may_repeat_from_a_later_one() -> None:
    table = waiting(steps=[{"type": "message", "prompts": ["hold"]}, MUSIC], repeat_from=1)
    table.finish_play()
    assert table.heard() == ["music"]
    table.expire()
    assert table.heard() == ["music"]


def test_position_and_estimate_are_told_as_the_queue_tells_them() -> None:
    steps = [
        MUSIC,
        {"type": "position", "prompts": ["position"], "up_to": 20},
        {"type": "estimate", "prompts": ["hold"], "after_prompts": ["minutes"]},
    ]
    table = waiting(steps=steps)
    table.expire()
    read(table, position=12, estimate_s=130)
    assert table.heard() == ["position.en", "digit-1.en", "digit-2.en"]
    table.finish_play()
    read(table, position=12, estimate_s=130)
    assert table.heard() == ["hold.en", "digit-3.en", "minutes.en"]


@pytest.mark.parametrize(("position", "estimate_s"), [(21, -1), (99, 7200)])
def test_what_nobody_wants_to_know_is_not_said(position: int, estimate_s: int) -> None:
    steps = [
        MUSIC,
        {"type": "position", "prompts": ["position"], "up_to": 20},
        {"type": "estimate", "prompts": ["hold"]},
    ]
    table = waiting(steps=steps)
    table.expire()
    read(table, position, estimate_s)
    assert table.heard() == ["music"]


def test_a_message_may_have_a_condition() -> None:
    message = {"type": "message", "prompts": ["hold"], "when": "queue.waited_s >= 60"}
    table = waiting(steps=[MUSIC, message])
    table.expire()
    read(table)
    assert table.heard() == ["music"]
    table.expire()
    read(table)
    assert table.heard() == ["hold.en"]


def test_a_condition_without_a_value_is_false_and_noted() -> None:
    message = {"type": "message", "prompts": ["hold"], "when": "1 / (queue.waited_s * 0) == 1"}
    table = waiting(steps=[MUSIC, message])
    table.expire()
    read(table)
    assert table.heard() == ["music"]
    assert "no-value" in table.edges


def test_a_condition_may_let_a_caller_out() -> None:
    way_out = {
        "type": "exit",
        "when": "queue.position > 5 || queue.ready_agents == 0",
        "next": "out",
    }
    table = waiting(steps=[MUSIC, way_out])
    table.expire()
    read(table, position=6)
    assert table.only(LeaveQueue).reason == "condition"
    left(table, "left")
    assert table.node == "out"


def test_a_key_lets_him_out_and_the_place_is_kept() -> None:
    table = waiting()
    table.press("1")
    assert table.only(LeaveQueue).keeps_place
    left(table, "left")
    assert table.node == "pressed"


def test_another_key_changes_nothing_but_is_listened_for_again() -> None:
    table = waiting()
    keys = table.turn.position.progress.keys_ask
    table.tell(happened.Collected(ask=keys, digits="7"))
    again = table.only(Collect).ask
    assert again in table.turn.position.expects
    assert keys not in table.turn.position.expects
    table.tell(happened.Collected(ask=again, digits="1"))
    left(table, "left")
    assert table.node == "pressed"


def test_an_agent_who_was_faster_has_the_caller() -> None:
    table = waiting()
    table.press("1")
    left(table, "answered")
    assert table.turn.position.end == "connected"


def test_the_longest_wait_ends_in_the_middle_of_a_step() -> None:
    table = waiting(max_wait_s=40)
    entered_at = table.turn.position.progress.entered_at
    table.expire()
    table.expire()
    assert table.now == entered_at + 40 * SECOND
    assert not table.only(LeaveQueue).keeps_place
    left(table, "left")
    assert table.node == "late"


@pytest.mark.parametrize(
    ("reason", "node"), [("overflow", "full"), ("no-agents", "empty"), ("nonsense", "left")]
)
def test_a_queue_may_let_nobody_in_or_send_him_away(reason: str, node: str) -> None:
    for is_in in (False, True):
        table = waiting(is_in=is_in)
        left(table, reason)
        assert table.node == node


def test_a_queue_that_does_not_answer_is_left() -> None:
    table = waiting(is_in=False)
    table.expire()
    assert table.only(LeaveQueue).reason == "error"
    table.expire()
    assert table.node == "left"


def test_steps_in_which_no_time_passes_do_not_spin() -> None:
    silent = {"type": "message", "prompts": ["nothing"]}
    table = waiting(steps=[silent])
    assert table.only(LeaveQueue).reason == "error"


def test_nobody_waits_where_the_longest_wait_is_none() -> None:
    assert waiting(is_in=False, max_wait_s=0).node == "late"
