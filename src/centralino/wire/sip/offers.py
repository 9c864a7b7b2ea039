# SPDX-License-Identifier: Apache-2.0
"""Offers after the call is answered: re-INVITE and UPDATE, both ways, and session refresh.

One offer at a time. Ours waits while another is open; glare (491) is retried after the back-off
of RFC 3261 14.1. A re-INVITE that repeats the description we know is a refresh and is answered
here with our unchanged description; only a real change is reported.
Source: RFC 3261 14, RFC 3264, RFC 3311 5, RFC 4028 7-10, RFC 6141.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip.body import sdp_of
from centralino.wire.sip.events import ReofferFinished, SessionRefreshed, SessionReoffered
from centralino.wire.sip.repeater import Repeater
from centralino.wire.sip.session_state import State

if TYPE_CHECKING:
    from centralino.wire.sip.events import FinishCause
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.server import ServerTransaction
    from centralino.wire.sip.session import Session
    from centralino.wire.sip.timers import Timer

MAX_TRIES = 8
"""How often one offer is sent, counting glare and 422."""


def is_same_description(old: bytes | None, new: bytes) -> bool:
    """Whether two descriptions say the same: equal, or with only the order of lines changed."""
    if old is None or len(old) != len(new) or old == new:
        return old == new
    has_one_medium = old.count(b"\nm=") == 1
    return has_one_medium and sorted(old.splitlines()) == sorted(new.splitlines())


class Offers:
    """The offer/answer state of one session after its first INVITE."""

    __slots__ = (
        "_back_off",
        "_is_refresh",
        "_is_sent",
        "_is_waiting_for_answer",
        "_offer",
        "_ok",
        "_ok_cseq",
        "_pending",
        "_server",
        "_session",
        "_tries",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._offer: bytes | None = None
        """Our open offer, sent or backing off."""
        self._is_refresh = False
        self._is_sent = False
        self._back_off: Timer | None = None
        self._tries = 0
        self._pending: bytes | None = None
        """The next offer of the user."""
        self._server: ServerTransaction | None = None
        """The peer's open offer."""
        self._ok: Repeater | None = None
        """Our 2xx to a re-INVITE, until the ACK."""
        self._ok_cseq = 0
        self._is_waiting_for_answer = False

    @property
    def is_busy(self) -> bool:
        """Whether an offer is open in either direction."""
        return self._offer is not None or self._server is not None or self._ok is not None

    # ---- ours

    def reoffer(self, sdp: bytes, now: int) -> None:
        """Send an offer now or when it is its turn."""
        if self._pending is not None:
            self._report(491, None)
        self._pending = sdp
        self.start_pending(now)

    def refresh(self, now: int) -> None:
        """Refresh the session timer; an open offer does that anyway."""
        if self._session.state is State.ESTABLISHED and not self.is_busy:
            self._is_refresh = True
            self._tries = 0
            self._send(self._session.local_sdp, now)

    def start_pending(self, now: int) -> None:
        """Send the waiting offer, when nothing is in its way."""
        if self._pending is None or self.is_busy or self._session.state is not State.ESTABLISHED:
            return
        sdp, self._pending = self._pending, None
        self._is_refresh = False
        self._tries = 0
        self._send(sdp, now)

    def _send(self, sdp: bytes, now: int) -> None:
        session = self._session
        self._offer = sdp
        self._is_sent = True
        self._tries += 1
        is_update = session.engine.config.prefer_update and "UPDATE" in session.peer_allow
        headers = session.timer.request_lines()
        if sdp and not (is_update and self._is_refresh):
            headers.append(("Content-Type", "application/sdp"))
        else:
            sdp = b""
        session.send("UPDATE" if is_update else "INVITE", headers, self._on_result, now, sdp)

    def _on_result(self, response: Response | None, cause: FinishCause, now: int) -> None:
        session = self._session
        self._is_sent = False
        if session.is_over or self._offer is None:
            return
        status = _status(response, cause)
        if response is not None and status < 300:
            self._on_accepted(response, now)
        elif self._may_try_again(response, status, now):
            return
        else:
            self._on_refused(status, now)
        self.start_pending(now)

    def _on_accepted(self, response: Response, now: int) -> None:
        session = self._session
        offer, self._offer = self._offer, None
        session.require_dialog().refresh_target(response)
        session.learn(response)
        session.timer.agreed(response, now)
        answer = sdp_of(response)
        is_change = answer is not None and not is_same_description(session.remote_sdp, answer)
        session.local_sdp = offer or session.local_sdp
        session.remote_sdp = answer or session.remote_sdp
        if self._is_refresh and not is_change:
            session.engine.emit(SessionRefreshed(session.id))
        else:
            self._report(response.status, answer)

    def _may_try_again(self, response: Response | None, status: int, now: int) -> bool:
        session = self._session
        if response is None or self._tries >= MAX_TRIES:
            return False
        if status == 491:
            units = (
                201 + session.engine.random_below(200)
                if session.is_caller
                else (session.engine.random_below(201))
            )
            self._back_off = session.engine.after_ms(units * 10, now, self._on_back_off)
            return True
        if status == 422 and session.timer.raise_interval(response):
            self._send(self._offer or b"", now)
            return True
        return False

    def _on_back_off(self, now: int) -> None:
        self._back_off = None
        if self._offer is None:
            return
        if self._server is not None or self._ok is not None:
            self._back_off = self._session.engine.after_ms(500, now, self._on_back_off)
            return
        offer = self._offer if not self._is_refresh else self._session.local_sdp
        self._send(offer, now)

    def _on_refused(self, status: int, now: int) -> None:
        session = self._session
        self._offer = None
        if not self._is_refresh:
            self._report(status, None)
        if status in (481, 408):
            session.peer_is_gone(now)
        elif self._is_refresh:
            session.timer.retry(now)

    # ---- the peer's

    def on_request(self, server: ServerTransaction, now: int) -> None:
        """Take a re-INVITE or UPDATE."""
        session = self._session
        request = server.request
        refusal = self._refusal(server)
        if refusal is not None:
            status, headers = refusal
            server.reply(status, now, headers)
            return
        session.require_dialog().refresh_target(request)
        session.learn(request)
        sdp = sdp_of(request)
        is_invite = request.method == "INVITE"
        is_refresh = is_same_description(session.remote_sdp, sdp) if sdp else not is_invite
        self._server = server
        if is_refresh:
            self._answer(session.local_sdp if sdp else b"", now)
            session.engine.emit(SessionRefreshed(session.id))
            return
        if is_invite:
            server.reply(100, now)
        else:
            server.guard(now, self._on_unanswered)
        session.engine.emit(SessionReoffered(session.id, request, sdp))

    def _refusal(self, server: ServerTransaction) -> tuple[int, tuple[tuple[str, str], ...]] | None:
        session = self._session
        if session.timer.is_too_small(server.request):
            return 422, (("Min-SE", str(session.engine.config.min_se_s)),)
        if self._is_sent:
            return 491, ()
        if session.state is State.ANSWERED:
            return 491, ()
        if session.state is not State.ESTABLISHED or self._server or self._ok:
            return 500, (("Retry-After", str(session.engine.random_below(11))),)
        return None

    def accept(self, sdp: bytes, now: int) -> None:
        """Answer the open offer; without effect when there is none (any more)."""
        if self._server is not None:
            self._answer(sdp, now)

    def reject(self, status: int, now: int) -> None:
        """Refuse the open offer; without effect when there is none (any more)."""
        if self._server is not None:
            server, self._server = self._server, None
            server.reply(status, now)
            self.start_pending(now)

    def _answer(self, sdp: bytes, now: int) -> None:
        session = self._session
        server, self._server = self._server, None
        assert server is not None  # noqa: S101 - both callers have just seen it
        request = server.request
        response = server.make(200)
        session.fill_ok(response, request, (), sdp)
        offer = sdp_of(request)
        if sdp:
            session.local_sdp = sdp
        session.remote_sdp = offer or session.remote_sdp
        server.respond(response, now)
        session.timer.answered(now)
        if request.method == "INVITE":
            self._is_waiting_for_answer = offer is None
            self._ok_cseq = request.cseq.number
            server.on_ack = self._on_branch_ack
            self._ok = Repeater(session.engine, now, server.repeat, self._on_ack_lost)
        else:
            self.start_pending(now)

    def on_ack(self, request: Request, sdp: bytes | None, now: int) -> None:
        """Take the ACK to our 2xx of a re-INVITE; others are repetitions."""
        if self._ok is None or request.cseq.number != self._ok_cseq:
            return
        self._ok.stop()
        self._ok = None
        if self._is_waiting_for_answer:
            self._is_waiting_for_answer = False
            self._session.remote_sdp = sdp or self._session.remote_sdp
            self._report(200, sdp)
        self.start_pending(now)

    def on_cancel(self, server: ServerTransaction, now: int) -> None:
        """Take the CANCEL of a re-INVITE."""
        if self._server is server:
            self.reject(487, now)

    def _on_branch_ack(self, server: ServerTransaction, request: Request, now: int) -> None:
        self.on_ack(request, sdp_of(request), now)

    def _on_ack_lost(self, now: int) -> None:
        self._ok = None
        self._session.ack_is_lost(now)

    def _on_unanswered(self, server: ServerTransaction, now: int) -> None:
        if self._server is server:
            self._server = None
            self.start_pending(now)

    # ---- both

    def close(self, now: int) -> None:
        """End everything that is open: the session is over."""
        if self._server is not None:
            server, self._server = self._server, None
            server.reply(487, now)
        if self._ok is not None:
            self._ok.stop()
            self._ok = None
        self._session.engine.timers.cancel(self._back_off)
        if self._offer is not None and not self._is_refresh:
            self._report(487, None)
        if self._pending is not None:
            self._report(487, None)
        self._offer = self._pending = None

    def _report(self, status: int, sdp: bytes | None) -> None:
        self._session.engine.emit(ReofferFinished(self._session.id, status, sdp))


def _status(response: Response | None, cause: FinishCause) -> int:
    if response is not None:
        return response.status
    return 408 if cause == "timeout" else 503
