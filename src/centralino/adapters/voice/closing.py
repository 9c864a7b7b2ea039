# SPDX-License-Identifier: Apache-2.0
"""The end of a leg: exactly one ``Ended``, and nothing of the leg after it.

When the SIP side is over, the leg leaves its bridge and its media worker is asked to let
go. The worker's last figures and a recording that is being finished are awaited for a short
time, so that their facts come before ``Ended``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice.leg_lifecycle import LegEvent, LegState
from centralino.exchange.facts import Ended, Quality

if TYPE_CHECKING:
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.leg import Leg
    from centralino.core.kernel.outcome import Outcome
    from centralino.exchange.media import Statistics

log = structlog.get_logger(__name__)

Farewell = Callable[["Leg", int], None]
"""What a part does when a leg is about to end."""

STATISTICS = "statistics"


class Closing:
    """Ends legs."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.farewells: list[Farewell] = []
        """Called in order with each leg that ends, before its media is released."""

    def end(
        self, leg: Leg, outcome: Outcome, *, by_far_end: bool = False, detail: str = ""
    ) -> None:
        """End a leg whose SIP side is over or on its way out; repeated calls do nothing."""
        if leg.is_over:
            return
        calls = self._calls
        now = calls.now()
        for farewell in self.farewells:
            farewell(leg, now)
        leg.step(LegEvent.CLOSE)
        leg.disarm()
        if leg.media_deadline is not None:
            leg.media_deadline.cancel()
        calls.by_session.pop(leg.session, None)
        for session in leg.old_sessions:
            calls.by_session.pop(session, None)
        leg.ending = (outcome, by_far_end, detail)
        calls.around.store.remove(f"leg:{leg.id}")
        if leg.reserved is not None:
            if leg.is_media_set:
                leg.awaited.add(STATISTICS)
            if not calls.release_media(leg.id):
                leg.awaited.discard(STATISTICS)
        if not leg.awaited:
            self._finish(leg)
            return
        has_recording = leg.awaited != {STATISTICS}
        settings = calls.settings
        wait_ms = settings.recording_close_ms if has_recording else settings.closing_ms
        leg.deadline = calls.arm_ms(wait_ms, lambda _: self._finish(leg))

    def arrived(self, leg: Leg, what: str) -> None:
        """Take notice that something awaited is here."""
        leg.awaited.discard(what)
        if leg.state is LegState.CLOSING and not leg.awaited:
            self._finish(leg)

    def take_statistics(self, leg: Leg, figures: Statistics) -> None:
        """Tell a leg's figures; the final ones let it end."""
        if leg.state is LegState.ENDED:
            return
        self._calls.tell(quality_of(leg, figures))
        if figures.is_final:
            self.arrived(leg, STATISTICS)

    def _finish(self, leg: Leg) -> None:
        if leg.state is not LegState.CLOSING or leg.ending is None:
            return
        if leg.awaited:
            log.warning("leg.closed_early", leg=leg.id, awaited=sorted(leg.awaited))
        leg.disarm()
        leg.step(LegEvent.END)
        outcome, by_far_end, detail = leg.ending
        log.info(
            "leg.ended",
            leg=leg.id,
            trunk=leg.trunk,
            is_incoming=leg.is_incoming,
            outcome=str(outcome),
            by_far_end=by_far_end,
        )
        self._calls.forget(leg)
        self._calls.tell(Ended(leg=leg.id, outcome=outcome, by_far_end=by_far_end, detail=detail))


def quality_of(leg: Leg, figures: Statistics) -> Quality:
    """Return a leg's figures as a fact."""
    return Quality(
        leg=leg.id,
        received_packets=figures.received_packets,
        lost_packets=figures.lost_packets,
        jitter_ms=figures.jitter_ms,
        mos=figures.mos,
        is_one_way=leg.is_one_way,
        is_silent=leg.is_silent,
    )
