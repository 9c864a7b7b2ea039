# SPDX-License-Identifier: Apache-2.0
"""Instants and lengths as Graph writes them: ISO 8601, UTC, up to seven decimals.

Inside, an instant is an integer of nanoseconds since the Unix epoch and a length one of
nanoseconds. Source: OData 4.01 ABNF (``dateTimeOffsetValue``, ``durationValue``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from centralino.simulators.graph.errors import bad_request

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
MINUTE_NS = 60 * NS_PER_S
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

YEARS = range(1601, 9000)
"""What is taken: Windows' file times begin in 1601, and sums must stay dates."""
SECONDS_LENGTH = len("2026-11-29T14:00:00")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def iso(instant: int) -> str:
    """Return ``2026-11-29T14:00:00.1234567Z``; no decimals where there are none.

    >>> iso(1_500_000_000)
    '1970-01-01T00:00:01.5000000Z'
    """
    seconds, rest = divmod(instant, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:SECONDS_LENGTH]
    return f"{text}.{rest // 100:07d}Z" if rest else f"{text}Z"


def naive_iso(instant: int) -> str:
    """Return the form of ``dateTimeTimeZone``: seven decimals and no zone."""
    seconds, rest = divmod(instant, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:SECONDS_LENGTH]
    return f"{text}.{rest // 100:07d}"


def instant(text: object, name: str = "dateTime") -> int:
    """Return the instant that a text names; one without a zone is UTC.

    Raises:
        GraphError: 400, it names none; ``name`` is the member to blame.
    """
    if isinstance(text, str):
        whole, decimals, zone = _split(text)
        try:
            moment = datetime.fromisoformat(whole + zone)
        except ValueError:
            pass
        else:
            if moment.year not in YEARS:
                raise bad_request(f"{name}: the year {moment.year} is out of range")
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return round((moment - _EPOCH).total_seconds()) * NS_PER_S + decimals
    raise bad_request(f"{name}: {text!r} is not a date and time")


def _split(text: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"([^.]*)\.(\d{1,12})(Z|[+-]\d\d:\d\d)?", text)
    if match is None:
        return text, 0, ""
    return match[1], int(f"{match[2]:0<9}"[:9]), match[3] or ""


def duration(text: object, name: str = "duration") -> int:
    """Return the length of an ISO 8601 duration in days and below, in nanoseconds.

    Raises:
        GraphError: 400, it is none; ``1:00:00`` is none either.

    >>> duration("PT1H30M") // MINUTE_NS
    90
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or text in {"P", "-P"}:
        raise bad_request(f"{name}: {text!r} is not an ISO 8601 duration such as PT1H")
    parts = match.groupdict()
    minutes = int(parts["days"] or 0) * 1440
    minutes += int(parts["hours"] or 0) * 60 + int(parts["minutes"] or 0)
    length = minutes * MINUTE_NS + round(float(parts["seconds"] or 0) * NS_PER_S)
    return -length if parts["sign"] else length


def iso_duration(length: int) -> str:
    """Return a length as ``PT0.016S``.

    >>> iso_duration(16_000_000)
    'PT0.016S'
    """
    text = f"{length / NS_PER_S:.6f}".rstrip("0").rstrip(".")
    return f"PT{text}S"
