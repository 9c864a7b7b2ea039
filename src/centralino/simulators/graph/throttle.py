# SPDX-License-Identifier: Apache-2.0
"""Microsoft's limits as token buckets: per application and tenant, and per application.

A bucket fills at the limit's rate and holds one window of it, so that whoever stays at the limit
passes and a burst of one window does too. Source: "Microsoft Graph service-specific throttling
limits"; the numbers are those of Teams, presence, identity (tenants of size S), Outlook and call
records.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.simulators.graph.errors import GraphError
from centralino.simulators.graph.instants import NS_PER_S

if TYPE_CHECKING:
    from centralino.simulators.graph.callers import Caller

MOST_BUCKETS = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    count: int
    window_s: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one group of routes allows."""

    per_tenant: Limit | None = None
    """For one application in one tenant."""
    per_app: Limit | None = None
    """For one application in all tenants."""
    per_thing: Limit | None = None
    """For one application on one resource: a mailbox, a call record, a team."""


LIMITS = {
    "presence": Limits(Limit(1500, 30)),
    "chat-read": Limits(Limit(20), Limit(200)),
    "chat-send": Limits(Limit(20), Limit(200)),
    "channel-send": Limits(Limit(50), Limit(500), Limit(4)),
    "all-messages": Limits(Limit(200), Limit(1000)),
    "schedule-read": Limits(Limit(30), Limit(600)),
    "schedule-write": Limits(Limit(30), Limit(300)),
    "schedule-delete": Limits(Limit(15), Limit(150)),
    "activity": Limits(Limit(5), Limit(50)),
    "activity-many": Limits(Limit(2), Limit(20)),
    "team-read": Limits(Limit(60), Limit(1200)),
    "teams-read": Limits(Limit(30), Limit(1500)),
    "teams-write": Limits(Limit(30), Limit(300)),
    "identity": Limits(Limit(3500, 10)),
    "outlook": Limits(per_thing=Limit(10_000, 600)),
    "records": Limits(Limit(1500, 20), per_thing=Limit(10, 20)),
    "none": Limits(),
}
GLOBAL = Limit(2000)
"""All requests of one application in all tenants."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: int


class Throttle:
    """The buckets of one Graph."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()
        self.refused_count = 0

    def require(self, caller: Caller, group: str, now: int, thing: str = "") -> None:
        """Take a token from every bucket that counts.

        Raises:
            GraphError: 429 with ``Retry-After``; then nothing was taken.
        """
        limits = LIMITS[group]
        asked: list[tuple[tuple[str, ...], Limit]] = [(("app", caller.app_id), GLOBAL)]
        if limits.per_tenant is not None:
            asked.append(((group, caller.app_id, caller.tenant_id), limits.per_tenant))
        if limits.per_app is not None:
            asked.append(((group, caller.app_id), limits.per_app))
        if limits.per_thing is not None and thing:
            asked.append(((group, caller.app_id, caller.tenant_id, thing), limits.per_thing))
        buckets = [(self._filled(key, limit, now), limit) for key, limit in asked]
        waits = [_wait_s(bucket, limit) for bucket, limit in buckets if bucket.tokens < 1]
        if waits:
            self.refused_count += 1
            raise _too_many(max(waits))
        for bucket, _ in buckets:
            bucket.tokens -= 1

    def _filled(self, key: tuple[str, ...], limit: Limit, now: int) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(float(limit.count), now)
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
            return bucket
        gained = (now - bucket.filled_at) / NS_PER_S * limit.count / limit.window_s
        bucket.tokens = min(float(limit.count), bucket.tokens + gained)
        bucket.filled_at = now
        return bucket


def _wait_s(bucket: _Bucket, limit: Limit) -> int:
    missing = (1 - bucket.tokens) * limit.window_s / limit.count
    return max(1, -int(-missing // 1))


def _too_many(wait_s: int) -> GraphError:
    message = "Too many requests. Retry after the time in the Retry-After header."
    return GraphError(429, "TooManyRequests", message, headers={"retry-after": str(wait_s)})
