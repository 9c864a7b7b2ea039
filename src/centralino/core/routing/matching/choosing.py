# SPDX-License-Identifier: Apache-2.0
"""Which of the agents who may take a wait are asked: each strategy as one more key.

Candidates are rows in ascending order, which is the order of ids; so whoever comes first
among equals is the one with the smallest id.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from centralino.core.routing.matching.families import listing_of
from centralino.core.routing.matching.policy import Strategy
from centralino.core.routing.matching.signature_name import scored_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from centralino.core.kernel.ids import AgentId, InteractionId, QueueId, TenantId
    from centralino.core.kernel.instant import Duration
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.matching.families import Family, QueueTerms
    from centralino.core.routing.matching.memory import MatchingMemory
    from centralino.core.routing.matching.roster import Roster, Rows

    Keys = NDArray[np.int64] | NDArray[np.float64]

_FEW = 64
HELD_OUT = "held-out"
UNSCORED = "unscored"
"""Nothing is known of who suits such a wait, or what was known is too old."""
_DRAWN = frozenset({Strategy.RANDOM, Strategy.WEIGHTED})
_WORDS = {strategy: strategy.value for strategy in Strategy}


class Draws:
    """Numbers drawn in decisions: what comes depends on the tenant and the decision only."""

    def __init__(self) -> None:
        self._sequence = 0
        self._number = 0

    def begin(self, sequence: int) -> None:
        """Begin a decision."""
        self._sequence = sequence
        self._number = 0

    def next(self, tenant: TenantId, below: int) -> int:
        """Return a number from 0 to ``below``, exclusive, that a replay draws again."""
        self._number += 1
        seed = f"{tenant}/{self._sequence}/{self._number}".encode()
        return int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), "big") % below


class Chooser:
    """Chooses among candidates by the strategy of a queue."""

    def __init__(
        self,
        configuration: TenantConfiguration,
        roster: Roster,
        memory: MatchingMemory,
        draws: Draws,
    ) -> None:
        self._tenant: TenantId = configuration.tenant
        self._roster = roster
        self._memory = memory
        self._listings: dict[int, NDArray[np.int64]] = {}
        self._handling: dict[int, NDArray[np.int64]] = {}
        self._scores: dict[str, NDArray[np.int64]] = {}
        self._weights: dict[int, NDArray[np.int64]] = {}
        self._taken: NDArray[np.int64] = np.zeros(len(roster.agents), np.int64)
        for agent, count in memory.taken.items():
            if agent in roster.rows:
                self._taken[roster.rows[agent]] = count
        shares = [configuration.pool_shares.get(pool, 0) for pool in roster.pools]
        self._pool_shares = np.array(shares, np.int64)
        self._draws = draws
        self._keys: dict[Strategy, Callable[[Rows, Family], Keys]] = {
            Strategy.ROUND_ROBIN: self._after_last,
            Strategy.SERIAL: lambda rows, family: self._listing(family.terms)[rows],
            Strategy.LEAST_OCCUPIED: lambda rows, _: self._roster.load[rows],
            Strategy.FEWEST: lambda rows, _: self._taken[rows],
            Strategy.FASTEST: lambda rows, family: self._means(family.terms)[rows],
            Strategy.BEST_MATCH: self._mismatch,
            Strategy.PREDICTED: lambda rows, family: -self._learned(family)[rows],
            Strategy.IDLENESS_RATIO: self._shortfall,
        }

    def strategy_for(self, family: Family, name: InteractionId) -> tuple[Strategy, str]:
        """Return the strategy for one wait, and the word that says so."""
        matching = family.terms.configuration.matching
        strategy = matching.strategy
        if strategy is Strategy.PREDICTED:
            if is_held_out(name, matching.hold_out_percent):
                return Strategy.LONGEST_IDLE, HELD_OUT
            if self._scored(family) is None:
                return Strategy.LONGEST_IDLE, UNSCORED
        return strategy, _WORDS[strategy]

    def choose(self, rows: Rows, family: Family, strategy: Strategy, most: int) -> list[int]:
        """Return up to ``most`` of ``rows``, of which there is at least one."""
        most = min(most, rows.size)
        if strategy in _DRAWN:
            return self._draw(rows, family, strategy, most)
        idle = self._roster.free[family.channel][rows]
        if strategy is Strategy.LONGEST_IDLE:
            if most == 1:
                return [int(rows[idle.argmin()])]
            keys: Keys = idle
        else:
            keys = self._keys[strategy](rows, family)
        if most == 1:
            tied = (keys == keys[keys.argmin()]).nonzero()[0]
            return [int(rows[tied[idle[tied].argmin()]])]
        if rows.size > _FEW:
            near = keys <= np.partition(keys, most - 1)[most - 1]
            rows, keys, idle = rows[near], keys[near], idle[near]
        return [int(row) for row in rows[np.lexsort((rows, idle, keys))[:most]]]

    def in_order(self, rows: Rows, family: Family, strategy: Strategy) -> list[int]:
        """Return all of ``rows`` in the order of a strategy that does not draw."""
        return self.choose(rows, family, strategy, rows.size)

    def note_taken(self, agent: AgentId) -> None:
        """Take in that an agent accepts something."""
        self._taken[self._roster.rows[agent]] += 1

    def note_signed_out(self, agent: AgentId) -> None:
        """Take in that an agent's day is over."""
        row = self._roster.rows.get(agent)
        if row is not None:
            self._taken[row] = 0

    def note_handled(self, number: int, queue: QueueId, agent: AgentId) -> None:
        """Take in a mean handling that has changed."""
        known = self._handling.get(number)
        if known is not None:
            known[self._roster.rows[agent]] = self._memory.handling[queue][agent]

    def note_scores(self) -> None:
        """Take in scores that have changed."""
        self._scores.clear()

    def _draw(self, rows: Rows, family: Family, strategy: Strategy, most: int) -> list[int]:
        weights = np.ones(rows.size, np.int64)
        if strategy is Strategy.WEIGHTED:
            weights = self._weighted(family.terms)[rows]
        chosen: list[int] = []
        while len(chosen) < most:
            if not weights.any():
                weights = np.ones(rows.size, np.int64)
            ends = np.cumsum(weights)
            drawn = self._draws.next(self._tenant, int(ends[-1]))
            at = int(np.searchsorted(ends, drawn, side="right"))
            chosen.append(int(rows[at]))
            rows, weights = np.delete(rows, at), np.delete(weights, at)
        return chosen

    def _after_last(self, rows: Rows, family: Family) -> Keys:
        listing = self._listing(family.terms)
        last = self._memory.last_offered.get(family.terms.configuration.id)
        row = self._roster.rows.get(last) if last is not None else None
        if row is None:
            return listing[rows]
        size = len(family.terms.configuration.agents) + len(self._roster.agents)
        keys: Keys = (listing[rows] - listing[row] - 1) % size
        return keys

    def _listing(self, terms: QueueTerms) -> NDArray[np.int64]:
        """Return everybody's place in a queue's list; those who are not in it come after."""
        known = self._listings.get(terms.number)
        if known is None:
            count = len(terms.configuration.agents)
            known = np.arange(count, count + len(self._roster.agents), dtype=np.int64)
            for row, place in listing_of(terms.configuration, self._roster.rows).items():
                known[row] = place
            self._listings[terms.number] = known
        return known

    def _means(self, terms: QueueTerms) -> NDArray[np.int64]:
        known = self._handling.get(terms.number)
        if known is None:
            means = self._memory.handling.get(terms.configuration.id, {})
            known = self._handling[terms.number] = self._vector(means)
        return known

    def _scored(self, family: Family) -> str | None:
        """Return for what the scores are that hold for a wait, its own or its queue's."""
        queue = family.terms.configuration
        return scored_name(self._memory.scores, queue, family.skills)

    def _learned(self, family: Family) -> NDArray[np.int64]:
        name = self._scored(family)
        assert name is not None  # noqa: S101 - who is not scored is chosen in another way
        known = self._scores.get(name)
        if known is None:
            known = self._scores[name] = self._vector(self._memory.scores[name].scores)
        return known

    def _weighted(self, terms: QueueTerms) -> NDArray[np.int64]:
        known = self._weights.get(terms.number)
        if known is None:
            queue = terms.configuration.id
            agreed = (agent.queues.get(queue) for agent in self._roster.agents)
            weights = [1 if one is None else one.weight for one in agreed]
            known = self._weights[terms.number] = np.array(weights, np.int64)
        return known

    def _vector(self, values: dict[AgentId, int] | dict[AgentId, Duration]) -> NDArray[np.int64]:
        vector = np.zeros(len(self._roster.agents), np.int64)
        for agent, value in values.items():
            if agent in self._roster.rows:
                vector[self._roster.rows[agent]] = value
        return vector

    def _mismatch(self, rows: Rows, family: Family) -> Keys:
        total = np.zeros(rows.size, np.int64)
        for skill in family.skills:
            total -= self._roster.levels(skill)[rows]
        return total

    def _shortfall(self, rows: Rows, family: Family) -> Keys:
        """Return how far the pool of each is idle below its share; the longest above first."""
        idle = self._roster.idle[family.channel]
        above = idle * self._pool_shares.sum() - self._pool_shares * idle.sum()
        keys: Keys = -above[self._roster.pool[rows]]
        return keys


def is_held_out(name: InteractionId, percent: int) -> bool:
    """Tell whether a wait is not routed by prediction; the same for its whole life."""
    return crc32(name.encode()) % 100 < percent
