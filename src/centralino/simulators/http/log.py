# SPDX-License-Identifier: Apache-2.0
"""What was asked and answered: bounded, awaitable, without tokens and bodies."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_KEEP = 10_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    at: float
    """Seconds since the Unix epoch, when the request was there."""
    method: str
    route: str
    """The pattern; empty when none matched."""
    path: str
    status: int
    """0: nothing was answered."""
    duration_s: float
    request_id: str
    client_request_id: str
    fault: str
    """The behaviour or status of the fault that met it; empty for none."""


class RequestLog:
    """The last exchanges of one service."""

    def __init__(self, keep: int = DEFAULT_KEEP) -> None:
        """Make a log of at most ``keep`` exchanges."""
        self._kept: deque[Exchange] = deque(maxlen=keep)
        self._waiting: list[tuple[Callable[[Exchange], bool], asyncio.Future[Exchange]]] = []
        self.on_exchange: Callable[[Exchange], None] = _ignore
        """Told of each exchange."""
        self.total = 0
        """How many there were, kept or not."""

    def add(self, exchange: Exchange) -> None:
        """Add an exchange."""
        self.total += 1
        self._kept.append(exchange)
        self.on_exchange(exchange)
        for entry in list(self._waiting):
            matches, future = entry
            if matches(exchange) and not future.done():
                future.set_result(exchange)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What is kept, oldest first."""
        return tuple(self._kept)

    def of(self, name: str) -> list[Exchange]:
        """Return the exchanges of a route by its name, ``GET /users/{id}``."""
        return [one for one in self._kept if f"{one.method} {one.route}" == name]

    async def wait_for(
        self, matches: Callable[[Exchange], bool], *, timeout_s: float = 10.0
    ) -> Exchange:
        """Return the first exchange, past or future, that matches.

        Raises:
            TimeoutError: none came in time.
        """
        for exchange in self._kept:
            if matches(exchange):
                return exchange
        future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        entry = (matches, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            self._waiting.remove(entry)


def _ignore(exchange: Exchange) -> None:
    """Leave an exchange alone."""
