# SPDX-License-Identifier: Apache-2.0
"""Transfers by REFER and by Replaces; the leg stays, its dialog changes.

Teams transfers by REFER: 202, NOTIFY 100, a new INVITE to the proxy of the same trunk with
the Refer-To URI and the Referred-By text byte for byte, NOTIFY of the ringing and of the end,
and only then does *Teams* hang up the old dialog. We hang it up ourselves only when it is
forgotten. A failed transfer leaves the old dialog as it was and is not tried again (Microsoft
"Issues with call transfers": a second try finds no replacement call). The new dialog offers
the same media port with ``sendrecv`` even when the old one was held. Incoming Replaces moves
the media to the new dialog. REFERs are counted per leg, so that a loop ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.leg import SentRefer, Transfer
from centralino.adapters.voice.profiles import (
    COMPLETED_ELSEWHERE,
    Caller,
    allow_line,
    allow_of,
    identity,
    profile_of,
)
from centralino.core.kernel.errors import AppError, Conflict, NotAllowed
from centralino.exchange.facts import (
    Held,
    TransferAccepted,
    TransferFailed,
    TransferRequested,
)
from centralino.exchange.media import RingbackTone
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.reasons import reason_phrase
from centralino.wire.sip.uri import SipUri
from centralino.wire.sip.values import NameAddr

if TYPE_CHECKING:
    from centralino.adapters.voice.bridges import Bridges
    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.closing import Closing
    from centralino.adapters.voice.leg import Leg
    from centralino.adapters.voice.media_legs import MediaLegs
    from centralino.core.kernel.outcome import Outcome
    from centralino.exchange.orders import Transfer as TransferOrder
    from centralino.wire.sip.events import (
        ReferProgress,
        ReferReceived,
        SessionAnswered,
        SessionFailed,
        SessionInvited,
        SessionProgressed,
    )

log = structlog.get_logger(__name__)

_SERVICE_MRI = "x-m=28:"
"""Target of a REFER that fetches music on hold or another service: nobody is rung."""


class Transfers:
    """Follows REFERs, takes Replaces, sends REFER where a trunk may get one."""

    def __init__(
        self, calls: Calls, media_legs: MediaLegs, closing: Closing, bridges: Bridges
    ) -> None:
        self._calls = calls
        self._media_legs = media_legs
        self._closing = closing
        self._bridges = bridges

    # ---- REFER of the far end

    def on_refer(self, leg: Leg, event: ReferReceived, now: int) -> None:
        """Follow a REFER, or refuse it."""
        calls = self._calls
        endpoint = calls.edge.endpoint
        refusal = self._refusal(leg) if event.session == leg.session else 481
        uri = _refer_uri(event.refer_to)
        if uri is None and refusal is None:
            refusal = 400
        if refusal is not None or uri is None:
            log.info("transfer.refused", leg=leg.id, status=refusal)
            endpoint.reject_refer(event.session, event.refer, refusal or 400, now)
            return
        leg.transfer_count += 1
        leg.transfer = Transfer(old_session=event.session, refer=event.refer)
        endpoint.accept_refer(event.session, event.refer, now)
        calls.tell(TransferRequested(leg=leg.id, target=event.refer_to))
        try:
            self._place(leg, leg.transfer, uri, event.referred_by, now)
        except AppError as error:
            log.warning("transfer.not_placed", leg=leg.id, reason=error.message)
            self._fail(leg, leg.transfer, 503, outcomes.UNREACHABLE, now)

    def _refusal(self, leg: Leg) -> int | None:
        if not leg.is_answered:
            return 481
        if not self._calls.edge.trunk(leg.trunk).allow_refer:
            return 405
        if leg.transfer is not None:
            return 491
        return 482 if leg.transfer_count >= self._calls.settings.max_transfers else None

    def _place(
        self, leg: Leg, transfer: Transfer, uri: str, referred_by: str | None, now: int
    ) -> None:
        """Call the target; raises AppError when no proxy or no room is left."""
        calls = self._calls
        trunk = calls.edge.trunk(leg.trunk)
        target, replaces = _split_replaces(uri)
        hop = calls.edge.hop_for(leg.trunk, target)
        transfer.negotiator = self._media_legs.negotiator(leg)
        from_, headers = identity(trunk, self._shown(leg))
        if referred_by is not None:
            headers += (("Referred-By", referred_by),)
        if replaces is not None:
            if profile_of(trunk).is_teams:
                raise Conflict("Direct Routing takes no Replaces")
            headers += (("Replaces", replaces),)
        invite = OutgoingInvite(
            uri=target,
            from_=from_,
            to=f"<{target}>",
            contact=calls.edge.local_contact(leg.trunk),
            hop=hop,
            sdp=transfer.negotiator.offer(),
            headers=headers,
            allow=allow_of(trunk),
            supported=profile_of(trunk).supported,
            timer=trunk.session_timer,
            credentials=calls.passwords.of(trunk),
        )
        transfer.session = calls.edge.invite(invite, now)
        calls.by_session[transfer.session] = leg
        transfer.ringing_deadline = calls.arm_ms(
            trunk.no_answer_s * 1000, lambda at: self._no_answer(leg, transfer, at)
        )
        if _SERVICE_MRI in target:
            transfer.has_rung = True
        log.info("transfer.placed", leg=leg.id)

    def _shown(self, leg: Leg) -> Caller:
        """Whom the target sees: the party that is being transferred."""
        if not leg.is_incoming:
            return Caller(leg.caller_number, leg.caller_name)
        for other in self._bridges.others(leg):
            number = other.caller_number if other.is_incoming else other.called_number
            return Caller(number, other.caller_name)
        return Caller(leg.called_number)

    def on_progressed(self, leg: Leg, event: SessionProgressed, now: int) -> None:
        """The target rings: the far end is told, those who wait hear a ringback tone."""
        transfer = leg.transfer
        if transfer is None:
            return
        self._notify(transfer, event.status, now, final=False)
        if transfer.has_rung:
            return
        transfer.has_rung = True
        for other in self._bridges.others(leg):
            if other.is_answered and other.play is None:
                transfer.rings.add(other.id)
                self._calls.tell_media(other.id, RingbackTone(leg=other.id))

    def on_answered(self, leg: Leg, event: SessionAnswered, now: int) -> None:
        """The target answered: its dialog carries the leg from now on."""
        calls, transfer = self._calls, leg.transfer
        if transfer is None or transfer.negotiator is None:
            return
        try:
            agreed = self._media_legs.accept(leg, transfer.negotiator, event.sdp)
        except NegotiationError as error:
            calls.edge.endpoint.bye(transfer.session, now)
            self._fail(leg, transfer, 488, outcomes.BY_NEGOTIATION[error.reason], now)
            return
        self._quiet(transfer)
        leg.transfer = None
        leg.negotiator = transfer.negotiator
        old = transfer.old_session
        calls.by_session.pop(old, None)
        calls.bind(leg, transfer.session)
        leg.call_id = event.response.call_id
        self._media_legs.configure(leg, agreed)
        self._clear_holds(leg)
        self._notify(transfer, 200, now, final=True)
        if not transfer.is_old_gone:
            self._linger(leg, old)
        calls.save_dialog(leg)
        calls.tell(TransferAccepted(leg=leg.id))

    def _clear_holds(self, leg: Leg) -> None:
        if leg.is_held_by_far_end:
            self._calls.tell(Held(leg=leg.id, is_held=False, by_far_end=True))
        if leg.is_held:
            self._calls.tell(Held(leg=leg.id, is_held=False, by_far_end=False))
        leg.is_held = leg.is_held_by_far_end = False
        order, leg.reoffer_order = leg.reoffer_order, None
        leg.reoffer_count = 0
        leg.is_answer_due = False
        if order is not None:
            self._calls.fail(order, leg.id, "superseded", "the leg was transferred meanwhile")

    def _linger(self, leg: Leg, session: str) -> None:
        """Hang up the old dialog only if the far end forgets to."""
        leg.old_sessions.add(session)
        self._calls.by_session[session] = leg

        def hang_up(now: int) -> None:
            if session in leg.old_sessions:
                leg.old_sessions.discard(session)
                self._calls.by_session.pop(session, None)
                self._calls.edge.endpoint.bye(session, now)

        self._calls.arm_ms(self._calls.settings.transfer_linger_s * 1000, hang_up)

    def on_failed(self, leg: Leg, event: SessionFailed, now: int) -> None:
        """The target did not answer: the far end is told and keeps its dialog."""
        transfer = leg.transfer
        if transfer is None:
            return
        is_teams = self._calls.profile(leg.trunk).is_teams
        outcome = outcomes.of_failure(event, has_rung=transfer.has_rung, is_teams=is_teams)
        self._fail(leg, transfer, event.status or 503, outcome, now)

    def _no_answer(self, leg: Leg, transfer: Transfer, now: int) -> None:
        if leg.transfer is transfer:
            self._calls.edge.endpoint.cancel(transfer.session, now, COMPLETED_ELSEWHERE)
            self._fail(leg, transfer, 480, outcomes.NO_ANSWER, now)

    def _fail(self, leg: Leg, transfer: Transfer, status: int, outcome: Outcome, now: int) -> None:
        leg.transfer = None
        self._quiet(transfer)
        self._calls.by_session.pop(transfer.session, None)
        self._notify(transfer, status, now, final=True)
        if transfer.is_old_gone:
            self._closing.end(leg, outcomes.BY_END["bye-received"], by_far_end=True)
            return
        self._calls.tell(TransferFailed(leg=leg.id, outcome=outcome))

    def on_old_ended(self, leg: Leg, session: str) -> bool:
        """Take notice that a dialog ended that no longer carries the leg, or soon will not.

        Returns:
            Whether it is a matter of transfers; otherwise the leg itself is over.
        """
        if session in leg.old_sessions:
            leg.old_sessions.discard(session)
            self._calls.by_session.pop(session, None)
            return True
        transfer = leg.transfer
        if transfer is not None and session == transfer.old_session and transfer.session:
            transfer.is_old_gone = True
            return True
        return False

    def on_end(self, leg: Leg, now: int) -> None:
        """Give up what is under way for a leg that ends (TRF-11)."""
        endpoint = self._calls.edge.endpoint
        for session in leg.old_sessions:
            endpoint.bye(session, now)
        transfer, leg.transfer = leg.transfer, None
        if transfer is None:
            return
        self._quiet(transfer)
        self._calls.by_session.pop(transfer.session, None)
        if transfer.session:
            endpoint.cancel(transfer.session, now, COMPLETED_ELSEWHERE)
        self._notify(transfer, 487, now, final=True)

    def _notify(self, transfer: Transfer, status: int, now: int, *, final: bool) -> None:
        if not transfer.is_old_gone:
            self._calls.edge.endpoint.notify_refer(
                transfer.old_session,
                transfer.refer,
                status,
                reason_phrase(status),
                final=final,
                now=now,
            )

    def _quiet(self, transfer: Transfer) -> None:
        if transfer.ringing_deadline is not None:
            transfer.ringing_deadline.cancel()
        for name in transfer.rings:
            other = self._calls.legs.get(name)
            if other is not None and not other.is_over:
                self._calls.tell_media(name, RingbackTone(leg=name, on=False))
        transfer.rings.clear()

    # ---- INVITE with Replaces

    def on_replaces(self, event: SessionInvited, now: int) -> None:
        """Move a leg to the dialog that replaces its own; unknown ones get 481."""
        calls = self._calls
        leg = calls.by_session.get(event.replaced_session or "")
        is_ours = (
            leg is not None
            and leg.is_answered
            and leg.session == event.replaced_session
            and leg.trunk == event.flow.trunk
        )
        if leg is None or not is_ours:
            calls.edge.endpoint.reject(event.session, 481, now)
            return
        negotiator = self._media_legs.negotiator(leg)
        try:
            if event.sdp is None:
                raise NegotiationError("no-audio")
            answer, agreed = negotiator.answer(event.sdp)
        except NegotiationError as error:
            calls.edge.endpoint.reject(event.session, error.status, now)
            return
        if leg.transfer is not None:
            self.on_end(leg, now)
        trunk = calls.edge.trunk(leg.trunk)
        leg.old_sessions.add(leg.session)
        calls.bind(leg, event.session)
        leg.negotiator = negotiator
        leg.call_id = event.request.call_id
        self._media_legs.configure(leg, agreed)
        self._clear_holds(leg)
        calls.edge.endpoint.answer(
            event.session,
            answer,
            now,
            contact=calls.edge.local_contact(leg.trunk),
            headers=(allow_line(trunk),),
        )
        log.info("leg.replaced", leg=leg.id)

    # ---- REFER of ours

    def transfer(self, order: TransferOrder, now: int) -> None:
        """Ask the far end to call somebody else by itself."""
        calls = self._calls
        leg = calls.require_answered(order.leg)
        trunk = calls.edge.trunk(leg.trunk)
        if not profile_of(trunk).may_refer:
            raise NotAllowed("this trunk takes no REFER from us; invite and bridge instead")
        if leg.sent_refer is not None or leg.transfer is not None:
            raise Conflict("a transfer of this leg is under way")
        target = order.target
        if not target.startswith(("sip:", "sips:")):
            target = f"sip:{target}@{trunk.contact_host};user=phone"
        endpoint = calls.edge.endpoint
        refer = endpoint.refer(leg.session, f"<{target}>", now)
        leg.sent_refer = SentRefer(refer, order.order)

    def on_refer_progress(self, leg: Leg, event: ReferProgress, now: int) -> None:
        """Take news of a REFER of ours."""
        sent = leg.sent_refer
        if sent is None or sent.refer != event.refer or not event.final:
            return
        leg.sent_refer = None
        if 200 <= event.status < 300:
            self._calls.tell(TransferAccepted(leg=leg.id))
            self._calls.edge.endpoint.bye(leg.session, now)
            self._closing.end(leg, outcomes.TRANSFERRED)
            return
        outcome = outcomes.of_status(event.status, has_rung=False, is_teams=False)
        self._calls.tell(TransferFailed(leg=leg.id, outcome=outcome))


def _refer_uri(refer_to: str) -> str | None:
    """Return the URI of a Refer-To value exactly as written, None when there is none."""
    try:
        uri = NameAddr.parse(refer_to).uri
        SipUri.parse(uri)
    except SipParseError:
        return None
    return uri


def _split_replaces(uri: str) -> tuple[str, str | None]:
    """Return the Request-URI of a Refer-To URI, and the Replaces that stood in it."""
    if "?" not in uri:
        return uri, None
    parsed = SipUri.parse(uri)
    return str(parsed.without_headers()), parsed.header("Replaces")
