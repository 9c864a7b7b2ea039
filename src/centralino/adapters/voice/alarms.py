# SPDX-License-Identifier: Apache-2.0
"""Conditions that somebody should know of: told once when they begin, once when they end.

A condition is named by its code and its subject. Told again only when its text changes. Bounded:
the oldest condition makes room, as cleared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TrunkId

log = structlog.get_logger(__name__)

AlarmHandler = Callable[[str, str, "TrunkId | None", bool], None]
"""``(code, text, trunk, cleared)``."""
_MAX_CONDITIONS = 512


def ignore_alarm(code: str, text: str, trunk: TrunkId | None, cleared: bool) -> None:
    """Do nothing; the log has it."""


class AlarmBoard:
    """The conditions that hold now."""

    def __init__(self) -> None:
        self.handler: AlarmHandler = ignore_alarm
        self._holding: OrderedDict[tuple[str, str], tuple[str, TrunkId | None]] = OrderedDict()

    def begin(self, code: str, text: str, trunk: TrunkId | None = None, subject: str = "") -> None:
        """Say that a condition holds; ``subject`` tells apart several of one code and trunk."""
        key = (code, subject or str(trunk or ""))
        held = self._holding.get(key)
        if held is not None and held[0] == text:
            return
        self._holding[key] = (text, trunk)
        if len(self._holding) > _MAX_CONDITIONS:
            (old_code, old_subject), _ = next(iter(self._holding.items()))
            self.end(old_code, subject=old_subject)
        log.warning("alarm", code=code, trunk=trunk, detail=text)
        self.handler(code, text, trunk, False)

    def end(self, code: str, trunk: TrunkId | None = None, subject: str = "") -> None:
        """Say that a condition is over; without effect when it did not hold."""
        held = self._holding.pop((code, subject or str(trunk or "")), None)
        if held is not None:
            log.info("alarm cleared", code=code, trunk=held[1])
            self.handler(code, held[0], held[1], True)

    def end_all(self, prefix: str, subject: str) -> None:
        """End every condition of a subject whose code begins with ``prefix``."""
        for code, held_subject in list(self._holding):
            if held_subject == subject and code.startswith(prefix):
                self.end(code, subject=subject)

    def holding(self) -> tuple[tuple[str, str, TrunkId | None], ...]:
        """Return (code, text, trunk) of what holds now, oldest first."""
        return tuple((key[0], text, trunk) for key, (text, trunk) in self._holding.items())
