# SPDX-License-Identifier: Apache-2.0
"""Calls, chats, callbacks, bosses and presence in any order: what always holds, and replays.

The rules are in ``tests/kit/engine_world.py``, written without the engine's own means. The
long run of the same world is ``bench/core_soak.py``.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centralino.core.agents.commands import NotePresence
from centralino.core.agents.presence import Availability
from centralino.core.kernel.errors import IllegalTransition
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing import decisions_agent, decisions_offer
from centralino.core.routing.commands import ConfigureTenant
from centralino.core.routing.state import Index
from tests.kit.engine_world import STEPS, EngineWorld
from tests.unit.core.company import ANNA, Desk, company

pytestmark = pytest.mark.property

NUMBERS = st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 63), st.integers(0, 63))
STORY = st.lists(NUMBERS, max_size=40) | st.lists(NUMBERS, min_size=60, max_size=120)
RUNS, STEPS_PER_RUN = 12, 250


def play(world: EngineWorld, seed: int, steps: int = STEPS_PER_RUN) -> None:
    """Let a drawn story happen."""
    dice = random.Random(seed)
    for _ in range(steps):
        world.step(dice.randrange(len(STEPS)), dice.randrange(64), dice.randrange(64))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=STORY)
def test_whatever_happens_the_rules_hold_and_nothing_remains(
    story: list[tuple[int, int, int]],
) -> None:
    world = EngineWorld()
    for kind, pick, amount in story:
        world.step(kind, pick, amount)
    world.drain()
    assert world.arrived == world.ended
    world.require_replays()


@pytest.mark.parametrize("seed", range(RUNS))
def test_long_stories_end_with_nothing_left(seed: int) -> None:
    world = EngineWorld()
    play(world, seed)
    world.drain()
    assert world.arrived == world.ended
    world.require_replays()


def test_a_driver_that_comes_back_before_the_bridge_is_confirmed_plays_no_music_over_it() -> None:
    play(EngineWorld(), seed=20458, steps=400)


def test_the_same_inputs_give_the_same_bytes() -> None:
    first, second = EngineWorld(), EngineWorld()
    play(first, seed=99)
    play(second, seed=99)
    assert first.engine.state_bytes() == second.engine.state_bytes()
    assert first.decisions == second.decisions


def play_many(stories: int) -> None:
    """Let some stories happen to their end."""
    for seed in range(stories):
        world = EngineWorld()
        play(world, seed)
        world.drain()


def test_an_engine_that_forgets_a_lease_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Index, "note_callback", lambda index, callback: None)
    with pytest.raises(AssertionError, match="a deadline is missed"):
        play_many(20)


def test_an_engine_that_lets_two_accept_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions_offer, "_is_taken", lambda turn, interaction: False)
    with pytest.raises((AssertionError, IllegalTransition)):
        play_many(60)


def test_an_engine_that_keeps_asking_for_a_customer_who_has_gone_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decisions_agent, "recall_consult", lambda *_: None)
    with pytest.raises((AssertionError, KeyError)):
        play_many(60)


# --------------------------------------------------------------------------- presence
REPORT = st.tuples(
    st.integers(0, 600),
    st.integers(0, 60),
    st.sampled_from(list(Availability)),
    st.integers(0, 3),
)
"""Seconds at which it was so, lag in seconds, what was so, how often it is told (0 is lost)."""


@settings(max_examples=60, deadline=None)
@given(reports=st.lists(REPORT, max_size=25))
def test_presence_is_the_newest_that_was_told_at_any_lag_and_moves_nobody(
    reports: list[tuple[int, int, Availability, int]],
) -> None:
    desk = Desk(company())
    start = desk.now
    tellings = sorted(
        (at + lag + again, at, number, word)
        for number, (at, lag, word, times) in enumerate(reports)
        for again in range(times)
    )
    before = desk.engine.state.agents[ANNA].state
    newest: tuple[int, int, Availability] | None = None
    for told_at, at, number, word in tellings:
        desk.now = Instant(start + told_at * SECOND)
        desk.do(
            NotePresence(
                agent=ANNA,
                availability=word,
                source="graph-subscription",
                at=Instant(start + at * SECOND),
                sequence=number,
            )
        )
        newest = max((at, number, word), newest or (at, number, word), key=lambda one: one[:2])
        agent = desk.engine.state.agents[ANNA]
        assert agent.presence is not None
        assert (agent.presence.availability, agent.state) == (newest[2], before)
        assert agent.presence.age(desk.now) == (told_at - newest[0]) * SECOND
    desk.do(ConfigureTenant(configuration=company(wrap_up_for_ms=1)))
    assert (desk.engine.state.agents[ANNA].presence is None) == (not tellings)
