# SPDX-License-Identifier: Apache-2.0
"""People of a group become agents of a file: new ones, known ones, those without a number."""

from __future__ import annotations

import pytest
import yaml

from centralino.exchange.directory import Person
from centralino.exchange.microsoft import PersonId
from centralino.exchange.people_import import agent_id, as_yaml, number_of, plan_import

pytestmark = pytest.mark.unit


def person(user: str, phone: str = "+39 02 12345611") -> Person:
    return Person(id=PersonId(user), name=user.partition("@")[0].title(), user=user, phone=phone)


def test_who_is_new_is_taken_and_who_is_known_is_left_alone() -> None:
    plan = plan_import(
        [person("anna@a.example"), person("Bruno@a.example"), person("bruno@A.example")],
        [("anna", "ANNA@a.example"), ("dario", "dario@a.example"), ("softphone", "")],
    )
    assert [(one.id, one.number) for one in plan.new] == [("bruno", "+390212345611")]
    assert plan.known == 1
    assert plan.gone == ("dario",)


def test_who_cannot_be_rung_is_named() -> None:
    plan = plan_import([person("anna@a.example", ""), person("bea@a.example", "4711")], [])
    assert plan.new == ()
    assert plan.unreachable == ("anna@a.example", "bea@a.example")


def test_ids_are_free_and_fit_the_file() -> None:
    people = [person("anna@a.example"), person("anna@b.example"), person("anna.@c.example")]
    plan = plan_import(people, [("anna", "other@a.example")])
    assert [one.id for one in plan.new] == ["anna-2", "anna-3", "anna-4"]


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("anna.riva@a.example", "anna-riva"),
        ("ANNA_RIVA@a.example", "anna-riva"),
        ("7of9@a.example", "a-7of9"),
        ("李@a.example", "agent"),
        ("", "agent"),
        ("x" * 100 + "@a.example", "x" * 60),
    ],
)
def test_an_id_is_made_of_the_user_name(user: str, wanted: str) -> None:
    assert agent_id(user) == wanted


@pytest.mark.parametrize(
    ("phone", "wanted"),
    [
        ("+39 (02) 123.456/11", "+390212345611"),
        ("0039 02 123", None),
        ("tel:+3902", None),
        ("+0123456", None),
    ],
)
def test_a_number_is_taken_only_when_it_can_be_called(phone: str, wanted: str | None) -> None:
    assert number_of(phone) == wanted


def test_the_piece_of_the_file_reads_back() -> None:
    plan = plan_import([person("zoë@a.example")], [])
    (row,) = yaml.safe_load(as_yaml(plan.new, ["sales"]))
    assert row == {
        "id": "zoe",
        "name": "Zoë",
        "number": "+390212345611",
        "user": "zoë@a.example",
        "queues": ["sales"],
    }
    assert as_yaml((), ["sales"]) == ""
