# SPDX-License-Identifier: Apache-2.0
"""Something asynchronous in a loop of another thread, for tests that block: a browser's."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


@contextmanager
def in_a_thread(
    make: Callable[[], AbstractAsyncContextManager[T]], within_s: float = 60.0
) -> Iterator[T]:
    """Enter a context in another thread, in which it is made as well; leave it at the end.

    It is entered and left by one task, as those with a task group want it.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="beside")
    thread.start()
    entered: list[T] = []
    is_in, is_wanted = threading.Event(), asyncio.Event()

    async def hold() -> None:
        try:
            async with make() as made:
                entered.append(made)
                is_in.set()
                await is_wanted.wait()
        finally:
            is_in.set()

    held = asyncio.run_coroutine_threadsafe(hold(), loop)
    try:
        assert is_in.wait(within_s), "it did not start in time"
        if not entered:
            held.result(within_s)
        try:
            yield entered[0]
        finally:
            loop.call_soon_threadsafe(is_wanted.set)
            held.result(within_s)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(within_s)
        loop.close()
