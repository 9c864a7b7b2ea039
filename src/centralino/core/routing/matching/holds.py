# SPDX-License-Identifier: Apache-2.0
"""Holds: waits kept for a while for agents they name, and given up when those are not there.

A hold is a signature of its own beside those of its family. It holds while one of its agents
is signed in; when the last signs out, all its waits go on as if they had named nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.interactions.wish import WishKind
from centralino.core.routing.matching.signatures import Signature

if TYPE_CHECKING:
    from centralino.core.interactions.wish import Wish
    from centralino.core.kernel.ids import InteractionId
    from centralino.core.routing.matching.families import Family
    from centralino.core.routing.matching.roster import Roster
    from centralino.core.routing.matching.signatures import Place

_NOBODY = np.zeros(0, np.int32)
_NO_BITS = np.zeros(0, np.uint8)


@dataclass(slots=True, eq=False)
class Hold:
    """Waits of one family that name the same agents."""

    rows: tuple[int, ...]
    signature: Signature = field(init=False)
    places: dict[InteractionId, Place] = field(default_factory=dict)
    is_active: bool = False


class Holds:
    """All holds of a tenant; one without waits is dropped."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._holds: dict[tuple[int, tuple[int, ...]], Hold] = {}
        self._of_row: dict[int, dict[Hold, None]] = {}

    @property
    def is_any(self) -> bool:
        """Whether there is a hold at all."""
        return bool(self._holds)

    def find(self, family: Family, wish: Wish) -> tuple[Hold, bool] | None:
        """Return the hold of a wish and whether it is new, ``None`` when it can hold nothing."""
        rows = self._held_for(family, wish)
        if not rows:
            return None
        key = (id(family), rows)
        known = self._holds.get(key)
        if known is not None:
            return known, False
        hold = self._holds[key] = Hold(rows)
        eligible = np.array(rows, np.int32)
        hold.signature = Signature(-1, family, eligible, _NOBODY, _NO_BITS, hold=hold)
        hold.is_active = self._is_active(hold)
        for row in rows:
            self._of_row.setdefault(row, {})[hold] = None
        return hold, True

    def drop(self, hold: Hold) -> None:
        """Remove a hold without waits."""
        del self._holds[id(hold.signature.family), hold.rows]
        for row in hold.rows:
            of_row = self._of_row[row]
            del of_row[hold]
            if not of_row:
                del self._of_row[row]

    def flipped(self, row: int) -> list[Hold]:
        """Return the holds that begin or cease to hold now that an agent has changed."""
        changed = []
        for hold in self._of_row.get(row, ()):
            is_active = self._is_active(hold)
            if is_active != hold.is_active:
                hold.is_active = is_active
                changed.append(hold)
        return changed

    def _is_active(self, hold: Hold) -> bool:
        return any(self._roster.signed_in[row] for row in hold.rows)

    def _held_for(self, family: Family, wish: Wish) -> tuple[int, ...]:
        """Return the agents for whom a wish holds: anybody by name, others if they ever may."""
        rows = (self._roster.rows.get(agent) for agent in wish.agents)
        known = sorted({row for row in rows if row is not None})
        if wish.kind is WishKind.NAMED:
            return tuple(known)
        able = family.signatures[-1].eligible
        at = np.searchsorted(able, known)
        return tuple(
            row for row, n in zip(known, at, strict=True) if n < able.size and able[n] == row
        )
