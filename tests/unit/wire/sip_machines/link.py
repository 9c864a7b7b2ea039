# SPDX-License-Identifier: Apache-2.0
"""Two SIP endpoints joined in memory, under a virtual clock, with scripted faults.

Every message goes through `to_bytes` and `parse_message`. A fault is taken per message, in order,
from the list given: deliver (a delay in ms), drop (None), duplicate (a pair of delays).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from centralino.wire.sip.endpoint import (
    EndpointConfig,
    Flow,
    Hop,
    OutgoingInvite,
    Send,
    SipEndpoint,
    SipEvent,
)
from centralino.wire.sip.message import Message, Request, Response, parse_message

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Transport

MS = 1_000_000
SECOND = 1_000_000_000
DELAY_MS = 5

Fault = int | None | tuple[int, int]
E = TypeVar("E")

OFFER = b"v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 4000 RTP/SAVP 8\r\na=sendrecv\r\n"
ANSWER = b"v=0\r\no=b 7 1 IN IP4 192.0.2.2\r\ns=-\r\nm=audio 5000 RTP/SAVP 8\r\na=sendrecv\r\n"
HELD = OFFER.replace(b"1 1 IN", b"1 2 IN").replace(b"sendrecv", b"inactive")


def seeded_token(seed: int) -> Callable[[], str]:
    """Return a token source that repeats itself from run to run."""
    rng = random.Random(seed)
    return lambda: f"{rng.getrandbits(64):016x}"


class Peer:
    """One endpoint, what it reported and what it sent."""

    def __init__(self, name: str, seed: int, config: EndpointConfig) -> None:
        self.name = name
        self.endpoint = SipEndpoint(config, token=seeded_token(seed))
        self.events: list[SipEvent] = []
        self.sent: list[Message] = []
        self.contact = f"<sip:{name}@{name}.test:5061;transport=tls;x-i=8%3A{name}>"

    def seen(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def only(self, kind: type[E]) -> E:
        """Return the one event of a kind."""
        found = self.seen(kind)
        assert len(found) == 1, [type(event).__name__ for event in self.events]
        return found[0]

    def lines(self) -> list[str]:
        """Return what was sent, as `INVITE` or `200 INVITE`."""
        return [line_of(message) for message in self.sent]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left behind."""
        endpoint = self.endpoint
        return (endpoint.open_sessions, endpoint.open_transactions, endpoint.armed_timers) == (
            0,
            0,
            0,
        )


def line_of(message: Message) -> str:
    """Return the short form of a message."""
    if isinstance(message, Request):
        return message.method
    return f"{message.status} {message.cseq.method}"


