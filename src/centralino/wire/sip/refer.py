# SPDX-License-Identifier: Apache-2.0
"""One REFER and its subscription, from either side.

`Notifier`: the peer asked, we report; NOTIFYs leave one after the other so that none overtakes
another. `Watcher`: we asked, the peer reports. Refer-To and Referred-By are never interpreted.
Source: RFC 3515, RFC 4488 (Refer-Sub), RFC 6665, RFC 3420 (message/sipfrag).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from centralino.wire.sip import refer_notifier as notifier
from centralino.wire.sip import refer_watcher as watcher
from centralino.wire.sip.events import ReferProgress
from centralino.wire.sip.lifecycle import step
from centralino.wire.sip.message import REASONS
from centralino.wire.sip.timers import SECOND

if TYPE_CHECKING:
    from centralino.wire.sip.dialog_request import DialogRequest
    from centralino.wire.sip.events import FinishCause
    from centralino.wire.sip.message import Request, Response
    from centralino.wire.sip.server import ServerTransaction
    from centralino.wire.sip.session import Session
    from centralino.wire.sip.timers import Timer

SIPFRAG = "message/sipfrag;version=2.0"
_STATUS_LINE = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9][0-9])")
_Notice = tuple[int, str, str]
"""Status, reason phrase, Subscription-State."""


def fragment_status(request: Request) -> int | None:
    """Return the status of a sipfrag body; None when there is no status line."""
    match = _STATUS_LINE.match(request.body)
    return int(match[1]) if match else None


class Notifier:
    """A REFER we received."""

    __slots__ = (
        "_event",
        "_expires_at",
        "_expiry",
        "_is_silent",
        "_is_under_way",
        "_queue",
        "_server",
        "_session",
        "_status",
        "id",
        "state",
    )

    def __init__(self, session: Session, server: ServerTransaction, *, is_first: bool) -> None:
        cseq = server.request.cseq.number
        self.id = f"in-{cseq}"
        self.state = notifier.INITIAL
        self._session = session
        self._server = server
        self._event = "refer" if is_first else f"refer;id={cseq}"
        wanted = (server.request.headers.get("Refer-Sub") or "").strip().lower()
        self._is_silent = wanted.partition(";")[0].strip() == "false"
        self._queue: list[_Notice] = []
        self._is_under_way = False
        self._status = 0
        self._expires_at = 0
        self._expiry: Timer | None = None

    def _step(self, event: notifier.Event) -> None:
        self.state = step(notifier.TABLE, notifier.NAME, self.state, event).state
        if self.state is notifier.State.CLOSED:
            self._session.engine.timers.cancel(self._expiry)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to send."""
        is_closed = self.state is notifier.State.CLOSED
        return is_closed and not self._queue and not self._is_under_way

    def accept(self, now: int) -> None:
        """Send 202 and the first NOTIFY."""
        if self.state is not notifier.State.ASKED:
            return
        self._step(notifier.Event.ACCEPT)
        engine = self._session.engine
        headers = [("Contact", self._session.contact)]
        if self._is_silent:
            headers.append(("Refer-Sub", "false"))
        self._server.reply(202, now, tuple(headers))
        length = engine.config.refer_expires_s * SECOND
        self._expires_at = now + length
        self._expiry = engine.timers.arm(self._expires_at, self._on_expiry)
        self.notify(100, "Trying", now, is_final=False)

    def reject(self, status: int, now: int) -> None:
        """Refuse."""
        if self.state is notifier.State.ASKED:
            self._step(notifier.Event.REJECT)
            self._server.reply(status, now)

    def unanswered(self) -> None:
        """Close: the user never answered."""
        if self.state is notifier.State.ASKED:
            self._step(notifier.Event.UNANSWERED)

    def notify(self, status: int, reason: str, now: int, *, is_final: bool) -> None:
        """Report a status; a repeated one is left out, a waiting older one is replaced."""
        if self.state is not notifier.State.ACTIVE or (status == self._status and not is_final):
            return
        self._status = status
        left = max(0, self._expires_at - now) // SECOND
        state = "terminated;reason=noresource" if is_final else f"active;expires={left}"
        self._step(notifier.Event.FINAL if is_final else notifier.Event.PROGRESS)
        self._put((status, reason, state), now)

    def flush(self, now: int) -> None:
        """Send what waits at once: the BYE is next."""
        for notice in self._queue:
            self._send(notice, now)
        self._queue.clear()

    def close(self, now: int) -> None:
        """End: the session is over."""
        self._queue.clear()
        if self.state is not notifier.State.CLOSED:
            self._step(notifier.Event.GONE)
            if self._server.is_waiting:
                self._server.reply(481, now)

    def _on_expiry(self, now: int) -> None:
        self._step(notifier.Event.EXPIRE)
        self._put((408, REASONS[408], "terminated;reason=timeout"), now)

    def _put(self, notice: _Notice, now: int) -> None:
        if self._is_silent:
            return
        if not self._is_under_way:
            self._send(notice, now)
        elif self._queue:
            self._queue[-1] = notice
        else:
            self._queue.append(notice)

    def _send(self, notice: _Notice, now: int) -> None:
        status, reason, state = notice
        self._is_under_way = True
        headers = [
            ("Event", self._event),
            ("Subscription-State", state),
            ("Content-Type", SIPFRAG),
        ]
        body = f"SIP/2.0 {status} {reason or REASONS.get(status, '')}\r\n"
        self._session.send("NOTIFY", headers, self._on_result, now, body.encode())

    def _on_result(self, response: Response | None, cause: FinishCause, now: int) -> None:
        self._is_under_way = False
        if response is not None and response.status == 481:
            self._queue.clear()
            if self.state is notifier.State.ACTIVE:
                self._step(notifier.Event.GONE)
        if self._queue and not self._session.is_over:
            self._send(self._queue.pop(0), now)


