# SPDX-License-Identifier: Apache-2.0
"""Calendars in every zone: days of 92, 96 and 100 quarter hours, no gap, one next change."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centralino.core.calendars.calendar import (
    WEEKDAYS,
    Calendar,
    Closure,
    ExceptionDay,
    PublicHolidays,
)
from centralino.core.calendars.hours import Kind, instant_of, kind_at, spells, status_at
from centralino.core.kernel.instant import SECOND, Instant

pytestmark = pytest.mark.property

ZONES = (
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
QUARTER = 15 * 60 * SECOND
DAYS = st.dates(date(2010, 1, 1), date(2035, 12, 31))
MINUTES = st.integers(0, 95).map(lambda quarter: quarter * 15)


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, ...]:
    """Hours of a day, on quarters, without overlap."""
    cuts = sorted(draw(st.sets(MINUTES, max_size=6)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return tuple(f"{_clock(begin)}-{_clock(end)}" for begin, end in pairs)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar."""
    return Calendar(
        name="c",
        zone=draw(st.sampled_from(ZONES)),
        hours={day: draw(spans()) for day in WEEKDAYS},
        holidays=draw(st.sampled_from([(), (PublicHolidays(country="IT"),)])),
        exceptions=tuple(
            ExceptionDay(date=day, hours=draw(spans())) for day in draw(st.sets(DAYS, max_size=3))
        ),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def day_of(zone: ZoneInfo, day: date) -> tuple[Instant, Instant]:
    return instant_of(day, time(0), zone), instant_of(day + timedelta(days=1), time(0), zone)


@given(zone=st.sampled_from(ZONES), day=DAYS)
def test_a_day_that_is_open_throughout_has_all_its_quarter_hours(zone: str, day: date) -> None:
    calendar = Calendar(name="c", zone=zone, hours=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
    begin, end = day_of(ZoneInfo(zone), day)
    quarters = range(begin, end, QUARTER)
    assert all(kind_at(calendar, Instant(at)) is Kind.OPEN for at in quarters)
    known = {92, 96, 100} | ({94, 98} if zone == "Australia/Lord_Howe" else set())
    assert len(quarters) in known | ({0} if zone == "Pacific/Apia" else set())


@pytest.mark.parametrize(
    ("zone", "day", "quarters", "open_quarters"),
    [
        ("Europe/Rome", date(2026, 3, 29), 92, 4),
        ("Europe/Rome", date(2026, 3, 30), 96, 8),
        ("Europe/Rome", date(2026, 10, 25), 100, 12),
        ("America/New_York", date(2026, 3, 8), 92, 4),
        ("America/New_York", date(2026, 11, 1), 100, 12),
    ],
)
def test_the_night_in_which_clocks_change(
    zone: str, day: date, quarters: int, open_quarters: int
) -> None:
    calendar = Calendar(name="c", zone=zone, hours=dict.fromkeys(WEEKDAYS, ("01:00-03:00",)))
    begin, end = day_of(ZoneInfo(zone), day)
    found = [kind_at(calendar, Instant(at)) for at in range(begin, end, QUARTER)]
    assert len(found) == quarters
    assert found.count(Kind.OPEN) == open_quarters


@settings(max_examples=40)
@given(calendar=calendars(), day=DAYS, offset=st.integers(0, 86_399))
def test_spells_leave_no_gap_and_no_overlap(calendar: Calendar, day: date, offset: int) -> None:
    now = Instant(instant_of(day, time(0), ZoneInfo(calendar.zone)) + offset * SECOND)
    listed = [spell for spell, _ in zip(spells(calendar, now), range(60), strict=False)]
    assert listed[0].begin <= now < listed[0].end
    assert all(one.end == other.begin for one, other in pairwise(listed))
    assert all(one.begin < one.end for one in listed)


@settings(max_examples=60)
@given(calendar=calendars(), day=DAYS, quarter=st.integers(0, 95))
def test_the_next_change_is_the_first_one(calendar: Calendar, day: date, quarter: int) -> None:
    now = Instant(instant_of(day, time(0), ZoneInfo(calendar.zone)) + quarter * QUARTER)
    status = status_at(calendar, now)
    if status.until is None:
        return
    changed = status_at(calendar, status.until)
    assert (changed.kind, changed.name) != (status.kind, status.name)
    step = max(1, (status.until - now) // 50)
    for at in range(now, status.until, step):
        same = status_at(calendar, Instant(at))
        assert (same.kind, same.name, same.until) == status


@settings(max_examples=150)
@given(calendar=calendars(), day=DAYS, minute=st.integers(0, 1439))
def test_away_from_clock_changes_the_wall_clock_decides(
    calendar: Calendar, day: date, minute: int
) -> None:
    zone = ZoneInfo(calendar.zone)
    begin, end = day_of(zone, day)
    now = instant_of(day, time(minute // 60, minute % 60), zone)
    if end - begin != 96 * QUARTER:
        return
    exception = next((one for one in calendar.exceptions if one.date == day), None)
    hours = calendar.hours[WEEKDAYS[day.weekday()]] if exception is None else exception.hours
    clock = _clock(minute)
    is_open = any(span.split("-")[0] <= clock < span.split("-")[1] for span in hours)
    kind = status_at(calendar, now).kind
    if kind is Kind.HOLIDAY:
        assert exception is None
    else:
        assert kind is (Kind.OPEN if is_open else Kind.CLOSED)


@given(calendar=calendars(), day=DAYS, length=st.integers(1, 10**6))
def test_a_closure_holds_exactly_as_long_as_it_says(
    calendar: Calendar, day: date, length: int
) -> None:
    since = instant_of(day, time(12), ZoneInfo(calendar.zone))
    until = Instant(since + length * SECOND)
    closed = Calendar(
        name="c",
        zone=calendar.zone,
        hours=calendar.hours,
        closures=(Closure(since=since, until=until),),
    )
    assert status_at(closed, since).until == until
    assert status_at(closed, Instant(until - 1)).kind is Kind.CLOSURE
    assert status_at(closed, until).kind is not Kind.CLOSURE
    assert status_at(closed, Instant(since - 1)).kind is not Kind.CLOSURE
    assert datetime.fromtimestamp(since // SECOND, ZoneInfo(calendar.zone)).date() in {
        day,
        day + timedelta(days=1),
    }
