# SPDX-License-Identifier: Apache-2.0
"""Points in time and lengths of time as integers of nanoseconds.

Integers compare and add exactly, so a replay gives the same bits. ``Instant`` counts
from the Unix epoch in UTC; ``Duration`` is a length. Floats of seconds exist only at
the edges (asyncio, JSON for people).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

Instant = NewType("Instant", int)
"""Nanoseconds since 1970-01-01T00:00:00Z."""

Duration = NewType("Duration", int)
"""A length of time in nanoseconds; may be negative only as a difference."""

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


def milliseconds(count: int) -> Duration:
    """Return ``count`` milliseconds as a duration.

    >>> milliseconds(20)
    20000000
    """
    return Duration(count * MILLISECOND)


def seconds(count: float) -> Duration:
    """Return ``count`` seconds as a duration, rounded to the nanosecond.

    >>> seconds(1.5)
    1500000000
    """
    return Duration(round(count * SECOND))


def after(start: Instant, length: Duration) -> Instant:
    """Return the instant that lies ``length`` after ``start``."""
    return Instant(start + length)


def between(start: Instant, end: Instant) -> Duration:
    """Return the length of time from ``start`` to ``end``."""
    return Duration(end - start)


def to_iso(instant: Instant) -> str:
    """Return ISO 8601 text in UTC with milliseconds.

    >>> to_iso(Instant(1_500_000_000))
    '1970-01-01T00:00:01.500Z'
    """
    whole, rest = divmod(instant, SECOND)
    stamp = datetime.fromtimestamp(whole, tz=UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest // MILLISECOND:03d}Z"
