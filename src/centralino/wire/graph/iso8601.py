# SPDX-License-Identifier: Apache-2.0
"""Durations and instants as Graph writes them.

Durations are ISO 8601 (``PT0.016S``, ``P1DT2H``); years and months have no length and are refused.
Instants are UTC with up to seven digits of a second. Both are whole nanoseconds here, so nothing
is rounded on the way.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from centralino.wire.graph.errors import GraphProtocolError

NS_PER_S: Final = 1_000_000_000
_UNITS: Final = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?:(?P<W>\d{1,6})W)?(?:(?P<D>\d{1,7})D)?"
    r"(?P<time>T(?:(?P<H>\d{1,8})H)?(?:(?P<M>\d{1,9})M)?(?:(?P<S>\d{1,11})(?:\.(?P<f>\d{1,9}))?S)?)?",
    re.ASCII,
)
_INSTANT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_duration(text: str) -> int:
    """Return a duration in nanoseconds.

    >>> read_duration("PT0.016S"), read_duration("P1DT1H")
    (16000000, 90000000000000)

    Raises:
        GraphProtocolError: it is none, or names years or months.
    """
    found = _DURATION.fullmatch(text) if len(text) <= 64 else None
    if found is None or found["time"] == "T" or not any(found[unit] for unit in _UNITS):
        raise GraphProtocolError("not-a-duration", "Not an ISO 8601 duration", offending=text)
    seconds = sum(int(found[unit] or 0) * length for unit, length in _UNITS.items())
    nanoseconds = seconds * NS_PER_S + int((found["f"] or "").ljust(9, "0"))
    return -nanoseconds if found["sign"] else nanoseconds


def write_duration(length_ns: int) -> str:
    """Write a duration the way the service does: hours, minutes, seconds with a fraction.

    >>> write_duration(16_000_000), write_duration(3_661 * NS_PER_S), write_duration(0)
    ('PT0.016S', 'PT1H1M1S', 'PT0S')
    """
    whole, fraction = divmod(abs(length_ns), NS_PER_S)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    text = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or fraction or not text:
        text += f"{seconds}{digits}S"
    return ("-" if length_ns < 0 else "") + "PT" + text


def read_instant(text: str) -> int:
    """Return an instant in nanoseconds since the Unix epoch.

    >>> read_instant("1970-01-01T00:00:01.5Z")
    1500000000

    Raises:
        GraphProtocolError: it is none, or has no time zone.
    """
    found = _INSTANT.fullmatch(text) if len(text) <= 48 else None
    if found is None:
        raise GraphProtocolError("not-an-instant", "Not an ISO 8601 instant", offending=text)
    try:
        moment = datetime.fromisoformat(text[:19] + found[8].replace("Z", "+00:00"))
    except ValueError as error:
        raise GraphProtocolError("not-an-instant", "No such instant", offending=text) from error
    whole = round((moment - _EPOCH) / timedelta(seconds=1))
    return whole * NS_PER_S + int((found[7] or "").ljust(9, "0"))


def write_instant(at_ns: int) -> str:
    """Write an instant with the service's seven digits, none when they are all zero.

    >>> write_instant(1_500_000_000)
    '1970-01-01T00:00:01.5Z'
    """
    whole, fraction = divmod(at_ns, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction // 100:07d}".rstrip("0").rstrip(".")
    return f"{text}{digits}Z"
