# SPDX-License-Identifier: Apache-2.0
"""Rates: how many per second over time, and how many at once.

Pure; time is handed in. Tokens are kept as nanoseconds of credit, so that no rounding adds up.
"""

from __future__ import annotations

from collections import OrderedDict

_SECOND = 1_000_000_000


class TokenBucket:
    """Allows ``rate`` per second over time and ``burst`` at once."""

    __slots__ = ("_cost", "_credit", "_full", "_seen")

    def __init__(self, rate: float, burst: int, now: int) -> None:
        """Start full; ``rate`` and ``burst`` are at least 1 in sum of use."""
        self._cost = max(1, round(_SECOND / rate))
        self._full = self._cost * max(1, burst)
        self._credit = self._full
        self._seen = now

    def take(self, now: int) -> bool:
        """Use one; False when there is none."""
        credit = self._credit + now - self._seen
        self._seen = now
        if credit > self._full:
            credit = self._full
        if credit < self._cost:
            self._credit = credit
            return False
        self._credit = credit - self._cost
        return True

    def wait_ns(self, now: int) -> int:
        """Return how long from ``now`` until one is there, nanoseconds; 0: now."""
        credit = min(self._full, self._credit + now - self._seen)
        return max(0, self._cost - credit)


class PeerBuckets:
    """One bucket per source address, for a bounded number of addresses."""

    def __init__(self, rate: float, burst: int, max_peers: int) -> None:
        self._rate = rate
        self._burst = burst
        self._max_peers = max_peers
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, address: str, now: int) -> bool:
        """Use one of an address; the address unseen for longest makes room for a new one."""
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = TokenBucket(self._rate, self._burst, now)
            if len(self._buckets) > self._max_peers:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(address)
        return bucket.take(now)
