# SPDX-License-Identifier: Apache-2.0
"""A calendar as people write it: hours per weekday and what overrides them.

What holds on a day is the first of: a closure by command, an exception for that date, a
holiday, the hours of the weekday. Times are wall-clock times of the calendar's zone.
"""

from __future__ import annotations

import re
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from centralino.core.kernel.instant import Instant

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of ``date.weekday``."""
_SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$")
Span = Annotated[str, msgspec.Meta(pattern=_SPAN.pattern)]
"""``09:00-13:00``; the end is not included and may be ``24:00``. Two spans go over midnight."""


class ExceptionDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One date with hours of its own, stronger than a holiday."""

    date: date
    hours: tuple[Span, ...] = ()
    """Closed all day when empty."""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse spans that overlap or end before they begin."""
        spans_of(self.hours)


class OwnHoliday(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A holiday of the company itself."""

    name: str
    date: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
    """``2026-12-24``, or ``12-24`` for every year."""
    days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 1


class PublicHolidays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public holidays of a country, or of a part of it."""

    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1, such as ``IT``."""
    subdivision: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{0,3}$")] = ""
    """ISO 3166-2 without the country, such as ``BZ``."""
    open_on: tuple[str, ...] = ()
    """Dates ``MM-DD`` that are worked although they are holidays."""


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """Closed by command, whatever the hours say."""

    reason: str = ""
    since: Instant = Instant(0)
    until: Instant | None = None
    """Open-ended when ``None``."""


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    zone: str
    """IANA time zone, such as ``Europe/Rome``."""
    hours: dict[Weekday, tuple[Span, ...]] = {}
    """A weekday that is left out is closed."""
    exceptions: Annotated[tuple[ExceptionDay, ...], msgspec.Meta(max_length=1000)] = ()
    holidays: Annotated[tuple[PublicHolidays, ...], msgspec.Meta(max_length=20)] = ()
    own_holidays: Annotated[tuple[OwnHoliday, ...], msgspec.Meta(max_length=200)] = ()
    closures: Annotated[tuple[Closure, ...], msgspec.Meta(max_length=100)] = ()

    def __post_init__(self) -> None:
        """Refuse spans that overlap or end before they begin."""
        for spans in self.hours.values():
            spans_of(spans)


def spans_of(spans: tuple[str, ...]) -> tuple[tuple[time, time | None], ...]:
    """Return spans as times, in order; ``None`` ends at midnight.

    Raises:
        ValueError: a span is malformed, empty, or overlaps another.

    >>> spans_of(("14:00-24:00", "09:00-13:00"))[0][1]
    datetime.time(13, 0)
    """
    found = sorted(_minutes(span) for span in spans)
    for (_, end), (begin, _) in pairwise(found):
        if begin < end:
            raise ValueError(f"hours overlap: {', '.join(spans)}")
    return tuple((_time(begin), _time(end) if end < 1440 else None) for begin, end in found)


def close(calendar: Calendar, closure: Closure, now: Instant) -> Calendar:
    """Return the calendar with one more closure; those that are over at ``now`` are dropped."""
    current = tuple(one for one in calendar.closures if one.until is None or one.until > now)
    return msgspec.structs.replace(calendar, closures=(*current, closure))


def reopen(calendar: Calendar, now: Instant) -> Calendar:
    """Return the calendar without the closures that are in force at ``now``."""
    later = tuple(one for one in calendar.closures if one.since > now)
    return msgspec.structs.replace(calendar, closures=later)


def _minutes(span: str) -> tuple[int, int]:
    match = _SPAN.match(span)
    if match is None:
        raise ValueError(f"{span!r} is not like 09:00-13:00")
    begin = int(match[1]) * 60 + int(match[2])
    end = 1440 if match[3] is None else int(match[3]) * 60 + int(match[4])
    if end <= begin:
        raise ValueError(f"{span} ends before it begins; write two spans to go over midnight")
    return begin, end


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)
