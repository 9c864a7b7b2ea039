# SPDX-License-Identifier: Apache-2.0
"""One TCP or TLS connection: bytes to messages and back, with every bound enforced.

Both directions of opening use this protocol. A connection is of use (``is_open``) once TCP, and
for TLS the handshake and the check of the peer's names, are done; until then it holds nothing of
the peer's but a handshake. A peer that floods is no longer read until its credit has
grown back; a peer that does not read is reset.
Sources: RFC 3261 18, RFC 5626 3.5.1 (keep-alive), RFC 5922 (names).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

import structlog
from typing_extensions import override

from centralino.adapters.voice.tls import TlsError, TlsSession
from centralino.adapters.voice.tls_diagnosis import (
    Diagnosis,
    TlsFault,
    closed_in_handshake,
    covers,
    wrong_name,
)
from centralino.exchange.token_bucket import TokenBucket
from centralino.wire.sip.flow import Flow
from centralino.wire.sip.framing import FramingError, Keepalive, StreamFramer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.adapters.voice.transport_core import TransportCore
    from centralino.adapters.voice.trunks import Peer
    from centralino.core.kernel.ids import TrunkId
    from centralino.wire.sip.flow import Send, Transport

log = structlog.get_logger(__name__)

_SECOND = 1_000_000_000
_PING = b"\r\n\r\n"
_PONG = b"\r\n"
_MAX_UNANSWERED = 256


class ConnectionOwner(Protocol):
    """Who keeps the connections."""

    def admits(self, connection: StreamConnection) -> bool:
        """Decide whether a connection just made may stay."""
        ...

    def established(self, connection: StreamConnection) -> None:
        """Take notice that it is open."""
        ...

    def refused(self, connection: StreamConnection, diagnosis: Diagnosis) -> None:
        """Take notice that TLS failed, at once or right after the handshake."""
        ...

    def lost(self, connection: StreamConnection) -> None:
        """Take notice that it is gone."""
        ...

    def unanswered(self, send: Send, detail: str, *, is_second: bool) -> None:
        """Take back a request after which the connection died without a further byte."""
        ...


class Outgoing:
    """Why we opened a connection."""

    __slots__ = ("host", "names", "trunk")

    def __init__(self, host: str, trunk: TrunkId | None, names: Sequence[str]) -> None:
        self.host = host
        self.trunk = trunk
        self.names = names
        """Names of which the peer's certificate must carry one."""


