# SPDX-License-Identifier: Apache-2.0
"""How old the presence of 10,000 people is when it is polled, and what that asks of Graph.

The simulated tenant (with Microsoft's throttling) and the keeper share a process; ages are
sampled once a second after the first round. A run in which a request is throttled is void.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import uvloop

from bench.measurement import Measurement
from centralino.adapters.clock import SystemClock
from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.presence import PresenceKeeper
from centralino.adapters.graph.settings import GraphSettings
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import AccessToken, DirectoryId, PersonId
from centralino.simulators.graph.scenario import Person
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import graph_tenant as kit
from tests.kit.graph_stage import IssuedTokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.exchange.presence import PresenceReading

PREFIX = "tenant.presence"
PEOPLE = 10_000
WARM_UP_S, SAMPLES = 12, 20
LIMIT_PER_30_S = 1500


class _Tokens:
    def __init__(self, issued: IssuedTokens) -> None:
        self._token = AccessToken(issued.app("Presence.Read.All"), 0)

    async def fetch(self, directory: DirectoryId, *, account: str = "") -> AccessToken:
        del directory, account
        return self._token

    def forget(self, directory: DirectoryId, *, account: str = "") -> None:
        raise AssertionError(directory)


class _Sink:
    async def note(self, readings: Sequence[PresenceReading]) -> None:
        """Let it pass."""

    async def note_outage(self, since: int | None) -> None:
        raise AssertionError(since)


async def _run() -> tuple[list[float], float, int]:
    people = [
        Person(id=kit.oid(n), upn=f"p{n}@north.example", name=f"Person {n}", client="active")
        for n in range(1000, 1000 + PEOPLE)
    ]
    issued, clock = IssuedTokens(), SystemClock()
    graph = GraphSimulator(
        kit.scenario(*people, port=0),
        checker=issued,
        clock=LoopClock(lambda: clock.utc() / SECOND),
    )
    async with graph:
        settings = GraphSettings(base_url=graph.url)
        client = GraphClient(settings, _Tokens(issued), clock)
        keeper = PresenceKeeper(client, DirectoryId(kit.TENANT), settings.presence, _Sink(), clock)
        followed = [PersonId(person.id) for person in people]
        keeper.follow(followed)
        task = asyncio.ensure_future(keeper.run())
        await asyncio.sleep(WARM_UP_S)
        before, ages = client.request_count, []
        for _ in range(SAMPLES):
            await asyncio.sleep(1)
            now = clock.utc()
            found = [keeper.book.age_ns(person, now) for person in followed]
            ages += [age / SECOND for age in found if age is not None]
        asked = client.request_count - before
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.close()
        return ages, keeper.requests_per_min, asked


def measure() -> Iterator[Measurement]:
    """Measure ages and requests."""
    ages, per_min, asked = uvloop.run(_run())
    ages.sort()
    is_valid = len(ages) == PEOPLE * SAMPLES
    measured = asked * 60 / SAMPLES
    yield Measurement(
        name="tenant.presence_age_p99",
        value=ages[int(len(ages) * 0.99)],
        unit="s",
        goal=15.0,
        is_valid=is_valid,
        note=f"{PEOPLE} people; p50 {statistics.median(ages):.1f} s, oldest {ages[-1]:.1f} s",
    )
    yield Measurement(
        name="tenant.presence_requests",
        value=measured,
        unit="per min",
        goal=float(LIMIT_PER_30_S * 2),
        is_valid=is_valid,
        note=f"planned {per_min:.0f}; goal: Microsoft's limit",
    )
