# SPDX-License-Identifier: Apache-2.0
"""After a restart of the voice process: the legs go on where they were.

The media workers went on without us; each leg claims its sockets again under its old port.
Dialogs continue in the endpoint, whatever connection the far end uses now. Attempts that
were not answered are reported as ended with an unknown outcome: whether somebody was rung
cannot be known, so nothing is repeated. A far end that is gone is found by a re-INVITE with
the same description, a few per second, or at last by the session timer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.checkpoint import LegCheckpoint
from centralino.adapters.voice.leg import Leg
from centralino.adapters.voice.leg_lifecycle import LegEvent
from centralino.core.kernel.errors import AppError
from centralino.exchange.facts import Ended
from centralino.wire.sdp.audio import AudioNegotiator

if TYPE_CHECKING:
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.edge import RestorableMedia
    from centralino.adapters.voice.media_legs import MediaLegs
    from centralino.core.kernel.ids import LegId

log = structlog.get_logger(__name__)

_DECODER = msgspec.msgpack.Decoder(LegCheckpoint)
PROBE_EVERY_MS = 50
"""Time between two probes: a restart with a thousand calls is no flood."""


class Restoring:
    """Brings the legs of an earlier process back."""

    def __init__(self, calls: Calls, media_legs: MediaLegs, closing: Closing) -> None:
        self._calls = calls
        self._media_legs = media_legs
        self._closing = closing

    async def restore(self, media: RestorableMedia) -> list[tuple[Leg, LegCheckpoint]]:
        """Bring every leg back and return those that live."""
        for fact in self._calls.around.inbox.waiting:
            if isinstance(fact, Ended):
                self._calls.remember(fact.leg)
        kept: list[tuple[Leg, LegCheckpoint]] = []
        for key, value in self._calls.around.store.entries("leg:"):
            try:
                former = _DECODER.decode(value)
            except msgspec.MsgspecError as error:
                log.error("leg.checkpoint_unreadable", reason=str(error))
                self._calls.around.store.remove(key)
                continue
            if former.dialog is None or former.negotiator is None:
                self._report_lost(former)
                continue
            kept.append((self._revive(former), former))
        for leg, former in kept:
            await self._claim(leg, former, media)
        if kept:
            log.info("legs.restored", count=len(kept))
        return [(leg, former) for leg, former in kept if not leg.is_over]

    def _report_lost(self, former: LegCheckpoint) -> None:
        calls = self._calls
        calls.remember(former.leg)
        calls.around.store.remove(f"leg:{former.leg}")
        calls.tell(
            Ended(
                leg=former.leg,
                outcome=outcomes.LOST_BY_RESTART,
                detail="the voice process restarted before the call was answered",
            )
        )

    def _revive(self, former: LegCheckpoint) -> Leg:
        calls = self._calls
        leg = Leg(
            id=former.leg,
            tenant=former.tenant,
            trunk=former.trunk,
            is_incoming=former.is_incoming,
            call_id=former.call_id,
            called_number=former.called_number,
            caller_number=former.caller_number,
            caller_name=former.shown_name,
            bridge=former.bridge,
            role=former.role,
            is_member_muted=former.is_member_muted,
            is_muted=former.is_muted,
            play=former.play,
            typed=former.typed if former.collect is None else "",
            recordings=list(former.recordings),
            is_held=former.is_held,
            is_held_by_far_end=former.is_held_by_far_end,
            transfer_count=former.transfer_count,
            holding=former.holding,
        )
        leg.orders.extend(former.orders)
        leg.step(LegEvent.RESTORE)
        calls.add(leg)
        if former.dialog is not None:
            calls.bind(leg, calls.edge.restore(former.dialog, calls.now()))
        if former.negotiator is not None:
            key = calls.around.key
            leg.negotiator = AudioNegotiator.restore(former.negotiator, key=key)
        return leg

    async def _claim(self, leg: Leg, former: LegCheckpoint, media: RestorableMedia) -> None:
        """Open the leg's sockets under the same port; the worker may still have them."""
        try:
            near = self._beside(leg)
            leg.reserved = await media.reserve(leg.id, near=near, rtp_port=former.rtp_port)
        except AppError as error:
            self._give_up(leg, error.message)
            return
        if leg.reserved.rtp_port != former.rtp_port:
            self._give_up(leg, "the media port is taken")
            return
        agreed = leg.negotiator.session if leg.negotiator is not None else None
        if agreed is not None:
            self._media_legs.configure(leg, agreed)
        self._calls.save_dialog(leg)

    def _beside(self, leg: Leg) -> LegId | None:
        """Return a leg of the same bridge that is open already, should its worker be new too."""
        for other in self._calls.legs.values():
            is_in_bridge = leg.bridge is not None and other.bridge == leg.bridge
            if is_in_bridge and other is not leg and other.reserved is not None:
                return other.id
        return None

    def _give_up(self, leg: Leg, reason: str) -> None:
        log.error("leg.media_lost", leg=leg.id, reason=reason)
        self._calls.edge.endpoint.bye(leg.session, self._calls.now())
        self._closing.end(leg, outcomes.MEDIA_FAILED, detail=reason)

    def probe(self, legs: list[Leg]) -> None:
        """Ask each far end, one after the other, whether it is still there."""
        for index, leg in enumerate(legs):
            ask = partial(self._probe, leg)
            self._calls.arm_ms(PROBE_EVERY_MS * (index + 1), ask)

    def _probe(self, leg: Leg, now: int) -> None:
        sdp = leg.negotiator.local_sdp if leg.negotiator is not None else None
        if not leg.is_answered or leg.reoffer_order is not None or sdp is None:
            return
        leg.is_probing = True
        self._calls.edge.endpoint.reoffer(leg.session, sdp, now)