class Link:
    """Joins `a` and `b`."""

    def __init__(
        self,
        transport: Transport = "udp",
        faults: Iterable[Fault] = (),
        config_a: EndpointConfig | None = None,
        config_b: EndpointConfig | None = None,
    ) -> None:
        usual = EndpointConfig(user_agent="test")
        self.transport = transport
        self.now = 1_000 * SECOND
        self.a = Peer("a", 1, config_a or usual)
        self.b = Peer("b", 2, config_b or usual)
        self.faults = iter(faults)
        self.filter: Callable[[Peer, Message], bool] = lambda _peer, _message: True
        """Whether a message gets through."""
        self.undeliverable = False
        self._queue: list[tuple[int, int, Peer, bytes]] = []
        self._count = 0

    def flow_to(self, peer: Peer) -> Flow:
        """Return the flow on which `peer` hears the other."""
        flow_id = 1 if peer is self.a else 2
        return Flow(flow_id, self.transport, ("192.0.2.1", 5061), ("192.0.2.2", 5061), ("x",))

    def other(self, peer: Peer) -> Peer:
        """Return the far side."""
        return self.b if peer is self.a else self.a

    # ---- acting

    def call(self, **changes: object) -> str:
        """Let `a` call `b`; return the session."""
        fields: dict[str, object] = {
            "uri": "sip:+390612345678@b.test:5061;user=phone;transport=tls",
            "from_": '"A" <sip:a@a.test>',
            "to": "<sip:+390612345678@b.test>",
            "contact": self.a.contact,
            "hop": Hop("b.test", 5061, self.transport),
            "sdp": OFFER,
        }
        fields.update(changes)
        session = self.a.endpoint.invite(OutgoingInvite(**fields), self.now)  # type: ignore[arg-type]  # test shorthand
        self.flush()
        return session

    def connect(self, **changes: object) -> tuple[str, str]:
        """Let `a` call `b` and `b` answer; return both sessions."""
        from centralino.wire.sip.events import SessionInvited

        caller = self.call(**changes)
        self.run_for(100)
        callee = self.b.only(SessionInvited).session
        self.do(self.b).answer(callee, ANSWER, self.now, contact=self.b.contact)
        self.run_for(1000)
        return caller, callee

    def do(self, peer: Peer) -> SipEndpoint:
        """Return the endpoint for one action; what it sends leaves with the next `run_for`."""
        return peer.endpoint

    def inject(self, peer: Peer, message: Message) -> None:
        """Give `peer` a message made by hand."""
        peer.endpoint.receive(parse_message(message.to_bytes()), self.flow_to(peer), self.now)
        self.flush()

    # ---- time

    def run_for(self, length_ms: int) -> None:
        """Let time pass."""
        self.run_until(self.now + length_ms * MS)

    def run_until(self, end: int) -> None:
        """Deliver and fire all that is due until `end`."""
        self.flush()
        while True:
            at = self._next()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self._turn()
        self.now = max(self.now, end)

    def run_out(self, limit_s: int = 400) -> None:
        """Run until nothing is waiting, at most `limit_s`."""
        self.run_until(self.now + limit_s * SECOND)

    def _next(self) -> int | None:
        times = [self._queue[0][0]] if self._queue else []
        for peer in (self.a, self.b):
            at = peer.endpoint.next_deadline()
            if at is not None:
                times.append(at)
        return min(times) if times else None

    def _turn(self) -> None:
        while self._queue and self._queue[0][0] <= self.now:
            _, _, peer, data = heapq.heappop(self._queue)
            peer.endpoint.receive(parse_message(data), self.flow_to(peer), self.now)
            self.flush()
        for peer in (self.a, self.b):
            peer.endpoint.tick(self.now)
        self.flush()

    def flush(self) -> None:
        """Take what both endpoints have produced."""
        for peer in (self.a, self.b):
            for send in peer.endpoint.take_sends():
                self._carry(peer, send)
            peer.events.extend(peer.endpoint.take_events())

    def _carry(self, peer: Peer, send: Send) -> None:
        message = parse_message(send.data)
        assert message.to_bytes() == send.data
        peer.sent.append(message)
        if self.undeliverable:
            if send.transaction is not None:
                peer.endpoint.transport_failed(send.transaction, self.now, "unreachable")
            return
        if not self.filter(peer, message):
            return
        fault = next(self.faults, DELAY_MS)
        if fault is None:
            return
        for delay_ms in fault if isinstance(fault, tuple) else (fault,):
            self._count += 1
            heapq.heappush(
                self._queue,
                (self.now + delay_ms * MS, self._count, self.other(peer), send.data),
            )


def last_of(peer: Peer, line: str) -> Message:
    """Return the last message of that short form."""
    return [message for message in peer.sent if line_of(message) == line][-1]


def last_request(peer: Peer, method: str) -> Request:
    """Return the last request of that method."""
    message = last_of(peer, method)
    assert isinstance(message, Request)
    return message


def last_response(peer: Peer, line: str) -> Response:
    """Return the last response such as `200 INVITE`."""
    message = last_of(peer, line)
    assert isinstance(message, Response)
    return message
