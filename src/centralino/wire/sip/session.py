# SPDX-License-Identifier: Apache-2.0
"""A session: one call leg from its INVITE to its BYE.

Holds what both roles share and dispatches to the parts that know one thing each: `outgoing` and
`incoming` (the first INVITE), `offers` (re-INVITE and UPDATE), `session_timer`, `refers`.
Invariant: exactly one last event is reported, and after it nothing more of this session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip import dialog_state
from centralino.wire.sip.body import sdp_of
from centralino.wire.sip.dialog_request import DialogRequest
from centralino.wire.sip.engine import Lines, add_lines
from centralino.wire.sip.events import InfoReceived, SessionEnded
from centralino.wire.sip.lifecycle import step
from centralino.wire.sip.offers import Offers
from centralino.wire.sip.refers import Refers
from centralino.wire.sip.session_state import INITIAL, NAME, TABLE, Event, State
from centralino.wire.sip.session_timer import SessionTimer

if TYPE_CHECKING:
    from centralino.wire.sip.dialog import Dialog
    from centralino.wire.sip.dialog_request import Done
    from centralino.wire.sip.engine import Engine
    from centralino.wire.sip.events import EndCause, SessionCancelled, SessionFailed
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.incoming import IncomingCall
    from centralino.wire.sip.message import Message, Request, Response
    from centralino.wire.sip.outgoing import OutgoingCall
    from centralino.wire.sip.server import ServerTransaction

_WITH_CONTACT = frozenset({"INVITE", "UPDATE", "REFER", "NOTIFY"})
_WITH_ALLOW = frozenset({"INVITE", "UPDATE"})


class Session:
    """One INVITE session, either role."""

    __slots__ = (
        "_bye_lines",
        "allow",
        "call_id",
        "contact",
        "dialog",
        "engine",
        "id",
        "incoming",
        "is_caller",
        "is_over",
        "local_sdp",
        "local_tag",
        "offers",
        "outgoing",
        "peer_allow",
        "refers",
        "remote_sdp",
        "state",
        "supported",
        "timer",
    )

    def __init__(
        self, engine: Engine, id_: str, call_id: str, local_tag: str, *, is_caller: bool
    ) -> None:
        self.engine = engine
        self.id = id_
        self.call_id = call_id
        self.local_tag = local_tag
        self.is_caller = is_caller
        """We sent the first INVITE: owner of the Call-ID (RFC 3261 14.1)."""
        self._bye_lines: Lines = ()
        self.state = INITIAL
        self.is_over = False
        """Whether the last event was reported."""
        self.dialog: Dialog | None = None
        self.outgoing: OutgoingCall | None = None
        self.incoming: IncomingCall | None = None
        self.contact = ""
        self.allow: tuple[str, ...] = engine.config.allow
        self.supported: tuple[str, ...] = engine.config.supported
        self.peer_allow: tuple[str, ...] = ()
        self.local_sdp = b""
        """The last description we sent that is in force."""
        self.remote_sdp: bytes | None = None
        self.offers = Offers(self)
        self.refers = Refers(self)
        self.timer = SessionTimer(engine, self.offers.refresh, self._on_expiry)
        engine.sessions[id_] = self
        engine.by_dialog[call_id, local_tag] = self

    # ---- life

    def discard(self) -> None:
        """Take the session back before anything was reported of it."""
        self.engine.sessions.pop(self.id, None)
        self.engine.by_dialog.pop((self.call_id, self.local_tag), None)

    def step(self, event: Event) -> None:
        """Move along the table of `session_state`."""
        self.state = step(TABLE, NAME, self.state, event).state
        if self.state is State.ENDED:
            if self.incoming is not None:
                self.incoming.close()
            self.discard()

    def report_end(self, event: SessionEnded | SessionFailed | SessionCancelled, now: int) -> None:
        """Report the last event, after those of all that was still open."""
        if self.is_over:
            return
        self.is_over = True
        self.timer.stop()
        self.offers.close(now)
        self.refers.close(now)
        if self.incoming is not None:
            self.incoming.close()
        self.engine.emit(event)

    def hang_up(self, cause: EndCause, now: int, headers: Lines = ()) -> None:
        """Send BYE in a confirmed dialog and report the end."""
        self._bye_lines = headers
        self.refers.flush(now)
        self.step(Event.BYE)
        self.report_end(SessionEnded(self.id, cause), now)
        if self.state is State.ENDING:
            self.send_bye(now)

    def send_bye(self, now: int) -> None:
        """Send BYE; the session lives until its result."""
        dialog = self.require_dialog()
        if dialog.is_confirmed:
            dialog.step(dialog_state.Event.END)
        self.send("BYE", self._bye_lines, self._on_bye_finished, now)

    def _on_bye_finished(self, response: Response | None, cause: str, now: int) -> None:
        self.step(Event.FINISHED)

    def _on_expiry(self, now: int) -> None:
        if self.state is State.ESTABLISHED:
            self.hang_up("timer-expired", now)

    def peer_is_gone(self, now: int) -> None:
        """Handle 481, 408 or silence to a request of the dialog (RFC 3261 12.2.1.2)."""
        if self.state is State.ESTABLISHED:
            self.hang_up("peer-unknown", now)

    def ack_is_lost(self, now: int) -> None:
        """Handle a re-INVITE whose 2xx was never acknowledged."""
        if self.state is State.ESTABLISHED:
            self.hang_up("ack-timeout", now)

    def flow_closed(self, flow_id: int) -> None:
        """Forget a flow that is gone."""
        if self.dialog is not None and self.dialog.fallback.flow_id == flow_id:
            self.dialog.note_flow(None)

    # ---- messages we send

    def own_lines(self, method: str) -> list[tuple[str, str]]:
        """Return the lines that describe us in a request or 2xx of `method`."""
        config = self.engine.config
        lines = [("Contact", self.contact)] if method in _WITH_CONTACT else []
        if method in _WITH_ALLOW:
            lines.append(("Allow", self.allow_text()))
            if self.supported:
                lines.append(("Supported", self.supported_text()))
        lines.append(("User-Agent", config.user_agent))
        return lines

    def allow_text(self) -> str:
        """Return the Allow value."""
        engine = self.engine
        return engine.allow if self.allow is engine.config.allow else ", ".join(self.allow)

    def supported_text(self) -> str:
        """Return the Supported value."""
        engine = self.engine
        if self.supported is engine.config.supported:
            return engine.supported
        return ", ".join(self.supported)

    def send(
        self,
        method: str,
        headers: Lines,
        done: Done,
        now: int,
        body: bytes = b"",
    ) -> DialogRequest:
        """Send a request in the dialog; `headers` replace our own of the same name."""
        dialog = self.require_dialog()

        def build(cseq: int) -> Request:
            request = dialog.request(method, cseq)
            add_lines(request.headers, self.own_lines(method), headers)
            request.body = body
            return request

        sent = DialogRequest(self.engine, dialog, build, done)
        sent.start(now)
        return sent

    def send_info(self, content_type: str, body: bytes, now: int) -> None:
        """Send INFO; a peer that does not know the dialog ends the session."""
        self.send("INFO", (("Content-Type", content_type),), self._on_info_finished, now, body)

    def _on_info_finished(self, response: Response | None, cause: str, now: int) -> None:
        if response is not None and response.status in (481, 408):
            self.peer_is_gone(now)

    def fill_ok(self, response: Response, request: Request, headers: Lines, sdp: bytes) -> None:
        """Complete a 2xx to INVITE or UPDATE: us, the session timer, the description."""
        own = [
            ("Contact", self.contact),
            ("Allow", self.allow_text()),
            ("Supported", self.supported_text()),
            ("Server", self.engine.config.user_agent),
            *self.timer.answer_lines(request),
        ]
        if sdp:
            own.append(("Content-Type", "application/sdp"))
        add_lines(response.headers, own, headers)
        response.body = sdp

    def require_dialog(self) -> Dialog:
        """Return the dialog of a session that must have one."""
        assert self.dialog is not None  # noqa: S101 - states from ANSWERED on have a dialog
        return self.dialog

    def learn(self, message: Message) -> None:
        """Take over what the peer says about itself."""
        allowed = message.headers.values("Allow")
        if allowed:
            self.peer_allow = tuple(method.upper() for method in allowed)

    # ---- messages we receive

    def on_request(self, server: ServerTransaction, flow: Flow, now: int) -> None:
        """Take a request that belongs to this session (not INVITE's ACK or CANCEL)."""
        request = server.request
        dialog = self.dialog
        if dialog is None or request.from_.tag != (dialog.remote_tag or None):
            self._on_early_request(server, now)
            return
        dialog.note_flow(flow.flow_id)
        if not dialog.accepts_cseq(request.cseq.number):
            server.reply(500, now, (("Retry-After", "1"),))
            return
        self._dispatch(server, now)

    def _dispatch(self, server: ServerTransaction, now: int) -> None:
        request = server.request
        method = request.method
        if method == "BYE":
            self.on_bye(server, now)
        elif self.state is State.ENDING or self.state is State.CLOSING:
            server.reply(481, now)
        elif method == "INVITE" or method == "UPDATE":
            self.offers.on_request(server, now)
        elif method == "PRACK" and self.incoming is not None:
            self.incoming.on_prack(server, now)
        elif method not in self.allow:
            server.reply(405, now, (("Allow", self.allow_text()),))
        elif method == "REFER":
            self.refers.on_refer(server, now)
        elif method == "NOTIFY":
            self.refers.on_notify(server, now)
        elif method == "INFO":
            server.reply(200, now)
            self.engine.emit(InfoReceived(self.id, request))
        elif method == "OPTIONS":
            server.reply(200, now, (("Allow", self.allow_text()),))
        else:
            server.reply(481 if method == "PRACK" else 405, now, (("Allow", self.allow_text()),))

    def _on_early_request(self, server: ServerTransaction, now: int) -> None:
        """Answer a request of a fork that is not (yet) the dialog."""
        if self.outgoing is not None and server.request.method == "BYE":
            self.outgoing.on_early_bye(server, now)
            return
        if self.dialog is None and server.request.method in ("UPDATE", "INFO"):
            server.reply(500, now, (("Retry-After", "1"),))
        else:
            server.reply(481, now)

    def on_bye(self, server: ServerTransaction, now: int) -> None:
        """Take a BYE of the dialog."""
        server.reply(200, now)
        if self.state is State.INVITED and self.incoming is not None:
            self.incoming.on_cancel(server.request, now, Event.PEER_BYE)
            return
        self.step(Event.PEER_BYE)
        dialog = self.require_dialog()
        if dialog.is_confirmed:
            dialog.step(dialog_state.Event.END)
        self.report_end(SessionEnded(self.id, "bye-received", server.request), now)

    def on_ack(self, request: Request, now: int) -> None:
        """Take an ACK to a 2xx."""
        if self.state in (State.ANSWERED, State.CLOSING) and self.incoming is not None:
            if request.cseq.number == self.incoming.cseq:
                self.incoming.on_ack(request, now)
            return
        self.offers.on_ack(request, sdp_of(request), now)
