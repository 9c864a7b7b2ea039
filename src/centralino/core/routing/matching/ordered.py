# SPDX-License-Identifier: Apache-2.0
"""An ordered set with cheap change: a heap in which stale entries are skipped.

``put``, ``drop`` and ``first`` cost O(log n) amortised; nothing is ever scanned. Stale
entries are bounded: the heap is rebuilt when they outnumber the live ones by 64.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

Key = tuple[int, ...]
Name = TypeVar("Name", bound=str)

_SLACK = 64


class OrderedNames(Generic[Name]):
    """Names ordered by (key, name); each name has one key.

    >>> names = OrderedNames[str]()
    >>> names.put("b", (2,)); names.put("a", (2,)); names.put("c", (1,))
    >>> names.first()
    'c'
    >>> names.drop("c"); names.first()
    'a'
    """

    def __init__(self) -> None:
        self._keys: dict[Name, Key] = {}
        self._heap: list[tuple[Key, Name]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, name: Name, key: Key) -> None:
        """Add a name, or give it another key."""
        if self._keys.get(name) == key:
            return
        self._keys[name] = key
        heappush(self._heap, (key, name))
        if len(self._heap) > 2 * len(self._keys) + _SLACK:
            self._heap = [(key, name) for name, key in self._keys.items()]
            heapify(self._heap)

    def drop(self, name: Name) -> None:
        """Remove a name if it is there."""
        self._keys.pop(name, None)

    def first(self) -> Name | None:
        """Return the name with the smallest (key, name), ``None`` when empty."""
        entry = self.first_entry()
        return entry[1] if entry else None

    def first_entry(self) -> tuple[Key, Name] | None:
        """Return the smallest (key, name), ``None`` when empty."""
        heap = self._heap
        while heap:
            key, name = heap[0]
            if self._keys.get(name) == key:
                return heap[0]
            heappop(heap)
        return None


def soonest(all_names: Iterable[OrderedNames[Any]]) -> int | None:
    """Return the smallest first number of all keys, ``None`` when all are empty.

    The same as asking each for its first entry, in one call: it is asked after every input.

    >>> late, early = OrderedNames[str](), OrderedNames[str]()
    >>> late.put("a", (5,)); early.put("b", (3, 1))
    >>> soonest((late, early, OrderedNames[str]()))
    3
    """
    best: int | None = None
    for names in all_names:
        keys, heap = names._keys, names._heap
        while heap:
            key, name = heap[0]
            if keys.get(name) == key:
                if best is None or key[0] < best:
                    best = key[0]
                break
            heappop(heap)
    return best
