# SPDX-License-Identifier: Apache-2.0
"""The machine's clocks: the one place below ``bootstrap`` that reads them."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Implements ``ClockPort`` on the machine's clocks."""

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        return time.monotonic_ns()

    def utc(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return time.time_ns()


async def wait(delay_s: float) -> None:
    """Return after ``delay_s`` seconds of the running loop's time; at once when not positive."""
    if delay_s <= 0:
        return
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_later(delay_s, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()


async def wait_for_news(news: asyncio.Event, longest_s: float) -> None:
    """Return when ``news`` is set, or after ``longest_s`` seconds of the running loop's time."""
    if longest_s <= 0 or news.is_set():
        return
    waiting = asyncio.ensure_future(news.wait())
    try:
        await asyncio.wait((waiting,), timeout=longest_s)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
