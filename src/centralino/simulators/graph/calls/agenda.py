# SPDX-License-Identifier: Apache-2.0
"""What is to happen when: actions in the order of their moments, then of their making."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

Action = Callable[[], None]


@dataclass(order=True, slots=True)
class Timer:
    """One action to come."""

    at: int
    """Nanoseconds since the Unix epoch."""
    order: int
    action: Action | None = field(compare=False)

    def cancel(self) -> None:
        """Forget the action; nothing happens when it was done."""
        self.action = None


class Agenda:
    """All timers of the world."""

    def __init__(self) -> None:
        self.on_change: Action = _ignore
        """Told when the next moment has become an earlier one."""
        self._timers: list[Timer] = []
        self._order = itertools.count()

    def add(self, at: int, action: Action) -> Timer:
        """Do something at a moment."""
        timer = Timer(at, next(self._order), action)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self.on_change()
        return timer

    def next_at(self) -> int | None:
        """Return the moment of the next action."""
        while self._timers and self._timers[0].action is None:
            heapq.heappop(self._timers)
        return self._timers[0].at if self._timers else None

    def take(self, now: int) -> Timer | None:
        """Take out the first action that is due."""
        at = self.next_at()
        return heapq.heappop(self._timers) if at is not None and at <= now else None


def _ignore() -> None:
    """Leave it to the next look."""
