# SPDX-License-Identifier: Apache-2.0
"""Time of the HTTP simulators: read, waited for, and in tests moved by hand.

A simulator that expires, delays or repeats asks a :class:`SimulatorClock`. On the machine's
time that is :class:`LoopClock`; in tests :class:`SteppedClock` stands still until told
(``advance``), so that an hour of expiry costs nothing and nothing sleeps.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class SimulatorClock(Protocol):
    """Reads time and waits for it."""

    def utc(self) -> float:
        """Return seconds since the Unix epoch."""
        ...

    async def wait(self, delay_s: float) -> None:
        """Return when so many seconds have passed; at once for none."""
        ...


class LoopClock:
    """The running loop's time; fit for a virtual loop too."""

    def __init__(self, utc: Callable[[], float]) -> None:
        """Take what says the seconds since the Unix epoch."""
        self._utc = utc

    def utc(self) -> float:
        """Return seconds since the Unix epoch."""
        return self._utc()

    async def wait(self, delay_s: float) -> None:
        """Return when so many seconds have passed on the loop."""
        if delay_s <= 0:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(delay_s, _finish, done)
        try:
            await done
        finally:
            timer.cancel()


class SteppedClock:
    """Time that moves only by :meth:`advance`."""

    def __init__(self, utc: float = 1_767_225_600.0) -> None:
        """Begin at ``utc`` seconds since the Unix epoch (default: start of 2026)."""
        self._utc = utc
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def utc(self) -> float:
        """Return seconds since the Unix epoch."""
        return self._utc

    @property
    def waiting_count(self) -> int:
        """How many wait for time to pass."""
        return sum(not future.done() for _, _, future in self._waiting)

    async def wait(self, delay_s: float) -> None:
        """Return when time has been moved so far."""
        if delay_s <= 0:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self._utc + delay_s, next(self._order), done))
        await done

    def advance(self, seconds: float) -> None:
        """Let time pass; those whose time has come go on in the order of their deadlines."""
        self._utc += seconds
        while self._waiting and self._waiting[0][0] <= self._utc:
            _finish(heapq.heappop(self._waiting)[2])


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
