# SPDX-License-Identifier: Apache-2.0
"""How fast one directory may be asked: our own budget, and Microsoft's word when it says stop.

Pure; time is handed in. A gate that has been closed by a 429 opens at once for everybody, so
that one directory's callers do not each find out for themselves.
Source: Microsoft, "Microsoft Graph throttling guidance".
"""

from __future__ import annotations

from centralino.core.kernel.instant import SECOND
from centralino.exchange.token_bucket import TokenBucket


class Gate:
    """What may be sent to one limit of one directory."""

    def __init__(self, per_s: float, burst: int, now: int) -> None:
        self._bucket = TokenBucket(per_s, burst, now)
        self._closed_until = 0

    def wait_ns(self, now: int) -> int:
        """Return how long to wait before asking again; 0 when a request was granted now."""
        if now < self._closed_until:
            return self._closed_until - now
        if self._bucket.take(now):
            return 0
        return max(1, self._bucket.wait_ns(now))

    def close(self, now: int, for_s: float) -> None:
        """Send nothing for a while: Microsoft asked for it."""
        self._closed_until = max(self._closed_until, now + round(for_s * SECOND))


def retry_after_s(header: str | None, default_s: float) -> float:
    """Return the seconds a ``Retry-After`` header asks for, ``default_s`` when it is none.

    >>> retry_after_s("7", 1.0), retry_after_s(None, 1.0), retry_after_s("soon", 2.0)
    (7.0, 1.0, 2.0)
    """
    try:
        asked = float(header or "")
    except ValueError:
        return default_s
    return asked if 0 <= asked < float("inf") else default_s


def backoff_s(attempt: int, chance: float) -> float:
    """Return how long to wait before try ``attempt`` + 1 (from 1), half of it by chance.

    >>> backoff_s(1, 0.0), backoff_s(3, 1.0)
    (0.25, 2.0)
    """
    longest = min(30.0, 0.5 * 2.0 ** (attempt - 1))
    return longest * (0.5 + 0.5 * chance)
