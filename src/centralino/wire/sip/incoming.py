# SPDX-License-Identifier: Apache-2.0
"""Taking a call: from the INVITE to the ACK of our 2xx.

Provisional responses go out reliably, one at a time, when the caller requires it (RFC 3262 3).
The 2xx is repeated until the ACK; without one the call is hung up (RFC 3261 13.3.1.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip import dialog_state
from centralino.wire.sip.body import sdp_of
from centralino.wire.sip.dialog import Dialog
from centralino.wire.sip.engine import Lines, add_lines
from centralino.wire.sip.events import (
    SessionCancelled,
    SessionEnded,
    SessionEstablished,
    SessionFailed,
)
from centralino.wire.sip.repeater import Repeater
from centralino.wire.sip.server import via_hop
from centralino.wire.sip.session_state import Event, State

if TYPE_CHECKING:
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.server import ServerTransaction
    from centralino.wire.sip.session import Session

MAX_QUEUED = 8
"""Reliable provisional responses that wait for the PRACK of an earlier one."""


class IncomingCall:
    """The callee's side of a session until the ACK."""

    __slots__ = (
        "_early_answer",
        "_is_reliable",
        "_ok",
        "_queue",
        "_repeater",
        "_rseq",
        "_server",
        "_session",
        "_unacknowledged",
        "cseq",
        "replaced",
    )

    def __init__(self, session: Session, server: ServerTransaction) -> None:
        request = server.request
        self._session = session
        self._server = server
        self.cseq = request.cseq.number
        self.replaced: Session | None = None
        """The session that ends when this one is answered (RFC 3891)."""
        required = [option.lower() for option in request.headers.values("Require")]
        self._is_reliable = "100rel" in required
        self._rseq = session.engine.random_below(1 << 16) + 1
        self._unacknowledged: Response | None = None
        self._queue: list[Response] = []
        self._repeater: Repeater | None = None
        self._ok: Response | None = None
        self._early_answer: bytes | None = None
        server.tag = session.local_tag
        server.on_ack = self._on_branch_ack
        session.incoming = self
        session.contact = f"<{request.uri}>"
        session.remote_sdp = sdp_of(request)
        session.learn(request)
        fallback = via_hop(request, server.flow)
        session.dialog = Dialog.of_invite(request, session.local_tag, fallback)

    def close(self) -> None:
        """Stop repeating: the session is over."""
        if self._repeater is not None and self._session.state is not State.CLOSING:
            self._repeater.stop()
        self._queue.clear()

    # ---- responses

    def ring(self, status: int, sdp: bytes | None, headers: Lines, now: int) -> None:
        """Send a provisional response."""
        session = self._session
        session.step(Event.RING)
        response = self._server.make(status)
        response.headers.copy_from(self._server.request.headers, "Record-Route")
        own = [("Contact", session.contact), ("Server", session.engine.config.user_agent)]
        if sdp is not None:
            own.append(("Content-Type", "application/sdp"))
            session.local_sdp = sdp
            response.body = sdp
        add_lines(response.headers, own, headers)
        session.require_dialog().step(dialog_state.Event.PROVISIONAL)
        if self._is_reliable:
            self._send_reliably(response, now)
        else:
            self._server.respond(response, now)

    def answer(self, sdp: bytes, contact: str, headers: Lines, now: int) -> None:
        """Send 200, at once or after the PRACK that is still missing."""
        session = self._session
        session.step(Event.ANSWER)
        session.contact = contact
        session.require_dialog().set_sent_by(contact)
        for name, value in headers:
            if name.lower() == "allow":
                session.allow = tuple(word.strip() for word in value.split(","))
        response = self._server.make(200)
        response.headers.copy_from(self._server.request.headers, "Record-Route")
        session.fill_ok(response, self._server.request, headers, sdp)
        if sdp:
            session.local_sdp = sdp
        if self._unacknowledged is not None:
            self._ok = response
        else:
            self._send_ok(response, now)
        if self.replaced is not None:
            _end_replaced(self.replaced, now)

    def reject(self, status: int, reason: str | None, headers: Lines, now: int) -> None:
        """Refuse."""
        session = self._session
        session.step(Event.REJECT)
        self._finish(status, reason, headers, now)
        session.report_end(SessionFailed(session.id, status, None, "rejected"), now)

    def _finish(self, status: int, reason: str | None, headers: Lines, now: int) -> None:
        response = self._server.make(status, reason)
        add_lines(response.headers, [("Server", self._session.engine.config.user_agent)], headers)
        self._server.respond(response, now)
        self._session.require_dialog().step(dialog_state.Event.FAILURE)

    def _send_ok(self, response: Response, now: int) -> None:
        session = self._session
        self._server.respond(response, now)
        self._repeater = Repeater(session.engine, now, self._server.repeat, self._on_ack_lost)
        session.require_dialog().step(dialog_state.Event.SUCCESS)
        if not session.is_over:
            session.timer.answered(now)

    # ---- reliable provisional responses

    def _send_reliably(self, response: Response, now: int) -> None:
        if self._unacknowledged is not None:
            if len(self._queue) < MAX_QUEUED:
                self._queue.append(response)
            return
        response.headers.set("Require", "100rel")
        response.headers.set("RSeq", str(self._rseq))
        self._unacknowledged = response
        self._server.respond(response, now)
        self._repeater = Repeater(
            self._session.engine, now, self._server.repeat, self._on_prack_lost
        )

    def on_prack(self, server: ServerTransaction, now: int) -> None:
        """Take the acknowledgement of a provisional response."""
        rack = f"{self._rseq} {self.cseq} INVITE"
        given = " ".join((server.request.headers.get("RAck") or "").split())
        if self._unacknowledged is None or given != rack:
            server.reply(481, now)
            return
        offered = self._session.remote_sdp is not None
        if offered and sdp_of(server.request) is not None:
            server.reply(488, now)
        else:
            self._early_answer = sdp_of(server.request) or self._early_answer
            server.reply(200, now)
        self._acknowledged(now)

    def _acknowledged(self, now: int) -> None:
        self._unacknowledged = None
        self._rseq += 1
        if self._repeater is not None:
            self._repeater.stop()
        if self._ok is not None:
            response, self._ok = self._ok, None
            self._send_ok(response, now)
        elif self._queue:
            self._send_reliably(self._queue.pop(0), now)

    def _on_prack_lost(self, now: int) -> None:
        session = self._session
        self._unacknowledged = None
        if session.state is State.INVITED:
            self.reject(504, None, (), now)
        elif self._ok is not None:
            self._acknowledged(now)

    # ---- what the caller does

    def on_cancel(self, request: Request, now: int, event: Event = Event.PEER_CANCEL) -> None:
        """Take a CANCEL (or BYE) before our answer; it was answered with 200 already."""
        session = self._session
        if session.state is not State.INVITED:
            return
        session.step(event)
        self._finish(487, None, (), now)
        reason = request.headers.get("Reason")
        session.report_end(SessionCancelled(session.id, reason), now)

    def _on_branch_ack(self, server: ServerTransaction, request: Request, now: int) -> None:
        """Take an ACK of a peer that reuses the branch of its INVITE."""
        self._session.on_ack(request, now)

    def on_ack(self, request: Request, now: int) -> None:
        """Take the ACK to our 2xx."""
        session = self._session
        if self._repeater is not None:
            self._repeater.stop()
        was_closing = session.state is State.CLOSING
        session.step(Event.ACK)
        if was_closing:
            session.send_bye(now)
            return
        answer = sdp_of(request) or self._early_answer
        if session.remote_sdp is None:
            session.remote_sdp = answer
        else:
            answer = None
        session.engine.emit(SessionEstablished(session.id, answer))
        session.offers.start_pending(now)

    def _on_ack_lost(self, now: int) -> None:
        session = self._session
        if session.state not in (State.ANSWERED, State.CLOSING):
            return
        session.step(Event.ACK_LOST)
        session.report_end(SessionFailed(session.id, None, None, "ack-timeout"), now)
        session.send_bye(now)


def _end_replaced(replaced: Session, now: int) -> None:
    if replaced.state is State.ESTABLISHED:
        replaced.hang_up("replaced", now)
    elif replaced.state is State.ANSWERED:
        replaced.step(Event.BYE)
        replaced.report_end(SessionEnded(replaced.id, "replaced"), now)
    elif replaced.outgoing is not None and replaced.state in (State.CALLING, State.PROCEEDING):
        replaced.outgoing.cancel((), now)
