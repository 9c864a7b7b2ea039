# SPDX-License-Identifier: Apache-2.0
"""The plan as data: what is refused when it is read, and that every word in it has a meaning."""

from __future__ import annotations

import msgspec
import pytest

from centralino.certification import expectations, judging, plan
from centralino.certification.exchanged import read_pattern
from centralino.certification.lab import count_ports
from centralino.certification.plan import Case, load_plan
from centralino.certification.stage import Cast
from centralino.core.kernel.errors import InvalidInput

pytestmark = pytest.mark.cert

PLAN = load_plan("connect")
RELEASE = (
    *("CON-01", "CON-03", "CON-04", "CON-07", "CON-08", "CON-10", "CON-12", "CON-13", "CON-15"),
    *("INB-01", "INB-02", "INB-03", "INB-04", "INB-05", "INB-08", "INB-09", "INB-10"),
    *("INB-11", "INB-12", "INB-13", "INB-14", "INB-17", "MED-01", "MED-03", "MED-04"),
)


def test_the_plan_has_the_cases_of_this_release() -> None:
    assert tuple(case.id for case in PLAN.cases) == RELEASE


def test_every_pattern_of_a_message_can_be_read() -> None:
    for case in PLAN.cases:
        for item in case.expectations:
            if isinstance(item, expectations.Ladder):
                for pattern in (*item.shows, *item.never, *item.times, *item.at_most_times):
                    read_pattern(pattern)
        for pattern in case.stage.lose:
            read_pattern(pattern)
    with pytest.raises(InvalidInput):
        read_pattern("INVITE")


def test_every_kind_of_expectation_is_judged() -> None:
    kinds = expectations.Expected.__subclasses__()
    assert len(kinds) == 20
    for kind in kinds:
        assert judging.judge.dispatch(kind) is not judging.judge.dispatch(expectations.Expected)


def test_people_of_different_cases_are_different() -> None:
    casts = [Cast.of(case, place) for place, case in enumerate(PLAN.cases)]
    numbers = [p.number for c in casts for p in (*c.users.values(), *c.callers.values())]
    numbers += [cast.number for cast in casts]
    assert len(set(numbers)) == len(numbers)
    oids = [user.oid for cast in casts for user in cast.users.values()]
    assert len(set(oids)) == len(oids)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="there is no case NIL-99"):
        PLAN.select(("NIL-99",))
    with pytest.raises(InvalidInput, match="no certification plan for nothing"):
        load_plan("nothing")
    steps = (plan.Call(caller="nobody"),)
    with pytest.raises(InvalidInput, match="there is no caller nobody"):
        Case(id="A", title="", purpose="", source="", steps=steps, expectations=())


@pytest.mark.parametrize(
    "text",
    [
        "model: x\ncases: [{id: A}]",
        "model: x\ncases: []\nmore: 1",
        "{model: x, cases: [{id: A, title: t, purpose: p, source: s, expectations: [],"
        " steps: [{do: dance}]}]}",
    ],
)
def test_a_plan_outside_the_vocabulary_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.yaml.decode(text, type=plan.Plan)


def test_selection_keeps_the_order_of_the_plan() -> None:
    assert [case.id for case in PLAN.select(("MED-01", "CON-01"))] == ["CON-01", "MED-01"]
    assert len(PLAN.select(())) == len(RELEASE)


def test_only_sockets_of_the_product_count_as_open_ports() -> None:
    row = "1: 0100007F:{port:04X} 00000000:0000 07 0:0 00:0 0 0 0 {inode} 2 0 0"
    rows = [row.format(port=port, inode=inode) for port, inode in ((20000, 7), (20002, 8), (9, 7))]
    table = "\n".join(["header", *rows])
    assert count_ports(table, range(20000, 20010), {"7"}) == 1
    assert count_ports(table, range(20000, 20010), {"7", "8"}) == 2
