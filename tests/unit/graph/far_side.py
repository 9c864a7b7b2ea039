# SPDX-License-Identifier: Apache-2.0
"""A Graph in memory for unit tests: says what it is told to say, and remembers what was asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from centralino.adapters.graph.client import GraphClient
from centralino.adapters.graph.settings import GraphSettings
from centralino.core.kernel.instant import SECOND
from centralino.exchange.microsoft import AccessToken, DirectoryId
from tests.kit.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.exchange.presence import PresenceReading

DIRECTORY = DirectoryId("11111111-1111-1111-1111-111111111111")
EPOCH = 1_800_000_000 * SECOND
T = TypeVar("T")
Answers = Callable[[httpx.Request], httpx.Response | Exception]


class Clock:
    """The loop's time as both clocks."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        return self._loop.now()

    def utc(self) -> int:
        return EPOCH + self._loop.now()


@dataclass
class InMemoryTokens:
    """Hands out numbered tokens."""

    number: int = 1
    forgotten: int = 0
    accounts: list[str] = field(default_factory=list)

    async def fetch(self, directory: DirectoryId, *, account: str = "") -> AccessToken:
        del directory
        self.accounts.append(account)
        return AccessToken(f"token-{self.number}", EPOCH)

    def forget(self, directory: DirectoryId, *, account: str = "") -> None:
        del directory, account
        self.forgotten += 1
        self.number += 1


@dataclass
class InMemorySink:
    """Remembers what it was told."""

    noted: list[PresenceReading] = field(default_factory=list)
    outages: list[int | None] = field(default_factory=list)

    async def note(self, readings: Sequence[PresenceReading]) -> None:
        self.noted += readings

    async def note_outage(self, since: int | None) -> None:
        self.outages.append(since)


@dataclass
class World:
    """A client in virtual time, and what it has asked."""

    loop: VirtualTimeLoop
    client: GraphClient
    tokens: InMemoryTokens
    clock: Clock
    asked: list[httpx.Request]
    settings: GraphSettings

    @property
    def seconds(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()


def run_in_virtual_time(
    answers: Answers,
    body: Callable[[World], Coroutine[Any, Any, T]],
    settings: GraphSettings | None = None,
) -> T:
    """Run ``body`` with a client whose requests ``answers`` answers at once."""
    loop = VirtualTimeLoop()
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        found = answers(request)
        if isinstance(found, Exception):
            raise found
        return found

    async def run() -> T:
        tokens, clock = InMemoryTokens(), Clock(loop)
        used = settings or GraphSettings()
        client = GraphClient(
            used, tokens, clock, chance=lambda: 0.0, transport=httpx.MockTransport(answer)
        )
        try:
            return await body(World(loop, client, tokens, clock, asked, used))
        finally:
            await client.close()

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
