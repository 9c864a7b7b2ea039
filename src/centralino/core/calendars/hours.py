# SPDX-License-Identifier: Apache-2.0
"""Whether a calendar is open at an instant, why, and when that changes next.

A day is cut into spells on the UTC line, so that days of 23 and 25 hours are right: a
wall-clock time that does not exist is the instant at which clocks jump over it; of one
that exists twice, a span begins at the first and ends at the second.
Cost: :func:`kind_at` reads one day; :func:`status_at` looks ahead to the next change, at most
400 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays

from centralino.core.calendars.calendar import (
    WEEKDAYS,
    Calendar,
    OwnHoliday,
    spans_of,
)
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND, Instant

DAYS_AHEAD = 400
"""How far a change is looked for."""
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9990, 1, 1)


class Kind(StrEnum):
    """What holds."""

    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    CLOSURE = "closure"


class Status(NamedTuple):
    """What holds at an instant."""

    kind: Kind
    name: str
    """Of the holiday, or the reason of the closure; else empty."""
    until: Instant | None
    """When something else holds; ``None`` when not within 400 days."""


class Spell(NamedTuple):
    """A stretch of time in which one thing holds."""

    begin: Instant
    end: Instant
    kind: Kind
    name: str


def status_at(calendar: Calendar, now: Instant) -> Status:
    """Return what holds at ``now``.

    Raises:
        InvalidInput: there is no such time zone or country.

    >>> rome = Calendar(name="office", zone="Europe/Rome", hours={"mon": ("09:00-18:00",)})
    >>> monday_noon = Instant(1_700_478_000 * SECOND)
    >>> status_at(rome, monday_noon).kind
    <Kind.OPEN: 'open'>
    """
    current: Spell | None = None
    for spell in spells(calendar, now):
        if current is not None and (spell.kind, spell.name) != (current.kind, current.name):
            return Status(current.kind, current.name, spell.begin)
        current = current or spell
    if current is None:
        return Status(Kind.CLOSED, "", None)
    return Status(current.kind, current.name, None)


def kind_at(calendar: Calendar, now: Instant) -> Kind:
    """Return what holds at ``now``, without looking ahead.

    Raises:
        InvalidInput: there is no such time zone or country.
    """
    first = next(spells(calendar, now), None)
    return Kind.CLOSED if first is None else first.kind


def spells(calendar: Calendar, now: Instant) -> Iterator[Spell]:
    """Return what holds from ``now`` on, without gaps, for 400 days."""
    zone = time_zone(calendar.zone)
    today = _local_date(now, zone)
    days = (today + timedelta(days=n) for n in range(DAYS_AHEAD))
    for day in days:
        for spell in _spells_of_day(calendar, day, zone):
            if spell.end > now:
                yield from _with_closures(calendar, spell, now)


def require_valid(calendar: Calendar) -> None:
    """Check what only the libraries know.

    Raises:
        InvalidInput: no such time zone, country or part of a country.
    """
    time_zone(calendar.zone)
    for public in calendar.holidays:
        _public_holidays(public.country, public.subdivision, 2026)


@lru_cache(maxsize=256)
def time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        InvalidInput: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise InvalidInput(f"there is no time zone {name!r}", details={"path": "zone"}) from None


def instant_of(day: date, at: time, zone: ZoneInfo, *, is_end: bool = False) -> Instant:
    """Return the instant of a wall-clock time, see the module for gaps and repeats."""
    early = _epoch(datetime.combine(day, at, zone).replace(fold=0))
    late = _epoch(datetime.combine(day, at, zone).replace(fold=1))
    if early > late:  # a gap: fold 0 counts with the offset before it, fold 1 with that after it
        return _gap_end(late, early, zone)
    return Instant((late if is_end else early) * SECOND)


def holiday_name(calendar: Calendar, day: date) -> str | None:
    """Return the name of the holiday on a date, the company's own ones first."""
    for own in calendar.own_holidays:
        if _is_own(own, day):
            return own.name
    for public in calendar.holidays:
        if f"{day:%m-%d}" not in public.open_on:
            name = _public_holidays(public.country, public.subdivision, day.year).get(day)
            if name is not None:
                return name
    return None