class StreamConnection(asyncio.Protocol):
    """One connection, accepted (``outgoing`` None) or opened."""

    def __init__(
        self,
        core: TransportCore,
        transport: Transport,
        owner: ConnectionOwner,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._core = core
        self._owner = owner
        self.kind: Transport = transport
        self.outgoing = outgoing
        self.flow_id = core.new_flow_id()
        self.local: tuple[str, int] = ("", 0)
        self.remote: tuple[str, int] = ("", 0)
        self.peer: Peer | None = None
        self.peer_names: tuple[str, ...] = ()
        self.is_open = False
        self.is_retired = False
        """To be closed when idle: an old certificate, or a peer that sent us away."""
        self.generation = 0
        self.heard_at = self.opened_at = core.clock.now()
        self.close_at: int | None = None
        self.opened: asyncio.Future[None] | None = None
        """Of a connection of ours: done when ``is_open`` becomes true, fails with ``TlsError``
        or ``OSError``."""
        if outgoing is not None:
            self.opened = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._tls: TlsSession | None = None
        self._framer = StreamFramer()
        self._flows: dict[TrunkId | None, Flow] = {}
        self._bucket = TokenBucket(1.0, 1, self.opened_at)
        self._unanswered: list[tuple[Send, bool]] = []
        self._is_full = False
        self._has_spoken = False
        self._was_open = False
        self._quiet_ns: int | None = None
        self._is_closing = False
        self._end = ""

    # ---- asyncio's side

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._core.limits.write_buffer_bytes // 4)
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if not local or not remote:
            self.abort()
            return
        self.local, self.remote = (local[0], local[1]), (remote[0], remote[1])
        if not self._owner.admits(self):
            self.abort()
            return
        if self.kind != "tls":
            self._establish(())
            return
        contexts = self._core.identity.contexts if self._core.identity is not None else None
        if contexts is None:
            self.abort()
            return
        self.generation = contexts.generation
        if self.outgoing is None:
            self._tls = TlsSession(contexts.server)
        else:
            self._tls = TlsSession(contexts.client, server_name=self.outgoing.host)
            self._shake(b"")

    @override
    def data_received(self, data: bytes) -> None:
        self.heard_at = now = self._core.clock.now()
        if self._tls is not None:
            data = self._shake(data)
            if not data:
                return
        if self._unanswered:
            self._unanswered.clear()
        if self.is_open:
            self._take(data, now)

    @override
    def eof_received(self) -> bool:
        if self.kind == "tls" and not self.is_open:
            self._fail_handshake(closed_in_handshake())
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._transport = None
        if self._tls is not None and self.outgoing is not None and self._has_gone_early():
            self._fail_handshake(closed_in_handshake())
        detail = self._end or ("connection lost" if exc is None else f"connection lost: {exc}")
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(OSError(detail))
        self._owner.lost(self)
        unanswered, self._unanswered = self._unanswered, []
        for send, is_second in unanswered:
            self._owner.unanswered(send, detail, is_second=is_second)
        if self._was_open:
            self._core.listener.flow_closed(self.flow_id)
        self._core.listener.batch_done()

    def _has_gone_early(self) -> bool:
        """Tell whether a peer left before its first message, without saying why."""
        return not (self._has_spoken or self._end or self._is_closing)

    @override
    def pause_writing(self) -> None:
        self._is_full = True

    @override
    def resume_writing(self) -> None:
        self._is_full = False

    # ---- opening

    def _shake(self, data: bytes) -> bytes:
        """Feed the TLS session; returns what the peer said."""
        session, transport = self._tls, self._transport
        if session is None or transport is None:
            return b""
        try:
            if not self.is_open and not data:
                session.handshake()
                plain = b""
            else:
                plain = session.receive(data)
        except TlsError as error:
            output = session.take_output()
            if output:
                transport.write(output)
            self._end_tls(error.diagnosis)
            return b""
        output = session.take_output()
        if output:
            transport.write(output)
        if session.established and not self.is_open:
            self._check_names(session)
        return plain

    def _end_tls(self, diagnosis: Diagnosis) -> None:
        if not self.is_open or diagnosis.fault is not TlsFault.CLOSED:
            self._fail_handshake(diagnosis)
        else:
            self.close()

    def _check_names(self, session: TlsSession) -> None:
        names = session.peer_names()
        outgoing = self.outgoing
        if outgoing is not None and not any(covers(names, name) for name in outgoing.names):
            self._fail_handshake(wrong_name(outgoing.names, names))
            return
        self._establish(names)

    def _establish(self, names: tuple[str, ...]) -> None:
        registry, outgoing = self._core.registry, self.outgoing
        peer = registry.peer(self.kind, self.remote[0], names)
        if peer is None and outgoing is not None and outgoing.trunk is not None:
            peer = registry.peer_of(outgoing.trunk)
        if peer is None and outgoing is None:
            self._core.stranger(self.kind, self.remote[0], self._core.clock.now())
            if names:
                expected = tuple(dict.fromkeys(n for t in registry.all() for n in t.match.names))
                self._core.listener.tls_failed(None, self.remote[0], wrong_name(expected, names))
            self.abort()
            return
        self.peer, self.peer_names = peer, names
        if peer is not None:
            now = self._core.clock.now()
            self._bucket = TokenBucket(peer.messages_per_s, peer.message_burst, now)
        self.is_open = self._was_open = True
        if self.opened is not None and not self.opened.done():
            self.opened.set_result(None)
        self._owner.established(self)

    def _fail_handshake(self, diagnosis: Diagnosis) -> None:
        trunk = self.outgoing.trunk if self.outgoing is not None else None
        peer = self.outgoing.host if self.outgoing is not None else self.remote[0]
        self._core.counts["tls-failed"] += 1
        self._end = diagnosis.text
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(TlsError(diagnosis))
        self._core.listener.tls_failed(trunk, peer, diagnosis)
        self._owner.refused(self, diagnosis)
        self.close()

    # ---- reading

    def _take(self, data: bytes, now: int) -> None:
        core = self._core
        try:
            parts = self._framer.feed(data)
        except FramingError as error:
            core.counts["framing"] += 1
            log.warning("stream broken", peer_address=self.remote[0], code=error.code)
            self.close()
            return
        if not parts:
            return
        pings = 0
        peer = self._known_peer()
        for part in parts:
            if isinstance(part, Keepalive):
                pings += 1
            elif peer is not None:
                if not self._has_spoken:
                    self._first_message()
                if not self._bucket.take(now):
                    self._throttle(now)
                core.take_message(part, self, peer, self.remote, now)
        if pings and not self._is_full:
            self._write(_PONG)
        core.listener.batch_done()

    def _first_message(self) -> None:
        self._has_spoken = True
        if self.outgoing is not None:
            self._core.listener.peer_spoke(self.outgoing.trunk, self.outgoing.host)

    def _known_peer(self) -> Peer | None:
        """The peer, judged anew when the trunks have changed since."""
        registry, peer = self._core.registry, self.peer
        if peer is not None and peer.generation != registry.generation:
            peer = registry.peer(self.kind, self.remote[0], self.peer_names)
            self.peer = peer
            if peer is None:
                self._core.stranger(self.kind, self.remote[0], self.heard_at)
                self.close()
        return peer

    def _throttle(self, now: int) -> None:
        """Read on when the peer's credit has grown back; what was read already is used."""
        transport = self._transport
        if transport is None or not transport.is_reading():
            return
        self._core.counts["flood-paused"] += 1
        transport.pause_reading()
        wait_s = max(self._bucket.wait_ns(now) / _SECOND, 0.01)
        asyncio.get_running_loop().call_later(wait_s, self._read_on)

    def _read_on(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def flow(self, trunk: TrunkId | None, peer: tuple[str, int]) -> Flow:
        """Return the flow that messages of a trunk travel with."""
        flow = self._flows.get(trunk)
        if flow is None:
            flow = Flow(self.flow_id, self.kind, self.local, peer, self.peer_names, trunk)
            self._flows[trunk] = flow
        return flow

    # ---- writing

    def write(self, data: bytes) -> bool:
        """Send bytes nobody waits for; False when the connection is gone (or was just reset)."""
        if not self.is_open or self._transport is None or self._transport.is_closing():
            return False
        return self._write(data)

    def write_request(self, send: Send, *, is_second: bool = False) -> bool:
        """Send a request; the owner is told when the connection dies before the peer's next byte.

        Args:
            send: the request.
            is_second: it was sent over another connection before, which died.
        """
        if not self.write(send.data):
            return False
        if len(self._unanswered) < _MAX_UNANSWERED:
            self._unanswered.append((send, is_second))
        return True

    def _write(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None:
            return False
        if self._is_full:
            held = transport.get_write_buffer_size()
            if held + len(data) > self._core.limits.write_buffer_bytes:
                self._core.counts["slow-reader-reset"] += 1
                log.warning("peer does not read, connection reset", peer_address=self.remote[0])
                self.abort()
                return False
        if self._tls is not None:
            try:
                data = self._tls.encrypt(data)
            except TlsError:
                self.close()
                return False
        transport.write(data)
        return True

    def reply(self, data: bytes, peer: tuple[str, int]) -> None:
        """Answer outside any transaction."""
        del peer
        self.write(data)

    # ---- ageing, called by the owner's sweep

    def age(self, now: int) -> None:
        """Close when idle, mute, too slow or retired; keep alive when asked to."""
        limits = self._core.limits
        if not self.is_open:
            if self._transport is not None and now - self.opened_at > limits.connect_s * _SECOND:
                text = "the handshake took too long"
                self._fail_handshake(Diagnosis(TlsFault.TIMEOUT, text))
                self.abort()
            return
        quiet = now - self.heard_at
        is_idle = quiet > limits.idle_s * _SECOND
        is_over = self.close_at is not None and now >= self.close_at
        is_calm = self._quiet_ns is not None and quiet > self._quiet_ns
        is_mute = self.outgoing is None and not self._has_spoken
        if is_idle or is_over or is_calm or (is_mute and quiet > limits.first_message_s * _SECOND):
            self.close()
        elif self.outgoing is not None and 0 < limits.keepalive_s * _SECOND < quiet:
            self._write(_PING)

    def retire(self, close_at: int, quiet_ns: int | None = None) -> None:
        """Take no new requests from now on.

        Args:
            close_at: close at the latest then, monotonic nanoseconds.
            quiet_ns: close earlier when nothing was heard for so long.
        """
        self.is_retired = True
        self._quiet_ns = quiet_ns
        if self.close_at is None or close_at < self.close_at:
            self.close_at = close_at

    def close(self) -> None:
        """Close after what is written has gone out."""
        self.is_open = False
        self._is_closing = True
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._tls is not None:
            goodbye = self._tls.close()
            if goodbye:
                transport.write(goodbye)
        transport.close()

    def abort(self) -> None:
        """Reset the connection at once."""
        self.is_open = False
        self._is_closing = True
        if self._transport is not None:
            self._transport.abort()
