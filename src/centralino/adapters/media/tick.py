# SPDX-License-Identifier: Apache-2.0
"""The 20 ms beat of a worker: which ticks are due, and how late they come.

Ticks lie on an absolute grid, so a late wake-up does not shift the audio. After a stall
a few ticks are made up for (the far ends' jitter buffers get their frames), the rest is
skipped (the timestamps jump with the wall). Lateness is what admission is decided by: a
worker that is late takes no new legs.

Pure: times are handed in.
"""

from __future__ import annotations

from collections import deque

from centralino.adapters.media.settings import TICK_NS

_MAX_CATCH_UP = 5
"""Ticks made up for after a stall: 100 ms, about what a jitter buffer holds."""

_WINDOW = 100
"""Ticks over which lateness is judged: two seconds."""

_NS_PER_MS = 1_000_000


class Metronome:
    """Numbers the ticks from 0 at ``start``, monotonic nanoseconds."""

    def __init__(self, start: int) -> None:
        self.next_at = start
        """When the next tick is due."""
        self._number = 0

    def next_point(self, after: int, step_ns: int) -> int:
        """Return the first point past ``after`` on the grid of ticks, cut into steps.

        Never past the next tick; a step divides ``TICK_NS``.
        """
        return min(self.next_at, after + (self.next_at - after - 1) % step_ns + 1)

    def due(self, now: int) -> range:
        """Return the numbers of the ticks to run now, and count them as run."""
        if now < self.next_at:
            return range(0)
        passed = (now - self.next_at) // TICK_NS + 1
        first = self._number + max(0, passed - _MAX_CATCH_UP)
        self._number += passed
        self.next_at += passed * TICK_NS
        return range(first, self._number)


class LatenessWatch:
    """Judges whether the worker keeps up."""

    def __init__(self, late_after_ms: int, late_share: float) -> None:
        self._late_after_ns = late_after_ms * _NS_PER_MS
        self._limit = max(1, int(late_share * _WINDOW))
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self._late_count = 0
        self.is_late = False
        """Whether new legs are to be refused."""
        self.worst_ns = 0
        """Greatest lateness since the last ``take_worst_ms``."""

    def note(self, lateness_ns: int) -> bool:
        """Take one tick's lateness; say whether ``is_late`` has changed.

        It becomes late at the configured share of late ticks and is cleared at a quarter
        of that share, so that it does not flutter.
        """
        if lateness_ns > self.worst_ns:
            self.worst_ns = lateness_ns
        late = lateness_ns > self._late_after_ns
        if len(self._recent) == _WINDOW:
            self._late_count -= self._recent[0]
        self._recent.append(late)
        self._late_count += late
        before = self.is_late
        if self._late_count >= self._limit:
            self.is_late = True
        elif self._late_count <= self._limit // 4:
            self.is_late = False
        return self.is_late is not before

    def take_worst_ms(self) -> float:
        """Return the greatest lateness since the last call, in milliseconds."""
        worst, self.worst_ns = self.worst_ns, 0
        return worst / _NS_PER_MS
