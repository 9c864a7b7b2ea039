# SPDX-License-Identifier: Apache-2.0
"""People: what each manner and habit does, and that a seed decides everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from centralino.simulators.people.agents import Habits, make_turns
from centralino.simulators.people.callers import Errand, Manner, Public, make_callers
from centralino.simulators.people.draws import Patience, Span, deal

pytestmark = pytest.mark.unit

ANSWER = Span(1000, 0.3, 500, 2000)
PUBLIC = Public(
    errands=(Errand("sales", "+391", "1", 3), Errand("returns", "+392", "93", 1)),
    tones_hz=(1000, 1100),
    first_names=("Ada",),
    last_names=("Rossi",),
    prefix="+3933",
    patience=Patience(30_000, 0.0),
    talk=Span(5000, 0.0),
    reaction=Span(2000, 0.0),
    stays_ms=90_000,
    leaves_after=Span(1500, 0.0),
    leaves_menu_after=Span(4000, 0.0),
    key_gap_ms=500,
)


def _only(manner: Manner, keys: str = "93") -> Public:
    return replace(PUBLIC, errands=(Errand("x", "+391", keys, 1, manner),))


@pytest.mark.parametrize(
    ("manner", "keys", "patience_ms"),
    [
        ("right", "93", 2000 + 500 + 30_000),
        ("wrong-first", "793", 2000 + 1000 + 30_000),
        ("silent", "", 2000 + 30_000),
        ("leaves-menu", "", 4000),
        ("leaves-queue", "93", 2000 + 500 + 1500),
        ("stays", "93", 90_000),
    ],
)
def test_a_manner_decides_keys_and_patience(manner: Manner, keys: str, patience_ms: int) -> None:
    (caller,) = make_callers(1, 1, _only(manner))
    assert (caller.keys, caller.patience_ms) == (keys, patience_ms)


def test_a_round_of_callers_has_every_errand_as_often_as_it_says() -> None:
    callers = make_callers(7, 8, PUBLIC)
    for part in (callers[:4], callers[4:]):
        assert Counter(one.called for one in part) == {"+391": 3, "+392": 1}
    assert len({one.number for one in callers}) == 8
    assert [one.tone_hz for one in callers] == [1000, 1100] * 4


def test_another_seed_gives_other_callers() -> None:
    varied = replace(PUBLIC, talk=Span(5000, 0.5), reaction=Span(2000, 0.5))
    assert make_callers(1, 8, varied) != make_callers(2, 8, varied)


def test_a_round_of_calls_has_every_habit_as_often_as_it_says() -> None:
    habits = Habits(
        ANSWER, declines=1, misses=2, busy=2, transfers=2, transfers_to=("a", "+39"), holds=1
    )
    turns = make_turns(3, "anna", habits, 10)
    assert Counter(one.behaviour for one in turns) == {
        "answer": 5,
        "decline": 1,
        "no-answer": 2,
        "busy": 2,
    }
    actions = [action for one in turns for action in one.actions]
    assert [one.target for one in actions if one.do == "refer"] == ["a", "+39"]
    assert Counter(one.do for one in actions) == {"refer": 2, "hold": 1, "resume": 1}


def test_a_busy_spell_is_in_one_piece() -> None:
    turns = make_turns(3, "anna", Habits(ANSWER, busy=3), 10)
    first = [one.behaviour for one in turns].index("busy")
    assert [one.behaviour for one in turns[first : first + 3]] == ["busy"] * 3


def test_nobody_is_transferred_to_nowhere() -> None:
    assert all(not one.actions for one in make_turns(3, "anna", Habits(ANSWER, transfers=5), 10))


def test_more_habits_than_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="round of 10"):
        make_turns(3, "anna", Habits(ANSWER, declines=6, misses=5), 1)


def test_an_empty_deck_is_refused() -> None:
    with pytest.raises(ValueError, match="card"):
        next(deal(Random(1), {"a": 0}))


def test_hasty_people_leave_earlier() -> None:
    patience = Patience(40_000, 0.2, hasty_share=0.5, hasty_scale_ms=4000)
    drawn = sorted(islice((patience.draw(Random(n)) for n in range(400)), 400))
    assert drawn[100] < 8000
    assert drawn[300] > 30_000
