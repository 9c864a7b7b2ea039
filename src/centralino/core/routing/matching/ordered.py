# SPDX-License-Identifier: Apache-2.0
"""An ordered set with cheap change: a heap in which stale entries are skipped.

``put``, ``drop`` and ``first`` cost O(log n) amortised; nothing is ever scanned. Stale
entries are bounded: the heap is rebuilt when they outnumber the live ones by 64.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

Name = TypeVar("Name", bound=str)

_SLACK = 64


class OrderedNames(Generic[Name]):
    """Names ordered by (key, name); each name has one key.

    >>> names = OrderedNames[str]()
    >>> names.put("b", 2); names.put("a", 2); names.put("c", 1)
    >>> names.first()
    (1, 'c')
    >>> names.drop("c"); names.first()
    (2, 'a')
    """

    def __init__(self) -> None:
        self._keys: dict[Name, int] = {}
        self._heap: list[tuple[int, Name]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, name: Name, key: int | None) -> None:
        """Give a name its key; with ``None`` it is there no longer."""
        keys = self._keys
        if keys.get(name) == key:
            return
        if key is None:
            del keys[name]
            return
        keys[name] = key
        heappush(self._heap, (key, name))
        if len(self._heap) > 2 * len(keys) + _SLACK:
            self._heap = [(key, name) for name, key in keys.items()]
            heapify(self._heap)

    def drop(self, name: Name) -> None:
        """Remove a name if it is there."""
        self._keys.pop(name, None)

    def first(self) -> tuple[int, Name] | None:
        """Return the smallest (key, name), ``None`` when empty."""
        heap = self._heap
        while heap:
            key, name = heap[0]
            if self._keys.get(name) == key:
                return heap[0]
            heappop(heap)
        return None


def soonest(all_names: Iterable[OrderedNames[Any]]) -> int | None:
    """Return the smallest of all keys, ``None`` when all are empty.

    The same as asking each for its first entry, in one call: it is asked after every input.

    >>> late, early = OrderedNames[str](), OrderedNames[str]()
    >>> late.put("a", 5); early.put("b", 3)
    >>> soonest((late, early, OrderedNames[str]()))
    3
    """
    best: int | None = None
    for names in all_names:
        keys, heap = names._keys, names._heap
        while heap:
            key, name = heap[0]
            if keys.get(name) == key:
                if best is None or key < best:
                    best = key
                break
            heappop(heap)
    return best
