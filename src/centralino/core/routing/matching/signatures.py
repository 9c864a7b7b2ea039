# SPDX-License-Identifier: Apache-2.0
"""Signatures: waits that the very same agents may take, each in order, and all their heads.

Within a signature the order never changes with time, so it is a heap, and whoever is first
speaks for all behind him. The heads of all signatures are vectors; the first of those an
agent may take is found by comparing numbers, at the moment it is asked. Entries that have
left a heap stay in it until they come to its top or outnumber the others by 64.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.interactions.wish import Wish
    from centralino.core.kernel.ids import InteractionId
    from centralino.core.routing.matching.families import Family
    from centralino.core.routing.matching.holds import Hold
    from centralino.core.routing.matching.match import Waiting
    from centralino.core.routing.matching.roster import Rows

Entry = tuple[int, int, int, "InteractionId"]
"""What orders waits: points, since when, number of arrival, id; smaller is first."""

FAR = 1 << 62
_SLACK = 64
_MANY = 8


@dataclass(slots=True, eq=False)
class Signature:
    """Waits that the same agents may take."""

    slot: int
    family: Family
    eligible: Rows
    """Who may take them, in ascending order."""
    lent: Rows
    """Who may take them as well while his rule holds."""
    lent_bits: NDArray[np.uint8]
    """The rules of those, by bit."""
    hold: Hold | None = None
    heap: list[Entry] = field(default_factory=list)
    live: int = 0


class Place:
    """Where one wait is. Written out, because each wait makes one."""

    __slots__ = (
        "asked",
        "changes_at",
        "entry",
        "family",
        "hold",
        "signature",
        "waiting",
        "wish",
    )

    def __init__(
        self,
        waiting: Waiting,
        family: Family,
        entry: Entry,
        signature: Signature,
        asked: tuple[object, ...],
        wish: Wish | None,
    ) -> None:
        self.waiting = waiting
        self.family = family
        self.entry = entry
        self.signature = signature
        self.hold: Hold | None = None
        self.changes_at = FAR
        """When time alone moves it on."""
        self.asked = asked
        """What it came with, to see whether that has changed."""
        self.wish = wish


class SignatureTable:
    """All signatures with their heads; a slot is a column of every vector here."""

    def __init__(self, rows: int, slots: int = 64) -> None:
        self.places: dict[InteractionId, Place] = {}
        self.signatures: list[Signature | None] = []
        self._unused: list[int] = []
        self.heads: list[Entry | None] = []
        self.may: NDArray[np.bool_] = np.zeros((rows, slots), np.bool_)
        """Row of an agent and slot to whether he may take what is in it."""
        self.may_lend: NDArray[np.uint8] = np.zeros((rows, 0), np.uint8)
        """The same for those whose rule must hold; without columns until there is a rule."""
        self.is_lending = False
        """Whether there is a rule at all."""
        self.lending: NDArray[np.uint8] = np.zeros(slots, np.uint8)
        """The rules that hold now, by bit."""
        self.has_head: NDArray[np.bool_] = np.zeros(slots, np.bool_)
        self.points: NDArray[np.int64] = np.full(slots, FAR)
        self.since: NDArray[np.int64] = np.full(slots, FAR)
        self.slope: NDArray[np.int64] = np.zeros(slots, np.int64)
        """Points that a millisecond of waiting is worth."""
        self.queue: NDArray[np.int32] = np.zeros(slots, np.int32)
        self.channel: NDArray[np.int8] = np.zeros(slots, np.int8)
        self.rules: NDArray[np.int16] = np.zeros(slots, np.int16)
        """Row of the presence table."""
        self.is_held: NDArray[np.bool_] = np.zeros(slots, np.bool_)

    def open(self, signature: Signature) -> None:
        """Give a signature a slot."""
        if not self._unused:
            self._grow()
        slot = signature.slot = self._unused.pop()
        self.signatures[slot] = signature
        family = signature.family
        self.may[signature.eligible, slot] = True
        if signature.lent.size:
            if not self.is_lending:
                self.is_lending = True
                self.may_lend = np.zeros(self.may.shape, np.uint8)
            self.may_lend[signature.lent, slot] = signature.lent_bits
        self.lending[slot] = family.terms.lending
        self.slope[slot] = family.terms.slope
        self.queue[slot] = family.terms.number
        self.channel[slot] = family.channel
        self.rules[slot] = family.terms.presence
        self.is_held[slot] = signature.hold is not None

    def close(self, signature: Signature) -> None:
        """Give a slot back; nobody waits in it."""
        slot = signature.slot
        self.may[signature.eligible, slot] = False
        if signature.lent.size:
            self.may_lend[signature.lent, slot] = 0
        self.signatures[slot] = None
        self.heads[slot] = None
        self.has_head[slot] = False
        self.points[slot] = FAR
        self.is_held[slot] = False
        self._unused.append(slot)

    def _grow(self) -> None:
        have, wanted = len(self.signatures), max(64, 2 * len(self.signatures))
        self.signatures += [None] * (wanted - have)
        self.heads += [None] * (wanted - have)
        self._unused += range(wanted - 1, have - 1, -1)
        if wanted <= self.may.shape[1]:
            return
        more = wanted - self.may.shape[1]
        self.may = np.pad(self.may, ((0, 0), (0, more)))
        if self.is_lending:
            self.may_lend = np.pad(self.may_lend, ((0, 0), (0, more)))
        for name in ("lending", "has_head", "slope", "queue", "channel", "rules", "is_held"):
            setattr(self, name, np.pad(getattr(self, name), (0, more)))
        for name in ("points", "since"):
            setattr(self, name, np.pad(getattr(self, name), (0, more), constant_values=FAR))

    def put(self, place: Place) -> bool:
        """Let a wait be where its place says; tells whether nobody was there."""
        signature = place.signature
        heap = signature.heap
        heappush(heap, place.entry)
        signature.live += 1
        if heap[0] is place.entry:
            self._set_head(signature.slot, place.entry)
        if len(heap) > 2 * signature.live + _SLACK:
            self._compact(signature)
        return signature.live == 1

    def take(self, signature: Signature, taken: Entry) -> None:
        """Let a wait be there no longer; its place is not known any more, or elsewhere."""
        signature.live -= 1
        heap = signature.heap
        if heap and heap[0] is taken:
            heappop(heap)
            places = self.places
            while heap:
                entry = heap[0]
                known = places.get(entry[3])
                if known is not None and known.entry is entry and known.signature is signature:
                    self._set_head(signature.slot, entry)
                    return
                heappop(heap)
            self._clear_head(signature.slot)
        elif len(heap) > 2 * signature.live + _SLACK:
            self._compact(signature)

    def _set_head(self, slot: int, entry: Entry) -> None:
        self.heads[slot] = entry
        self.points[slot] = entry[0]
        self.since[slot] = entry[1]
        self.has_head[slot] = True

    def _clear_head(self, slot: int) -> None:
        self.heads[slot] = None
        self.has_head[slot] = False
        self.points[slot] = FAR
        self.since[slot] = FAR

    def _compact(self, signature: Signature) -> None:
        places = self.places
        kept = []
        for entry in signature.heap:
            known = places.get(entry[3])
            if known is not None and known.entry is entry and known.signature is signature:
                kept.append(entry)
        heapify(kept)
        signature.heap = kept

    def score(self, slot: int, now_ms: int) -> Entry:
        """Return what orders the head of a slot among others now."""
        entry = self.heads[slot]
        assert entry is not None  # noqa: S101 - asked only of those that have one
        slope = int(self.slope[slot])
        return (entry[0] - slope * now_ms, *entry[1:]) if slope else entry

    def first_of(self, slots: NDArray[np.intp], now_ms: int, *, is_ageing: bool) -> int:
        """Return the one of ``slots``, which all have heads, whose head is first now."""
        if slots.size == 1:
            return int(slots[0])
        points = self.points[slots]
        if is_ageing:
            points -= self.slope[slots] * now_ms
        tied = (points == points[points.argmin()]).nonzero()[0]
        if tied.size > _MANY:
            since = self.since[slots[tied]]
            tied = tied[since == since[since.argmin()]]
        if tied.size == 1:
            return int(slots[tied[0]])
        return min((int(slots[one]) for one in tied), key=self._age_of)

    def _age_of(self, slot: int) -> tuple[int, int, InteractionId]:
        entry = self.heads[slot]
        assert entry is not None  # noqa: S101 - asked only of those that have one
        return entry[1:]
