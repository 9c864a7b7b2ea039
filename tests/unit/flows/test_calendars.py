# SPDX-License-Identifier: Apache-2.0
"""Calendars: what holds, in which order, until when, and on the days clocks change."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
import pytest

from centralino.core.calendars.calendar import (
    WEEKDAYS,
    Calendar,
    Closure,
    ExceptionDay,
    OwnHoliday,
    PublicHolidays,
    close,
    reopen,
    spans_of,
)
from centralino.core.calendars.hours import (
    Kind,
    holiday_name,
    instant_of,
    library_versions,
    require_valid,
    status_at,
)
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND, Instant

pytestmark = pytest.mark.unit

ROME = ZoneInfo("Europe/Rome")
WORKDAY = ("09:00-13:00", "14:00-18:00")
OFFICE = Calendar(
    name="office",
    zone="Europe/Rome",
    hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), WORKDAY),
    holidays=(PublicHolidays(country="IT"),),
    own_holidays=(OwnHoliday(name="Summer", date="08-10", days=12),),
    exceptions=(ExceptionDay(date=date(2026, 12, 25), hours=("10:00-11:00",)),),
)


def at(text: str, zone: ZoneInfo = ROME) -> Instant:
    local = datetime.fromisoformat(text).replace(tzinfo=zone)
    return Instant(int(local.timestamp()) * SECOND)


@pytest.mark.parametrize(
    ("when", "kind", "until"),
    [
        ("2026-01-14 08:59", Kind.CLOSED, "2026-01-14 09:00"),
        ("2026-01-14 09:00", Kind.OPEN, "2026-01-14 13:00"),
        ("2026-01-14 13:00", Kind.CLOSED, "2026-01-14 14:00"),
        ("2026-01-16 18:00", Kind.CLOSED, "2026-01-19 09:00"),
        ("2026-01-06 10:00", Kind.HOLIDAY, "2026-01-07 00:00"),
        ("2026-08-15 10:00", Kind.HOLIDAY, "2026-08-22 00:00"),
        ("2026-12-25 10:30", Kind.OPEN, "2026-12-25 11:00"),
    ],
)
def test_what_holds_and_until_when(when: str, kind: Kind, until: str) -> None:
    status = status_at(OFFICE, at(when))
    assert (status.kind, status.until) == (kind, at(until))


def test_the_companys_own_holiday_has_its_name() -> None:
    assert holiday_name(OFFICE, date(2026, 8, 15)) == "Summer"
    assert holiday_name(OFFICE, date(2026, 8, 22)) is None
    assert holiday_name(OFFICE, date(2026, 1, 6)) is not None


def test_own_holidays_may_go_over_new_year_or_be_of_one_year() -> None:
    calendar = Calendar(
        name="c",
        zone="UTC",
        own_holidays=(
            OwnHoliday(name="Winter", date="12-30", days=5),
            OwnHoliday(name="Move", date="2026-03-02"),
            OwnHoliday(name="Leap", date="02-29"),
        ),
    )
    assert holiday_name(calendar, date(2027, 1, 3)) == "Winter"
    assert holiday_name(calendar, date(2026, 3, 2)) == "Move"
    assert holiday_name(calendar, date(2027, 3, 2)) is None
    assert holiday_name(calendar, date(2028, 2, 29)) == "Leap"


def test_a_public_holiday_may_be_worked() -> None:
    worked = PublicHolidays(country="IT", open_on=("01-06",))
    assert holiday_name(msgspec.structs.replace(OFFICE, holidays=(worked,)), date(2026, 1, 6)) is (
        None
    )


def test_a_closure_is_stronger_than_everything() -> None:
    now = at("2026-12-25 10:30")
    until = at("2026-12-25 10:45")
    closed = close(OFFICE, Closure(reason="Fire alarm", since=now, until=until), now)
    status = status_at(closed, now)
    assert (status.kind, status.name, status.until) == (Kind.CLOSURE, "Fire alarm", until)
    assert status_at(closed, until).kind is Kind.OPEN
    assert status_at(reopen(closed, now), now).kind is Kind.OPEN


def test_a_closure_to_come_is_the_next_change() -> None:
    now, since = at("2026-01-14 09:30"), at("2026-01-14 10:00")
    closed = close(OFFICE, Closure(since=since), now)
    assert status_at(closed, now).until == since
    assert status_at(closed, since).until is None


def test_closures_that_are_over_are_forgotten() -> None:
    now = at("2026-01-14 09:30")
    old = close(OFFICE, Closure(until=Instant(now - 1)), Instant(0))
    assert len(close(old, Closure(), now).closures) == 1


def test_always_open_never_changes() -> None:
    calendar = Calendar(name="c", zone="UTC", hours=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
    assert status_at(calendar, at("2026-03-01 12:00")) == (Kind.OPEN, "", None)
    assert status_at(Calendar(name="n", zone="UTC"), Instant(0)) == (Kind.CLOSED, "", None)


@pytest.mark.parametrize("now", [-(10**20), 10**20])
def test_an_absurd_clock_does_no_harm(now: int) -> None:
    status_at(OFFICE, Instant(now))


def test_a_time_that_does_not_exist_is_when_clocks_jump_over_it() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30), ROME) == at("2026-03-29 03:00")


def test_of_a_time_that_exists_twice_spans_take_the_longer() -> None:
    calendar = Calendar(name="c", zone="Europe/Rome", hours={"sun": ("02:00-03:00",)})
    first = Instant(int(datetime(2026, 10, 25, 2, tzinfo=ROME).timestamp()) * SECOND)
    status = status_at(calendar, first)
    assert status.kind is Kind.OPEN
    assert status.until == Instant(first + 2 * 3600 * SECOND)


def test_a_zone_without_midnight_on_that_day() -> None:
    zone = ZoneInfo("America/Santiago")
    calendar = Calendar(name="c", zone="America/Santiago", hours={"sun": ("00:00-24:00",)})
    begins = instant_of(date(2026, 9, 6), time(0), zone)
    status = status_at(calendar, begins)
    assert status.kind is Kind.OPEN
    assert status.until == Instant(begins + 23 * 3600 * SECOND)


@pytest.mark.parametrize(
    "spans",
    [("09:00-09:00",), ("18:00-09:00",), ("09:00-12:00", "11:00-13:00"), ("9-12",), ("",)],
)
def test_hours_that_make_no_sense_are_refused(spans: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"overlap|before|not like"):
        spans_of(spans)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "c", "zone": "UTC", "hours": {"mon": list(spans)}}, Calendar)


@pytest.mark.parametrize(
    "calendar",
    [
        Calendar(name="c", zone="Europe/Atlantis"),
        Calendar(name="c", zone="../etc/passwd"),
        Calendar(name="c", zone="UTC", holidays=(PublicHolidays(country="XX"),)),
        Calendar(name="c", zone="UTC", holidays=(PublicHolidays(country="IT", subdivision="ZZ"),)),
    ],
)
def test_zones_and_countries_must_exist(calendar: Calendar) -> None:
    with pytest.raises(InvalidInput):
        require_valid(calendar)


def test_what_decides_beside_us_has_a_version() -> None:
    assert set(library_versions()) == {"holidays", "tzdata"}


def test_a_span_ends_at_the_second_of_a_time_that_exists_twice() -> None:
    calendar = Calendar(name="c", zone="Europe/Rome", hours={"sun": ("01:00-02:30",)})
    begins = instant_of(date(2026, 10, 25), time(1), ROME)
    assert status_at(calendar, begins).until == Instant(begins + 5 * 1800 * SECOND)
