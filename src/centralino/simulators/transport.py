# SPDX-License-Identifier: Apache-2.0
"""Sockets of the far side: UDP, TCP and mutual TLS, under one SIP endpoint.

Deliberately not the product's transport: a mistake there must not be mirrored here.
It is small because it serves a few peers on loopback. Hooks let a simulator look at
and tamper with every message: ``inspect`` sees each received message before the
endpoint does and may swallow it, ``rewrite`` changes bytes on their way out. The ``trunk``
of a hop is the address of ours to connect from.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

import structlog

from centralino.simulators.connection import DatagramSocket, Key, StreamConnection
from centralino.wire.sip.endpoint import SipEndpoint
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.flow import Flow, Hop, Send, Transport
from centralino.wire.sip.message import Message, parse_message

if TYPE_CHECKING:
    import ssl

    from centralino.wire.sip.config import EndpointConfig
    from centralino.wire.sip.events import SipEvent

log = structlog.get_logger(__name__)

Inspect = Callable[[Message, Flow], bool]
"""Return True to keep the message from the endpoint."""

Recorder = Callable[[str, Flow | None, bytes], None]
"""Told ``in`` or ``out``, the flow, and the bytes of each message."""

CONNECT_TIMEOUT_S = 5.0
RESPONSE = b"SIP/2.0 "
CONNECTION_LOST = "connection lost"


class FarStack:
    """One SIP element of the far side: an endpoint and its sockets."""

    def __init__(
        self,
        config: EndpointConfig,
        *,
        token: Callable[[], str],
        names: dict[str, str],
        on_event: Callable[[SipEvent, int], None],
    ) -> None:
        self.endpoint = SipEndpoint(config, token=token)
        self.inspect: Inspect | None = None
        self.rewrite: Callable[[bytes], bytes] | None = None
        self.record: Recorder | None = None
        self.client_tls: ssl.SSLContext | None = None
        self.connects_for_each_request = False
        """Requests never use the connection that the peer opened."""
        self.connects_from_own_addresses = False
        """In a call, connections come from the address that the call came to."""
        self.on_connect_failed: Callable[[Hop, Exception], None] | None = None
        self.on_opened: Callable[[Flow, bytes | None], None] | None = None
        """Told of each new connection and the peer's certificate (DER)."""
        self.on_closed: Callable[[Flow, str, bool], None] | None = None
        """Told of a connection that we opened (to that host) and that is gone, and whether
        requests were open on it."""
        self._names = names
        self._on_event = on_event
        self._flow_ids = itertools.count(1)
        self._streams: dict[int, StreamConnection] = {}
        self._outgoing: dict[Key, StreamConnection] = {}
        self._connecting: dict[Key, asyncio.Future[StreamConnection]] = {}
        self._datagrams: list[DatagramSocket] = []
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._is_flushing = False
        self._is_closed = False

    # ---- life

    async def listen_udp(self, address: str, port: int) -> int:
        """Open a UDP socket; return its port."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(
            lambda: DatagramSocket(self), local_addr=(address, port)
        )
        self._datagrams.append(protocol)
        return protocol.local[1]

    async def listen_stream(
        self, address: str, port: int, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen on TCP, or TLS with a context; return the port."""
        kind: Transport = "tcp" if tls is None else "tls"
        server = await asyncio.get_running_loop().create_server(
            lambda: StreamConnection(self, kind, None), address, port, ssl=tls
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close everything at once; nothing is said to the peers."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for server in self._servers:
            server.close()
        for stream in list(self._streams.values()):
            if stream.socket is not None:
                stream.socket.abort()
        for datagrams in self._datagrams:
            if datagrams.socket is not None:
                datagrams.socket.close()
        for server in self._servers:
            await server.wait_closed()

    def now(self) -> int:
        """Return the loop's time in nanoseconds."""
        return int(asyncio.get_running_loop().time() * 1e9)

    def next_flow_id(self) -> int:
        """Return a number no flow has had."""
        return next(self._flow_ids)

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run work beside the stack; it is cancelled when the stack closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    # ---- in

    def opened(self, stream: StreamConnection, key: Key | None) -> None:
        """Take notice of a new connection."""
        assert stream.flow is not None  # noqa: S101 - set by the caller
        self._streams[stream.flow.flow_id] = stream
        if key is not None:
            self._outgoing[key] = stream
        if self.on_opened is not None:
            self.on_opened(stream.flow, stream.certificate())

    def closed(self, stream: StreamConnection, key: Key | None) -> None:
        """Take notice that a connection is gone."""
        if stream.flow is None:
            return
        self._streams.pop(stream.flow.flow_id, None)
        if key is not None and self._outgoing.get(key) is stream:
            del self._outgoing[key]
        if key is not None and self.on_closed is not None:
            self.on_closed(stream.flow, key[0], stream.has_open_request)
        for transaction in stream.unanswered:
            self.endpoint.transport_failed(transaction, self.now(), CONNECTION_LOST)
        self.endpoint.flow_closed(stream.flow.flow_id, self.now())
        self.flush()

    def received(self, data: bytes, flow: Flow) -> None:
        """Take one message from a socket."""
        if self.record is not None:
            self.record("in", flow, data)
        try:
            message = parse_message(data)
        except SipParseError as error:
            log.warning("far_side_message_refused", code=error.code)
            return
        if self.inspect is not None and self.inspect(message, flow):
            return
        self.deliver(message, flow)

    def deliver(self, message: Message, flow: Flow) -> None:
        """Give a message to the endpoint, past the inspection."""
        self.endpoint.receive(message, flow, self.now())
        self.flush()

    def drop_connection(self, flow: Flow) -> None:
        """Reset the connection a message came on."""
        stream = self._streams.get(flow.flow_id)
        if stream is not None and stream.socket is not None:
            stream.socket.abort()

    def write_raw(self, flow: Flow, data: bytes) -> None:
        """Write bytes on the flow a message came on, past the endpoint."""
        stream = self._streams.get(flow.flow_id)
        if stream is not None:
            self._write(stream, data if self.rewrite is None else self.rewrite(data))

    # ---- out

    def flush(self) -> None:
        """Write what is to be sent, report what has happened, arm the timer."""
        if self._is_flushing or self._is_closed:
            return
        self._is_flushing = True
        try:
            while True:
                for send in self.endpoint.take_sends():
                    self._send(send)
                events = self.endpoint.take_events()
                if not events:
                    break
                for event in events:
                    self._on_event(event, self.now())
        finally:
            self._is_flushing = False
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.endpoint.next_deadline()
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline / 1e9, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.endpoint.tick(self.now() + 1_000_000)
        self.flush()

    def _send(self, send: Send) -> None:
        data = send.data if self.rewrite is None else self.rewrite(send.data)
        stream = self._stream_for(send)
        if stream is not None and stream.socket is not None:
            self._write(stream, data, send.transaction)
            return
        hop = send.hop
        if hop is None:
            return
        if hop.transport == "udp":
            self._send_datagram(send, hop, data)
            return
        reused = self._outgoing.get(self._key(hop))
        if reused is not None:
            self._write(reused, data, send.transaction)
        else:
            self.spawn(self._connect_and_send(send, hop, data))

    def _stream_for(self, send: Send) -> StreamConnection | None:
        is_request = not send.data.startswith(RESPONSE)
        if self.connects_for_each_request and is_request and send.hop is not None:
            return None
        stream = self._streams.get(send.flow_id) if send.flow_id is not None else None
        if stream is None and send.hop is not None and send.hop.flow_id is not None:
            stream = self._streams.get(send.hop.flow_id)
        return stream

    def _write(self, stream: StreamConnection, data: bytes, transaction: str | None = None) -> None:
        if transaction is not None:
            stream.unanswered.append(transaction)
            stream.has_open_request |= not data.startswith(RESPONSE)
        if self.record is not None:
            self.record("out", stream.flow, data)
        if stream.socket is not None:
            stream.socket.write(data)

    def _send_datagram(self, send: Send, hop: Hop, data: bytes) -> None:
        chosen = next(
            (d for d in self._datagrams if d.flow_id == (send.flow_id or hop.flow_id)),
            self._datagrams[0] if self._datagrams else None,
        )
        if chosen is None or chosen.socket is None:
            self._failed(send, "no UDP socket")
            return
        if self.record is not None:
            self.record("out", None, data)
        chosen.socket.sendto(data, (self.address_of(hop.host), self._port(hop)))

    def address_of(self, host: str) -> str:
        """Return the address of a name; a name that is not listed stands for itself."""
        if host in self._names:
            return self._names[host]
        _, _, parent = host.partition(".")
        return self._names.get(f"*.{parent}", host)

    def _key(self, hop: Hop) -> Key:
        return hop.host, self._port(hop), hop.trunk or ""

    def _port(self, hop: Hop) -> int:
        return hop.port or (5061 if hop.transport == "tls" else 5060)

    async def _connect_and_send(self, send: Send, hop: Hop, data: bytes) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                stream = await self._connect(hop)
        except (OSError, TimeoutError) as error:
            detail = str(error) or type(error).__name__
            if self.on_connect_failed is not None:
                self.on_connect_failed(hop, error)
            self._failed(send, detail)
            return
        self._write(stream, data, send.transaction)

    async def _connect(self, hop: Hop) -> StreamConnection:
        key = self._key(hop)
        if key in self._outgoing:
            return self._outgoing[key]
        if key in self._connecting:
            return await asyncio.shield(self._connecting[key])
        future: asyncio.Future[StreamConnection] = asyncio.get_running_loop().create_future()
        self._connecting[key] = future
        try:
            tls = self.client_tls if hop.transport == "tls" else None
            _, stream = await asyncio.get_running_loop().create_connection(
                lambda: StreamConnection(self, hop.transport, key),
                self.address_of(hop.host),
                key[1],
                ssl=tls,
                server_hostname=hop.host if tls is not None else None,
                local_addr=(hop.trunk, 0) if hop.trunk else None,
            )
        except BaseException as error:
            if not future.done():
                future.set_exception(error if isinstance(error, OSError) else OSError(str(error)))
                future.exception()
            raise
        else:
            future.set_result(stream)
            return stream
        finally:
            del self._connecting[key]

    def _failed(self, send: Send, detail: str) -> None:
        if send.transaction is not None:
            self.endpoint.transport_failed(send.transaction, self.now(), detail)
            self.flush()
