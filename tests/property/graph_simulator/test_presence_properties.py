# SPDX-License-Identifier: Apache-2.0
"""Presence changes at its announced instants only, is seen in order, and notifications are kept."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.simulators.graph.deliveries import Deliveries, DeliveryFaults, DeliveryRules, Item
from centralino.simulators.graph.errors import GraphError
from centralino.simulators.graph.filters import compile_filter
from centralino.simulators.graph.instants import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    NS_PER_S,
    duration,
    instant,
    iso,
    iso_duration,
)
from centralino.simulators.graph.presence import (
    APPLICATION_PAIRS,
    PREFERRED_LIFETIMES_NS,
    Appointment,
    PresenceRules,
    PresenceSources,
)
from centralino.simulators.graph.presence_board import Lag, PresenceBoard

pytestmark = pytest.mark.property

RULES = PresenceRules()
APPLICATION = sorted(APPLICATION_PAIRS, key=str)
PREFERRED = sorted(PREFERRED_LIFETIMES_NS, key=str)
minutes = st.integers(0, 500)


@st.composite
def sources(draw: st.DrawFn) -> PresenceSources:
    """Return somebody with any mixture of sources, set at the start."""
    made = PresenceSources(client=draw(st.sampled_from(["active", "idle", "away", "signed-out"])))
    for app in draw(st.lists(st.sampled_from("abc"), unique=True)):
        pair = draw(st.sampled_from(APPLICATION))
        made.set_session(app, pair, draw(st.integers(5, 240)) * MINUTE_NS, 0)
    if draw(st.booleans()):
        pair = draw(st.sampled_from(PREFERRED))
        made.prefer(pair, draw(st.integers(1, 400)) * MINUTE_NS, 0)
    if draw(st.booleans()):
        made.calls["c"] = draw(st.integers(2, 4))
    spans = draw(st.lists(st.tuples(minutes, st.integers(1, 90), st.booleans()), max_size=3))
    made.appointments = tuple(
        Appointment(start * MINUTE_NS, (start + length) * MINUTE_NS, is_out)
        for start, length, is_out in spans
    )
    return made


@given(sources(), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_between_two_announced_instants_nothing_changes(
    person: PresenceSources, share: float
) -> None:
    now = 0
    while (after := person.next_change(now)) is not None:
        between = now + int((after - now) * share)
        assert person.aggregate(between, RULES) == person.aggregate(now, RULES)
        now = after
    assert person.aggregate(now + DAY_NS, RULES) == person.aggregate(now, RULES)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90)), max_size=25), st.integers(0, 9))
def test_what_is_seen_follows_what_is_true_within_a_minute(
    steps: list[tuple[int, int]], seed: int
) -> None:
    board = PresenceBoard(str(seed), Lag(mean_ms=8_000), RULES)
    board.add("anna", PresenceSources(client="active"), 0)
    now, seen = 0, []
    for client, seconds in steps:
        now += seconds * NS_PER_S
        seen += board.advance(now)
        board.sources("anna").client = ("active", "idle", "away", "signed-out")[client]
        board.changed("anna", now)
    seen += board.advance(now + 60 * NS_PER_S)
    assert all(one.changed_at <= one.at for one in seen)
    assert [one.at for one in seen] == sorted(one.at for one in seen)
    assert [one.changed_at for one in seen] == sorted(one.changed_at for one in seen)
    assert board.shown("anna") == board.fact("anna")


@given(
    st.integers(1, 60),
    st.integers(0, 2**16),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.3]),
)
def test_every_notification_arrives_or_is_counted_as_dropped(
    count: int, seed: int, duplicates: float, swaps: float
) -> None:
    dice = random.Random(seed)
    faults = DeliveryFaults(duplicates=duplicates, swaps=swaps)
    deliveries = Deliveries(DeliveryRules(judged_from=10**9), faults, str(seed))
    arrived: set[int] = set()
    for number in range(count):
        item = Item("https://p.example/", {"n": number}, "s", "t", "a", False, number)
        deliveries.put(item, number)
    while (due := deliveries.next_deadline()) is not None and due < 5 * HOUR_NS:
        for post in deliveries.due(due):
            status = dice.choice((202, 202, 503, 0))
            deliveries.answered(post, status, NS_PER_S, due)
            arrived |= {item.body["n"] for item in post.items} if status == 202 else set()
    assert deliveries.waiting_count == deliveries.open_count == 0
    assert arrived == set(range(count))
    assert deliveries.dropped_count == 0


@given(st.integers(-(10**10), 2 * 10**11), st.integers(0, 9_999_999))
def test_instants_are_read_as_they_are_written(seconds: int, ticks: int) -> None:
    moment = seconds * NS_PER_S + ticks * 100
    assert instant(iso(moment)) == moment


@given(st.integers(0, 10**9))
def test_lengths_are_read_as_they_are_written(milliseconds: int) -> None:
    assert duration(iso_duration(milliseconds * 1_000_000)) == milliseconds * 1_000_000


@given(st.text(alphabet="abc 'eq(),/:0123456789-TZnotrdi", max_size=60))
def test_a_filter_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        test = compile_filter(text)
        test({"a": "b", "c": 7, "d": {"e": None}, "t": [{"a": 1}]})
    except GraphError as error:
        assert error.status == 400  # noqa: PT017 - either outcome is good, this is how one looks
