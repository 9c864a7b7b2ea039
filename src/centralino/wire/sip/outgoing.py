# SPDX-License-Identifier: Apache-2.0
"""Placing a call: the first INVITE until its outcome, with all its forks.

One 2xx wins; a 2xx of any other tag is acknowledged and hung up, also long after. A CANCEL waits
for the first provisional response and may lose the race to a 2xx, which is then hung up. A call
without any response in the time given for it has failed, and is cancelled as soon as one comes.
401/407 and 422 are answered with another INVITE of the same Call-ID. Provisional responses that
require it are acknowledged with PRACK.
Source: RFC 3261 8.1.3, 9.1, 13.2, 22.2; RFC 3262 4; RFC 4028 7.3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from centralino.wire.sip import dialog_state
from centralino.wire.sip.body import sdp_of
from centralino.wire.sip.credentials import answer_challenge, is_repeated_refusal
from centralino.wire.sip.dialog import Dialog, sent_by_of
from centralino.wire.sip.dialog_request import DialogRequest
from centralino.wire.sip.engine import add_lines
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.events import (
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
)
from centralino.wire.sip.message import Request
from centralino.wire.sip.session_state import Event, State
from centralino.wire.sip.timers import MS
from centralino.wire.sip.values import parse_number

if TYPE_CHECKING:
    from centralino.wire.sip.client import ClientTransaction
    from centralino.wire.sip.config import OutgoingInvite
    from centralino.wire.sip.engine import Lines
    from centralino.wire.sip.events import FailCause, FinishCause
    from centralino.wire.sip.flow import Send
    from centralino.wire.sip.message import Response
    from centralino.wire.sip.server import ServerTransaction
    from centralino.wire.sip.session import Session

MAX_INTERVAL_TRIES = 3
"""How often a 422 is answered with a longer session interval."""


class OutgoingCall:
    """The caller's side of a session until it is answered, and the late answers after that."""

    __slots__ = (
        "_acks",
        "_byes",
        "_cancel_lines",
        "_client",
        "_cseq",
        "_early",
        "_early_sdp",
        "_hop",
        "_interval_tries",
        "_invite",
        "_is_cancel_sent",
        "_lines",
        "_rseq",
        "_session",
        "_tries",
        "_winner",
    )

    def __init__(self, session: Session, invite: OutgoingInvite) -> None:
        self._session = session
        self._invite = invite
        hop = invite.hop
        self._hop = hop if hop.sent_by else replace(hop, sent_by=sent_by_of(invite.contact))
        self._client: ClientTransaction | None = None
        self._cseq = 0
        self._lines: list[tuple[str, str]] = []
        self._tries = 0
        self._interval_tries = 0
        self._cancel_lines: Lines = ()
        self._is_cancel_sent = False
        self._early: dict[str, Dialog | None] = {}
        self._early_sdp: dict[str, bytes] = {}
        self._rseq: dict[str, int] = {}
        self._byes: dict[str, Request] = {}
        self._winner: str | None = None
        self._acks: dict[str, Send] = {}
        session.outgoing = self
        session.contact = invite.contact
        session.local_sdp = invite.sdp
        if invite.allow is not None:
            session.allow = invite.allow
        if invite.supported is not None:
            session.supported = invite.supported
        session.timer.is_enabled = invite.timer and "timer" in session.supported

    def start(self, now: int) -> None:
        """Send the INVITE (again)."""
        self._cseq += 1
        self._early.clear()
        self._early_sdp.clear()
        self._rseq.clear()
        self._client = self._session.engine.transactions.send(
            self._build(),
            self._hop,
            self._on_response,
            self._on_failure,
            now,
            self._invite.response_timeout_ms,
        )

    def _build(self) -> Request:
        invite, session = self._invite, self._session
        request = Request("INVITE", invite.uri, body=invite.sdp)
        headers = request.headers
        own = [("Max-Forwards", "70")]
        own += [("Route", route) for route in invite.route_set]
        own += [
            ("From", f"{invite.from_};tag={session.local_tag}"),
            ("To", invite.to),
            ("Call-ID", session.call_id),
            ("CSeq", f"{self._cseq} INVITE"),
        ]
        own += session.own_lines("INVITE")
        own += session.timer.request_lines()
        own += self._lines
        own.append(("Content-Type", "application/sdp"))
        add_lines(headers, own, invite.headers)
        return request

    def is_ringing(self, tag: str) -> bool:
        """Whether the call rings, unanswered, at the fork of that tag."""
        is_open = self._session.state in (State.CALLING, State.PROCEEDING)
        return is_open and tag in self._early

    # ---- giving up

    def cancel(self, headers: Lines, now: int) -> None:
        """Give up; the CANCEL leaves once a provisional response is here."""
        session = self._session
        if session.state is State.CANCELLING:
            return
        session.step(Event.CANCEL)
        self._cancel_lines = headers
        self._send_cancel(now)

    def _send_cancel(self, now: int) -> None:
        client = self._client
        if client is None or self._is_cancel_sent or not client.is_proceeding:
            return
        self._is_cancel_sent = True
        request = Request("CANCEL", client.request.uri)
        headers = request.headers
        own = [("Max-Forwards", "70")]
        own += [("Route", route) for route in client.request.headers.get_all("Route")]
        own += [
            (name, client.request.headers.get(name) or "") for name in ("From", "To", "Call-ID")
        ]
        own.append(("CSeq", f"{self._cseq} CANCEL"))
        add_lines(headers, own, self._cancel_lines)
        engine = self._session.engine
        engine.transactions.send_cancel(request, client, (_ignore_response, _ignore_failure), now)
        client.abandon_at(now + engine.config.timer_b_ms * MS)

    # ---- responses

    def _on_response(self, client: ClientTransaction, response: Response, now: int) -> None:
        if response.status < 200:
            self._on_provisional(response, now)
        elif response.status < 300:
            self._on_success(client, response, now)
        else:
            self._on_refusal(client, response, now)

    def _on_provisional(self, response: Response, now: int) -> None:
        session = self._session
        session.step(Event.PROVISIONAL)
        if session.state is State.CANCELLING:
            self._send_cancel(now)
        if response.status == 100:
            return
        tag = response.to.tag or ""
        sdp = sdp_of(response)
        if tag not in self._early and len(self._early) < session.engine.config.max_forks:
            self._early[tag] = None
        if "RSeq" in response.headers and not self._take_reliable(tag, response, sdp, now):
            return
        if session.state is not State.CANCELLING:
            session.engine.emit(SessionProgressed(session.id, response.status, tag, sdp, response))

    def _take_reliable(self, tag: str, response: Response, sdp: bytes | None, now: int) -> bool:
        """Acknowledge a reliable provisional response; False when it is repeated or early."""
        required = [option.lower() for option in response.headers.values("Require")]
        try:
            number = parse_number(response.headers.get("RSeq") or "")
        except SipParseError:
            return True
        if "100rel" not in required or tag not in self._early:
            return True
        known = self._rseq.get(tag)
        if known is not None and number != known + 1:
            return False
        self._rseq[tag] = number
        if sdp is not None:
            self._early_sdp.setdefault(tag, sdp)
        dialog = self._early[tag]
        if dialog is None:
            dialog = self._early[tag] = self._dialog_of(response)
        self._send_prack(dialog, number, now)
        return True

    def _send_prack(self, dialog: Dialog, number: int, now: int) -> None:
        rack = f"{number} {self._cseq} INVITE"

        def build(cseq: int) -> Request:
            request = dialog.request("PRACK", cseq)
            request.headers.add("RAck", rack)
            return request

        DialogRequest(self._session.engine, dialog, build, _ignore_result).start(now)

    def _dialog_of(self, response: Response) -> Dialog:
        client = self._client
        assert client is not None  # noqa: S101 - a response came to it
        fallback = replace(self._hop, flow_id=client.flow_id)
        dialog = Dialog.of_response(client.request, response, fallback)
        dialog.credentials = self._invite.credentials
        return dialog

    # ---- answers

    def _on_success(self, client: ClientTransaction, response: Response, now: int) -> None:
        tag = response.to.tag or ""
        known = self._acks.get(tag)
        if known is not None:
            self._session.engine.sends.append(known)
        elif len(self._acks) > self._session.engine.config.max_forks:
            self._session.engine.count("too-many-forks")
        elif self._winner is None and self._session.state is not State.CANCELLING:
            self._win(tag, response, now)
        else:
            self._hang_up_late(tag, response, now)

    def _confirm(self, tag: str, response: Response) -> Dialog:
        """Make the dialog of a 2xx and acknowledge it."""
        dialog = self._dialog_of(response)
        early = self._early.get(tag)
        if early is not None:
            dialog.local_cseq = early.local_cseq
            early.step(dialog_state.Event.SUCCESS)
        dialog.step(dialog_state.Event.SUCCESS)
        engine = self._session.engine
        self._acks[tag] = engine.make_ack(dialog, self._cseq, self._lines)
        engine.sends.append(self._acks[tag])
        return dialog

    def _win(self, tag: str, response: Response, now: int) -> None:
        session = self._session
        self._winner = tag
        session.dialog = self._confirm(tag, response)
        session.learn(response)
        session.step(Event.SUCCESS)
        for other, early in self._early.items():
            if early is not None and other != tag:
                early.step(dialog_state.Event.FAILURE)
        sdp = sdp_of(response) or self._early_sdp.get(tag)
        session.remote_sdp = sdp
        session.timer.agreed(response, now)
        session.engine.emit(SessionAnswered(session.id, response, sdp, tag, tuple(self._early)))
        bye = self._byes.get(tag)
        if bye is not None:
            session.step(Event.PEER_BYE)
            session.report_end(SessionEnded(session.id, "bye-received", bye), now)

    def _hang_up_late(self, tag: str, response: Response, now: int) -> None:
        """Hang up an answer nobody wants: of a losing fork, or one that crossed our CANCEL."""
        session = self._session
        dialog = self._confirm(tag, response)
        is_cancelled = session.state is State.CANCELLING
        if is_cancelled:
            self._winner = tag
            session.dialog = dialog
            session.step(Event.SUCCESS)
            self._report_failure(response, "cancelled", now, "answered at the same time")
            session.send_bye(now)
            return
        dialog_bye = DialogRequest(
            session.engine, dialog, lambda cseq: dialog.request("BYE", cseq), _ignore_result
        )
        dialog_bye.start(now)

    def on_early_bye(self, server: ServerTransaction, now: int) -> None:
        """Take a BYE that overtook the 2xx of its fork; the call ends when that comes."""
        tag = server.request.from_.tag or ""
        is_open = self._session.state in (State.CALLING, State.PROCEEDING)
        if is_open and len(self._byes) < self._session.engine.config.max_forks:
            self._byes[tag] = server.request
            server.reply(200, now)
        else:
            server.reply(481, now)

    # ---- refusals

    def _on_refusal(self, client: ClientTransaction, response: Response, now: int) -> None:
        session = self._session
        if session.state is State.CANCELLING:
            session.step(Event.FAILURE)
            self._report_failure(response, "cancelled", now)
            return
        if self._may_retry(client, response):
            session.step(Event.RETRY)
            self.start(now)
            return
        session.step(Event.FAILURE)
        is_auth = response.status in (401, 407)
        self._report_failure(response, "auth" if is_auth else "response", now)

    def _may_retry(self, client: ClientTransaction, response: Response) -> bool:
        """Whether another INVITE is worth it; prepares it."""
        status = response.status
        session = self._session
        if status == 422 and self._interval_tries < MAX_INTERVAL_TRIES:
            self._interval_tries += 1
            return session.timer.is_enabled and session.timer.raise_interval(response)
        if status not in (401, 407) or is_repeated_refusal(self._tries, response):
            return False
        line = answer_challenge(
            client.request, response, self._invite.credentials, session.engine.token
        )
        if line is None:
            return False
        self._tries += 1
        self._lines = [kept for kept in self._lines if kept[0] != line[0]] + [line]
        return True

    def _on_failure(
        self, client: ClientTransaction, cause: FinishCause, detail: str, now: int
    ) -> None:
        session = self._session
        is_cancelled = session.state is State.CANCELLING
        # Given up before timer B: whatever comes late is treated like one that was cancelled.
        session.step(Event.LOST if client.is_over else Event.CANCEL)
        failed: FailCause = "timeout" if cause == "timeout" else "transport"
        self._report_failure(None, "cancelled" if is_cancelled else failed, now, detail)

    def _report_failure(
        self, response: Response | None, cause: FailCause, now: int, detail: str = ""
    ) -> None:
        session = self._session
        for early in self._early.values():
            if early is not None and early.state is dialog_state.State.EARLY:
                early.step(dialog_state.Event.FAILURE)
        status = None if response is None else response.status
        session.report_end(
            SessionFailed(session.id, status, response, cause, _retry_after(response), detail), now
        )


def _retry_after(response: Response | None) -> int | None:
    if response is None:
        return None
    text = (response.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _ignore_response(client: ClientTransaction, response: Response, now: int) -> None:
    """The outcome shows in the INVITE."""


def _ignore_failure(client: ClientTransaction, cause: FinishCause, detail: str, now: int) -> None:
    """The outcome shows in the INVITE."""


def _ignore_result(response: Response | None, cause: FinishCause, now: int) -> None:
    """Nobody waits for it."""
