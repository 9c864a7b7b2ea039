# SPDX-License-Identifier: Apache-2.0
"""Many deadlines on one loop timer.

Times are nanoseconds of the injected monotonic clock; the loop is only used to be woken.
Cancelled deadlines are dropped lazily. Nothing here knows what a deadline is for.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from centralino.core.kernel.errors import AppError
from centralino.wire.errors import ProtocolError

if TYPE_CHECKING:
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
_SWEEP_FROM = 256

Action = Callable[[int], None]


class Deadline:
    """One armed deadline."""

    __slots__ = ("action", "at")

    def __init__(self, at: int, action: Action) -> None:
        self.at = at
        self.action: Action | None = action

    def cancel(self) -> None:
        """Forget it; harmless when it has fired."""
        self.action = None


class Deadlines:
    """The deadlines of one process part."""

    def __init__(self, clock: ClockPort, after: Callable[[], None]) -> None:
        """Make an empty set.

        Args:
            clock: source of ``now``.
            after: called once after a batch of due deadlines.
        """
        self._clock = clock
        self._after = after
        self._heap: list[tuple[int, int, Deadline]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0

    def arm(self, at: int, action: Action) -> Deadline:
        """Call ``action(now)`` at ``at`` (ns) or soon after."""
        deadline = Deadline(at, action)
        self._count += 1
        if len(self._heap) > _SWEEP_FROM and self._count % _SWEEP_FROM == 0:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (at, self._count, deadline))
        self._wake()
        return deadline

    def close(self) -> None:
        """Forget everything."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        if not self._heap:
            return
        first = self._heap[0][0]
        if self._timer is not None:
            if self._armed_for <= first:
                return
            self._timer.cancel()
        delay = max(first - self._clock.now(), 0) / NS_PER_S
        self._armed_for = first
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.now()
        due: list[Deadline] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for deadline in due:
            action, deadline.action = deadline.action, None
            if action is None:
                continue
            try:
                action(now)
            except (AppError, ProtocolError):
                log.exception("deadline.failed")
        self._wake()
        if due:
            self._after()
