# SPDX-License-Identifier: Apache-2.0
"""Everybody's presence of one tenant, and when others get to see it.

Between a fact and its visibility lie 0 to 60 seconds (page "Change notifications for presence":
on average below 10 s, at most 1 min). The board keeps facts and what is visible apart; changes of
one person become visible in their order. Lags come from the seed, the person and the number of
the change, so that they do not depend on who else changes.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field

from centralino.simulators.graph.instants import NS_PER_MS
from centralino.simulators.graph.presence import (
    OFFLINE,
    Pair,
    PresenceRules,
    PresenceSources,
)


@dataclass(frozen=True, slots=True)
class Lag:
    """How late others see a change, in milliseconds; exponential, cut at ``most_ms``."""

    mean_ms: float = 3000.0
    most_ms: float = 60000.0

    def draw(self, key: str) -> int:
        """Return a lag in nanoseconds, the same for the same key."""
        if self.mean_ms <= 0:
            return 0
        drawn = random.Random(key).expovariate(1 / self.mean_ms)
        return round(min(drawn, self.most_ms) * NS_PER_MS)


@dataclass(frozen=True, slots=True)
class PresenceShown:
    """Somebody's new presence has become visible."""

    user_id: str
    pair: Pair
    at: int
    changed_at: int
    """When it became true."""


@dataclass(slots=True)
class _Entry:
    sources: PresenceSources
    fact: Pair = OFFLINE
    shown: Pair = OFFLINE
    coming: deque[PresenceShown] = field(default_factory=deque)
    armed_at: int | None = None
    changes: int = 0
    sequence: int = 0


class PresenceBoard:
    """The presence of everybody in a tenant.

    Whoever changes ``sources`` of a person calls :meth:`changed` afterwards; whoever reads calls
    :meth:`advance` first.
    """

    def __init__(self, seed: str, lag: Lag, rules: PresenceRules) -> None:
        self.rules = rules
        self.lag = lag
        self._seed = seed
        self._entries: dict[str, _Entry] = {}
        self._edges: list[tuple[int, str]] = []
        self._showing: list[tuple[int, str]] = []

    def add(self, user_id: str, sources: PresenceSources, now: int) -> None:
        """Add somebody; what he shows at ``now`` is visible at once."""
        entry = _Entry(sources)
        entry.fact = entry.shown = sources.aggregate(now, self.rules)
        self._entries[user_id] = entry
        self._arm(user_id, now)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._entries

    def sources(self, user_id: str) -> PresenceSources:
        """Return the sources of somebody, to be changed by the caller.

        Raises:
            KeyError: there is nobody of that id.
        """
        return self._entries[user_id].sources

    def fact(self, user_id: str) -> Pair:
        """Return what is true, visible or not."""
        return self._entries[user_id].fact

    def shown(self, user_id: str) -> Pair:
        """Return what others see."""
        return self._entries[user_id].shown

    def sequence(self, user_id: str) -> int:
        """Return how often what others see has changed."""
        return self._entries[user_id].sequence

    def changed(self, user_id: str, now: int) -> None:
        """Take in that the sources of somebody are different from ``now`` on."""
        entry = self._entries[user_id]
        fact = entry.sources.aggregate(now, self.rules)
        if fact != entry.fact:
            entry.fact = fact
            entry.changes += 1
            lag = self.lag.draw(f"{self._seed}/{user_id}/{entry.changes}")
            earliest = entry.coming[-1].at if entry.coming else now
            at = max(now + lag, earliest)
            entry.coming.append(PresenceShown(user_id, fact, at, now))
            heapq.heappush(self._showing, (at, user_id))
        self._arm(user_id, now)

    def advance(self, now: int) -> list[PresenceShown]:
        """Let time pass until ``now``; return what has become visible, in order."""
        shown: list[PresenceShown] = []
        while True:
            edge = self._edges[0][0] if self._edges else None
            showing = self._showing[0][0] if self._showing else None
            due = min((at for at in (edge, showing) if at is not None), default=None)
            if due is None or due > now:
                return shown
            if edge == due:
                self._wake(heapq.heappop(self._edges)[1], due)
            else:
                shown += self._show(heapq.heappop(self._showing)[1])

    def _show(self, user_id: str) -> list[PresenceShown]:
        entry = self._entries[user_id]
        change = entry.coming.popleft()
        if change.pair == entry.shown:
            return []
        entry.shown = change.pair
        entry.sequence += 1
        return [change]

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` has something to do."""
        heads = [heap[0][0] for heap in (self._edges, self._showing) if heap]
        return min(heads, default=None)

    def _wake(self, user_id: str, due: int) -> None:
        entry = self._entries[user_id]
        if entry.armed_at == due:
            entry.armed_at = None
        entry.sources.forget_past(due)
        self.changed(user_id, due)

    def _arm(self, user_id: str, now: int) -> None:
        entry = self._entries[user_id]
        edge = entry.sources.next_change(now)
        # A later edge waits for the earlier one to arm it, so that nobody fills the heap.
        if edge is not None and (entry.armed_at is None or edge < entry.armed_at):
            entry.armed_at = edge
            heapq.heappush(self._edges, (edge, user_id))
