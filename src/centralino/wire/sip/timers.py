# SPDX-License-Identifier: Apache-2.0
"""One heap for all timers of an endpoint, with cancellation that costs nothing.

A cancelled timer stays in the heap as a dead entry until it surfaces, or until dead entries
outnumber the living, when the heap is rebuilt: so it stays linear in what is alive.
Timers due at the same time fire in the order in which they were armed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

MS = 1_000_000
"""Nanoseconds in a millisecond."""
SECOND = 1_000_000_000
"""Nanoseconds in a second."""

_REBUILD_FLOOR = 64

Fire = Callable[[int], None]


class Timer:
    """Handle of one armed timer."""

    __slots__ = ("at", "fire")

    def __init__(self, at: int, fire: Fire) -> None:
        self.at = at
        """When it is due (ns)."""
        self.fire: Fire | None = fire
        """Called with `now`; None once fired or cancelled."""


class Timers:
    """Deadlines in order."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._count = 0
        self._alive = 0

    def __len__(self) -> int:
        """Return how many timers are armed."""
        return self._alive

    def arm(self, at: int, fire: Fire) -> Timer:
        """Arm a timer for `at`; one already due fires at the next `run`."""
        timer = Timer(at, fire)
        self._count += 1
        self._alive += 1
        heapq.heappush(self._heap, (at, self._count, timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Disarm; without effect on None and on what has fired or is cancelled."""
        if timer is None or timer.fire is None:
            return
        timer.fire = None
        self._alive -= 1
        heap = self._heap
        if len(heap) > _REBUILD_FLOOR and self._alive * 2 < len(heap):
            self._heap = [entry for entry in heap if entry[2].fire is not None]
            heapq.heapify(self._heap)

    def next_deadline(self) -> int | None:
        """Return when the earliest timer is due, None when none is armed."""
        heap = self._heap
        while heap and heap[0][2].fire is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def run(self, now: int) -> None:
        """Fire all timers due at `now`, also those armed meanwhile for a time not after it."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            fire = timer.fire
            if fire is not None:
                timer.fire = None
                self._alive -= 1
                fire(now)
