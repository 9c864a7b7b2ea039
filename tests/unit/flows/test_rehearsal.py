# SPDX-License-Identifier: Apache-2.0
"""Scripted callers: time passes without waiting, and disappointment is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.flows.coverage import Coverage, ratio
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.rehearsal import Played, rehearse
from centralino.core.flows.script import Caller
from centralino.core.flows.verdict import disappointments
from centralino.core.kernel.errors import InvalidInput
from tests.unit.flows.table import catalogue_of, flow_of

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow

pytestmark = pytest.mark.unit

MENU = {
    "type": "menu",
    "prompts": ["menu"],
    "keys": {"1": "bye", "2": "digits"},
    "timeout_ms": 4000,
    "attempts": 2,
    "timeout": "left",
    "invalid": "left",
}
DIGITS = {
    "type": "collect",
    "prompts": ["greeting"],
    "into": "account",
    "max_digits": 4,
    "next": "bye",
    "invalid": "left",
    "timeout": "left",
}
FLOW = flow_of(
    {"menu": MENU, "digits": DIGITS},
    zone="Europe/Rome",
    variables={"account": {"type": "string", "default": ""}},
)


def caller(**fields: Any) -> Caller:  # noqa: ANN401
    return msgspec.convert({"name": "c", "expect": {}} | fields, Caller)


def play(flow: Flow = FLOW, **fields: Any) -> Played:  # noqa: ANN401
    return rehearse(FlowLibrary(catalogue_of(flow)), flow.flow, caller(**fields))


def test_silence_takes_as_long_as_it_would() -> None:
    played = play()
    assert (played.end, played.took_s) == ("hung-up", 2 * (3 + 4))
    assert played.nodes == ["main/menu", "main/left"]
    assert played.heard == ["menu.en", "menu.en"]


def test_a_key_ends_the_prompt() -> None:
    played = play(does=[{"press": "1"}])
    assert played.nodes[-1] == "main/bye"
    assert played.took_s < 1


def test_keys_pressed_ahead_are_kept_for_the_next_question() -> None:
    played = play(does=[{"press_now": "24711"}])
    assert played.variables == {"account": "4711"}


def test_digits_end_with_a_key_or_by_time() -> None:
    quick = play(does=[{"press": "2"}, {"press": "47#"}])
    slow = play(does=[{"press": "2"}, {"press": "47"}])
    assert quick.variables == slow.variables == {"account": "47"}
    assert slow.took_s == pytest.approx(quick.took_s + 3 - 0.4, abs=0.3)


def test_a_caller_hangs_up_where_he_likes() -> None:
    played = play(does=[{"press": "2"}, {"until": "digits"}, {"wait": 1.5}, {"hang_up": True}])
    assert (played.end, played.nodes[-1]) == ("gone", "main/digits")


def test_the_time_of_day_is_that_of_the_flow() -> None:
    hours = {"type": "hours", "calendar": "shop", "open": "bye", "closed": "left"}
    flow = flow_of({"h": hours}, zone="Europe/Rome")
    assert play(flow, at="2026-01-14 09:00").nodes[-1] == "main/bye"
    assert play(flow, at="2026-01-14 08:59").nodes[-1] == "main/left"
    with pytest.raises(InvalidInput):
        play(flow, at="2026-02-30 08:59")


LOOKUP = {
    "type": "lookup",
    "url": "https://a.example/",
    "timeout_ms": 1000,
    "save": {"x": "body.x"},
    "next": "bye",
    "failed": "left",
}


@pytest.mark.parametrize(
    ("answer", "node"),
    [
        ({"body": {"x": 5}}, "bye"),
        ({"body": {"x": 5}, "status": 500}, "left"),
        ({"body": {"x": 5}, "after_s": 3}, "left"),
        ({"text": "nonsense"}, "left"),
        ({"fails": "unreachable"}, "left"),
        ({"fails": "never"}, "left"),
    ],
)
def test_lookups_end_as_the_script_says(answer: dict[str, object], node: str) -> None:
    flow = flow_of({"l": LOOKUP}, variables={"x": {"type": "int", "default": 0}})
    assert play(flow, lookups={"l": answer}).nodes[-1] == f"main/{node}"


def test_a_queue_answers_when_the_script_says() -> None:
    queue = {
        "type": "queue",
        "queue": "sales",
        "steps": [{"type": "music", "prompts": ["music"], "for_s": 30}],
        "timeout": "left",
    }
    flow = flow_of({"q": queue}, fallback="left")
    assert play(flow, queues={"sales": {"answered_after_s": 45}}).end == "connected"
    assert play(flow, queues={"sales": {}}).took_s == 1200
    assert play(flow, queues={"sales": {"refused": "overflow"}}).took_s == 0


def test_every_disappointment_is_told() -> None:
    expect = {
        "ends": "connected",
        "passes": ["digits"],
        "not_passes": ["menu"],
        "last": "menu",
        "hears": ["hold.en"],
        "within_s": 1,
        "variables": {"account": "1"},
    }
    told = disappointments(caller(expect=expect), "main", play())
    assert told == [
        "should end connected, ended hung-up",
        "should take at most 1 s, took 14 s",
        "account should be '1', is ''",
        "should pass digits, passed menu > left",
        "should not pass menu, passed menu > left",
        "should end in menu, passed menu > left",
        "should hear hold.en, heard menu.en, menu.en",
    ]


def test_a_call_that_nothing_ends_is_told() -> None:
    assert disappointments(caller(), "main", Played(nodes=["main/a"])) == [
        "the call was never ended"
    ]


def test_coverage_counts_nodes_and_written_edges() -> None:
    coverage = Coverage()
    coverage.add(play().entries)
    covered = {one.node: one for one in coverage.of(FLOW)}
    assert covered["menu"].entered == 1
    assert covered["menu"].taken == {"key-1": 0, "key-2": 0, "invalid": 0, "timeout": 1}
    assert (covered["digits"].entered, covered["left"].entered) == (0, 1)
    assert ratio(covered.values()) == (3, 11)


@pytest.mark.parametrize("act", [{}, {"press": "1", "wait": 3}, {"press": "x"}])
def test_an_act_is_one_thing(act: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        caller(does=[act])
