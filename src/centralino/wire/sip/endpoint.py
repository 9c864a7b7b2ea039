# SPDX-License-Identifier: Apache-2.0
"""The SIP endpoint: bytes-free, clock-free, socket-free.

One object holds all transactions, dialogs, sessions and timers of one process. The driver feeds
parsed messages and the time, then writes what `take_sends` returns, handles what `take_events`
returns, and arms one timer for `next_deadline`. Every input takes `now` in nanoseconds of a
monotonic clock. Nothing here blocks or calls back.

Source: RFC 3261, 3262, 3311, 3515, 3891, 4028, 6026, 6665.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from centralino.wire.sip.checkpoint import DialogCheckpoint
from centralino.wire.sip.config import EndpointConfig, OutgoingInvite
from centralino.wire.sip.engine import Engine
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.events import ReferProgress, ReofferFinished, SipEvent
from centralino.wire.sip.flow import Flow, Hop, Send
from centralino.wire.sip.intake import Intake
from centralino.wire.sip.message import Request
from centralino.wire.sip.out_of_dialog import send_request
from centralino.wire.sip.outgoing import OutgoingCall
from centralino.wire.sip.restoration import restore_session, take_checkpoint
from centralino.wire.sip.session import Session
from centralino.wire.sip.session_state import Event, State

if TYPE_CHECKING:
    from centralino.wire.sip.message import Message, Response
    from centralino.wire.sip.refer import Notifier

__all__ = [
    "DialogCheckpoint",
    "EndpointConfig",
    "Flow",
    "Hop",
    "OutgoingInvite",
    "Send",
    "SipEndpoint",
    "SipEvent",
]

UNANSWERED = (State.CALLING, State.PROCEEDING, State.CANCELLING)

HeaderLines = Sequence[tuple[str, str]]
"""Header lines in order. A name given here replaces the endpoint's own line of that name."""


