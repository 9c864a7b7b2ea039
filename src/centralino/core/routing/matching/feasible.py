# SPDX-License-Identifier: Apache-2.0
"""Who may take what now: of one agent the first wait, of one wait all the agents.

Both are a handful of operations on vectors, whatever the number of agents, queues and waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from centralino.core.routing.matching.presence import KINDS, LAST, NEVER, Kind
from centralino.core.routing.matching.roster import FAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.routing.matching.presence import PresenceTable
    from centralino.core.routing.matching.roster import Rows
    from centralino.core.routing.matching.signatures import Signature
    from centralino.core.routing.matching.waits import Waits

    Slots = NDArray[np.intp]


class Feasible:
    """Answers for one configuration."""

    def __init__(
        self,
        waits: Waits,
        presences: PresenceTable,
        ranks: NDArray[np.uint8] | None,
        shares: NDArray[np.int64] | None,
    ) -> None:
        """Take the ranks, where they differ, and the shares of queues, where those decide."""
        self._waits = waits
        self._roster = waits.roster
        self._presences = presences
        self._ranks = ranks
        self._shares = shares
        self._is_ordered = ranks is not None or shares is not None
        self._queues = list(waits.queues.values())

    @property
    def is_ranked(self) -> bool:
        """Whether an agent's first wait may be another than the first of all he may take."""
        return self._is_ordered or self._waits.holds.is_any

    def first_for(self, row: int) -> int | None:
        """Return the slot whose head an agent gets, ``None`` when nobody waits for him."""
        waits, roster = self._waits, self._roster
        table = waits.table
        may = table.may[row] & table.has_head
        if table.is_lending:
            may |= ((table.may_lend[row] & table.lending) != 0) & table.has_head
        slots = may.nonzero()[0]
        if not slots.size:
            return None
        if not roster.is_wholly_free[row]:
            slots = slots[roster.free[:, row][table.channel[slots]] != FAR]
        if roster.marked and slots.size and roster.is_marked[row]:
            slots = slots[self._verdicts_for(row, slots) != NEVER]
        if not slots.size:
            return None
        if self.is_ranked:
            slots = self._best_ranked(row, slots)
        return table.first_of(slots, waits.now_ms, is_ageing=waits.is_ageing)

    def longest_idle(self, signature: Signature) -> int | None:
        """Return who of a signature's agents is idle longest, ``None`` when nobody may take it.

        The same as choosing among its candidates where its queue is plain, nothing is lent and
        no presence matters; in half the steps.
        """
        rows = signature.eligible
        if not rows.size:
            return None
        idle = self._roster.free[signature.family.channel].take(rows)
        at = int(idle.argmin())
        return int(rows[at]) if idle[at] != FAR else None

    def candidates(self, signature: Signature) -> tuple[Rows, NDArray[np.int8] | None]:
        """Return who may take what is in a signature, and what their presences say.

        Rows are in ascending order; ``None`` says that no presence matters.
        """
        family = signature.family
        free = self._roster.free[family.channel]
        rows = signature.eligible
        if family.terms.lending and signature.lent.size:
            lent = signature.lent[(signature.lent_bits & family.terms.lending) != 0]
            rows = np.union1d(rows, lent)
        rows = rows[free[rows] != FAR]
        if not self._roster.marked or not rows.size:
            return rows, None
        marked = self._roster.is_marked[rows]
        if not marked.any():
            return rows, None
        verdicts = self._verdicts_of(rows, family.terms.presence)
        may = verdicts != NEVER
        return rows[may], verdicts[may]

    def _verdicts_for(self, row: int, slots: Slots) -> NDArray[np.int8]:
        presences = self._presences
        rules = self._waits.table.rules[slots]
        column = int(self._roster.column[row])
        offset = column // KINDS
        is_old = self._waits.now - self._roster.seen_at[row] > presences.most_age[rules, offset]
        unknown = presences.verdicts[rules, offset * KINDS + Kind.UNKNOWN]
        verdicts: NDArray[np.int8] = np.where(is_old, unknown, presences.verdicts[rules, column])
        return verdicts

    def _verdicts_of(self, rows: Rows, rules: int) -> NDArray[np.int8]:
        presences = self._presences
        columns = self._roster.column[rows]
        offsets = columns // KINDS
        is_old = self._waits.now - self._roster.seen_at[rows] > presences.most_age[rules, offsets]
        unknown = presences.verdicts[rules, offsets * KINDS + Kind.UNKNOWN]
        verdicts: NDArray[np.int8] = np.where(is_old, unknown, presences.verdicts[rules, columns])
        return verdicts

    def _best_ranked(self, row: int, slots: Slots) -> Slots:
        """Return those of ``slots`` that come first to an agent, whatever their order."""
        table = self._waits.table
        queues = table.queue[slots]
        ranks = np.ones(slots.size, np.uint8) if self._ranks is None else self._ranks[row, queues]
        ranks = np.where(table.is_held[slots], 0, ranks)
        best = ranks == ranks.min()
        slots, queues = slots[best], queues[best]
        if self._shares is not None:
            waiting = np.array([terms.waiting for terms in self._queues], np.int64)
            above = waiting * self._shares.sum() - self._shares * waiting.sum()
            excess = above[queues]
            slots = slots[excess == excess.max()]
        return slots


def preferred(rows: Rows, verdicts: NDArray[np.int8] | None) -> Rows:
    """Return those whose presence does not make them last, or all when it does of all."""
    if verdicts is None:
        return rows
    others = rows[verdicts != LAST]
    return others if others.size else rows