def library_versions() -> dict[str, str]:
    """Return the versions of what decides beside our own code, for the configuration."""
    return {"holidays": version("holidays"), "tzdata": version("tzdata")}


def _spells_of_day(calendar: Calendar, day: date, zone: ZoneInfo) -> Iterator[Spell]:
    begin = instant_of(day, time(0), zone)
    end = instant_of(day + timedelta(days=1), time(0), zone)
    exception = next((one for one in calendar.exceptions if one.date == day), None)
    if exception is not None:
        hours = exception.hours
    else:
        name = holiday_name(calendar, day)
        if name is not None:
            yield Spell(begin, end, Kind.HOLIDAY, name)
            return
        hours = calendar.hours.get(WEEKDAYS[day.weekday()], ())
    cursor = begin
    for opens, closes in spans_of(hours):
        start = max(cursor, instant_of(day, opens, zone))
        stop = end if closes is None else instant_of(day, closes, zone, is_end=True)
        if start > cursor:
            yield Spell(cursor, start, Kind.CLOSED, "")
        if stop > start:
            yield Spell(start, stop, Kind.OPEN, "")
        cursor = max(cursor, stop)
    if end > cursor:
        yield Spell(cursor, end, Kind.CLOSED, "")


def _with_closures(calendar: Calendar, spell: Spell, now: Instant) -> Iterator[Spell]:
    """Cut the part of a spell from ``now`` on where closures begin and end."""
    cuts = {max(spell.begin, now), spell.end}
    for closure in calendar.closures:
        cuts.update(
            cut
            for cut in (closure.since, closure.until)
            if cut is not None and max(spell.begin, now) < cut < spell.end
        )
    ordered = sorted(cuts)
    for begin, end in pairwise(ordered):
        closure_reason = _closure_at(calendar, begin)
        if closure_reason is None:
            yield Spell(begin, end, spell.kind, spell.name)
        else:
            yield Spell(begin, end, Kind.CLOSURE, closure_reason)


def _closure_at(calendar: Calendar, now: Instant) -> str | None:
    for closure in calendar.closures:
        if closure.since <= now and (closure.until is None or now < closure.until):
            return closure.reason
    return None


def _is_own(own: OwnHoliday, day: date) -> bool:
    years = (day.year,) if len(own.date) == 10 else (day.year, day.year - 1)
    for year in years:
        text = own.date if len(own.date) == 10 else f"{year}-{own.date}"
        try:
            first = date.fromisoformat(text)
        except ValueError:  # 29 February, or a day that no month has
            continue
        if 0 <= (day - first).days < own.days:
            return True
    return False


@lru_cache(maxsize=1024)
def _public_holidays(country: str, subdivision: str, year: int) -> dict[date, str]:
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        where = f"{country}-{subdivision}" if subdivision else country
        raise InvalidInput(
            f"no holidays are known of {where}", details={"path": "holidays"}
        ) from None
    return dict(found.items())


def _local_date(now: Instant, zone: ZoneInfo) -> date:
    try:
        day = datetime.fromtimestamp(now // SECOND, tz=zone).date()
    except (OverflowError, ValueError, OSError):
        return _FIRST_DAY if now < 0 else _LAST_DAY
    return min(max(day, _FIRST_DAY), _LAST_DAY)


def _epoch(local: datetime) -> int:
    return int((local - _EPOCH).total_seconds())


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _gap_end(before: int, after: int, zone: ZoneInfo) -> Instant:
    """Return when the clocks jump, which is between two instants of different offset."""
    offset = _offset(before, zone)
    low, high = before, after
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return Instant(high * SECOND)


def _offset(at: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, tz=zone).utcoffset()
