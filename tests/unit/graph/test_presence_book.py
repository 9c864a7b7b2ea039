# SPDX-License-Identifier: Apache-2.0
"""What is known of presence: which reading wins, who is asked when, when a subscription is dead."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.graph.presence_book import (
    MOST_PER_REQUEST,
    PollPlan,
    PresenceBook,
    SilenceDetector,
    Taken,
    Told,
)
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import PersonId
from centralino.exchange.presence import PresenceReading, PresenceSource

pytestmark = pytest.mark.unit

ANNA = PersonId("anna")
POLL = PresenceSource.POLL


def reading(
    availability: str,
    at_s: float,
    *,
    sequence: int = 0,
    source: PresenceSource = PresenceSource.POLL,
) -> PresenceReading:
    return PresenceReading(
        person=ANNA,
        availability=availability,
        activity=availability,
        is_out_of_office=False,
        source=source,
        read_at=round(at_s * SECOND),
        sequence=sequence,
    )


def test_only_what_changes_is_told_and_every_reading_confirms() -> None:
    book = PresenceBook()
    assert len(book.take([reading("Busy", 1)]).changed) == 1
    assert book.take([reading("Busy", 9)]) == Taken([], [])
    assert book.age_ns(ANNA, 10 * SECOND) == SECOND
    assert [one.availability for one in book.take([reading("Away", 12)]).changed] == ["Away"]
    assert book.take([reading("Away", 600)]) == Taken([], [])
    assert len(book.take([reading("Away", 612)]).confirmed) == 1, "that it still holds is told"
    assert book.take([reading("Away", 1211)]) == Taken([], [])


def test_a_poll_that_was_asked_before_a_notification_came_does_not_undo_it() -> None:
    book = PresenceBook()
    book.take([reading("Available", 1)])
    book.take([reading("Busy", 5, source=PresenceSource.NOTIFICATION)])
    assert book.take([reading("Available", 4)]) == Taken([], [])
    known = book.reading(ANNA)
    assert known is not None
    assert known.availability == "Busy"


@given(
    st.permutations(range(1, 9)),
    st.lists(st.integers(min_value=0, max_value=7), max_size=8),
)
def test_late_double_and_shuffled_readings_end_with_the_newest(
    order: list[int], doubled: list[int]
) -> None:
    facts = {n: reading(f"Word{n}", n, sequence=n) for n in range(1, 9)}
    shuffled = [facts[n] for n in order] + [facts[order[n]] for n in doubled]
    book = PresenceBook()
    for one in shuffled:
        book.take([one])
    assert book.reading(ANNA) == facts[8]


@pytest.mark.parametrize(
    ("told", "shows", "is_override"),
    [
        ("Available", "BeRightBack", True),
        ("Available", "Offline", True),
        ("Available", "Busy", False),
        ("Busy", "Available", True),
        ("Busy", "DoNotDisturb", False),
        ("Away", "Available", False),
    ],
)
def test_what_cannot_show_by_itself_was_set_by_hand(
    told: str, shows: str, *, is_override: bool
) -> None:
    book = PresenceBook()
    book.told[ANNA] = Told(told, 0)
    [fact] = book.take([reading(shows, 120)]).changed
    assert fact.is_override is is_override
    book = PresenceBook()
    book.told[ANNA] = Told(told, 100 * SECOND)
    [fact] = book.take([reading(shows, 120)]).changed
    assert not fact.is_override, "Teams may not have heard of it yet"


def test_ten_thousand_people_are_asked_for_evenly_once_per_interval() -> None:
    plan = PollPlan(10.0, 60.0)
    people = [PersonId(f"{n:05d}") for n in range(10_000)]
    plan.set_people(people, [], 0)
    asked: list[tuple[int, tuple[PersonId, ...]]] = []
    while (due := plan.next_due()) is not None and due < 60 * SECOND:
        asked.append((due, plan.take_due(due)))
    assert max(len(batch) for _, batch in asked) == MOST_PER_REQUEST
    times: dict[PersonId, list[int]] = {}
    for at, batch in asked:
        for person in batch:
            times.setdefault(person, []).append(at)
    assert len(times) == 10_000
    gaps = {b - a for found in times.values() for a, b in itertools.pairwise(found)}
    assert gaps == {10 * SECOND}
    assert plan.requests_per_min == 96
    starts = sorted(at for at, _ in asked)
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 0.5 * SECOND


def test_a_missed_turn_is_not_made_up_for() -> None:
    plan = PollPlan(10.0, 60.0)
    plan.set_people([ANNA], [], 0)
    assert plan.take_due(100 * SECOND) == (ANNA,)
    assert plan.take_due(100 * SECOND) == ()
    assert plan.next_due() == 105 * SECOND


def test_quiet_is_no_death_but_keeping_quiet_about_a_change_is() -> None:
    covered = frozenset({ANNA})
    silence = SilenceDetector(silent_after_s=300)
    silence.begin(0)
    assert not silence.is_dead(86_400 * SECOND)
    silence.see([reading("Busy", 100)], covered)
    assert not silence.is_dead(120 * SECOND), "Microsoft may take a minute"
    assert silence.is_dead(400 * SECOND)
    silence.hear(401 * SECOND)
    assert not silence.is_dead(10_000 * SECOND)
    silence.see([reading("Away", 500)], frozenset())
    assert not silence.is_dead(10_000 * SECOND), "nobody was to tell that"
