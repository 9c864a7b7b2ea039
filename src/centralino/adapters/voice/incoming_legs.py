# SPDX-License-Identifier: Apache-2.0
"""Calls that come in, until they are connected or refused.

100 Trying is sent by the endpoint before anything here runs. The sockets of a call are opened
while the exchange decides, so that an answer need not wait for them. A call about which nothing is
decided rings after a few seconds, because Teams and carriers give up on a silent trunk, and
is refused at last. The trunk is what the edge says, never what a header claims. Refusals
follow one rule: 503 only where another trunk could do better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.leg import Leg
from centralino.adapters.voice.leg_lifecycle import LegEvent, LegState
from centralino.adapters.voice.profiles import allow_line, profile_of, read_arrival
from centralino.core.kernel.errors import (
    AppError,
    Conflict,
    InvalidInput,
    NotAllowed,
    RemoteTimeout,
)
from centralino.core.kernel.ids import LegId, TrunkId
from centralino.core.kernel.outcome import CANCELLED
from centralino.exchange.facts import Answered, Offered
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import SipUri

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.media_legs import MediaLegs
    from centralino.adapters.voice.profiles import Arrival
    from centralino.adapters.voice.settings import TrunkSettings
    from centralino.core.kernel.outcome import Outcome
    from centralino.exchange.orders import Answer, Redirect, Reject, Ring
    from centralino.wire.sip.events import (
        SessionCancelled,
        SessionEstablished,
        SessionFailed,
        SessionInvited,
    )

log = structlog.get_logger(__name__)

Lines = tuple[tuple[str, str], ...]


class IncomingLegs:
    """Offered legs."""

    def __init__(self, calls: Calls, media_legs: MediaLegs, closing: Closing) -> None:
        self._calls = calls
        self._media_legs = media_legs
        self._closing = closing
        self.on_connected: Callable[[Leg], None] = _ignore_leg
        """Hears of each incoming leg that is connected (holding treatment)."""

    # ---- arrival

    def on_invited(self, event: SessionInvited, now: int) -> Leg | None:
        """Take a call that came in; returns its leg unless it was refused."""
        calls = self._calls
        endpoint = calls.edge.endpoint
        if event.flow.trunk is None:
            endpoint.reject(event.session, 403, now)
            return None
        trunk = calls.edge.trunk(TrunkId(event.flow.trunk))
        if calls.around.inbox.is_full:
            retry = (("Retry-After", str(calls.around.voice.retry_after_s)),)
            endpoint.reject(event.session, 503, now, headers=retry)
            return None
        try:
            arrival = read_arrival(event.request, trunk)
        except SipParseError as error:
            endpoint.reject(event.session, error.status, now)
            return None
        if arrival.history_depth >= calls.settings.max_forwards_recorded:
            log.warning("call.loop_detected", trunk=trunk.trunk)
            endpoint.reject(event.session, 482, now)
            return None
        return self._offer(event, trunk, arrival)

    def _offer(self, event: SessionInvited, trunk: TrunkSettings, arrival: Arrival) -> Leg:
        calls = self._calls
        leg = Leg(
            id=LegId(f"leg-{calls.around.token()}"),
            tenant=trunk.tenant,
            trunk=trunk.trunk,
            is_incoming=True,
            call_id=event.request.call_id,
            called_number=arrival.called_number,
            caller_number=arrival.caller_number,
            caller_name=arrival.caller_name,
            offer=event.sdp,
        )
        leg.step(LegEvent.OFFER)
        calls.add(leg)
        calls.bind(leg, event.session)
        leg.deadline = calls.arm_ms(
            calls.settings.comfort_ring_ms, lambda at: self._comfort(leg, at)
        )
        calls.save(leg)
        log.debug("leg.offered", leg=leg.id, trunk=leg.trunk)
        calls.tell(
            Offered(
                leg=leg.id,
                tenant=leg.tenant,
                trunk=leg.trunk,
                called_number=arrival.called_number,
                caller_number=arrival.caller_number,
                caller_name=arrival.caller_name,
                call_id=leg.call_id,
                forwarded_by=arrival.forwarded_by,
                referred_by=arrival.referred_by,
            )
        )
        calls.lanes.run((leg.id,), lambda: self._prepare(leg))
        return leg

    async def _prepare(self, leg: Leg) -> None:
        """Open the sockets ahead; if that fails, answering tries again and says so."""
        try:
            await self._media_legs.reserve(leg)
        except AppError as error:
            log.debug("leg.not_prepared", leg=leg.id, reason=error.code)

    def _comfort(self, leg: Leg, now: int) -> None:
        if leg.state is not LegState.OFFERED:
            return
        self._ring(leg, now)
        leg.deadline = self._calls.arm_ms(
            self._calls.settings.offer_for_s * 1000, lambda at: self._undecided(leg, at)
        )

    def _undecided(self, leg: Leg, now: int) -> None:
        if leg.state is LegState.OFFERED:
            self._refuse(leg, 480, outcomes.NO_DECISION, now)

    # ---- orders

    def ring(self, order: Ring, now: int) -> None:
        """Tell the caller that it rings."""
        self._ring(self._require_offered(order.leg), now)

    def _ring(self, leg: Leg, now: int) -> None:
        """Send one 180, once in the life of a call, without a description."""
        if not leg.is_ringing_told:
            leg.is_ringing_told = True
            self._calls.edge.endpoint.ring(leg.session, now, headers=self._lines(leg))

    def answer(self, order: Answer, now: int) -> Work | None:
        """Answer an offered leg."""
        del now
        leg = self._require_offered(order.leg)
        leg.near = order.near
        return self.answer_leg(leg)

    async def answer_leg(self, leg: Leg) -> None:
        """Open media, negotiate, send 200; a leg that cannot be answered is refused and ends."""
        calls = self._calls
        try:
            await self._media_legs.require(leg)
        except Conflict as error:
            if not leg.is_over:
                self._refuse(leg, 503, outcomes.OVERLOADED, calls.now(), error)
            return
        except RemoteTimeout as error:
            self._refuse(leg, 503, outcomes.OVERLOADED, calls.now(), error)
            return
        except AppError as error:
            self._refuse(leg, 500, outcomes.MEDIA_FAILED, calls.now(), error)
            return
        if leg.state is not LegState.OFFERED:
            return
        now = calls.now()
        try:
            self._accept(leg, now)
        except NegotiationError as error:
            outcome = outcomes.BY_NEGOTIATION[error.reason]
            self._refuse(leg, error.status, outcome, now, error)

    def _accept(self, leg: Leg, now: int) -> None:
        calls = self._calls
        if leg.offer is None:
            leg.negotiator = self._media_legs.negotiator(leg)
            sdp = leg.negotiator.offer()
        else:
            sdp, agreed = self._media_legs.answer(leg, leg.offer)
            self._media_legs.configure(leg, agreed)
        leg.disarm()
        leg.step(LegEvent.ANSWER)
        lines = self._lines(leg)
        contact = calls.edge.local_contact(leg.trunk)
        calls.edge.endpoint.answer(leg.session, sdp, now, contact=contact, headers=lines)

    def reject(self, order: Reject, now: int) -> None:
        """Refuse an offered leg."""
        leg = self._require_offered(order.leg)
        status, outcome = outcomes.BY_REJECT[order.cause]
        self._refuse(leg, status, outcome, now)

    def redirect(self, order: Redirect, now: int) -> None:
        """Send an unanswered leg elsewhere by 302."""
        leg = self._require_offered(order.leg)
        trunk = self._calls.edge.trunk(leg.trunk)
        if not profile_of(trunk).takes_redirect:
            raise NotAllowed("Direct Routing follows no redirection; invite and bridge instead")
        target = order.target
        if not target.startswith(("sip:", "sips:")):
            target = f"sip:{target}@{trunk.contact_host};user=phone"
        try:
            SipUri.parse(target)
        except SipParseError:
            raise InvalidInput("the target is no number and no SIP URI") from None
        lines = (("Contact", f"<{target}>"),)
        self._calls.edge.endpoint.reject(leg.session, 302, now, headers=lines)
        self._closing.end(leg, outcomes.REDIRECTED)

    def hang_up(self, leg: Leg, outcome: Outcome, now: int) -> None:
        """End an offered leg whose caller is no longer wanted."""
        self._refuse(leg, outcomes.status_of(outcome), outcome, now)

    def _require_offered(self, leg_id: LegId) -> Leg:
        leg = self._calls.require(leg_id)
        if leg.state is not LegState.OFFERED:
            raise Conflict(f"the leg is {leg.state}, not offered")
        return leg

    def _lines(self, leg: Leg) -> Lines:
        trunk = self._calls.edge.trunk(leg.trunk)
        return (("Contact", self._calls.edge.local_contact(leg.trunk)), allow_line(trunk))

    def _refuse(
        self,
        leg: Leg,
        status: int,
        outcome: Outcome,
        now: int,
        error: Exception | None = None,
    ) -> None:
        if leg.is_over:
            return
        lines = outcomes.refusal_lines(
            status,
            is_teams=self._calls.profile(leg.trunk).is_teams,
            retry_after_s=self._calls.around.voice.retry_after_s,
        )
        self._calls.edge.endpoint.reject(leg.session, status, now, headers=lines)
        self._closing.end(
            leg, outcome, detail=f"SIP {status} sent" + (f": {error}" if error else "")
        )

    # ---- what the caller does

    def on_established(self, leg: Leg, event: SessionEstablished, now: int) -> None:
        """Take the ACK: the leg is connected."""
        if leg.state is not LegState.ANSWERING:
            return
        if leg.offer is None and leg.negotiator is not None:
            try:
                agreed = self._media_legs.accept(leg, leg.negotiator, event.sdp)
            except NegotiationError as error:
                self._calls.edge.endpoint.bye(leg.session, now)
                self._closing.end(leg, outcomes.BY_NEGOTIATION[error.reason])
                return
            self._media_legs.configure(leg, agreed)
        leg.offer = None
        leg.step(LegEvent.ESTABLISH)
        self._calls.save_dialog(leg)
        self._calls.tell(Answered(leg=leg.id))
        self.on_connected(leg)

    def on_cancelled(self, leg: Leg, event: SessionCancelled) -> None:
        """Take notice that the caller gave up."""
        reason = event.reason or ""
        is_elsewhere = "cause=200" in reason.replace(" ", "").lower()
        outcome = outcomes.ANSWERED_ELSEWHERE if is_elsewhere else CANCELLED
        self._closing.end(leg, outcome, by_far_end=True, detail="SIP CANCEL")

    def on_failed(self, leg: Leg, event: SessionFailed) -> None:
        """Take notice that an incoming call came to nothing (no ACK, no PRACK)."""
        outcome = outcomes.of_failure(event, has_rung=False, is_teams=False)
        self._closing.end(leg, outcome, by_far_end=True, detail=outcomes.detail_of(event))


def _ignore_leg(leg: Leg) -> None:
    """Nobody wants to hear of connected legs."""
