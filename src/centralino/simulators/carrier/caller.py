# SPDX-License-Identifier: Apache-2.0
"""One scripted caller: presses keys, waits as long as his patience, talks, hangs up.

He knows that an agent is on the line when he hears one of the agents' tones, and by
nothing else: what the product claims is never taken for what was heard.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.simulators.party.description import DescriptionError, Style
from centralino.simulators.party.party import Party
from centralino.wire.sip.events import (
    ReofferFinished,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.carrier.carrier import CarrierSimulator
    from centralino.simulators.scenario import Caller


class CallerCall:
    """A call placed by the carrier."""

    def __init__(self, carrier: CarrierSimulator, plan: Caller, label: str) -> None:
        self._carrier = carrier
        self._plan = plan
        self.label = label
        self.session = ""
        self._timers: list[asyncio.TimerHandle] = []
        self._is_answered = False
        self._has_early_media = False
        self._is_over = False
        self._agents_hz: list[int] = []
        self._farewell: asyncio.TimerHandle | None = None
        settings = carrier.settings
        self.party = Party(
            carrier.hub,
            Style(codecs=settings.codecs),
            tone_hz=plan.tone_hz,
            listen_for=settings.listen_for_hz,
            is_muted=plan.is_muted,
        )
        self.party.on_heard = self._heard

    def begin(self) -> None:
        """Place the call."""
        self.session = self._carrier.place(self._plan, self.party)
        self._report("call.placed", called=self._plan.called)
        self._after(self._plan.ring_patience_ms, self._ring_patience_over)

    def handle(self, event: SipEvent) -> None:
        """Take an event of this session."""
        match event:
            case SessionProgressed(status=status, sdp=sdp):
                self._progressed(status, sdp)
            case SessionAnswered(sdp=sdp):
                self._answered(sdp)
            case SessionReoffered(sdp=sdp):
                self._reoffered(sdp)
            case SessionFailed(status=status, cause=cause):
                self._over(status=status, cause=cause, by="far-end")
            case SessionEnded(cause=cause):
                self._over(
                    status=200, cause=cause, by="caller" if cause == "bye-sent" else "far-end"
                )
            case ReofferFinished(status=status):
                self._report("call.reoffered", status=status)
            case _:
                return

    def _progressed(self, status: int, sdp: bytes | None) -> None:
        self._report("call.progress", status=status)
        if sdp is None or self._has_early_media or self._plan.has_late_offer:
            return
        try:
            self.party.accept(sdp)
        except DescriptionError as error:
            self._report("call.refused-early-media", reason=error.reason)
            return
        self._has_early_media = True
        self.party.start()
        self._report("call.early-media", status=status)

    def _answered(self, sdp: bytes | None) -> None:
        try:
            # After a late offer the answer left with the ACK.
            if not self._plan.has_late_offer:
                self.party.accept(sdp or b"")
        except DescriptionError as error:
            self._report("call.refused-media", reason=error.reason)
            self.hang_up()
            return
        self._is_answered = True
        self._cancel_timers()
        self.party.start()
        self._report("call.answered")
        if self._plan.keys:
            self._after(self._plan.keys_after_ms, self._press, 0)
        self._after(self._plan.patience_ms, self._patience_over)
        for action in self._plan.actions:
            self._after(action.at_ms, self._act, action.do, action.keys)

    def _reoffered(self, sdp: bytes | None) -> None:
        endpoint = self._carrier.stack.endpoint
        try:
            answer = self.party.answer(sdp or b"") if sdp else self.party.offer()
        except DescriptionError as error:
            endpoint.reject_offer(self.session, error.status, self._carrier.stack.now())
            return
        if sdp:
            self.party.is_sending = self.party.may_send
            self._report("call.reoffered-by-far-end", is_held=not self.party.may_send)
        endpoint.accept_offer(self.session, answer, self._carrier.stack.now())

    def _act(self, do: str, keys: str) -> None:
        stack = self._carrier.stack
        match do:
            case "hold" | "resume" | "refresh":
                if do == "refresh":
                    sdp = self.party.repeat_offer()
                else:
                    self.party.expect_pause()
                    sdp = self.party.offer(
                        self._carrier.settings.hold if do == "hold" else "sendrecv"
                    )
                stack.endpoint.reoffer(self.session, sdp, stack.now())
                stack.flush()
            case "mute" | "unmute":
                self.party.is_muted = do == "mute"
            case "stop-media" | "start-media":
                self.party.is_sending = do == "start-media"
            case "new-stream":
                self.party.begin_anew()
            case "keys":
                self.party.press(keys)
            case _:
                self.hang_up()

    def _press(self, index: int) -> None:
        key = self._plan.keys[index]
        self._report("call.key", key=key)
        self._carrier.press(self, key)
        if index + 1 < len(self._plan.keys):
            self._after(self._plan.key_gap_ms, self._press, index + 1)

    def _heard(self, hz: int) -> None:
        self._report("call.heard", tone_hz=hz)
        self._agents_hz.append(hz)
        if self._farewell is not None:
            self._farewell.cancel()
        self._farewell = self._after(self._plan.talk_for_ms, self.hang_up)

    def _patience_over(self) -> None:
        if not self._agents_hz:
            self._report("call.impatient")
            self.hang_up()

    def _ring_patience_over(self) -> None:
        if not self._is_answered:
            self._carrier.stack.endpoint.cancel(self.session, self._carrier.stack.now())
            self._carrier.stack.flush()

    def hang_up(self) -> None:
        """End the call."""
        if not self._is_over:
            self._carrier.stack.endpoint.bye(self.session, self._carrier.stack.now())
            self._carrier.stack.flush()

    def _over(self, *, status: int | None, cause: str, by: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._cancel_timers()
        self.party.close()
        self._report(
            "call.ended",
            status=status,
            cause=cause,
            by=by,
            was_answered=self._is_answered,
            tones_heard=self.party.ear.tones_heard(),
            keys_heard=self.party.keys_heard,
            audible_ms=self.party.ear.audible_ms,
            longest_gap_ms=round(self.party.figures.longest_gap_ms, 1),
            received=self.party.figures.received,
        )
        self._carrier.forget(self)

    def _after(self, delay_ms: int, call: object, *args: object) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(delay_ms / 1000, call, *args)  # type: ignore[arg-type] # a callable of ours
        self._timers.append(timer)
        return timer

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _report(self, what: str, **fields: object) -> None:
        self._carrier.report.add(
            "carrier",
            what,
            call=self.label,
            number=self._plan.number,
            own_tone_hz=self._plan.tone_hz,
            **fields,
        )
