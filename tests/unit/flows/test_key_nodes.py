# SPDX-License-Identifier: Apache-2.0
"""Menus, digits, the directory and callbacks: what keys do, and what none of them does."""

from __future__ import annotations

import pytest

from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import BookCallback, Collect, HangUp, Play, StopPlay, Transfer
from tests.unit.flows.table import Table, flow_of

pytestmark = pytest.mark.unit

MENU = {
    "type": "menu",
    "prompts": ["menu"],
    "keys": {"1": "bye", "#": "left"},
    "attempts": 2,
    "invalid_prompts": ["invalid"],
    "silent_prompts": ["silent"],
    "timeout": "quiet",
    "invalid": "wrong",
}
ENDS = {"quiet": {"type": "hang-up"}, "wrong": {"type": "hang-up"}}


def menu(**fields: object) -> Table:
    return Table(flow_of({"m": MENU | fields, **ENDS}))


@pytest.mark.parametrize(("key", "node"), [("1", "bye"), ("#", "left")])
def test_a_key_chooses(key: str, node: str) -> None:
    table = menu()
    assert table.only(Play).may_interrupt
    table.press(key)
    assert table.node == node


def test_a_wrong_key_and_silence_are_told_apart() -> None:
    table = menu()
    table.press("9")
    assert table.heard() == ["invalid.en", "menu.en"]
    table.press("9")
    assert table.node == "wrong"
    table = menu()
    table.press("")
    assert table.heard() == ["silent.en", "menu.en"]
    table.press("")
    assert table.node == "quiet"


def test_a_driver_that_says_nothing_counts_as_silence() -> None:
    table = menu(attempts=1)
    table.expire()
    assert table.node == "quiet"


def test_without_barge_in_keys_are_awaited_after_the_prompts_and_earlier_ones_count() -> None:
    table = menu(barge_in=False)
    assert not table.only(Play).may_interrupt
    assert not any(isinstance(action, Collect) for action in table.turn.actions)
    table.finish_play()
    assert not table.only(Collect).forgets_earlier


def test_with_force_listen_earlier_keys_are_forgotten() -> None:
    table = menu(force_listen=True)
    table.finish_play()
    assert table.only(Collect).forgets_earlier


def test_forced_prompts_whose_end_nobody_tells_are_stopped() -> None:
    table = menu(force_listen=True)
    table.expire()
    assert isinstance(table.turn.actions[0], StopPlay)
    assert isinstance(table.turn.actions[1], Collect)


def dialling(**fields: object) -> Table:
    keys = {"1": "bye"}
    return menu(direct_dial=True, keys=keys, **fields)


def test_an_extension_is_dialled_from_the_menu() -> None:
    table = dialling()
    assert (table.only(Collect).max_digits, table.only(Collect).terminators) == (3, "#")
    table.press("202")
    assert table.only(Transfer).target.number == "+390212345612"
    table.tell(happened.TransferEnded(ask=table.ask, result="answered"))
    assert table.turn.position.end == "connected"


def test_an_extension_that_does_not_answer_returns_to_the_menu() -> None:
    table = dialling()
    table.press("202")
    table.tell(happened.TransferEnded(ask=table.ask, result="no-answer"), 30)
    assert "menu.en" in table.heard()
    table = dialling(unreachable="left")
    table.press("202")
    table.tell(happened.TransferEnded(ask=table.ask, result="no-answer"), 30)
    assert table.node == "left"


def test_a_key_still_chooses_where_extensions_may_be_dialled() -> None:
    table = dialling()
    table.press("1")
    assert table.node == "bye"


def test_keys_faster_than_anybody_can_press_do_not_spin() -> None:
    table = menu(attempts=10)
    for _ in range(9):
        table.press("9", 0)
    assert table.turn.position.progress.attempt == 10


COLLECT = {
    "type": "collect",
    "prompts": ["menu"],
    "into": "account",
    "min_digits": 3,
    "max_digits": 5,
    "attempts": 2,
    "invalid_prompts": ["invalid"],
    "next": "bye",
    "invalid": "wrong",
    "timeout": "quiet",
}


def collect(kind: str = "string", default: object = "") -> Table:
    variables = {"account": {"type": kind, "default": default}}
    return Table(flow_of({"c": COLLECT, **ENDS}, variables=variables))


def test_digits_are_kept() -> None:
    table = collect()
    assert table.only(Collect).max_digits == 5
    table.press("0471")
    assert (table.node, table.variables) == ("bye", {"account": "0471"})


