# SPDX-License-Identifier: Apache-2.0
"""Publishing, versions and expressions: a call keeps what it began with."""

from __future__ import annotations

import msgspec
import pytest

from centralino.core.flows import happenings as happened
from centralino.core.flows.document import Catalogue, Flow, Variable, publish, retire
from centralino.core.flows.edges import edges, expression_uses
from centralino.core.flows.expressions import (
    Environment,
    ExpressionError,
    Failure,
    Scope,
    split_template,
)
from centralino.core.flows.interpreter import begin, resume
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.nodes import AnyNode
from centralino.core.flows.position import CallFacts, FlowPosition
from centralino.core.kernel.errors import NotFound
from tests.unit.flows.table import START, Table, catalogue_of, flow_of

pytestmark = pytest.mark.unit

FACTS = CallFacts(called_number="+39021")
FIRST = flow_of(
    {"p": {"type": "play", "prompts": ["greeting"], "next": "in"}}
    | {"in": {"type": "flow", "flow": "inner", "failed": "left"}}
)
INNER = flow_of({"p": {"type": "play", "prompts": ["hold"], "next": "bye"}}, flow="inner")
SECOND = flow_of({"p": {"type": "play", "prompts": ["menu"], "next": "bye"}})


def test_publishing_the_same_again_changes_nothing() -> None:
    once = publish(Catalogue(), FIRST)
    assert publish(once, FIRST) is once
    assert [one.version for one in publish(once, SECOND).flows] == [1, 2]


def test_a_call_keeps_all_versions_it_began_with() -> None:
    before = catalogue_of(FIRST, INNER)
    old = begin(FlowLibrary(before), "main", FACTS, START)
    assert old.position.versions == {"main": 1, "inner": 1}
    other_inner = flow_of({"p": {"type": "hang-up"}}, flow="inner")
    after = publish(publish(before, SECOND), other_inner)
    library = FlowLibrary(after)
    assert begin(library, "main", FACTS, START).position.versions == {"main": 2}
    went_on = resume(
        library, old.position, happened.PlayFinished(ask=old.position.expects[0]), START
    )
    assert [frame.flow for frame in went_on.position.frames] == ["main", "inner"]
    assert went_on.position.end == ""


def test_old_versions_are_retired_when_no_call_uses_them() -> None:
    catalogue = publish(catalogue_of(FIRST, INNER), SECOND)
    kept = retire(catalogue, frozenset({("main", 1)}))
    assert kept == catalogue
    left = retire(catalogue, frozenset())
    assert [(one.flow.flow, one.version) for one in left.flows] == [("inner", 1), ("main", 2)]


def test_a_call_whose_flow_is_gone_is_ended() -> None:
    table = Table(FIRST, INNER)
    table.library = FlowLibrary(Catalogue())
    assert table.finish_play().position.end == "hung-up"


def test_a_flow_that_is_not_published_cannot_begin() -> None:
    with pytest.raises(NotFound):
        begin(FlowLibrary(Catalogue()), "main", FACTS, START)


def test_a_library_is_made_from_the_one_before_where_nothing_changed() -> None:
    first = FlowLibrary(catalogue_of(FIRST, INNER))
    second = FlowLibrary(publish(first.catalogue, SECOND), first)
    assert second.flow("main", 1) is first.flow("main", 1)
    assert second.newest_version("main") == 2


def test_catalogue_and_position_travel_as_json() -> None:
    catalogue = catalogue_of(FIRST, INNER)
    encoded = msgspec.json.encode(catalogue)
    assert msgspec.json.decode(encoded, type=Catalogue) == catalogue
    position = Table(FIRST, INNER).turn.position
    assert msgspec.json.decode(msgspec.json.encode(position), type=FlowPosition) == position


@pytest.mark.parametrize("kind", AnyNode.__args__)
def test_every_node_type_is_described(kind: type[AnyNode]) -> None:
    named = {field.name for field in msgspec.structs.fields(kind)}
    assert kind.__struct_config__.tag
    minimal = msgspec.convert(
        {"type": kind.__struct_config__.tag} | _needed(named, kind), kind, strict=False
    )
    assert isinstance(edges(minimal), tuple)
    assert isinstance(list(expression_uses(minimal)), list)


