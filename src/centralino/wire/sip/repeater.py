# SPDX-License-Identifier: Apache-2.0
"""Repeats a response until its acknowledgement comes or time is up.

For the 2xx to an INVITE (RFC 3261 13.3.1.4: over reliable transports too, since the ACK is end to
end) and for reliable provisional responses (RFC 3262 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.timers import Timer


class Repeater:
    """Calls `repeat` at growing intervals, and `give_up` at the end; until `stop`."""

    __slots__ = ("_engine", "_give_up", "_interval_ms", "_limit", "_repeat", "_timer")

    def __init__(
        self,
        engine: Engine,
        now: int,
        repeat: Callable[[int], None],
        give_up: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._repeat = repeat
        self._give_up = give_up
        self._interval_ms = engine.config.t1_ms
        self._timer: Timer = engine.after_ms(self._interval_ms, now, self._on_timer)
        self._limit: Timer = engine.after_ms(engine.config.timer_b_ms, now, self._on_limit)

    def stop(self) -> None:
        """Stop: acknowledged, or no longer wanted."""
        self._engine.timers.cancel(self._timer)
        self._engine.timers.cancel(self._limit)

    def _on_timer(self, now: int) -> None:
        self._interval_ms = min(self._interval_ms * 2, self._engine.config.t2_ms)
        self._timer = self._engine.after_ms(self._interval_ms, now, self._on_timer)
        self._repeat(now)

    def _on_limit(self, now: int) -> None:
        self._engine.timers.cancel(self._timer)
        self._give_up(now)
