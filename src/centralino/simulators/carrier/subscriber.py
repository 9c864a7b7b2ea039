# SPDX-License-Identifier: Apache-2.0
"""One call that somebody at the carrier takes, or does not."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from centralino.simulators.party.description import DescriptionError, Style
from centralino.simulators.party.party import Party
from centralino.wire.sip.events import (
    InfoReceived,
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.carrier.carrier import CarrierSimulator
    from centralino.simulators.scenario import Subscriber
    from centralino.wire.sip.message import Request

_SIGNAL = re.compile(rb"(?m)^Signal\s*=\s*([0-9*#A-D])")
REFUSALS = {"busy": 486, "unknown": 404, "unavailable": 480, "overloaded": 503}


class SubscriberCall:
    """A call from the product to a number at the carrier."""

    def __init__(
        self, carrier: CarrierSimulator, plan: Subscriber, invited: SessionInvited
    ) -> None:
        self._carrier = carrier
        self._plan = plan
        self.session = invited.session
        self._offer = invited.sdp
        self._from = invited.request.headers.get("From") or ""
        self._is_answered = False
        self._timers: list[asyncio.TimerHandle] = []
        self._party: Party | None = None
        self._is_over = False
        self._keys_by_info = ""

    def begin(self) -> None:
        """Ring, or refuse."""
        stack, plan = self._carrier.stack, self._plan
        self._report("subscriber.called", from_=self._from)
        if plan.behaviour in REFUSALS:
            stack.endpoint.reject(self.session, REFUSALS[plan.behaviour], stack.now())
            return
        try:
            self._party = Party(
                self._carrier.hub,
                Style(codecs=self._carrier.settings.codecs),
                tone_hz=plan.tone_hz,
                listen_for=self._carrier.tones,
            )
            self._party.on_heard = lambda hz: self._report("subscriber.heard", tone_hz=hz)
            self._party.on_key = lambda key: self._report("subscriber.key", key=key)
            self._answer = self._party.answer(self._offer) if self._offer else self._party.offer()
        except DescriptionError as error:
            stack.endpoint.reject(self.session, error.status, stack.now())
            return
        self._after(plan.ring_ms, self._ring)
        if plan.behaviour == "answer":
            self._after(plan.answer_after_ms, self._pick_up)

    def handle(self, event: SipEvent) -> None:
        """Take an event of this session."""
        match event:
            case SessionCancelled() | SessionFailed() | SessionEnded():
                self._over(type(event).__name__)
            case SessionReoffered(sdp=sdp):
                self._reoffered(sdp)
            case SessionEstablished(sdp=sdp) if sdp is not None:
                self._answered_late(sdp)
            case InfoReceived(request=request):
                self._info(request)
            case _:
                return

    def _reoffered(self, sdp: bytes | None) -> None:
        stack, party = self._carrier.stack, self._party
        if party is None:
            return
        try:
            answer = party.answer(sdp) if sdp else party.offer()
        except DescriptionError as error:
            stack.endpoint.reject_offer(self.session, error.status, stack.now())
            return
        if sdp:
            party.expect_pause()
            party.is_sending = party.may_send
            self._report("subscriber.reoffered", is_held=not party.may_send)
        stack.endpoint.accept_offer(self.session, answer, stack.now())

    def _answered_late(self, sdp: bytes) -> None:
        """Take the answer to an offer of ours: it came in the ACK."""
        if self._party is None:
            return
        try:
            self._party.accept(sdp)
        except DescriptionError as error:
            self._report("subscriber.refused-media", reason=error.reason)
            self._hang_up()
            return
        self._party.start()

    def _info(self, request: Request) -> None:
        """Take a key that came by INFO."""
        found = _SIGNAL.search(request.body)
        if found is not None:
            self._keys_by_info += found.group(1).decode()
            self._report("subscriber.key", key=found.group(1).decode(), by="info")

    def _ring(self) -> None:
        stack = self._carrier.stack
        if self._plan.early_media and self._party is not None:
            stack.endpoint.ring(self.session, stack.now(), status=183, sdp=self._answer)
            self._party.start()
        else:
            stack.endpoint.ring(self.session, stack.now())
        stack.flush()

    def _pick_up(self) -> None:
        stack = self._carrier.stack
        if self._party is None or self._is_over:
            return
        stack.endpoint.answer(
            self.session, self._answer, stack.now(), contact=self._carrier.contact
        )
        stack.flush()
        self._is_answered = True
        self._party.start()
        self._report("subscriber.answered")
        if self._plan.talk_for_ms:
            self._after(self._plan.talk_for_ms, self._hang_up)

    def _hang_up(self) -> None:
        self._carrier.stack.endpoint.bye(self.session, self._carrier.stack.now())
        self._carrier.stack.flush()

    def _over(self, how: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        for timer in self._timers:
            timer.cancel()
        heard: list[int] = []
        keys = self._keys_by_info
        if self._party is not None:
            heard = self._party.ear.tones_heard()
            keys += self._party.keys_heard
            self._party.close()
        self._report(
            "subscriber.ended",
            how=how,
            was_answered=self._is_answered,
            tones_heard=heard,
            keys_heard=keys,
        )
        self._carrier.forget(self)

    def _after(self, delay_ms: int, call: object) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_ms / 1000, call))  # type: ignore[arg-type] # a callable of ours

    def _report(self, what: str, **fields: object) -> None:
        self._carrier.report.add(
            "carrier",
            what,
            number=self._plan.number,
            session=self.session,
            own_tone_hz=self._plan.tone_hz,
            **fields,
        )
