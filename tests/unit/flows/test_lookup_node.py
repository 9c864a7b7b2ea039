# SPDX-License-Identifier: Apache-2.0
"""A lookup: what is asked, what is believed, and what a hostile service can do (nothing)."""

from __future__ import annotations

import pytest

from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import Lookup, Play, StopPlay
from tests.unit.flows.table import Table, flow_of

pytestmark = pytest.mark.unit

LOOKUP = {
    "type": "lookup",
    "url": "https://crm.example/customers/{vars.id}?q={caller.number}",
    "headers": {"X-Caller": "{caller.number}"},
    "secrets": {"Authorization": "crm-key"},
    "music": ["music"],
    "timeout_ms": 2000,
    "save": {"tier": "body.tier", "orders": "size(body.orders)", "score": "body.score"},
    "next": "bye",
    "failed": "left",
}
VARIABLES = {
    "id": {"type": "string", "default": "a/b c"},
    "tier": {"type": "string", "default": "standard"},
    "orders": {"type": "int", "default": 0},
    "score": {"type": "double", "default": 0.0},
}
GOOD = '{"tier": "gold", "orders": [1, 2], "score": 3}'


def asked(**fields: object) -> Table:
    return Table(flow_of({"l": LOOKUP | fields}, variables=VARIABLES))


def answered(body: str, status: int = 200) -> Table:
    table = asked()
    table.tell(happened.LookupAnswered(ask=table.ask, status=status, body=body))
    return table


def test_values_are_encoded_where_they_stand() -> None:
    lookup = asked().only(Lookup)
    assert lookup.url == "https://crm.example/customers/a%2Fb%20c?q=%2B390612345678"
    assert lookup.headers == {"X-Caller": "+390612345678"}
    assert lookup.secrets == {"Authorization": "crm-key"}
    assert (lookup.method, lookup.body, lookup.timeout_ms) == ("GET", "", 2000)


def test_a_body_is_posted_as_json() -> None:
    lookup = asked(method="POST", body={"id": "vars.id", "n": "vars.orders + 1"}).only(Lookup)
    assert lookup.body == '{"id": "a/b c", "n": 1}'


def test_a_header_cannot_begin_another_one() -> None:
    lookup = asked(headers={"X": '{"a\\r\\nEvil: 1"}'}).only(Lookup)
    assert lookup.headers == {"X": "aEvil: 1"}


def test_music_plays_until_the_answer_is_there() -> None:
    table = asked()
    assert table.only(Play).is_looped
    table.tell(happened.LookupAnswered(ask=table.ask, status=200, body=GOOD))
    assert isinstance(table.turn.actions[0], StopPlay)


def test_an_answer_is_kept_in_the_types_of_the_variables() -> None:
    table = answered(GOOD)
    assert table.node == "bye"
    assert table.variables == {"id": "a/b c", "tier": "gold", "orders": 2, "score": 3.0}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "null",
        "[]",
        "{}",
        '{"tier": 5, "orders": [], "score": 1}',
        '{"tier": "gold", "orders": 7, "score": 1}',
        '{"tier": "gold", "orders": [], "score": "high"}',
        '{"tier": "gold", "orders": [], "score": 1e999}',
        '{"tier": "\\ud800", "orders": [], "score": 1}',
        '{"tier": "' + "x" * 5000 + '", "orders": [], "score": 1}',
        '{"tier": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"tier": "gold", "orders": [], "score": 99999999999999999999999999}',
        " " * 70_000,
    ],
)
def test_nonsense_takes_the_fault_edge_and_changes_nothing(body: str) -> None:
    table = answered(body)
    assert table.node == "left"
    assert (table.variables["tier"], table.variables["orders"]) == ("standard", 0)


@pytest.mark.parametrize("status", [400, 404, 500, 999])
def test_a_refusal_takes_the_fault_edge(status: int) -> None:
    assert answered(GOOD, status).node == "left"


def test_no_answer_takes_the_fault_edge() -> None:
    table = asked()
    table.tell(happened.LookupFailed(ask=table.ask, reason="unreachable"))
    assert table.node == "left"
    table = asked()
    table.expire()
    assert table.node == "left"


def test_a_request_that_cannot_be_made_takes_the_fault_edge() -> None:
    assert asked(url="https://crm.example/{1 / 0}").node == "left"
    assert asked(method="POST", body={"n": "1 / 0"}).node == "left"
