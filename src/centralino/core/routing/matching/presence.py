# SPDX-License-Identifier: Apache-2.0
"""What presences mean to the queues of a tenant, as a table that is looked up, not computed.

The words of a presence become one of eight kinds; people who are no agents by trade have
kinds of their own, so that a queue's second set of rules is just more columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.instant import MILLISECOND
from centralino.core.routing.matching.policy import PresenceRules, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.agents.presence import Presence
    from centralino.core.kernel.instant import Instant


class Kind(IntEnum):
    """What a presence comes down to."""

    AVAILABLE = 0
    BUSY = 1
    IN_CALL = 2
    IN_MEETING = 3
    AWAY = 4
    DO_NOT_DISTURB = 5
    OFFLINE = 6
    UNKNOWN = 7


KINDS = len(Kind)
ROUTE, LAST, NEVER = 0, 1, 2
_CODES = {Verdict.ROUTE: ROUTE, Verdict.LAST: LAST, Verdict.NEVER: NEVER}
_AVAILABILITY = {
    "available": Kind.AVAILABLE,
    "available-idle": Kind.AVAILABLE,
    "busy": Kind.BUSY,
    "busy-idle": Kind.BUSY,
    "away": Kind.AWAY,
    "be-right-back": Kind.AWAY,
    "do-not-disturb": Kind.DO_NOT_DISTURB,
    "offline": Kind.OFFLINE,
}
_CALLS = frozenset({"in-a-call", "in-a-conference-call"})
_MEETINGS = frozenset({"in-a-meeting", "presenting"})


def kind_of(presence: Presence | None, idle_since: Instant) -> Kind:
    """Return what a presence comes down to for an agent who is free since ``idle_since``."""
    if presence is None:
        return Kind.UNKNOWN
    kind = _AVAILABILITY.get(presence.availability, Kind.UNKNOWN)
    if presence.is_out_of_office and kind is not Kind.DO_NOT_DISTURB:
        return Kind.OFFLINE
    if kind is not Kind.BUSY:
        return kind
    if presence.activity in _CALLS:
        return Kind.UNKNOWN if presence.at <= idle_since else Kind.IN_CALL
    return Kind.IN_MEETING if presence.activity in _MEETINGS else kind


def verdict_of(rules: PresenceRules, kind: Kind) -> Verdict:
    """Return what rules say of a kind."""
    verdict: Verdict = getattr(rules, kind.name.lower())
    return verdict


class PresenceTable:
    """Verdicts per set of rules and column; a column is a kind, experts' begin at ``KINDS``."""

    def __init__(self, rules: Iterable[tuple[PresenceRules, PresenceRules]]) -> None:
        """Take pairs of rules: those for agents, those for experts."""
        self._numbers: dict[tuple[PresenceRules, PresenceRules], int] = {}
        for pair in rules:
            self._numbers.setdefault(pair, len(self._numbers))
        rows = [
            [_CODES[verdict_of(one, kind)] for one in pair for kind in Kind]
            for pair in self._numbers
        ]
        self.verdicts: NDArray[np.int8] = np.array(rows, np.int8).reshape(-1, 2 * KINDS)
        ages = [[one.most_age_ms * MILLISECOND for one in pair] for pair in self._numbers]
        self.most_age: NDArray[np.int64] = np.array(ages, np.int64).reshape(-1, 2)
        """Nanoseconds, for agents and for experts."""
        self.ages = tuple(sorted({int(age) for age in self.most_age.flat}))
        """All that make a presence too old for somebody."""
        matters = (self.verdicts != ROUTE).any(axis=0)
        self.matters: tuple[bool, ...] = tuple(
            bool(matters[column] or matters[column // KINDS * KINDS + Kind.UNKNOWN])
            for column in range(2 * KINDS)
        )
        """Column to whether any rules say other than to route, now or when it is too old."""

    def number(self, rules: PresenceRules, for_experts: PresenceRules) -> int:
        """Return the row of a pair of rules."""
        return self._numbers[rules, for_experts]
