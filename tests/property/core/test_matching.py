# SPDX-License-Identifier: Apache-2.0
"""Matching and the naive oracle agree on every match, in random companies with every feature."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centralino.core.agents.lifecycle import AgentState
from centralino.core.kernel.instant import SECOND
from centralino.core.routing.matching.signatures import SignatureTable
from tests.oracle.worlds import STEPS, Company, random_company

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

pytestmark = pytest.mark.property

PAUSES = (0, 0, 0, 1, 3, 5, 8, 20)


def work(seed: int, *, inputs: int = 40) -> Company:
    """Let things happen in a random company; every match is compared with the oracle's."""
    random = Random(seed)
    company = Company(
        random, random_company(random, queues=random.randint(1, 4), agents=random.randint(2, 9))
    )
    for _ in range(inputs):
        company.pass_time(random.choice(PAUSES) * SECOND)
        company.begin()
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            random.choice(STEPS)(company)
        company.settle()
    return company


def work_through(seeds: int) -> int:
    """Return how many matches some companies made."""
    return sum(work(seed).matches for seed in range(seeds))


@settings(max_examples=120)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_match_is_the_oracles(seed: int) -> None:
    work(seed)


def test_the_worlds_match_often_enough_to_mean_something() -> None:
    assert work_through(20) > 150


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_comes_next_does_not_depend_on_how_it_became_known(seed: int) -> None:
    company = work(seed, inputs=15)
    company.begin()
    for _ in range(6):
        company.random.choice(STEPS)(company)
    anew = company.fresh_matching()
    for ticket in sorted(company.waits.values(), key=lambda one: -one.number):
        anew.enter(ticket)
    for agent in reversed(company.agents.values()):
        anew.note_agent(agent)
    anew.begin(company.sequence, company.now)
    assert anew.next_match(company.now) == company.matching.next_match(company.now)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_time_alone_matches_nobody_before_the_next_deadline(seed: int) -> None:
    company = work(seed, inputs=12)
    for _ in range(8):
        deadline = company.matching.next_deadline()
        if deadline is None:
            break
        company.now = type(company.now)(deadline - 1)
        assert company.oracle.next_match(company.world()) is None
        company.now = deadline
        company.begin()
        company.settle()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_relaxation_only_widens(seed: int) -> None:
    company = work(seed, inputs=10)
    for place in company.matching._waits.table.places.values():
        rings = [frozenset(one.eligible.tolist()) for one in place.family.signatures]
        assert all(early <= late for early, late in pairwise(rings))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_nobody_is_ever_over_his_capacity(seed: int) -> None:
    company = work(seed)
    for agent in company.agents.values():
        calls = [one for one in agent.engaged if one.channel == "voice"]
        assert len(calls) <= 1
        assert bool(calls) <= (agent.state is not AgentState.READY)
        offers = sum(one.is_offer for one in agent.engaged)
        assert offers <= company.oracle.people[agent.id].capacity.most_offers


def test_a_planted_mistake_in_the_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SignatureTable.first_of

    def youngest(
        self: SignatureTable, slots: NDArray[np.intp], now_ms: int, *, is_ageing: bool
    ) -> int:
        if len(slots) > 1 and int(self.since[slots].max()) != int(self.since[slots].min()):
            return int(slots[self.since[slots].argmax()])
        return right(self, slots, now_ms, is_ageing=is_ageing)

    monkeypatch.setattr(SignatureTable, "first_of", youngest)
    with pytest.raises(AssertionError):
        work_through(60)


def test_a_planted_forgotten_ring_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centralino.core.routing.matching.waits.Waits._move", lambda *_: None)
    with pytest.raises(AssertionError):
        work_through(60)
