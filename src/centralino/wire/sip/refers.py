# SPDX-License-Identifier: Apache-2.0
"""All REFER subscriptions of one session: which NOTIFY belongs to which, and the bound.

Source: RFC 3515 2.4.6 (the id of the Event header is the CSeq of the REFER).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.sip import refer_watcher
from centralino.wire.sip.events import ReferProgress, ReferReceived
from centralino.wire.sip.grammar import find_param, parse_params
from centralino.wire.sip.refer import Notifier, Watcher

if TYPE_CHECKING:
    from centralino.wire.sip.server import ServerTransaction
    from centralino.wire.sip.session import Session


class Refers:
    """The REFERs of one session, both directions."""

    __slots__ = ("_notifiers", "_sent", "_session", "_watchers", "received")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._notifiers: dict[str, Notifier] = {}
        self._watchers: dict[str, Watcher] = {}
        self._sent = 0
        self.received = 0
        """How many REFERs came in this dialog."""

    # ---- asked of us

    def on_refer(self, server: ServerTransaction, now: int) -> None:
        """Take a REFER."""
        session = self._session
        headers = server.request.headers
        targets = headers.get_all("Refer-To")
        self._notifiers = {
            id_: known for id_, known in self._notifiers.items() if not known.is_done
        }
        if len(targets) != 1:
            server.reply(400, now)
            return
        if len(self._notifiers) >= session.engine.config.max_refers:
            server.reply(503, now, (("Retry-After", str(session.engine.config.retry_after_s)),))
            return
        asked = Notifier(session, server, is_first=self.received == 0)
        self.received += 1
        self._notifiers[asked.id] = asked
        server.guard(now, lambda _server, _now: asked.unanswered())
        by = headers.get("Referred-By")
        session.engine.emit(ReferReceived(session.id, asked.id, targets[0], by, server.request))

    def notifier(self, refer: str) -> Notifier | None:
        """Return a REFER we received; None when it is over."""
        return self._notifiers.get(refer)

    # ---- asked by us

    def send(self, refer_to: str, referred_by: str | None, now: int) -> str:
        """Send a REFER; return its id."""
        self._sent += 1
        session = self._session
        asked = Watcher(session, f"out-{self._sent}")
        self._watchers = {
            id_: known
            for id_, known in self._watchers.items()
            if known.state is not refer_watcher.State.CLOSED
        }
        if len(self._watchers) >= session.engine.config.max_refers:
            session.engine.emit(ReferProgress(session.id, asked.id, 503, final=True))
            return asked.id
        self._watchers[asked.id] = asked
        asked.start(refer_to, referred_by, now)
        return asked.id

    def on_notify(self, server: ServerTransaction, now: int) -> None:
        """Take a NOTIFY."""
        event = server.request.headers.get("Event") or ""
        package, _, params = event.partition(";")
        if package.strip().lower() != "refer":
            server.reply(489, now, (("Allow-Events", "refer"),))
            return
        found = self._find(find_param(parse_params(params), "id"))
        if found is None:
            server.reply(481, now)
            return
        server.reply(200, now)
        found.notified(server.request)

    def _find(self, id_: str | None) -> Watcher | None:
        for known in self._watchers.values():
            is_open = known.state is not refer_watcher.State.CLOSED
            if is_open and (id_ is None or id_ == str(known.cseq)):
                return known
        return None

    # ---- both

    def flush(self, now: int) -> None:
        """Send the NOTIFYs that wait: the BYE is next."""
        for known in self._notifiers.values():
            known.flush(now)

    def close(self, now: int) -> None:
        """End all: the session is over."""
        for notifier in self._notifiers.values():
            notifier.close(now)
        for watcher in self._watchers.values():
            watcher.close()
        self._notifiers.clear()
        self._watchers.clear()
