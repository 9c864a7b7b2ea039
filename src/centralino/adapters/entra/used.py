# SPDX-License-Identifier: Apache-2.0
"""What may be used once: a bounded memory of what was used, as long as it could come again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

MOST_REMEMBERED = 100_000


class UsedOnce:
    """Remembers used names until their time is over."""

    def __init__(self, life: int, now: Callable[[], int]) -> None:
        """Take how long a name could come again, and monotonic time, both in nanoseconds."""
        self._life = life
        self._now = now
        self._used: OrderedDict[str, int] = OrderedDict()

    def take(self, name: str) -> bool:
        """Use a name; False when it was used before."""
        now = self._now()
        while self._used and next(iter(self._used.values())) + self._life <= now:
            self._used.popitem(last=False)
        if name in self._used:
            return False
        self._used[name] = now
        if len(self._used) > MOST_REMEMBERED:
            self._used.popitem(last=False)
        return True
