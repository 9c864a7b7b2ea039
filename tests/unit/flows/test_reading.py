# SPDX-License-Identifier: Apache-2.0
"""Reading YAML: every mistake has its line and says in plain words what is wrong."""

from __future__ import annotations

import pytest

from centralino.core.flows.reading import read_flow

pytestmark = pytest.mark.unit

GOOD = """\
flow: main
languages: [en]
start: menu
nodes:
  menu:
    type: menu
    prompts: [menu]
    keys:
      1: bye
      0: bye
    timeout_ms: 4000
  bye:
    type: hang-up
"""


def test_a_good_flow_is_read_and_knows_its_lines() -> None:
    reading = read_flow(GOOD)
    assert reading.problems == ()
    assert reading.document is not None
    assert list(reading.document.nodes) == ["menu", "bye"]
    assert reading.marks.line("nodes", "menu", "keys", "0") == 10
    assert reading.marks.line("nodes", "menu", "nothing") == 5


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ("timeout_ms: 4000", "timeout_ms: soon", 11, "timeout_ms: should be a whole number"),
        ("timeout_ms: 4000", "timeout_ms: 5", 11, "timeout_ms: should be a whole number of at"),
        ("timeout_ms: 4000", "timeuot_ms: 5", 11, "there is no field timeuot_ms here"),
        ("type: menu", "type: mneu", 6, "type: there is no such thing as 'mneu'"),
        ("    prompts: [menu]\n", "", 5, "prompts is missing"),
        ("[menu]", "[]", 7, "prompts: should be a list that is not empty"),
        ("      1: bye", "      A: bye", 9, "keys.A: should be one key"),
        ("      1: bye", "      1: Good Bye", 9, "keys.1: should be a name"),
        ("      0: bye", "      1: bye", 10, "1 is there twice"),
        ("flow: main", "flow: Main", 1, "flow: should be a name"),
        ("start: menu", "started: menu", 3, "there is no field started here"),
        ("languages: [en]", "languages: en", 2, "languages: should be a list, not a text"),
        ("type: hang-up", "type: [hang-up", 14, "this is not YAML"),
        ("    type: hang-up", "    type: &a hang-up\n    note: *a", 14, "aliases"),
    ],
)
def test_a_mistake_is_found_on_its_line(before: str, after: str, line: int, reason: str) -> None:
    assert before in GOOD
    reading = read_flow(GOOD.replace(before, after))
    assert reading.document is None
    (problem,) = reading.problems
    assert problem.line == line
    assert problem.reason.startswith(reason)


def test_every_wrong_node_is_told() -> None:
    text = GOOD.replace("type: menu", "type: mneu").replace("type: hang-up", "type: hangup")
    assert [problem.node for problem in read_flow(text).problems] == ["menu", "bye"]


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "0100", "1_000", "12:30", "2026-01-01"])
def test_words_stay_words(word: str) -> None:
    reading = read_flow(GOOD + f"    note: {word}\n")
    assert reading.document is not None
    assert reading.document.nodes["bye"].note == word


@pytest.mark.parametrize("text", ["", "---", "5", "[]", "a: b: c", "\x00", "!!python/object:os {}"])
def test_what_is_no_flow_is_refused(text: str) -> None:
    assert read_flow(text).problems


def test_a_bomb_is_refused() -> None:
    assert read_flow("[" * 3000).problems
    assert read_flow("x" * 600_000).problems
    assert read_flow("flow: " + "{a: " * 40 + "b" + "}" * 40).problems