@pytest.mark.parametrize(("digits", "node"), [("12", "wrong"), ("", "quiet")])
def test_too_few_digits_are_asked_for_again_and_then_given_up(digits: str, node: str) -> None:
    table = collect()
    table.press(digits)
    table.press(digits)
    assert (table.node, table.variables) == (node, {"account": ""})


def test_digits_never_go_into_a_variable_of_another_type() -> None:
    table = collect("int", 5)
    table.press("123")
    table.press("123")
    assert (table.node, table.variables) == ("wrong", {"account": 5})


def directory(by: str = "name", **fields: object) -> Table:
    node = {
        "type": "directory",
        "by": by,
        "prompts": ["menu"],
        "attempts": 2,
        "not_found": "wrong",
        "timeout": "quiet",
        "unreachable": "left",
    }
    return Table(flow_of({"d": node | fields, **ENDS}))


def test_a_name_that_one_person_has_is_rung() -> None:
    table = directory()
    table.press("2662")
    assert table.only(Transfer).target.number == "+390212345611"


def test_names_that_several_have_are_read_out_to_choose_from() -> None:
    table = directory()
    table.press("748")
    assert table.heard() == ["Anna Riva", "digit-1.en", "Bruno Riva", "digit-2.en"]
    table.press("2")
    assert table.only(Transfer).target.number == "+390212345612"


@pytest.mark.parametrize("choice", ["3", "0", "*", ""])
def test_a_choice_that_was_not_offered_asks_again(choice: str) -> None:
    table = directory()
    table.press("748")
    table.press(choice)
    assert table.heard() == ["menu.en"]


def test_only_the_groups_of_a_node_can_be_dialled() -> None:
    table = directory(groups=["sales"])
    table.press("748")
    assert table.only(Transfer).target.number == "+390212345612"
    table = directory(except_groups=["sales"])
    table.press("748")
    assert table.only(Transfer).target.number == "+390212345611"


@pytest.mark.parametrize(("digits", "node"), [("999", "wrong"), ("", "quiet")])
def test_nobody_of_that_name(digits: str, node: str) -> None:
    table = directory()
    table.press(digits)
    table.press(digits)
    assert table.node == node


def test_an_extension_is_found_exactly_and_may_be_announced() -> None:
    table = directory("extension", connecting_prompts=["hold"])
    assert table.only(Collect).max_digits == 3
    table.press("201")
    assert table.heard() == ["hold.en"]
    table.finish_play()
    table.tell(happened.TransferEnded(ask=table.ask, result="busy"))
    assert table.node == "left"


CALLBACK = {
    "type": "callback",
    "queue": "sales",
    "prompts": ["menu"],
    "other_number": "2",
    "number_prompts": ["silent"],
    "booked_prompts": ["goodbye"],
    "region": "IT",
    "declined": "left",
    "failed": "wrong",
}


def callback(caller: str = "+390612345678", **fields: object) -> Table:
    return Table(flow_of({"c": CALLBACK | fields, **ENDS}), caller=caller)


def test_a_callback_is_booked_on_the_callers_number() -> None:
    table = callback()
    table.press("1")
    booked = table.only(BookCallback)
    assert (booked.queue, booked.number) == ("sales", "+390612345678")
    table.tell(happened.CallbackBooked(ask=booked.ask))
    assert table.heard() == ["goodbye.en"]
    table.finish_play()
    assert table.only(HangUp).cause == "normal"


def test_a_callback_goes_to_another_number_as_it_is_typed() -> None:
    table = callback()
    table.press("2")
    assert table.heard() == ["silent.en"]
    table.press("0212345678")
    assert table.only(BookCallback).number == "+390212345678"


def test_a_number_that_cannot_be_called_is_asked_for_again() -> None:
    table = callback()
    table.press("2")
    table.press("12")
    assert table.heard() == ["silent.en"]
    table.press("12")
    assert table.node == "left"


@pytest.mark.parametrize("key", ["3", ""])
def test_another_key_and_silence_decline(key: str) -> None:
    table = callback()
    table.press(key)
    assert table.node == "left"


def test_an_anonymous_caller_needs_another_number() -> None:
    assert callback("", other_number=None).node == "left"
    table = callback("")
    table.press("1")
    assert table.heard() == ["silent.en"]


@pytest.mark.parametrize("is_told", [True, False])
def test_a_callback_that_is_not_booked_takes_its_own_edge(is_told: bool) -> None:
    table = callback()
    table.press("1")
    if is_told:
        table.tell(happened.CallbackRefused(ask=table.ask))
    else:
        table.expire()
    assert table.node == "wrong"