def _needed(named: set[str], kind: type[AnyNode]) -> dict[str, object]:
    values: dict[str, object] = {
        "prompts": ["a"],
        "next": "a",
        "text": {"en": "a"},
        "keys": {"1": "a"},
        "into": "a",
        "max_digits": 3,
        "by": "name",
        "calendar": "a",
        "open": "a",
        "closed": "a",
        "cases": [{"when": "true", "next": "a"}],
        "otherwise": "a",
        "url": "https://a.example/",
        "failed": "a",
        "queue": "a",
        "steps": [{"type": "music", "prompts": ["a"]}],
        "declined": "a",
        "to": {"user": "a"},
        "box": "a",
        "flow": "a",
    }
    return {name: value for name, value in values.items() if name in named}


def environment() -> Environment:
    variables = {
        "n": Variable(type="int", default=1),
        "s": Variable(type="string", default=""),
    }
    flow = flow_of({"r": {"type": "return"}})
    return Environment(msgspec.structs.replace(flow, variables=variables))


NAMES = {"vars.n": 2, "vars.s": "x", "body": {"a": 1.0, "b": 2**60}, "status": 200}


@pytest.mark.parametrize(
    ("source", "wanted", "value"),
    [
        ("vars.n + 1", "int", 3),
        ("vars.n + 1", "double", 3.0),
        ("body.a", "int", 1),
        ("body.a", "double", 1.0),
        ("body.b", "int", 2**60),
        ('vars.s + "y"', "string", "xy"),
        ("has(body.c) ? body.c : 7", "int", 7),
        ("vars.n > 1 && status < 400", "bool", True),
        ("string(vars.n)", "text", "2"),
    ],
)
def test_an_expression_gives_its_value(source: str, wanted: str, value: object) -> None:
    assert environment().compile(source, Scope.ANSWER, wanted).value(NAMES) == value


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("body.c", "int"),
        ("body.a.b", "int"),
        ("body", "string"),
        ("body.b", "double"),
        ("1 / (vars.n - 2)", "int"),
        ("9223372036854775807 + vars.n", "int"),
        (
            "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, "
            "[0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, "
            "[0,1,2,3,4,5,6,7,8,9].all(e, true)))))",
            "bool",
        ),
        ("1.0 / 0.0", "double"),
        ("vars.s.matches(string(body))", "bool"),
    ],
)
def test_what_has_no_value_is_a_failure(source: str, wanted: str) -> None:
    found = environment().compile(source, Scope.ANSWER, wanted).value(NAMES)
    assert isinstance(found, Failure)
    assert 0 < len(found.reason) <= 200


@pytest.mark.parametrize(
    ("source", "scope", "reason", "column"),
    [
        ("1 +", Scope.CALL, "Syntax error", 4),
        ("vars.nope", Scope.CALL, "undeclared reference to 'vars.nope'", 5),
        ("body.a", Scope.CALL, "undeclared reference", 5),
        ("queue.position", Scope.CALL, "undeclared reference", 6),
        ("vars.s", Scope.CALL, "gives string, not int", 1),
        ("vars.s + 1", Scope.CALL, "no matching overload", 8),
        ("(" * 400 + "1" + ")" * 400, Scope.CALL, "", 1),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(
    source: str, scope: Scope, reason: str, column: int
) -> None:
    with pytest.raises(ExpressionError) as caught:
        environment().compile(source, scope, "int")
    assert reason in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize("text", ["{", "}", "{}", "a {b", "{a{b}}", "{ }"])
def test_braces_without_a_pair_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        split_template(text)


def test_double_braces_stand_for_themselves() -> None:
    assert split_template("{{a}} {b}") == (("{a} ", False), ("b", True))


def test_a_default_fits_its_type() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "int", "default": "x"}, Variable)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "int", "default": True}, Variable)


def test_the_schema_of_flows_can_be_given_to_editors() -> None:
    assert "MenuNode" in msgspec.json.schema(Flow)["$defs"]
