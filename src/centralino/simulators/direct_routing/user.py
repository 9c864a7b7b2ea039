# SPDX-License-Identifier: Apache-2.0
"""One call to a Teams user: rings his endpoints, answers or not, talks, transfers.

Each endpoint that rings sends its 180 with a To tag of its own (early forks); the
answer carries the tag of the session. Server endpoints (voicemail) answer at once
without ringing (Microsoft "Direct Routing - SIP protocol").
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.party import Party
from centralino.wire.sip.events import (
    ReferProgress,
    ReofferFinished,
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import Action, TeamsUser, Tenant

VOICEMAIL_HZ = 1040
VOICEMAIL_AFTER_MS = 150
GIVE_UP_AFTER_MS = 60000
ELSEWHERE = "completed elsewhere"


class UserCall:
    """A call from the SBC to a Teams user."""

    def __init__(
        self,
        proxy: DirectRoutingSimulator,
        tenant: Tenant,
        user: TeamsUser,
        invited: SessionInvited,
    ) -> None:
        self._proxy = proxy
        self._tenant = tenant
        self.user = user
        self.session = invited.session
        self._invited = invited
        self._party: Party | None = None
        self._answer = b""
        self._timers: list[asyncio.TimerHandle] = []
        self._is_answered = False
        self._is_over = False
        self._is_voicemail = False
        self._subcode = 0
        self._refer = ""
        allow = (invited.request.headers.get("Allow") or "").upper()
        self._may_refer = "REFER" in allow

    @property
    def call_id(self) -> str:
        """The Call-ID of the INVITE."""
        return self._invited.request.headers.get("Call-ID") or ""

    # ---- ringing

    def begin(self, *, to_voicemail: bool = False, at_once: bool = False) -> None:
        """Start what the user's behaviour says."""
        behaviour = "voicemail" if to_voicemail else self.user.behaviour
        self._report("user.called", from_=self._invited.request.headers.get("From") or "")
        match behaviour:
            case "busy":
                self._refuse(486, 10321, "User is busy on another call")
                return
            case "signed-out":
                self._refuse(480, 10037, "No callee endpoint was found")
                return
            case _:
                pass
        if not self._prepare(is_voicemail=behaviour in ("voicemail", "do-not-disturb")):
            return
        if self._is_voicemail:
            self._after(VOICEMAIL_AFTER_MS, self.pick_up)
        elif at_once or behaviour == "immediate-answer":
            self._after(20, self.pick_up)
        else:
            self._ring(behaviour)

    def _prepare(self, *, is_voicemail: bool) -> bool:
        self._is_voicemail = is_voicemail
        user = self.user
        try:
            self._party = Party(
                self._proxy.hub,
                self._proxy.style,
                tone_hz=VOICEMAIL_HZ if is_voicemail else user.tone_hz,
                listen_for=self._proxy.tones,
                is_muted=user.is_muted,
            )
            self._answer = self._party.answer(self._invited.sdp or b"")
        except DescriptionError as error:
            self._refuse(error.status, 531000, error.reason)
            return False
        self._party.on_heard = self._heard
        self._party.on_key = lambda key: self._report("user.key", key=key)
        return True

    def _ring(self, behaviour: str) -> None:
        user = self.user
        for index, endpoint in enumerate(user.endpoints):
            self._after(endpoint.ring_ms, self._ring_endpoint, index)
        if user.early_media:
            self._after(max(e.ring_ms for e in user.endpoints) + 30, self._early_media)
        if behaviour == "answer":
            self._after(user.answer_after_ms, self.pick_up)
        elif behaviour == "decline":
            self._after(user.answer_after_ms, self._refuse, 603, 10204, "The call was declined")
        elif user.unanswered_to_voicemail:
            self._after(user.unanswered_after_ms, self._take_by_voicemail)
        else:
            self._after(GIVE_UP_AFTER_MS, self._refuse, 480, 0, "No answer")

    def _ring_endpoint(self, index: int) -> None:
        stack = self._proxy.stack
        headers = self._proxy.answer_headers(self._invited)
        if index or self.user.early_media:
            to = self._invited.request.headers.get("To") or ""
            headers = (*headers, ("To", f"{to};tag={self._proxy.token()}"))
        stack.endpoint.ring(self.session, stack.now(), headers=headers)
        stack.flush()
        if index == 0:
            self._report("user.rang")

    def _early_media(self) -> None:
        stack = self._proxy.stack
        stack.endpoint.ring(
            self.session,
            stack.now(),
            status=183,
            sdp=self._answer,
            headers=self._proxy.answer_headers(self._invited),
        )
        stack.flush()

    def _take_by_voicemail(self) -> None:
        if self._party is not None:
            self._party.close()
        if not self._is_answered and self._prepare(is_voicemail=True):
            self.pick_up()

    def pick_up(self) -> None:
        """Answer now."""
        stack = self._proxy.stack
        if self._is_over or self._is_answered or self._party is None:
            return
        self._is_answered = True
        self._cancel_timers()
        stack.endpoint.answer(
            self.session,
            self._answer,
            stack.now(),
            contact=self._proxy.contact(),
            headers=self._proxy.answer_headers(self._invited),
        )
        self._party.start()
        stack.flush()
        self._report("user.answered", is_voicemail=self._is_voicemail)

    def _refuse(self, status: int, subcode: int, sentence: str) -> None:
        stack = self._proxy.stack
        if self._is_over or self._is_answered:
            return
        self._subcode = subcode
        stack.endpoint.reject(
            self.session,
            status,
            stack.now(),
            headers=(
                ("Reason", reason(self._proxy.rng, sentence)),
                ("X-Lab-SubCode", str(subcode)),
            ),
        )
        stack.flush()

    # ---- in the call

    def handle(self, event: SipEvent) -> None:
        """Take an event of this session."""
        match event:
            case SessionEstablished():
                self._established()
            case SessionReoffered(sdp=sdp):
                self._reoffered(sdp)
            case SessionCancelled(reason=why):
                is_elsewhere = why is not None and ELSEWHERE in why
                self._over("cancelled", subcode=540200 if is_elsewhere else 540487)
            case SessionFailed(status=status, cause=cause):
                self._over(cause, status=status, subcode=self._subcode)
            case SessionEnded(cause=cause):
                self._over(cause)
            case ReofferFinished(status=status):
                self._report("user.reoffered", status=status)
            case ReferProgress(status=status, final=final):
                self._refer_progress(status, final=final)
            case _:
                return

    def _established(self) -> None:
        self._report("user.connected")
        for action in self.user.actions:
            self._after(action.at_ms, self.act, action)
        if self.user.talk_for_ms:
            self._after(self.user.talk_for_ms, self.hang_up)

    def act(self, action: Action) -> None:
        """Do one scripted thing."""
        if self._is_over or self._party is None:
            return
        match action.do:
            case "hold" | "resume" | "refresh":
                self._reoffer(action.do)
            case "keys":
                self._party.press(action.keys)
            case "mute" | "unmute":
                self._party.is_muted = action.do == "mute"
            case "refer":
                self._transfer(action.target)
            case _:
                self.hang_up()

    def _reoffer(self, do: str) -> None:
        stack, party = self._proxy.stack, self._party
        if party is None:
            return
        if do == "refresh":
            sdp = party.repeat_offer()
        else:
            party.expect_pause()
            party.is_sending = do != "hold"
            sdp = party.offer("inactive" if do == "hold" else "sendrecv")
        stack.endpoint.reoffer(self.session, sdp, stack.now())
        stack.flush()

    def _reoffered(self, sdp: bytes | None) -> None:
        stack, party = self._proxy.stack, self._party
        if party is None:
            return
        try:
            answer = party.answer(sdp) if sdp else party.offer()
        except DescriptionError as error:
            stack.endpoint.reject_offer(self.session, error.status, stack.now())
            return
        # Only inactive is understood as hold; sendonly and recvonly change nothing.
        is_held = b"a=inactive" in answer
        party.expect_pause()
        party.is_sending = not is_held
        self._report("user.reoffered-by-sbc", is_held=is_held)
        stack.endpoint.accept_offer(self.session, answer, stack.now())

    def _transfer(self, target: str) -> None:
        is_number = target.startswith("+")
        transfer = self._proxy.transfers.make(
            self._tenant.id,
            self.user.oid,
            oid="" if is_number else target,
            number=target if is_number else "",
        )
        if not (self._may_refer and self._proxy.settings.refer_when_allowed):
            self._report("user.transfer-internal", target=target)
            return
        stack = self._proxy.stack
        self._refer = stack.endpoint.refer(
            self.session,
            f"<{transfer.refer_to_uri}>",
            stack.now(),
            referred_by=transfer.referred_by,
        )
        stack.flush()
        self._report("user.referred", target=target, correlation=transfer.correlation)

    def _refer_progress(self, status: int, *, final: bool) -> None:
        self._report("user.refer-progress", status=status, final=final)
        if final and 200 <= status < 300:
            self.hang_up()

    def hang_up(self) -> None:
        """End the call."""
        if not self._is_over:
            self._proxy.stack.endpoint.bye(self.session, self._proxy.stack.now())
            self._proxy.stack.flush()

    def _heard(self, hz: int) -> None:
        self._report("user.heard", tone_hz=hz)

    def _over(self, how: str, *, status: int | None = None, subcode: int = 0) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._cancel_timers()
        heard: list[int] = []
        gap = 0.0
        if self._party is not None:
            heard = self._party.ear.tones_heard()
            gap = round(self._party.figures.longest_gap_ms, 1)
            self._party.close()
        self._report(
            "user.ended",
            how=how,
            status=status,
            subcode=subcode,
            was_answered=self._is_answered,
            is_voicemail=self._is_voicemail,
            tones_heard=heard,
            longest_gap_ms=gap,
        )
        self._proxy.forget(self.session)

    def close(self) -> None:
        """Drop everything without a word."""
        self._cancel_timers()
        if self._party is not None:
            self._party.close()

    def _after(self, delay_ms: int, call: object, *args: object) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_ms / 1000, call, *args))  # type: ignore[arg-type] # a callable of ours

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _report(self, what: str, **fields: object) -> None:
        self._proxy.report.add(
            "direct-routing",
            what,
            user=self.user.oid,
            number=self.user.number,
            own_tone_hz=self.user.tone_hz,
            session=self.session,
            call_id=self._invited.request.headers.get("Call-ID") or "",
            **fields,
        )
