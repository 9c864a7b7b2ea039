# SPDX-License-Identifier: Apache-2.0
"""What a worker does in each tick: frames of its own, the mixer, and slow work in shares.

Work that is due once a second (health, RTCP, recordings to disk, checkpoint) is dealt out
over the fifty ticks of that second, so that no tick is long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centralino.adapters.media.watch import HealthWatch
from centralino.exchange.media import Event, MediaChanged

if TYPE_CHECKING:
    from centralino.adapters.media.engine import MediaEngine
    from centralino.adapters.media.leg import Leg
    from centralino.adapters.media.settings import WorkerSettings
    from centralino.core.kernel.ids import LegId

_TICKS_PER_SECOND = 50


class Rounds:
    """Runs the ticks of one engine."""

    def __init__(
        self, settings: WorkerSettings, engine: MediaEngine, emit: Callable[[Event], None]
    ) -> None:
        self._engine = engine
        self._emit = emit
        self._settings = settings
        self._health: dict[LegId, HealthWatch] = {}

    def run(self, tick: int, now: int) -> None:
        """Do everything that belongs to one tick."""
        engine = self._engine
        for leg in tuple(engine.legs.values()):
            if leg.is_speaking_itself:
                self._speak(leg, tick, now)
        engine.stock_up()
        engine.end_lost_keys(now)
        engine.graph.refresh()
        engine.mixer.run(tick, now)
        self._attend(tick, now)

    def _speak(self, leg: Leg, tick: int, now: int) -> None:
        """Send the frame that the worker itself makes for a leg."""
        keys = leg.sending_keys
        if keys is not None:
            if not keys.send(leg, tick, now):
                leg.sending_keys = None
                self._engine.graph.invalidate(leg.id)
            return
        if leg.playing is not None:
            frame = self._engine.next_played_frame(leg, leg.playing)
            if frame is not None:
                leg.send_frame(frame, tick, now)
                return
            if leg.is_fed:
                return
        leg.send_silence(tick, now)

    def _attend(self, tick: int, now: int) -> None:
        """Do this tick's share of what is due once a second."""
        share = tick % _TICKS_PER_SECOND
        engine = self._engine
        for leg in tuple(engine.legs.values())[share::_TICKS_PER_SECOND]:
            if leg.media is None:
                continue
            self._check(leg, now)
            leg.reporter.send_if_due(now)
            leg.keep_fed()
            engine.store(leg)
        if engine.recordings:
            engine.recordings.flush(share, _TICKS_PER_SECOND, now)
            engine.recordings.collect(now)
        if share == 0:
            for gone in [one for one in self._health if one not in engine.legs]:
                del self._health[gone]

    def _check(self, leg: Leg, now: int) -> None:
        health = self._health.get(leg.id)
        if health is None:
            health = self._health[leg.id] = HealthWatch(self._settings, now)
        for change in health.check(leg, now):
            self._emit(MediaChanged(leg=leg.id, change=change))
