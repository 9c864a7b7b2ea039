# SPDX-License-Identifier: Apache-2.0
"""What all sessions of an endpoint share: settings, timers, transactions, output, indexes.

A session is found by its id (from the user) and by Call-ID and our tag (from the wire); which of
the peer's forks a message belongs to is the session's own business.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from centralino.wire.sip.events import MessageDropped, SessionFailed
from centralino.wire.sip.flow import Send
from centralino.wire.sip.message import response_to
from centralino.wire.sip.server import via_hop
from centralino.wire.sip.timers import MS, Timers
from centralino.wire.sip.transactions import COOKIE, Transactions, mark_source

if TYPE_CHECKING:
    from centralino.wire.sip.config import EndpointConfig
    from centralino.wire.sip.dialog import Dialog
    from centralino.wire.sip.events import SipEvent
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Headers, Request
    from centralino.wire.sip.session import Session
    from centralino.wire.sip.timers import Fire, Timer

Lines = Sequence[tuple[str, str]]
"""Header lines in order."""

UNDERSTOOD = frozenset({"timer", "replaces", "100rel"})
"""Option tags a peer may require of us, whether we list them as Supported or not."""


def add_lines(headers: Headers, own: Lines, given: Lines) -> None:
    """Append the lines of `own` that `given` does not replace, then those of `given`.

    A line of that name that is there already (To, Record-Route) is replaced too.
    """
    if given:
        replaced = {name.lower() for name, _ in given}
        for name in replaced:
            headers.remove(name)
        own = [line for line in own if line[0].lower() not in replaced]
    for name, value in own:
        headers.add(name, value)
    for name, value in given:
        headers.add(name, value)


class Engine:
    """The shared inside of one `SipEndpoint`."""

    __slots__ = (
        "allow",
        "by_dialog",
        "config",
        "dropped",
        "events",
        "sends",
        "sessions",
        "supported",
        "timers",
        "token",
        "transactions",
    )

    def __init__(self, config: EndpointConfig, token: Callable[[], str]) -> None:
        self.config = config
        self.token = token
        self.timers = Timers()
        self.sends: list[Send] = []
        self.events: list[SipEvent] = []
        self.transactions = Transactions(config, token, self.timers, self.sends)
        self.sessions: dict[str, Session] = {}
        self.by_dialog: dict[tuple[str, str], Session] = {}
        self.dropped: dict[str, int] = {}
        """How many messages were dropped or refused, by reason."""
        self.allow = ", ".join(config.allow)
        self.supported = ", ".join(config.supported)

    def emit(self, event: SipEvent) -> None:
        """Report a fact."""
        self.events.append(event)

    def count(self, reason: str) -> None:
        """Count a message that was dropped or refused."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def drop(self, reason: str, flow: Flow) -> None:
        """Count and report a message that belongs to nothing."""
        self.count(reason)
        self.emit(MessageDropped(reason, flow))

    def after_ms(self, delay_ms: int, now: int, fire: Fire) -> Timer:
        """Arm a timer."""
        return self.timers.arm(now + delay_ms * MS, fire)

    def random_below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1, drawn from the token source."""
        return zlib.crc32(self.token().encode()) % bound

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another session."""
        return len(self.sessions) >= self.config.max_sessions or self.transactions.is_full

    def refuse_own_call(self) -> str:
        """Report that a call of the user has no room; return its session id."""
        self.count("overload")
        session = self.token()
        retry_after_s = self.config.retry_after_s
        self.emit(
            SessionFailed(session, 503, None, "transport", retry_after_s, "too many sessions")
        )
        return session

    def refuse(self, request: Request, status: int, flow: Flow) -> None:
        """Answer without keeping any state (overload)."""
        self.count("overload")
        self.emit(MessageDropped("overload", flow))
        mark_source(request, flow)
        response = response_to(request, status, to_tag=self.token())
        response.headers.set("Retry-After", str(self.config.retry_after_s))
        hop = via_hop(request, flow)
        self.sends.append(Send(response.to_bytes(), None, hop, flow.flow_id))

    def make_ack(self, dialog: Dialog, cseq: int, credentials: Lines) -> Send:
        """Build the ACK to a 2xx: a request of the dialog with a branch of its own."""
        ack = dialog.request("ACK", cseq)
        for name, value in credentials:
            ack.headers.add(name, value)
        hop = dialog.hop()
        self.transactions.add_via(ack, hop, COOKIE + self.token())
        return Send(ack.to_bytes(), None, hop, hop.flow_id)
