# SPDX-License-Identifier: Apache-2.0
"""Waiting for facts that somebody else writes: looked at often, never for longer than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY_S = 0.02


async def until(find: Callable[[], T | None], within_s: float) -> T:
    """Return what ``find`` returns first that is not ``None``.

    Raises:
        TimeoutError: it found nothing in time.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(within_s):
        while True:
            found = find()
            if found is not None:
                return found
            await _turn(loop, LOOK_EVERY_S)


async def observe(for_s: float) -> None:
    """Let time pass in which the case is watched."""
    await _turn(asyncio.get_running_loop(), for_s)


async def _turn(loop: asyncio.AbstractEventLoop, delay_s: float) -> None:
    woken: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(delay_s, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(moment: asyncio.Future[None]) -> None:
    if not moment.done():
        moment.set_result(None)


class StallWatch:
    """Measures how late this process's own loop is: what the far side missed by itself.

    A gap that somebody heard while the judge was asleep is no fault of the product.
    """

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure from now on."""
        loop = asyncio.get_running_loop()
        self.longest_ms = 0.0
        self._due = loop.time() + LOOK_EVERY_S
        self._timer = loop.call_at(self._due, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self.longest_ms = max(self.longest_ms, (loop.time() - self._due) * 1000)
        self._due = loop.time() + LOOK_EVERY_S
        self._timer = loop.call_at(self._due, self._look)

    def stop(self) -> float:
        """Stop; returns the longest delay, milliseconds."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self.longest_ms
