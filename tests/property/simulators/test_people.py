# SPDX-License-Identifier: Apache-2.0
"""A seed gives the same people, however many are asked for, within the bounds that are set."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.bootstrap.demo import cast
from centralino.simulators.people.agents import Habits, make_turns
from centralino.simulators.people.callers import make_callers
from centralino.simulators.people.draws import Patience, Span, deal

pytestmark = pytest.mark.property

SEEDS = st.integers(0, 2**32)
COUNTS = st.integers(0, 60)
LENGTHS = st.integers(1, 100_000)


@given(SEEDS, COUNTS, COUNTS)
def test_the_first_callers_are_the_same_however_many_there_are(
    seed: int, few: int, more: int
) -> None:
    few, more = sorted((few, more))
    assert make_callers(seed, more, cast.PUBLIC)[:few] == make_callers(seed, few, cast.PUBLIC)


@given(SEEDS, COUNTS)
def test_the_first_calls_are_the_same_however_many_there_are(seed: int, few: int) -> None:
    habits = Habits(Span(1000), declines=1, busy=2, holds=1, transfers=1, transfers_to=("x", "y"))
    assert make_turns(seed, "anna", habits, 60)[:few] == make_turns(seed, "anna", habits, few)


@given(SEEDS, LENGTHS, LENGTHS, LENGTHS, st.floats(0, 3), st.floats(0, 1))
def test_nothing_drawn_leaves_its_bounds(
    seed: int, median_ms: int, one_ms: int, other_ms: int, sigma: float, hasty: float
) -> None:
    least_ms, most_ms = sorted((one_ms, other_ms))
    span = Span(median_ms, sigma, least_ms, most_ms)
    patience = Patience(median_ms, sigma, hasty, least_ms=least_ms, most_ms=most_ms)
    for drawn in (span.draw(Random(seed)), patience.draw(Random(seed))):
        assert least_ms <= drawn <= most_ms


@given(SEEDS, st.dictionaries(st.text(max_size=3), st.integers(1, 5), min_size=1, max_size=6))
def test_each_round_of_a_deck_holds_each_card_as_often_as_it_says(
    seed: int, counts: dict[str, int]
) -> None:
    cards = deal(Random(seed), counts)
    for _ in range(3):
        assert Counter(next(cards) for _ in range(sum(counts.values()))) == counts
