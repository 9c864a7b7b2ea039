# SPDX-License-Identifier: Apache-2.0
"""When queues borrow agents of others: rules on predicted wait and service level.

A rule holds or not as the state says; it is looked at again when something of its queue has
changed, and only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.instant import MILLISECOND

if TYPE_CHECKING:
    from centralino.core.kernel.ids import QueueId
    from centralino.core.kernel.instant import Duration
    from centralino.core.routing.matching.families import QueueTerms
    from centralino.core.routing.matching.memory import MatchingMemory
    from centralino.core.routing.matching.policy import BorrowRule
    from centralino.core.routing.matching.waits import Waits


class Borrowing:
    """All rules of a tenant."""

    def __init__(
        self,
        queues: Iterable[QueueTerms],
        waits: Waits,
        memory: MatchingMemory,
        handling: Mapping[QueueId, Duration],
    ) -> None:
        self._waits = waits
        self._memory = memory
        self._handling = handling
        ruled = [terms for terms in queues if terms.lenders]
        self.is_any = bool(ruled)
        """Whether there is a rule at all."""
        self._dirty: dict[int, QueueTerms] = {terms.number: terms for terms in ruled}
        self._of_row: dict[int, list[QueueTerms]] = {}
        for terms in ruled:
            for row in terms.members:
                self._of_row.setdefault(int(row), []).append(terms)

    def touch(self, terms: QueueTerms) -> None:
        """Something of a queue has changed."""
        if terms.lenders:
            self._dirty[terms.number] = terms

    def touch_row(self, row: int) -> None:
        """An agent has changed."""
        for terms in self._of_row.get(row, ()):
            self._dirty[terms.number] = terms

    def settle(self) -> None:
        """Look again at the rules of the queues that have changed."""
        if not self._dirty:
            return
        for terms in self._dirty.values():
            rules = terms.configuration.matching.borrowing
            holding = sum(1 << bit for bit, rule in enumerate(rules) if self._holds(terms, rule))
            if holding != terms.lending:
                self._set(terms, holding)
        self._dirty.clear()

    def _set(self, terms: QueueTerms, holding: int) -> None:
        gained = holding & ~terms.lending
        terms.lending = holding
        table = self._waits.table
        for family in terms.families:
            for signature in family.signatures:
                table.lending[signature.slot] = holding
                if gained and signature.live:
                    self._waits.heat(signature.slot)

    def _holds(self, terms: QueueTerms, rule: BorrowRule) -> bool:
        queue = terms.configuration.id
        if rule.predicted_wait_over_ms is not None and terms.waiting:
            staffed = int(np.count_nonzero(self._waits.roster.ready[terms.members]))
            handling = self._handling.get(queue)
            if handling is not None and is_wait_over(
                terms.waiting, handling, staffed, rule.predicted_wait_over_ms
            ):
                return True
        if rule.service_level_below_percent is None:
            return False
        recent = self._memory.recent.get(queue)
        return recent is not None and recent.level_percent < rule.service_level_below_percent


def is_wait_over(waiting: int, handling: Duration, staffed: int, limit_ms: int) -> bool:
    """Tell whether the last of so many waits longer than a limit; for ever without staff.

    >>> from centralino.core.kernel.instant import seconds
    >>> is_wait_over(6, seconds(60), 3, 100_000), is_wait_over(6, seconds(60), 3, 120_000)
    (True, False)
    """
    return waiting * handling > max(0, staffed) * limit_ms * MILLISECOND
