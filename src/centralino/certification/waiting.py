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
