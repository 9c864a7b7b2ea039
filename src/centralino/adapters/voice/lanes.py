# SPDX-License-Identifier: Apache-2.0
"""Order of work per leg: each piece waits for what was begun before on the same legs.

Most orders are carried out at once, without a task. One that must wait (for a media worker)
becomes a task; later orders of the same legs queue behind it, those of other legs do not.
A piece waits only for earlier ones, so nothing can wait in a circle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import CapacityExceeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.core.kernel.ids import LegId

Work = Coroutine[None, None, None]
"""The rest of a piece of work that has to wait for something."""
Begin = Callable[[], Work | None]
"""Begins a piece; returns its rest, or None when it is done."""

MAX_TASKS = 10_000


class Lanes:
    """The queues of all legs."""

    def __init__(self) -> None:
        self._tails: dict[LegId, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._count = 0

    def open(self, group: asyncio.TaskGroup) -> None:
        """Use this group as the owner of all tasks."""
        self._group = group

    def run(self, legs: Sequence[LegId], begin: Begin) -> None:
        """Begin a piece as soon as the legs' earlier pieces are over.

        Raises:
            CapacityExceeded: too much waits already.
        """
        waits = {tail for leg in legs if (tail := self._tails.get(leg)) is not None}
        if not waits:
            rest = begin()
            if rest is None:
                return
        else:
            rest = _begin_after(waits, begin)
        if self._count >= MAX_TASKS:
            rest.close()
            raise CapacityExceeded("too many orders wait for media workers")
        task = self.spawn(rest)
        for leg in legs:
            self._tails[leg] = task
        task.add_done_callback(lambda done: self._forget(legs, done))

    def spawn(self, work: Work) -> asyncio.Task[None]:
        """Start a task that belongs to no leg."""
        if self._group is None:
            work.close()
            raise CapacityExceeded("the driver does not run")
        self._count += 1
        task = self._group.create_task(work)
        task.add_done_callback(self._count_down)
        return task

    def _count_down(self, done: asyncio.Task[None]) -> None:
        del done
        self._count -= 1

    def _forget(self, legs: Sequence[LegId], done: asyncio.Task[None]) -> None:
        for leg in legs:
            if self._tails.get(leg) is done:
                del self._tails[leg]


async def _begin_after(waits: set[asyncio.Task[None]], begin: Begin) -> None:
    await asyncio.wait(waits)
    rest = begin()
    if rest is not None:
        await rest
