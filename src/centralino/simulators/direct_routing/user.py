# SPDX-License-Identifier: Apache-2.0
"""One call to a Teams user: rings his endpoints, answers or not, talks, transfers.

Each endpoint that rings sends its 180 with a To tag of its own (early forks); the
answer carries the tag of the session. Server endpoints (voicemail, music, park) answer at
once without ringing (Microsoft "Direct Routing - SIP protocol"). A number of his may ring
at the same time or when he does not answer: Microsoft calls it over the trunks.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from centralino.simulators.direct_routing import history
from centralino.simulators.direct_routing.dress import reason
from centralino.simulators.direct_routing.hunt import Wanted
from centralino.simulators.direct_routing.number_leg import NumberLeg
from centralino.simulators.direct_routing.rules import caller_of
from centralino.simulators.direct_routing.talk import Talk
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.party import Party
from centralino.wire.sip.events import (
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
    SessionInvited,
    SipEvent,
)

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import TeamsUser, Tenant

VOICEMAIL_HZ = 1040
VOICEMAIL_AFTER_MS = 150
SERVICE_AFTER_MS = 20
GIVE_UP_AFTER_MS = 60000
ELSEWHERE = "completed elsewhere"
ELSEWHERE_REASON = 'SIP;cause=200;text="Call completed elsewhere"'


class UserCall(Talk):
    """A call from the SBC to a Teams user."""

    prefix: ClassVar[str] = "user"

    def __init__(
        self,
        proxy: DirectRoutingSimulator,
        tenant: Tenant,
        user: TeamsUser,
        invited: SessionInvited,
    ) -> None:
        super().__init__(proxy, tenant, user)
        self.session = invited.session
        self.customer = caller_of(invited.request)
        self._invited = invited
        self._answer = b""
        self._is_answered = False
        self._is_voicemail = False
        self._has_rung = False
        self._subcode = 0
        allow = (invited.request.headers.get("Allow") or "").upper()
        self.has_refer = "REFER" in allow

    @property
    def call_id(self) -> str:
        """The Call-ID of the INVITE."""
        return self._invited.request.headers.get("Call-ID") or ""

    # ---- ringing

    def begin(self, *, to_voicemail: bool = False, at_once: bool = False) -> None:
        """Start what the user's behaviour says."""
        behaviour = "voicemail" if to_voicemail else self.user.behaviour
        self.tell("called", from_=self._invited.request.headers.get("From") or "")
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
            self.after(VOICEMAIL_AFTER_MS, self.pick_up)
        elif at_once or behaviour == "immediate-answer":
            self.after(SERVICE_AFTER_MS, self.pick_up)
        else:
            self._ring(behaviour)

    def _prepare(self, *, is_voicemail: bool) -> bool:
        self._is_voicemail = is_voicemail
        user = self.user
        try:
            self.party = Party(
                self.proxy.hub,
                self.proxy.style,
                tone_hz=VOICEMAIL_HZ if is_voicemail else user.tone_hz,
                listen_for=self.proxy.tones,
                is_muted=user.is_muted,
            )
            self._answer = self.party.answer(self._invited.sdp or b"")
        except DescriptionError as error:
            self._refuse(error.status, 531000, error.reason)
            return False
        self.party.on_heard = self.heard
        self.party.on_key = lambda key: self.tell("key", key=key)
        return True

    def _ring(self, behaviour: str) -> None:
        user = self.user
        for index, endpoint in enumerate(user.endpoints):
            self.after(endpoint.ring_ms, partial(self._ring_endpoint, index))
        if user.early_media:
            self.after(max(e.ring_ms for e in user.endpoints) + 30, self._early_media)
        if user.rings_too:
            self._call_number(user.rings_too, cause=302)
        if behaviour == "answer":
            self.after(user.answer_after_ms, self.pick_up)
        elif behaviour == "decline":
            self.after(user.answer_after_ms, self._decline)
        elif user.unanswered_to:
            self.after(user.unanswered_after_ms, self._forward_unanswered)
        elif user.unanswered_to_voicemail:
            self.after(user.unanswered_after_ms, self._take_by_voicemail)
        else:
            self.after(GIVE_UP_AFTER_MS, partial(self._refuse, 480, 0, "No answer"))

    def _decline(self) -> None:
        self._refuse(603, 10204, "The call was declined")

    def _ring_endpoint(self, index: int) -> None:
        headers = self.proxy.answer_headers(self._invited)
        if index or self.user.early_media:
            to = self._invited.request.headers.get("To") or ""
            headers = (*headers, ("To", f"{to};tag={self.proxy.token()}"))
        self._progress(180, headers=headers)
        if not self._has_rung:
            self._has_rung = True
            self.tell("rang")

    def _early_media(self) -> None:
        self._progress(183, sdp=self._answer)

    def _progress(
        self, status: int, *, sdp: bytes | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        stack = self.proxy.stack
        headers = headers or self.proxy.answer_headers(self._invited)
        stack.endpoint.ring(self.session, stack.now(), status=status, sdp=sdp, headers=headers)
        stack.flush()

    def _take_by_voicemail(self) -> None:
        if self._is_answered or self.is_over:
            return
        if self.party is not None:
            self.party.close()
        self.drop_leg()
        if self._prepare(is_voicemail=True):
            self.pick_up()

    def pick_up(self) -> None:
        """Answer now."""
        stack = self.proxy.stack
        if self.is_over or self._is_answered or self.party is None:
            return
        self._is_answered = True
        self.cancel_timers()
        if not self.party.is_joined:
            self.drop_leg(ELSEWHERE_REASON)
        stack.endpoint.answer(
            self.session,
            self._answer,
            stack.now(),
            contact=self.proxy.contact(),
            headers=self.proxy.answer_headers(self._invited),
        )
        self.party.start()
        stack.flush()
        self.tell("answered", is_voicemail=self._is_voicemail, is_forwarded=self.party.is_joined)

    def _refuse(self, status: int, subcode: int, sentence: str) -> None:
        stack = self.proxy.stack
        if self.is_over or self._is_answered:
            return
        self._subcode = subcode
        self.drop_leg()
        stack.endpoint.reject(
            self.session,
            status,
            stack.now(),
            headers=(
                ("Reason", reason(self.proxy.rng, sentence)),
                ("X-Lab-SubCode", str(subcode)),
            ),
        )
        stack.flush()

    # ---- numbers of his

    def forward(self, number: str) -> None:
        """Let a number have the call, without ringing him."""
        self.tell("called", from_=self._invited.request.headers.get("From") or "")
        if self._prepare(is_voicemail=False):
            self._forward(number, cause=302)

    def _forward_unanswered(self) -> None:
        self._forward(self.user.unanswered_to, cause=480)

    def _forward(self, number: str, *, cause: int) -> None:
        if self._is_answered or self.is_over:
            return
        self.tell("forwarded", to=number, cause=cause)
        self._progress(181)
        self._call_number(number, cause=cause)
        if self._leg is not None:
            self._leg.on_progress = lambda status: self._progress(180)
            self._leg.on_failed = self._forward_failed

    def _call_number(self, number: str, *, cause: int) -> None:
        home = self.proxy.settings.proxies[0]
        entries = history.forwarded(
            history.entries_of(self._invited.request),
            from_number=self.user.number,
            to_number=number,
            host=home.fqdn,
            port=home.port,
            cause=cause,
        )
        by = f"<sip:{self.user.number}@{home.fqdn}:{home.port};user=phone>"
        wanted = Wanted(
            number=number,
            caller=self.customer,
            payer=self.user.number,
            cause=cause,
            history=(("History-Info", entries), ("Referred-By", by)),
        )
        leg = NumberLeg(self.proxy, self.tenant, wanted)
        leg.on_answered = self._own_number_answered
        leg.on_failed = self._other_failed
        leg.on_ended = self.hang_up
        self._leg = leg
        # Its trunk may fail at once; then somebody must already be there to be told.
        self.after(0, leg.begin)

    def _own_number_answered(self) -> None:
        if self.party is not None and self._leg is not None and not self._is_answered:
            self.party.join(self._leg.stream)
            self.pick_up()

    def _forward_failed(self, status: int) -> None:
        self._leg = None
        self._refuse(status, 560000 + status, "The forwarded call failed")

    def _other_failed(self, status: int) -> None:
        """His endpoints go on ringing."""
        del status
        self._leg = None

    # ---- in the call

    def handle(self, event: SipEvent) -> None:
        """Take an event of this session."""
        match event:
            case SessionEstablished():
                self._established()
            case SessionCancelled(reason=why):
                is_elsewhere = why is not None and ELSEWHERE in why
                self._over("cancelled", subcode=540200 if is_elsewhere else 540487)
            case SessionFailed(status=status, cause=cause):
                self._over(cause, status=status, subcode=self._subcode)
            case SessionEnded(cause=cause):
                self._over(cause)
            case _:
                self.in_call(event)

    def _established(self) -> None:
        self.tell("connected")
        self.follow(self.user.actions)
        if self.user.talk_for_ms:
            self.after(self.user.talk_for_ms, self.hang_up)

    def _over(self, how: str, *, status: int | None = None, subcode: int = 0) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.cancel_timers()
        self.drop_leg()
        heard: list[int] = []
        keys = ""
        gap, reports = 0.0, 0
        if self.party is not None:
            heard, keys = self.party.ear.tones_heard(), self.party.keys_heard
            figures = self.party.figures
            gap, reports = round(figures.longest_gap_ms, 1), figures.reports
            self.party.close()
        self.tell(
            "ended",
            how=how,
            status=status,
            subcode=subcode,
            was_answered=self._is_answered,
            is_voicemail=self._is_voicemail,
            tones_heard=heard,
            keys_heard=keys,
            longest_gap_ms=gap,
            rtcp_packets=reports,
        )
        self.proxy.forget(self.session)

    @override
    def particulars(self) -> dict[str, object]:
        """Return the user's number and the call's names."""
        return {"number": self.user.number, "session": self.session, "call_id": self.call_id}
