# SPDX-License-Identifier: Apache-2.0
"""What sockets of every kind share: whom they tell, what they count, how a message is judged.

The way of a message: bytes complete (socket) -> parse -> trunk (registry) -> listener. A message
that cannot be parsed is answered 400 where it can be, and counted; one of no trunk is counted
and, when it is a request, answered 403 over a connection that is known otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import structlog

from centralino.exchange.token_bucket import TokenBucket
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import Request, parse_message, response_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.settings import TransportSettings
    from centralino.adapters.voice.tls import TlsIdentity
    from centralino.adapters.voice.tls_diagnosis import Diagnosis
    from centralino.adapters.voice.trunks import Peer, TrunkRegistry
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ClockPort
    from centralino.wire.sip.flow import Flow, Transport
    from centralino.wire.sip.message import Message

log = structlog.get_logger(__name__)


class TransportListener(Protocol):
    """Who hears of what comes in."""

    def message_received(self, message: Message, data: bytes, flow: Flow, now: int) -> None:
        """Take one parsed message of a known trunk, and its bytes."""
        ...

    def batch_done(self) -> None:
        """Take notice that all messages that came at once were handed over."""
        ...

    def undelivered(self, transaction: str, detail: str) -> None:
        """Take notice that a ``Send`` with that transaction id did not get through."""
        ...

    def flow_closed(self, flow_id: int) -> None:
        """Take notice that a connection is gone."""
        ...

    def connect_failed(self, trunk: TrunkId | None, host: str, detail: str, wait_ns: int) -> None:
        """Take notice that a host could not be reached; it is left alone for ``wait_ns``."""
        ...

    def tls_failed(self, trunk: TrunkId | None, peer: str, diagnosis: Diagnosis) -> None:
        """Take notice of a failed handshake or a certificate that is no good."""
        ...

    def peer_spoke(self, trunk: TrunkId | None, host: str) -> None:
        """Take notice of the first message on a connection of ours: the peer accepts us."""
        ...


class Socket(Protocol):
    """Where a message came in."""

    def flow(self, trunk: TrunkId | None, peer: tuple[str, int]) -> Flow:
        """Return the flow that the message travels with."""
        ...

    def reply(self, data: bytes, peer: tuple[str, int]) -> None:
        """Answer outside any transaction."""
        ...


class TransportCore:
    """Shared state of all sockets of a process."""

    def __init__(
        self,
        limits: TransportSettings,
        registry: TrunkRegistry,
        identity: TlsIdentity | None,
        clock: ClockPort,
        token: Callable[[], str],
    ) -> None:
        self.limits = limits
        self.registry = registry
        self.identity = identity
        self.clock = clock
        self.counts: Counter[str] = Counter()
        """What happened how often; keys are short fixed words."""
        self.listener: TransportListener
        self._token = token
        # Microseconds since the epoch: a dialog restored from an earlier process remembers a flow
        # of that process, which must never be mistaken for one of ours.
        self._next_flow = clock.utc() // 1000
        self._log_budget = TokenBucket(limits.unknown_per_s, 10, clock.now())

    def new_flow_id(self) -> int:
        """Return a number that no other socket or connection has had, nor will, after a restart."""
        self._next_flow += 1
        return self._next_flow

    def stranger(self, transport: Transport, address: str, now: int) -> None:
        """Count a source that belongs to no trunk; tell of it, but not too often."""
        self.counts["unknown-peer"] += 1
        if self._log_budget.take(now):
            log.warning("unknown peer refused", transport=transport, peer_address=address)

    def take_message(
        self, data: bytes, socket: Socket, peer: Peer, address: tuple[str, int], now: int
    ) -> None:
        """Parse and judge one message and hand it over, or answer why not."""
        try:
            message = parse_message(data)
            verdict = self.registry.identify(peer, message, self.clock.utc())
        except SipParseError as error:
            self.counts["malformed"] += 1
            self._answer_malformed(error, socket, address)
            return
        if verdict.refusal:
            self.counts[verdict.refusal] += 1
            if isinstance(message, Request) and message.method != "ACK":
                refusal = response_to(message, 403, to_tag=self._token())
                socket.reply(refusal.to_bytes(), address)
            return
        flow = socket.flow(verdict.trunk, address)
        self.listener.message_received(message, data, flow, now)

    def _answer_malformed(
        self, error: SipParseError, socket: Socket, address: tuple[str, int]
    ) -> None:
        skeleton = error.request_skeleton
        if skeleton is None:
            return
        try:
            answer = response_to(skeleton, error.status, to_tag=self._token()).to_bytes()
        except SipParseError:
            return
        socket.reply(answer, address)