class Watcher:
    """A REFER we sent."""

    __slots__ = ("_expiry", "_request", "_session", "id", "state")

    def __init__(self, session: Session, id_: str) -> None:
        self.id = id_
        self.state = watcher.INITIAL
        self._session = session
        self._expiry: Timer | None = None
        self._request: DialogRequest | None = None

    @property
    def cseq(self) -> int:
        """Number of the REFER, the id of its subscription."""
        return self._request.cseq if self._request is not None else 0

    def start(self, refer_to: str, referred_by: str | None, now: int) -> None:
        """Send the REFER."""
        engine = self._session.engine
        headers = [("Refer-To", refer_to)]
        if referred_by is not None:
            headers.append(("Referred-By", referred_by))
        at = now + engine.config.refer_expires_s * SECOND
        self._expiry = engine.timers.arm(at, self._on_expiry)
        self._request = self._session.send("REFER", headers, self._on_result, now)

    def close(self) -> None:
        """End: the session is over."""
        if self.state is not watcher.State.CLOSED:
            self._step(watcher.Event.GONE)
            self._report(481, is_final=True)

    def _step(self, event: watcher.Event) -> None:
        self.state = step(watcher.TABLE, watcher.NAME, self.state, event).state
        if self.state is watcher.State.CLOSED:
            self._session.engine.timers.cancel(self._expiry)

    def _report(self, status: int, *, is_final: bool) -> None:
        session = self._session
        session.engine.emit(ReferProgress(session.id, self.id, status, is_final))

    def _on_result(self, response: Response | None, cause: FinishCause, now: int) -> None:
        if self.state is watcher.State.CLOSED:
            return
        if response is None or response.status >= 300:
            status = response.status if response else 408 if cause == "timeout" else 503
            self._step(watcher.Event.REFUSED)
            self._report(status, is_final=True)
            if status in (481, 408):
                self._session.peer_is_gone(now)
            return
        if (response.headers.get("Refer-Sub") or "").strip().lower() == "false":
            self._step(watcher.Event.FINAL)
            self._report(response.status, is_final=True)
            return
        self._step(watcher.Event.ACCEPTED)
        self._report(response.status, is_final=False)

    def notified(self, request: Request) -> None:
        """Take a NOTIFY of the subscription."""
        status = fragment_status(request)
        state = (request.headers.get("Subscription-State") or "").strip().lower()
        is_final = state.startswith("terminated") or (status is not None and status >= 200)
        self._step(watcher.Event.FINAL if is_final else watcher.Event.PROGRESS)
        self._report(status or (408 if is_final else 100), is_final=is_final)

    def _on_expiry(self, now: int) -> None:
        self._step(watcher.Event.EXPIRE)
        self._report(408, is_final=True)
