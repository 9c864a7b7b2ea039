# SPDX-License-Identifier: Apache-2.0
"""What to do with a received request: the checks in the order of RFC 3261 8.2.

Requests with a To tag go to their session, else 481. New ones are checked for method, loops,
merged copies, required extensions and room; an INVITE becomes a session, the rest is handed to
the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip import session_state
from centralino.wire.sip.config import DEFAULT_ALLOW
from centralino.wire.sip.engine import UNDERSTOOD
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.events import RequestReceived, SessionInvited
from centralino.wire.sip.incoming import IncomingCall
from centralino.wire.sip.session import Session
from centralino.wire.sip.session_state import State
from centralino.wire.sip.values import Replaces

if TYPE_CHECKING:
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Request
    from centralino.wire.sip.server import ServerTransaction

KNOWN_METHODS = frozenset(DEFAULT_ALLOW) | {"REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"}
"""Methods of the RFCs: 405 when not allowed; any other method gets 501."""

_ONLY_IN_DIALOG = frozenset({"BYE", "PRACK", "UPDATE", "INFO"})
_REPLACEABLE = (State.ESTABLISHED, State.ANSWERED)

_Refusal = tuple[int, tuple[tuple[str, str], ...]]


class Intake:
    """Receives requests on behalf of one engine."""

    __slots__ = ("_allowed", "_engine", "_understood")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._allowed = frozenset(engine.config.allow)
        self._understood = UNDERSTOOD | {word.lower() for word in engine.config.supported}

    def receive(self, request: Request, flow: Flow, now: int) -> None:
        """Take a request."""
        method = request.method
        if method == "ACK":
            self._on_ack(request, flow, now)
            return
        engine = self._engine
        if engine.transactions.is_full and not self._may_pass(request):
            engine.refuse(request, 503, flow)
            return
        server = engine.transactions.accept(request, flow, now)
        if server is None:
            return
        try:
            self._handle(server, flow, now)
        except SipParseError as error:
            engine.count("malformed")
            if server.is_waiting:
                server.reply(error.status, now)

    def _may_pass(self, request: Request) -> bool:
        """Under overload: what is known already, and the BYE of a session."""
        engine = self._engine
        if engine.transactions.is_known(request):
            return True
        session = self._session_of(request)
        return session is not None and request.method == "BYE" and not session.is_over

    def _session_of(self, request: Request) -> Session | None:
        tag = request.to.tag
        return self._engine.by_dialog.get((request.call_id, tag)) if tag else None

    def _handle(self, server: ServerTransaction, flow: Flow, now: int) -> None:
        request = server.request
        if request.method == "CANCEL":
            self._on_cancel(server, now)
            return
        refusal = self._general_refusal(request)
        if refusal is not None:
            server.reply(refusal[0], now, refusal[1])
        elif request.to.tag is not None:
            session = self._session_of(request)
            if session is None:
                server.reply(481, now)
            else:
                session.on_request(server, flow, now)
        elif self._engine.transactions.is_merged(server):
            server.reply(482, now)
        elif request.method == "INVITE":
            self._on_invite(server, flow, now)
        elif request.method in _ONLY_IN_DIALOG:
            server.reply(481, now)
        else:
            server.guard(now, self._on_unanswered)
            self._engine.emit(RequestReceived(server.id, request, flow))

    def _general_refusal(self, request: Request) -> _Refusal | None:
        method = request.method
        if method not in self._allowed:
            status = 405 if method in KNOWN_METHODS else 501
            return status, (("Allow", self._engine.allow),)
        if "Require" in request.headers:
            required = request.headers.values("Require")
            unknown = [tag for tag in required if tag.lower() not in self._understood]
            if unknown:
                return 420, (("Unsupported", ", ".join(unknown)),)
        if request.headers.count("Via") > self._engine.config.max_via:
            return 483, ()
        return None

    # ---- INVITE

    def _on_invite(self, server: ServerTransaction, flow: Flow, now: int) -> None:
        engine = self._engine
        request = server.request
        if (request.headers.get("Max-Forwards") or "").strip() == "0":
            server.reply(483, now)
            return
        if len(engine.sessions) >= engine.config.max_sessions:
            engine.drop("overload", flow)
            server.reply(503, now, (("Retry-After", str(engine.config.retry_after_s)),))
            return
        replaces, replaced, status = self._replacement(request)
        if status:
            server.reply(status, now)
            return
        local_tag = engine.token()
        session = Session(engine, engine.token(), request.call_id, local_tag, is_caller=False)
        if session.timer.is_too_small(request):
            session.discard()
            server.reply(422, now, (("Min-SE", str(engine.config.min_se_s)),))
            return
        session.step(session_state.Event.INVITE)
        try:
            call = IncomingCall(session, server)
        except SipParseError:
            session.discard()
            raise
        call.replaced = replaced
        server.reply(100, now)
        replaced_id = None if replaced is None else replaced.id
        engine.emit(
            SessionInvited(session.id, request, flow, session.remote_sdp, replaces, replaced_id)
        )

    def _replacement(self, request: Request) -> tuple[Replaces | None, Session | None, int]:
        """Find the session a Replaces header names (RFC 3891 3); last, the refusal or 0."""
        lines = request.headers.get_all("Replaces")
        if not lines:
            return None, None, 0
        if len(lines) > 1:
            return None, None, 400
        replaces = Replaces.parse(lines[0])
        session = self._engine.by_dialog.get((replaces.call_id, replaces.to_tag))
        if session is None:
            return replaces, None, 481
        if session.is_over:
            return replaces, None, 603
        dialog = session.dialog
        if dialog is not None and dialog.remote_tag == replaces.from_tag:
            if session.state in _REPLACEABLE:
                return replaces, session, 486 if replaces.early_only else 0
            return replaces, None, 481
        if session.outgoing is not None and session.outgoing.is_ringing(replaces.from_tag):
            return replaces, session, 0
        return replaces, None, 481

    # ---- CANCEL and ACK

    def _on_cancel(self, server: ServerTransaction, now: int) -> None:
        engine = self._engine
        request = server.request
        invite = engine.transactions.invite_of(request)
        if invite is None:
            server.reply(481, now)
            return
        server.tag = invite.tag
        server.reply(200, now)
        tag = invite.request.to.tag or invite.tag
        session = engine.by_dialog.get((request.call_id, tag or ""))
        if session is None:
            return
        if session.incoming is not None and invite.request.cseq.number == session.incoming.cseq:
            session.incoming.on_cancel(request, now)
        else:
            session.offers.on_cancel(invite, now)

    def _on_ack(self, request: Request, flow: Flow, now: int) -> None:
        engine = self._engine
        invite = engine.transactions.invite_of(request)
        if invite is not None:
            invite.ack(request, now)
            return
        session = self._session_of(request)
        if session is None or session.dialog is None:
            engine.drop("stray-ack", flow)
            return
        session.dialog.note_flow(flow.flow_id)
        session.on_ack(request, now)

    def _on_unanswered(self, server: ServerTransaction, now: int) -> None:
        self._engine.count("unanswered")
