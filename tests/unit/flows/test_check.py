# SPDX-License-Identifier: Apache-2.0
"""The checker: each thing that can be wrong is found, named and placed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from centralino.core.flows.check import Judged, check_flow, check_surroundings
from centralino.core.flows.reading import Marks
from centralino.core.flows.surroundings import Surroundings
from centralino.exchange.capabilities import (
    CAPABILITIES,
    Capability,
    Cell,
    Model,
    Profile,
    Support,
)
from centralino.exchange.flow_needs import lacks
from tests.unit.flows.table import flow_of

pytestmark = pytest.mark.unit

AROUND = msgspec.convert(
    {
        "queues": ["sales"],
        "skills": ["climbing"],
        "voicemail_boxes": ["sales"],
        "secrets": ["crm-key"],
        "prompts": {
            "menu": ["en", "it"],
            "english": ["en"],
            "italian": ["it"],
            "music": [],
        },
        "calendars": [{"name": "shop", "zone": "Europe/Rome"}],
        "directory": [{"name": "Anna", "target": {"number": "+390212345611"}, "groups": ["sales"]}],
    },
    Surroundings,
)
PLAY = {"type": "play", "prompts": ["menu"], "next": "bye"}
MUSIC = {"type": "music", "prompts": ["music"]}
QUEUE = {"type": "queue", "queue": "sales", "steps": [MUSIC]}
LOOKUP = {"type": "lookup", "url": "https://a.example/", "next": "bye", "failed": "bye"}


def judge(
    *nodes: dict[str, Any],
    around: Surroundings | None = AROUND,
    **fields: Any,  # noqa: ANN401
) -> list[str]:
    """Check a flow of nodes ``n0``, ``n1``... that all fall back to ``bye``."""
    named = {f"n{number}": node for number, node in enumerate(nodes)}
    flow = flow_of(named, **({"fallback": "bye"} | fields))
    flow = msgspec.structs.replace(flow, nodes={k: v for k, v in flow.nodes.items() if k != "left"})
    return [
        f"{'' if one.is_error else 'advice: '}{one.node}: {one.reason}"
        for one in check_flow(Judged(flow, Marks(), around))
    ]


def test_a_good_flow_has_no_problems() -> None:
    assert judge(PLAY) == []


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (PLAY | {"next": "n00"}, "n0: next: there is no node n00; perhaps n0"),
        (PLAY | {"prompts": ["menus"]}, "n0: prompts.0: there is no prompt menus; perhaps menu"),
        (
            PLAY | {"prompts": ["english"]},
            "advice: n0: prompts.0: english is not recorded in it; en is played",
        ),
        (
            PLAY | {"prompts": ["italian"]},
            "n0: prompts.0: italian is not recorded in en, and nothing can stand in",
        ),
        (QUEUE | {"queue": "sale"}, "n0: queue: there is no queue sale; perhaps sales"),
        (QUEUE | {"skills": {"x": 1}}, "n0: skills.x: there is no skill x"),
        (
            QUEUE | {"steps": [{"type": "message", "prompts": ["menu"]}]},
            "n0: the steps that repeat need music, so that time passes",
        ),
        (QUEUE | {"repeat_from": 3}, "n0: there are only 1 steps, counted from 0"),
        (QUEUE | {"max_wait_s": 0}, "advice: n0: with 0 nobody ever waits"),
        (QUEUE | {"max_wait_s": 9}, "advice: n0: this plays longer than anybody may wait"),
        (
            {"type": "hours", "calendar": "shp", "open": "bye", "closed": "bye"},
            "n0: calendar: there is no calendar shp; perhaps shop",
        ),
        ({"type": "flow", "flow": "other"}, "n0: flow: there is no flow other"),
        ({"type": "flow", "flow": "main"}, "n0: flow: main runs main again, in a circle"),
        ({"type": "voicemail", "box": "x"}, "n0: box: there is no voicemail box x"),
        ({"type": "operator"}, "n0: the company has no operator"),
        (
            LOOKUP | {"secrets": {"A": "key"}},
            "n0: secrets.A: there is no secret key; perhaps crm-key",
        ),
        (
            LOOKUP | {"url": "http://a.example/", "secrets": {"A": "crm-key"}},
            "n0: a secret would travel unencrypted: use https",
        ),
        (LOOKUP | {"url": "http://a.example/"}, "advice: n0: http is not encrypted"),
        (LOOKUP | {"body": {"a": "1"}}, "n0: GET has no body: use POST"),
        (
            LOOKUP | {"headers": {"A": "b"}, "secrets": {"A": "crm-key"}},
            "n0: A is among the headers as well",
        ),
        (LOOKUP | {"save": {"x": "body"}}, "n0: save.x: there is no variable x"),
        (LOOKUP | {"headers": {"A": "{"}}, "n0: : the brace at character 1 has no pair"),
        (
            {"type": "branch", "cases": [{"when": "vars.x", "next": "bye"}], "otherwise": "bye"},
            "n0: cases.0.when: undeclared reference to 'vars.x' (at character 5)",
        ),
        (
            {"type": "branch", "cases": [{"when": "now.hour", "next": "bye"}], "otherwise": "bye"},
            "n0: cases.0.when: gives int, not bool",
        ),
        ({"type": "set", "language": "fr", "next": "bye"}, "n0: the flow does not speak fr"),
        ({"type": "set", "next": "bye"}, "advice: n0: sets neither values nor a language"),
        (
            {"type": "directory", "by": "name", "prompts": ["menu"], "groups": ["sale"]},
            "n0: groups: there is no group sale; perhaps sales",
        ),
        (
            {"type": "callback", "queue": "sales", "prompts": ["menu"], "other_number": "1"}
            | {"declined": "bye"},
            "n0: other_number and accept are the same key",
        ),
        (
            {"type": "menu", "prompts": ["menu"], "keys": {"#": "bye"}, "direct_dial": True},
            "n0: # ends an extension when direct_dial is on",
        ),
    ],
)
def test_one_thing_is_wrong(node: dict[str, Any], problem: str) -> None:
    assert judge(node) == [problem]


def test_without_a_company_names_are_not_looked_up() -> None:
    assert judge(QUEUE | {"queue": "nope"}, PLAY | {"next": "n0"}, around=None, start="n1") == []


def test_where_a_caller_would_be_cut_off() -> None:
    transfer = {"type": "transfer", "to": {"number": "+39021"}, "failed": "bye"}
    play = PLAY | {"next": "n1"}
    menu = {"type": "menu", "prompts": ["menu"], "keys": {"1": "bye"}, "timeout": "bye"}
    assert judge(transfer, fallback=None, start="n0") == []
    assert judge(play, menu, fallback=None) == [
        "n1: invalid is left out and the flow has no fallback: such a caller would be cut off"
    ]
    operator = msgspec.structs.replace(AROUND, operator=AROUND.directory[0].target)
    assert judge(play, menu, fallback=None, around=operator) == [
        "advice: n1: invalid is left out and the flow has no fallback: "
        "such a caller goes to the operator"
    ]


def test_the_document_itself() -> None:
    assert judge(PLAY, start="nn0", zone="Mars", fallback="by") == [
        ": there is no node by; perhaps bye",
        ": there is no node nn0; perhaps n0",
        ": there is no time zone 'Mars'",
    ]


def test_a_node_that_nothing_leads_to() -> None:
    assert judge(PLAY, PLAY) == ["n1: nothing leads here"]


def test_a_loop_without_an_exit() -> None:
    assert judge(PLAY | {"next": "n1"}, PLAY | {"next": "n0"}, start="n0", fallback=None) == [
        "bye: nothing leads here",
        "n0: a loop without an exit: n0, n1",
    ]


def test_a_caller_who_does_nothing_is_let_out() -> None:
    menu = {"type": "menu", "prompts": ["menu"], "keys": {"1": "bye"}}
    assert judge(menu | {"timeout": "n0"}) == [
        "n0: a caller who does nothing is never let out of: n0"
    ]


def test_a_loop_in_which_no_time_passes() -> None:
    branch = {"type": "branch", "cases": [{"when": "true", "next": "n1"}], "otherwise": "bye"}
    setter = {"type": "set", "language": "it", "next": "n0"}
    assert judge(branch, setter) == ["n0: a loop in which no time passes: n0, n1"]


def test_digits_need_a_text() -> None:
    node = {"type": "collect", "prompts": ["menu"], "into": "n", "max_digits": 3, "next": "bye"}
    variables = {"n": {"type": "int", "default": 0}}
    assert judge(node, variables=variables) == ["n0: into: digits need a variable of type string"]
    variables = {"n": {"type": "string", "default": ""}}
    assert judge(node | {"min_digits": 4}, variables=variables) == [
        "n0: min_digits is more than max_digits"
    ]


def test_flows_that_share_a_variable_agree_on_its_type() -> None:
    inner = flow_of(
        {"r": {"type": "return"}}, flow="inner", variables={"x": {"type": "int", "default": 1}}
    )
    outer = flow_of(
        {"in": {"type": "flow", "flow": "inner", "next": "left", "failed": "bye"}},
        variables={"x": {"type": "string", "default": ""}},
        fallback="bye",
    )
    found = check_flow(Judged(outer, others={"inner": inner}))
    assert [one.reason for one in found] == ["x is of type int in the flow inner"]


def test_flows_that_run_each_other() -> None:
    nested = {"type": "flow", "next": "bye", "failed": "left"}
    one = flow_of({"in": nested | {"flow": "two"}}, flow="one")
    two = flow_of({"in": nested | {"flow": "one"}}, flow="two")
    found = check_flow(Judged(one, others={"two": two}))
    assert [problem.reason for problem in found] == ["flow: two runs one again, in a circle"]


def test_the_company_itself() -> None:
    around = msgspec.convert(
        {
            "calendars": [{"name": "shop", "zone": "Mars"}],
            "directory": [
                {"name": "A", "target": {"number": "+39021"}, "extension": "1"},
                {"name": "B", "target": {"user": "b@x.example"}, "extension": "1"},
            ],
        },
        Surroundings,
    )
    assert [one.reason for one in check_surroundings(around, Marks())] == [
        "calendar shop: there is no time zone 'Mars'",
        "A and B both have the extension 1",
    ]


def test_what_the_model_of_a_number_cannot_do() -> None:
    around = msgspec.convert(
        {
            "numbers": [
                {"number": "+39021", "flow": "main", "model": "connect"},
                {"number": "+39022", "flow": "main", "model": "nope"},
                {"number": "+39023", "flow": "gone"},
            ]
        },
        Surroundings,
    )
    flow = flow_of({"p": PLAY})
    found = list(lacks({"main": flow}, around.numbers))
    assert [(one.number, one.node) for one in found] == [("+39022", "")]
    assert "there is no model nope" in found[0].reason
    key = (Model.CONNECT, Profile.BEHIND_SBC)
    mute = CAPABILITIES[key] | {Capability.PLAY: Cell(Support.ABSENT, "it is mute")}
    (lack,) = lacks({"main": flow}, around.numbers[:1], {key: mute})
    assert (lack.node, lack.reason) == ("p", "connect (behind-sbc) cannot do play: it is mute")
