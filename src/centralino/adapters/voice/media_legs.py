# SPDX-License-Identifier: Apache-2.0
"""The audio of legs: sockets at a media worker, offer and answer, hold, quality.

A leg keeps one media port from its first description to its end, also when its SIP dialog
is replaced: Teams never follows media to a new address, and the bridge, the recording and
what is played stay with the leg. Re-INVITEs of the far end are answered here and never
passed on. A leg without packets is ended after the configured time unless it is on hold.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.closing import quality_of
from centralino.adapters.voice.profiles import audio_profile
from centralino.core.kernel.errors import AppError, Conflict, RemoteTimeout
from centralino.exchange.facts import Held
from centralino.exchange.media import (
    Configure,
    LegMedia,
    MediaChanged,
    ReadStatistics,
    SrtpKeys,
    Statistics,
)
from centralino.wire.sdp.audio import AudioNegotiator
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sdp.format import Direction
from centralino.wire.sdp.stream import LocalEndpoint

if TYPE_CHECKING:
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.leg import Leg
    from centralino.core.kernel.ids import LegId
    from centralino.exchange.orders import Hold, Resume
    from centralino.wire.sdp.stream import AudioSession
    from centralino.wire.sip.events import ReofferFinished, SessionReoffered

log = structlog.get_logger(__name__)


class MediaLegs:
    """Everything between a leg and its media worker."""

    def __init__(self, calls: Calls, closing: Closing) -> None:
        self._calls = calls
        self._closing = closing

    # ---- sockets

    async def reserve(self, leg: Leg) -> None:
        """Open the leg's sockets, beside the leg that it follows.

        Raises:
            CapacityExceeded: the workers are late or out of ports.
            RemoteTimeout: no worker answered in time.
        """
        calls = self._calls
        try:
            async with asyncio.timeout(calls.around.voice.media_setup_s):
                leg.reserved = await calls.media.reserve(leg.id, near=self._near(leg))
        except TimeoutError:
            raise RemoteTimeout("media", "reserve") from None
        if leg.is_over:
            calls.release_media(leg.id)
            raise Conflict("the leg ended meanwhile")

    async def require(self, leg: Leg) -> None:
        """Have the leg's sockets open, and beside the leg that it follows; as ``reserve``."""
        if leg.reserved is not None:
            near = self._near(leg)
            if near is None or self._calls.media.is_together((leg.id, near)):
                return
            leg.reserved = None
            self._calls.release_media(leg.id)
        await self.reserve(leg)

    def _near(self, leg: Leg) -> LegId | None:
        """Return an open leg that this one is to meet: the one it follows, or who follows it.

        A caller may be answered after somebody was rung for him, and several may be rung.
        """
        met = {leg.id, leg.near} - {None}
        for other in self._calls.legs.values():
            is_met = other.id == leg.near or other.near in met
            if is_met and other.reserved is not None and other is not leg and not other.is_over:
                return other.id
        return None

    def negotiator(self, leg: Leg, *, g711_only: bool = False) -> AudioNegotiator:
        """Return a fresh negotiator on the leg's sockets."""
        reserved = leg.reserved
        if reserved is None:
            raise Conflict("the leg has no media port")
        calls = self._calls
        local = LocalEndpoint(
            calls.around.voice.media_address, reserved.rtp_port, reserved.rtcp_port
        )
        profile = audio_profile(calls.edge.trunk(leg.trunk), g711_only=g711_only)
        number = int.from_bytes(calls.around.token().encode()[:7], "big")
        return AudioNegotiator(profile, local, session_id=number, key=calls.around.key)

    def configure(self, leg: Leg, agreed: AudioSession) -> None:
        """Tell the worker what was agreed."""
        media = leg_media(agreed)
        self._calls.tell_media(leg.id, Configure(leg=leg.id, media=media))
        leg.is_media_set = True

    # ---- our hold

    def hold(self, order: Hold, now: int) -> None:
        """Stop the far end's media."""
        self._reoffer(order, now, is_hold=True)

    def resume(self, order: Resume, now: int) -> None:
        """Let it flow again."""
        self._reoffer(order, now, is_hold=False)

    def _reoffer(self, order: Hold | Resume, now: int, *, is_hold: bool) -> None:
        calls = self._calls
        leg = calls.require_answered(order.leg)
        if leg.negotiator is None or leg.transfer is not None:
            raise Conflict("the leg is being transferred")
        if leg.reoffer_order is not None:
            calls.fail(leg.reoffer_order, leg.id, "superseded", "a later order took its place")
            leg.reoffer_order = None
        elif leg.is_held == is_hold:
            calls.tell(Held(leg=leg.id, is_held=is_hold, by_far_end=False))
            return
        leg.reoffer_order, leg.is_hold_wanted = order.order, is_hold
        self._send_offer(leg, leg.negotiator, now)

    def _send_offer(self, leg: Leg, negotiator: AudioNegotiator, now: int) -> None:
        wanted = Direction.SENDONLY if leg.is_hold_wanted else Direction.SENDRECV
        leg.reoffer_count += 1
        self._calls.edge.endpoint.reoffer(leg.session, negotiator.offer(wanted), now)

    def on_reoffer_finished(self, leg: Leg, event: ReofferFinished, now: int) -> None:
        """Take the end of a re-INVITE of ours (or the answer to an offer in our 2xx)."""
        del now
        is_accepted = 200 <= event.status < 300
        if leg.is_probing:
            leg.is_probing = False
            self._calls.save_dialog(leg)
            return
        order = None
        if leg.is_answer_due and is_accepted:
            leg.is_answer_due = False
        else:
            leg.reoffer_count -= 1
            if leg.reoffer_count == 0:
                order, leg.reoffer_order = leg.reoffer_order, None
        if leg.negotiator is None:
            return
        if not is_accepted or event.sdp is None:
            if order is not None:
                self._calls.fail(order, leg.id, "refused", f"the far end said {event.status}")
                self._roll_back(leg)
            return
        try:
            agreed = leg.negotiator.apply_answer(event.sdp)
        except NegotiationError as error:
            if order is not None:
                self._calls.fail(order, leg.id, error.reason, "the answer cannot be used")
            return
        if order is not None:
            leg.is_held = leg.is_hold_wanted
            self._calls.tell(Held(leg=leg.id, is_held=leg.is_held, by_far_end=False))
        self._agree(leg, agreed)

    def _roll_back(self, leg: Leg) -> None:
        """Want again what was in force before a refused re-INVITE."""
        if leg.negotiator is not None and not leg.is_over:
            leg.negotiator.offer(Direction.SENDONLY if leg.is_held else Direction.SENDRECV)

    # ---- the far end's re-INVITE

    def on_reoffered(self, leg: Leg, event: SessionReoffered, now: int) -> None:
        """Answer a re-INVITE or UPDATE of the far end."""
        endpoint = self._calls.edge.endpoint
        negotiator = leg.negotiator
        if negotiator is None:
            endpoint.reject_offer(event.session, 488, now)
            return
        wanted = Direction.SENDONLY if leg.is_held else Direction.SENDRECV
        if event.sdp is None:
            leg.is_answer_due = True
            endpoint.accept_offer(event.session, negotiator.offer(wanted), now)
            return
        try:
            answer, agreed = negotiator.answer(event.sdp, wanted)
            self._require_address(agreed)
        except NegotiationError as error:
            log.info("leg.offer_refused", leg=leg.id, reason=error.reason)
            endpoint.reject_offer(event.session, error.status, now)
            return
        endpoint.accept_offer(event.session, answer, now)
        self._agree(leg, agreed)
        if leg.reoffer_count:
            # Ours waits behind theirs and was written before it: write it again.
            self._send_offer(leg, negotiator, now)

    def _agree(self, leg: Leg, agreed: AudioSession) -> None:
        """Put an agreement of an answered leg into force."""
        self.configure(leg, agreed)
        if not leg.is_held and leg.is_held_by_far_end == agreed.direction.sends:
            leg.is_held_by_far_end = not agreed.direction.sends
            self._calls.tell(Held(leg=leg.id, is_held=leg.is_held_by_far_end, by_far_end=True))
        if leg.is_held or leg.is_held_by_far_end:
            self._stop_watch(leg)
        self._calls.save_dialog(leg)

    # ---- first agreement

    def answer(self, leg: Leg, offer: bytes) -> tuple[bytes, AudioSession]:
        """Negotiate the offer of an incoming call.

        Raises:
            NegotiationError: no agreement.
        """
        leg.negotiator = self.negotiator(leg)
        answer, agreed = leg.negotiator.answer(offer)
        self._require_address(agreed)
        return answer, agreed

    def accept(self, leg: Leg, negotiator: AudioNegotiator, sdp: bytes | None) -> AudioSession:
        """Take the answer to our first offer.

        Raises:
            NegotiationError: it cannot be used.
        """
        del leg
        if sdp is None:
            raise NegotiationError("no-audio")
        agreed = negotiator.apply_answer(sdp)
        self._require_address(agreed)
        return agreed

    def _require_address(self, agreed: AudioSession) -> None:
        if not agreed.remote_address and agreed.direction is Direction.INACTIVE:
            return
        try:
            ip_address(agreed.remote_address)
        except ValueError:
            raise NegotiationError("no-address") from None

    # ---- quality

    def on_changed(self, leg: Leg, event: MediaChanged) -> None:
        """Take notice of what a worker saw in a leg's stream."""
        before = (leg.is_one_way, leg.is_silent)
        if event.change == "one-way":
            leg.is_one_way = True
        elif event.change in ("silent", "timeout"):
            leg.is_silent = True
        elif event.change in ("resumed", "first-packet"):
            leg.is_one_way = leg.is_silent = False
        if event.change in ("one-way", "timeout"):
            self._watch(leg)
        elif event.change in ("resumed", "first-packet"):
            self._stop_watch(leg)
        if before != (leg.is_one_way, leg.is_silent) and leg.is_answered:
            self._calls.lanes.spawn(self._report(leg))

    async def _report(self, leg: Leg) -> None:
        try:
            figures = await self._calls.media.ask(leg.id, ReadStatistics(leg=leg.id))
        except AppError as error:
            log.info("leg.figures_missing", leg=leg.id, reason=error.code)
            return
        if isinstance(figures, Statistics) and not leg.is_over:
            self._calls.tell(quality_of(leg, figures))

    def _watch(self, leg: Leg) -> None:
        limit_s = self._calls.settings.media_timeout_s
        is_held = leg.is_held or leg.is_held_by_far_end
        if limit_s is None or is_held or not leg.is_answered or leg.media_deadline is not None:
            return
        leg.media_deadline = self._calls.arm_ms(
            limit_s * 1000, lambda now: self._time_out(leg, now)
        )

    def _stop_watch(self, leg: Leg) -> None:
        if leg.media_deadline is not None:
            leg.media_deadline.cancel()
            leg.media_deadline = None

    def _time_out(self, leg: Leg, now: int) -> None:
        leg.media_deadline = None
        if not leg.is_answered or leg.is_held or leg.is_held_by_far_end:
            return
        log.warning("leg.media_timeout", leg=leg.id)
        self._calls.edge.endpoint.bye(leg.session, now)
        self._closing.end(leg, outcomes.MEDIA_TIMEOUT, detail="no media received")


def leg_media(agreed: AudioSession) -> LegMedia:
    """Return an agreement in the workers' words."""
    keys = None
    if agreed.local_crypto is not None and agreed.remote_crypto is not None:
        mki = agreed.remote_crypto.mki
        keys = SrtpKeys(
            suite=agreed.remote_crypto.suite.upper(),
            local=agreed.local_crypto.key,
            remote=agreed.remote_crypto.key,
            remote_mki_bytes=mki[1] if mki else 0,
        )
    event = agreed.telephone_event
    return LegMedia(
        remote_address=agreed.remote_address,
        remote_rtp_port=agreed.remote_rtp_port,
        remote_rtcp_port=agreed.remote_rtcp_port,
        rtcp_mux=agreed.rtcp_mux,
        codec=agreed.codec.name,
        payload_type=agreed.codec.payload_type,
        event_payload_type=event[0] if event else None,
        event_clock_rate=event[1] if event else 8000,
        comfort_noise_payload_type=agreed.comfort_noise_pt,
        ptime_ms=agreed.ptime_ms,
        sends=agreed.direction.sends,
        receives=agreed.direction.receives,
        srtp=keys,
    )