class SipEndpoint:
    """User agent core, both roles, many sessions."""

    def __init__(self, config: EndpointConfig, *, token: Callable[[], str]) -> None:
        """Make an endpoint.

        Args:
            config: settings, fixed for life.
            token: source of unique random words of `[0-9a-zA-Z]`, at least 64 bits each: branch,
                tag, Call-ID, session ids and the back-off of RFC 3261 14.1 come from it.
        """
        self._engine = Engine(config, token)
        self._intake = Intake(self._engine)

    @property
    def open_sessions(self) -> int:
        """How many sessions are alive, those whose BYE is on its way included."""
        return len(self._engine.sessions)

    @property
    def open_transactions(self) -> int:
        """How many transactions are alive."""
        return len(self._engine.transactions)

    @property
    def armed_timers(self) -> int:
        """How many timers are armed."""
        return len(self._engine.timers)

    @property
    def dropped(self) -> dict[str, int]:
        """How many messages were dropped or refused since the start, by reason."""
        return self._engine.dropped.copy()

    # ---- inputs

    def receive(self, message: Message, flow: Flow, now: int) -> None:
        """Take one parsed message that came in on `flow`."""
        if isinstance(message, Request):
            self._intake.receive(message, flow, now)
            return
        try:
            is_expected = self._engine.transactions.take_response(message, flow, now)
        except SipParseError:
            self._engine.drop("malformed", flow)
            return
        if not is_expected:
            self._engine.drop("stray-response", flow)

    def transport_failed(self, transaction: str, now: int, detail: str) -> None:
        """Take notice that a `Send` with that id could not be delivered."""
        self._engine.transactions.fail(transaction, detail, now)

    def flow_closed(self, flow_id: int, now: int) -> None:
        """Take notice that a connection is gone: its dialogs go on over their fallback hop."""
        self._engine.transactions.flow_closed(flow_id)
        for session in self._engine.sessions.values():
            session.flow_closed(flow_id)

    def tick(self, now: int) -> None:
        """Fire every timer that is due."""
        self._engine.timers.run(now)

    # ---- outputs

    def next_deadline(self) -> int | None:
        """When `tick` is wanted next (ns); None: nothing is waiting."""
        return self._engine.timers.next_deadline()

    def take_sends(self) -> list[Send]:
        """Hand over what is to be written, in order."""
        sends = self._engine.sends
        taken = sends.copy()
        sends.clear()
        return taken

    def take_events(self) -> list[SipEvent]:
        """Hand over what has happened, in order."""
        events = self._engine.events
        taken = events.copy()
        events.clear()
        return taken

    # ---- requests outside dialogs

    def request(self, request: Request, hop: Hop, now: int) -> str:
        """Send a request outside any dialog (OPTIONS...); ends with `RequestFinished`.

        Via is added; From tag, Call-ID, CSeq, Max-Forwards and User-Agent when missing.
        Returns the transaction id.
        """
        return send_request(self._engine, request, hop, now)

    def respond(self, transaction: str, response: Response, now: int) -> None:
        """Answer a `RequestReceived`. Without effect when it is no longer waiting."""
        server = self._engine.transactions.servers.get(transaction)
        if server is not None and server.is_waiting:
            server.respond(response, now)

    # ---- sessions: the first INVITE

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        """Place a call; returns the session id.

        Above the bounds of the config it fails at once: status 503, cause `transport`.
        """
        engine = self._engine
        if engine.is_full:
            return engine.refuse_own_call()
        call_id = invite.call_id or engine.token()
        session = Session(engine, engine.token(), call_id, engine.token(), is_caller=True)
        call = OutgoingCall(session, invite)
        session.step(Event.PLACE)
        call.start(now)
        return session.id

    def cancel(self, session: str, now: int, headers: HeaderLines = ()) -> None:
        """Give up an outgoing call that is not answered; ends with `SessionFailed`.

        The CANCEL (with `headers`, say a Reason) leaves after the first 1xx.
        """
        found = self._engine.sessions.get(session)
        if found is None or not found.is_caller:
            return
        if found.outgoing is not None and found.state in UNANSWERED:
            found.outgoing.cancel(headers, now)
        elif found.state is State.ESTABLISHED:
            found.hang_up("bye-sent", now, headers)

    def ring(
        self,
        session: str,
        now: int,
        *,
        status: int = 180,
        sdp: bytes | None = None,
        headers: HeaderLines = (),
    ) -> None:
        """Send a provisional response (101-199), reliably when the caller requires it."""
        found = self._engine.sessions.get(session)
        if found is not None and found.incoming is not None:
            found.incoming.ring(status, sdp, headers, now)

    def answer(
        self, session: str, sdp: bytes, now: int, *, contact: str, headers: HeaderLines = ()
    ) -> None:
        """Send 200 with `sdp` and a Contact of value `contact` (name-addr)."""
        found = self._engine.sessions.get(session)
        if found is not None and found.incoming is not None:
            found.incoming.answer(sdp, contact, headers, now)

    def reject(
        self,
        session: str,
        status: int,
        now: int,
        *,
        reason: str | None = None,
        headers: HeaderLines = (),
    ) -> None:
        """Refuse an incoming call with a final status (300-699)."""
        found = self._engine.sessions.get(session)
        if found is not None and found.incoming is not None:
            found.incoming.reject(status, reason, headers, now)

    # ---- sessions: in the dialog

    def bye(self, session: str, now: int, headers: HeaderLines = ()) -> None:
        """Hang up. An unanswered outgoing call is cancelled, an incoming one rejected (480)."""
        found = self._engine.sessions.get(session)
        if found is None or found.is_over:
            return
        if found.state in (State.ESTABLISHED, State.ANSWERED):
            found.hang_up("bye-sent", now, headers)
        elif found.outgoing is not None:
            found.outgoing.cancel(headers, now)
        elif found.incoming is not None:
            found.incoming.reject(480, None, headers, now)

    def reoffer(self, session: str, sdp: bytes, now: int) -> None:
        """Offer a changed description; ends with `ReofferFinished`.

        Waits its turn while another offer is open; a second one waiting supersedes the first.
        """
        found = self._engine.sessions.get(session)
        if found is not None and found.state in (State.ESTABLISHED, State.ANSWERED):
            found.offers.reoffer(sdp, now)
        else:
            self._engine.emit(ReofferFinished(session, 487, None))

    def accept_offer(self, session: str, sdp: bytes, now: int) -> None:
        """Answer a `SessionReoffered` (with an offer, when it carried none)."""
        found = self._engine.sessions.get(session)
        if found is not None:
            found.offers.accept(sdp, now)

    def reject_offer(self, session: str, status: int, now: int) -> None:
        """Refuse a `SessionReoffered`; the session goes on as it was."""
        found = self._engine.sessions.get(session)
        if found is not None:
            found.offers.reject(status, now)

    def info(self, session: str, now: int, content_type: str, body: bytes) -> None:
        """Send INFO (DTMF on carriers)."""
        found = self._engine.sessions.get(session)
        if found is not None and found.state is State.ESTABLISHED:
            found.send_info(content_type, body, now)

    # ---- transfers

    def accept_refer(self, session: str, refer: str, now: int) -> None:
        """Answer a `ReferReceived` with 202, followed by NOTIFY 100 Trying."""
        notifier = self._notifier(session, refer)
        if notifier is not None:
            notifier.accept(now)

    def reject_refer(self, session: str, refer: str, status: int, now: int) -> None:
        """Refuse a `ReferReceived`."""
        notifier = self._notifier(session, refer)
        if notifier is not None:
            notifier.reject(status, now)

    def notify_refer(
        self, session: str, refer: str, status: int, reason: str, *, final: bool, now: int
    ) -> None:
        """Report progress of an accepted REFER; NOTIFYs leave one after the other."""
        notifier = self._notifier(session, refer)
        if notifier is not None:
            notifier.notify(status, reason, now, is_final=final)

    def refer(
        self, session: str, refer_to: str, now: int, *, referred_by: str | None = None
    ) -> str:
        """Ask the peer to call `refer_to` (verbatim header value); returns the refer id."""
        found = self._engine.sessions.get(session)
        if found is not None and found.state is State.ESTABLISHED:
            return found.refers.send(refer_to, referred_by, now)
        refer = self._engine.token()
        self._engine.emit(ReferProgress(session, refer, 481, final=True))
        return refer

    def _notifier(self, session: str, refer: str) -> Notifier | None:
        found = self._engine.sessions.get(session)
        return None if found is None else found.refers.notifier(refer)

    # ---- checkpoint

    def checkpoint(self, session: str) -> DialogCheckpoint | None:
        """Return what must survive of a confirmed dialog; None for any other."""
        found = self._engine.sessions.get(session)
        if found is None or found.state is not State.ESTABLISHED:
            return None
        return take_checkpoint(found)

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        """Go on with a dialog of an earlier process; returns its session id."""
        return restore_session(self._engine, checkpoint, now).id
