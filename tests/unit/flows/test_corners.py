# SPDX-License-Identifier: Apache-2.0
"""What should not happen and must not hurt: flows that nobody checked, positions that lie."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from centralino.core.calendars.calendar import Calendar, OwnHoliday
from centralino.core.calendars.hours import Kind, status_at
from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import HangUp, Play, Speech, StopPlay, Transfer
from centralino.core.flows.document import Flow, Variable
from centralino.core.flows.interpreter import resume
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.nodes import Target
from centralino.core.flows.reading import convert, read_flow, read_tree
from centralino.core.flows.run import MOST_ENTERED, MOST_IN_BURST
from centralino.core.kernel.instant import Instant
from tests.unit.flows.table import OPERATOR, Table, flow_of

pytestmark = pytest.mark.unit

ENDS = {"quiet": {"type": "hang-up"}, "wrong": {"type": "hang-up"}}
KEYS: dict[str, dict[str, Any]] = {
    "menu": {"type": "menu", "prompts": ["menu"], "keys": {"1": "bye"}},
    "collect": {
        "type": "collect",
        "prompts": ["menu"],
        "into": "x",
        "min_digits": 9,
        "max_digits": 9,
        "next": "bye",
    },
    "directory": {"type": "directory", "by": "name", "prompts": ["menu"]},
}


@pytest.mark.parametrize("kind", KEYS)
def test_answers_faster_than_any_hand_end_the_flow(kind: str) -> None:
    variables = {"x": {"type": "string", "default": ""}}
    table = Table(flow_of({"n": KEYS[kind]}, variables=variables), operator=OPERATOR)
    position = msgspec.structs.replace(table.turn.position, burst=MOST_IN_BURST, burst_at=table.now)
    answer = happened.Collected(ask=position.expects[0], digits="5")
    turn = resume(table.library, position, answer, table.now)
    assert [type(action) for action in turn.actions] == [Transfer]


def test_keys_faster_than_any_hand_leave_the_queue() -> None:
    music = {"type": "music", "prompts": ["music"]}
    queue = {"type": "queue", "queue": "s", "steps": [music], "keys": {"1": "bye"}}
    table = Table(flow_of({"q": queue | {"failed": "left"}}))
    told = happened.QueueRead(
        ask=table.ask, position=1, waiting=1, ready_agents=0, estimated_wait_s=0
    )
    table.tell(told, 0)
    for _ in range(MOST_IN_BURST):
        keys = table.turn.position.progress.keys_ask
        table.tell(happened.Collected(ask=keys, digits="9"), 0)
    assert table.turn.position.progress.leaving == "failed"


def test_the_operator_is_tried_only_once() -> None:
    table = Table(flow_of({"m": KEYS["menu"] | {"attempts": 1}}), operator=OPERATOR)
    table.press("9")
    assert table.only(Transfer).target == OPERATOR
    table.expire()
    assert table.only(HangUp).cause == "error"


def test_a_position_in_a_node_in_which_nothing_is_awaited() -> None:
    table = Table(flow_of({"m": KEYS["menu"], "s": {"type": "set", "language": "it", "next": "m"}}))
    frame = msgspec.structs.replace(table.turn.position.frames[0], node="s")
    position = msgspec.structs.replace(table.turn.position, frames=(frame,))
    answer = happened.Collected(ask=position.expects[0], digits="5")
    assert resume(table.library, position, answer, table.now).position.end == "hung-up"


def test_a_start_that_does_not_exist_ends_the_call() -> None:
    assert Table(flow_of({"m": KEYS["menu"]}, start="nope")).only(HangUp).cause == "error"


def test_a_calendar_that_cannot_be_read_is_closed() -> None:
    hours = {"type": "hours", "calendar": "shop", "open": "bye", "closed": "left"}
    flow = flow_of({"p": {"type": "play", "prompts": ["greeting"], "next": "h"}, "h": hours})
    table = Table(flow)
    nowhere = Calendar(name="shop", zone="Mars")
    catalogue = msgspec.structs.replace(table.library.catalogue, calendars=(nowhere,))
    table.library = FlowLibrary(catalogue)
    table.finish_play()
    assert table.node == "left"


@pytest.mark.parametrize(
    ("holiday", "closure", "node"), [("wrong", None, "wrong"), (None, "quiet", "left")]
)
def test_a_holiday_has_its_own_edge_or_is_closed(
    holiday: str | None, closure: str | None, node: str
) -> None:
    hours = {"type": "hours", "calendar": "shop", "open": "bye", "closed": "left"}
    fields = hours | {"holiday": holiday, "closure": closure}
    play = {"type": "play", "prompts": ["greeting"], "next": "h"}
    table = Table(flow_of({"p": play, "h": fields, **ENDS}))
    festive = Calendar(name="shop", zone="UTC", own_holidays=(OwnHoliday(name="x", date="01-14"),))
    catalogue = msgspec.structs.replace(table.library.catalogue, calendars=(festive,))
    table.library = FlowLibrary(catalogue)
    table.finish_play()
    assert table.node == node


def test_an_operator_who_is_taken_away_meanwhile() -> None:
    table = Table(
        flow_of({"o": {"type": "operator", "prompts": ["hold"], "unreachable": "left"}}),
        operator=OPERATOR,
    )
    catalogue = msgspec.structs.replace(table.library.catalogue, operator=None)
    table.library = FlowLibrary(catalogue)
    table.finish_play()
    assert table.node == "left"


def test_a_person_who_is_taken_away_meanwhile() -> None:
    node = KEYS["directory"] | {"connecting_prompts": ["hold"], "not_found": "left"}
    table = Table(flow_of({"d": node}))
    table.press("2662")
    catalogue = msgspec.structs.replace(table.library.catalogue, directory=())
    table.library = FlowLibrary(catalogue)
    table.finish_play()
    assert table.node == "left"


def test_a_choice_of_names_that_is_never_answered_asks_again() -> None:
    table = Table(flow_of({"d": KEYS["directory"]}))
    table.press("748")
    table.expire()
    assert table.heard() == ["menu.en"]


def test_a_text_with_a_brace_too_many_is_not_said() -> None:
    assert Table(flow_of({"s": {"type": "say", "text": {"en": "{"}, "next": "bye"}})).node == "bye"


def test_numbers_without_recordings_are_said_by_the_voice() -> None:
    position = {"type": "position", "prompts": ["position"]}
    steps = [position, {"type": "music", "prompts": ["nothing"]}]
    table = Table(flow_of({"q": {"type": "queue", "queue": "s", "steps": steps}}))
    bare = {
        name: there
        for name, there in table.library.catalogue.prompts.items()
        if not name.startswith("digit")
    }
    catalogue = msgspec.structs.replace(table.library.catalogue, prompts=bare)
    table.library = FlowLibrary(catalogue)
    table.tell(
        happened.QueueRead(
            ask=table.ask, position=7, waiting=7, ready_agents=0, estimated_wait_s=0
        ),
        0,
    )
    assert table.heard() == ["position.en", "7"]
    table.finish_play()
    assert isinstance(table.turn.actions[0], StopPlay)


def test_a_person_without_a_recorded_name_is_said_in_the_callers_language() -> None:
    table = Table(flow_of({"d": KEYS["directory"]}), language="it")
    table.press("748")
    assert Speech("Anna Riva", "it") in table.only(Play).sounds


def test_a_callback_without_a_good_bye_ends_the_call() -> None:
    node = {"type": "callback", "queue": "s", "prompts": ["menu"], "declined": "left"}
    table = Table(flow_of({"c": node}))
    table.press("1")
    table.tell(happened.CallbackBooked(ask=table.ask))
    assert table.only(HangUp).cause == "normal"


def test_a_target_is_a_number_or_a_user() -> None:
    for wrong in ({}, {"number": "+39021", "user": "a@b.example"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, Target)


def test_a_whole_number_will_do_for_a_double() -> None:
    assert msgspec.convert({"type": "double", "default": 3}, Variable).default == 3.0
    assert isinstance(Variable(type="double", default=3).default, float)


def test_after_all_time_nothing_is_open() -> None:
    calendar = Calendar(name="c", zone="UTC", hours={"mon": ("00:00-24:00",)})
    assert status_at(calendar, Instant(10**21)) == (Kind.CLOSED, "", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("? [a]\n: b", "a key must be a plain text"),
        ("flow: a\nlanguages: [en]\nstart: b\nnodes:\n  Big Node: {type: return}", "nodes.Big"),
        ("flow: a\nlanguages: [en]\nstart: b\nnodes: {b: 5}", "should be fields with values"),
        ("flow: a\nlanguages: [en]\nstart: b\nnodes: [b]", "nodes: should be fields with values"),
        ("flow: a\nlanguages: [EN]\nstart: b\nnodes: {b: {type: return}}", "languages.0"),
        ("a: \x01", "this is not YAML"),
    ],
)
def test_more_that_is_no_flow(text: str, reason: str) -> None:
    assert read_flow(text).problems[0].reason.startswith(reason)


def test_a_tree_with_problems_becomes_nothing() -> None:
    assert convert(read_tree("a: [1"), Flow).document is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.50", 1.5), ("-3", -3), ("~", None), ("true", True), ('"true"', "true"), (".5", ".5")],
)
def test_plain_values(text: str, value: object) -> None:
    assert read_tree(f"a: {text}").value == {"a": value}


def test_a_call_takes_only_so_many_steps() -> None:
    table = Table(flow_of({"p": {"type": "play", "prompts": ["greeting"], "next": "p"}}))
    for _ in range(MOST_ENTERED - 1):
        table.tell(happened.PlayFinished(ask=table.ask), 0.1)
    assert table.turn.position.end == ""
    table.tell(happened.PlayFinished(ask=table.ask))
    assert table.only(HangUp).cause == "error"


@pytest.mark.parametrize(
    ("body", "node"),
    [
        ('{"x": 1}', "bye"),
        ('{"x": 1}' + " " * 70_000, "left"),
        ('{"x": 1, "y": ' + "[" * 30 + "1" + "]" * 30 + "}", "bye"),
        ('{"x": 1, "y": ' + "[" * 40 + "1" + "]" * 40 + "}", "left"),
    ],
)
def test_a_large_or_deep_answer_is_not_used_though_what_is_asked_for_is_there(
    body: str, node: str
) -> None:
    lookup = {"type": "lookup", "url": "https://a.example/", "save": {"x": "body.x"}}
    variables = {"x": {"type": "int", "default": 0}}
    table = Table(flow_of({"l": lookup | {"next": "bye", "failed": "left"}}, variables=variables))
    table.tell(happened.LookupAnswered(ask=table.ask, status=200, body=body))
    assert table.node == node
