# SPDX-License-Identifier: Apache-2.0
"""Calls that we place, until they are answered or given up.

When may an attempt be made again? When it reached nobody: no response at all within the
trunk's ``failover_s``, transport failure, 503 (Microsoft "Direct Routing - trunk failover":
next proxy), each only before any provisional response but 100. And once more with G.711 alone
after a 488. Never after 603 or any other answer of a person. A 200 without ringing is probably
a machine. Ringing ends with CANCEL and ``SIP;cause=200``: the user sees no missed call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.deadlines import NS_PER_MS
from centralino.adapters.voice.leg import Attempt, Leg
from centralino.adapters.voice.leg_lifecycle import LegEvent, LegState
from centralino.adapters.voice.profiles import (
    COMPLETED_ELSEWHERE,
    Caller,
    addresses,
    allow_of,
    profile_of,
)
from centralino.core.kernel.errors import (
    AlreadyExists,
    AppError,
    CapacityExceeded,
    Conflict,
    InvalidInput,
    NotAllowed,
    RemoteTimeout,
    RemoteUnavailable,
)
from centralino.core.kernel.outcome import CANCELLED, OutcomeReason
from centralino.exchange.facts import Alarm, Answered, Progressing
from centralino.exchange.orders import HangUpCause
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import SipUri

if TYPE_CHECKING:
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.media_legs import MediaLegs
    from centralino.core.kernel.outcome import Outcome
    from centralino.exchange.orders import CancelInvite, Invite
    from centralino.wire.sip.events import SessionAnswered, SessionFailed, SessionProgressed

log = structlog.get_logger(__name__)

MAX_TRIES = 4
"""INVITEs of one attempt: three proxies, and one with fewer codecs."""
_STAGES = {180: "ringing", 181: "forwarded", 183: "early-media"}
_SHOWN_AS_MISSED = frozenset({HangUpCause.CALLER_GONE, HangUpCause.ERROR})


class OutgoingLegs:
    """Invited legs."""

    def __init__(self, calls: Calls, media_legs: MediaLegs, closing: Closing) -> None:
        self._calls = calls
        self._media_legs = media_legs
        self._closing = closing

    # ---- orders

    def invite(self, order: Invite, now: int) -> Work | None:
        """Ring a party on a new leg."""
        calls = self._calls
        if not order.leg or calls.is_known(order.leg):
            raise AlreadyExists("there is or was a leg of that name")
        trunk = calls.edge.trunk(order.trunk)
        if order.tenant != trunk.tenant and order.tenant not in trunk.shared_with:
            raise NotAllowed("the trunk belongs to another tenant")
        _require_target(order.target)
        leg = Leg(
            id=order.leg,
            tenant=order.tenant,
            trunk=order.trunk,
            is_incoming=False,
            called_number=order.target,
            caller_number=order.caller_number,
            caller_name=order.caller_name,
            near=order.near,
            attempt=Attempt(order, now),
        )
        leg.step(LegEvent.INVITE)
        leg.orders.append(order.order)
        calls.add(leg)
        calls.save(leg)
        ring_for_ms = min(order.ring_for_ms, round(trunk.no_answer_s * 1000))
        leg.deadline = calls.arm_ms(ring_for_ms, lambda at: self._no_answer(leg, at))
        return self._begin(leg)

    async def _begin(self, leg: Leg) -> None:
        try:
            await self._media_legs.reserve(leg)
        except (CapacityExceeded, RemoteTimeout) as error:
            self._closing.end(leg, outcomes.OVERLOADED, detail=error.message)
        except Conflict:
            return
        except AppError as error:
            self._closing.end(leg, outcomes.MEDIA_FAILED, detail=error.message)
        if leg.state is LegState.INVITING:
            self._place(leg, outcomes.UNREACHABLE)

    def _place(self, leg: Leg, former: Outcome, detail: str = "") -> None:
        """Send an INVITE to the next proxy; without one the leg ends as ``former`` says."""
        calls, attempt = self._calls, leg.attempt
        if attempt is None:
            return
        target = leg.called_number
        try:
            hop = calls.edge.hop_for(leg.trunk, _uri_of(target), tried=attempt.tried)
        except RemoteUnavailable as error:
            self._closing.end(leg, former, detail=detail or error.message)
            return
        trunk = calls.edge.trunk(leg.trunk)
        leg.negotiator = self._media_legs.negotiator(leg, g711_only=attempt.is_g711_only)
        caller = Caller(leg.caller_number, leg.caller_name)
        written = addresses(trunk, hop, target, caller)
        invite = OutgoingInvite(
            uri=written.uri,
            from_=written.from_,
            to=written.to,
            contact=calls.edge.local_contact(leg.trunk),
            hop=hop,
            sdp=leg.negotiator.offer(),
            headers=written.headers,
            allow=allow_of(trunk),
            supported=profile_of(trunk).supported,
            timer=trunk.session_timer,
            response_timeout_ms=round(trunk.failover_s * 1000),
            credentials=calls.passwords.of(trunk),
        )
        attempt.tried.append(hop.host)
        try:
            session = calls.edge.invite(invite, calls.now())
        except CapacityExceeded as error:
            self._closing.end(leg, outcomes.OVERLOADED, detail=error.message)
            return
        calls.by_session.pop(leg.session, None)
        calls.bind(leg, session)
        log.debug("leg.invited", leg=leg.id, trunk=leg.trunk, attempt=len(attempt.tried))

    def cancel_invite(self, order: CancelInvite, now: int) -> None:
        """Stop ringing a leg that has not answered."""
        leg = self._calls.require(order.leg)
        if leg.state not in (LegState.INVITING, LegState.RINGING):
            raise Conflict(f"the leg is {leg.state}, it does not ring")
        self.give_up(leg, order.cause, now)

    # ---- giving up

    def give_up(self, leg: Leg, cause: HangUpCause, now: int) -> None:
        """Cancel an attempt."""
        self._cancel(leg, outcomes.BY_CANCEL[cause], now, is_missed=cause in _SHOWN_AS_MISSED)

    def _no_answer(self, leg: Leg, now: int) -> None:
        if leg.state in (LegState.INVITING, LegState.RINGING):
            self._cancel(leg, outcomes.NO_ANSWER, now)

    def _cancel(self, leg: Leg, outcome: Outcome, now: int, *, is_missed: bool = False) -> None:
        calls = self._calls
        if leg.state is LegState.CANCELLING:
            return
        if not leg.session or leg.attempt is None:
            self._closing.end(leg, outcome)
            return
        leg.disarm()
        leg.step(LegEvent.CANCEL)
        leg.attempt.outcome = outcome
        leg.deadline = calls.arm_ms(
            calls.settings.cancel_grace_ms, lambda _: self._closing.end(leg, outcome)
        )
        headers = () if is_missed else COMPLETED_ELSEWHERE
        calls.edge.endpoint.cancel(leg.session, now, headers)

    # ---- what the far side does

    def on_progressed(self, leg: Leg, event: SessionProgressed) -> None:
        """Take a provisional response of any fork; each stage is told once."""
        attempt = leg.attempt
        if attempt is None or leg.state not in (LegState.INVITING, LegState.RINGING):
            return
        stage = _STAGES.get(event.status)
        if stage is None and event.status != 182:
            return
        leg.step(LegEvent.PROGRESS)
        attempt.has_rung = True
        if stage is not None and attempt.stage != stage and attempt.stage != "early-media":
            attempt.stage = stage
            self._calls.tell(Progressing(leg=leg.id, stage=stage))

    def on_answered(self, leg: Leg, event: SessionAnswered, now: int) -> None:
        """Take the answer of the fork that won."""
        attempt = leg.attempt
        if attempt is None or leg.negotiator is None or leg.is_answered or leg.is_over:
            return
        try:
            agreed = self._media_legs.accept(leg, leg.negotiator, event.sdp)
        except NegotiationError as error:
            self._calls.edge.endpoint.bye(leg.session, now)
            outcome = outcomes.BY_NEGOTIATION[error.reason]
            self._closing.end(leg, outcome, detail=f"answer: {error.reason}")
            return
        leg.disarm()
        leg.call_id = event.response.call_id
        leg.step(LegEvent.CONNECT)
        self._media_legs.configure(leg, agreed)
        window = self._calls.settings.machine_window_ms * NS_PER_MS
        is_quick = now - attempt.started_at <= window
        leg.attempt = None
        self._calls.save_dialog(leg)
        self._calls.tell(Answered(leg=leg.id, is_machine_suspect=is_quick and not attempt.has_rung))

    def on_failed(self, leg: Leg, event: SessionFailed) -> None:
        """Take the end of an attempt: try elsewhere, or end."""
        attempt = leg.attempt
        if attempt is None:
            return
        is_teams = self._calls.profile(leg.trunk).is_teams
        outcome = outcomes.of_failure(event, has_rung=attempt.has_rung, is_teams=is_teams)
        if leg.state is LegState.CANCELLING:
            self._closing.end(leg, attempt.outcome or CANCELLED)
            return
        detail = outcomes.detail_of(event)
        if self._prepare_retry(attempt, event):
            log.info("leg.retried", leg=leg.id, status=event.status, cause=event.cause)
            leg.step(LegEvent.RETRY)
            self._place(leg, outcome, detail)
            return
        by_far_end = event.cause == "response"
        if is_teams and outcome.reason is OutcomeReason.NOT_FOUND:
            self._tell_unassigned(leg)
        self._closing.end(leg, outcome, by_far_end=by_far_end, detail=detail)

    def _tell_unassigned(self, leg: Leg) -> None:
        """Tell the administrator: only he can mend a number that Teams does not know (INB-14)."""
        text = "a called number is not assigned to anybody in the Teams tenant (404)"
        log.warning("alarm", code="number-not-assigned", trunk=leg.trunk, detail=text)
        alarm = Alarm(leg=leg.id, code="number-not-assigned", text=text, trunk=leg.trunk)
        self._calls.tell(alarm)

    def _prepare_retry(self, attempt: Attempt, event: SessionFailed) -> bool:
        """Whether the attempt may be made again; prepares it."""
        if len(attempt.tried) >= MAX_TRIES:
            return False
        if event.status == 488 and event.cause == "response":
            if attempt.is_g711_only:
                return False
            attempt.is_g711_only = True
            attempt.tried.pop()
            return True
        if attempt.has_rung or outcomes.is_without_room(event):
            return False
        return event.cause in ("timeout", "transport") or event.status == 503


def _require_target(target: str) -> None:
    if target.startswith(("sip:", "sips:")):
        try:
            SipUri.parse(target)
        except SipParseError:
            raise InvalidInput("the target is no SIP URI") from None
        return
    number = target.partition(";")[0].lstrip("+")
    if not (number.isascii() and number.isdigit() and len(number) <= 20):
        raise InvalidInput("the target is neither a number nor a SIP URI")


def _uri_of(target: str) -> str:
    return target if target.startswith(("sip:", "sips:")) else ""
