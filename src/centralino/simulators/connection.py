# SPDX-License-Identifier: Apache-2.0
"""Connections of the far side: what a TCP, TLS or UDP socket tells its stack."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import structlog
from typing_extensions import override

from centralino.wire.sip.errors import FramingError
from centralino.wire.sip.flow import Flow, Transport
from centralino.wire.sip.framing import Keepalive, StreamFramer, datagram

if TYPE_CHECKING:
    from centralino.simulators.transport import FarStack

log = structlog.get_logger(__name__)

Key = tuple[str, int, str]
"""Host, port, and our own address, empty for any."""


def peer_names(certificate: object) -> tuple[str, ...]:
    """Return the DNS names and the common name of a verified peer certificate."""
    if not isinstance(certificate, dict):
        return ()
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    for group in certificate.get("subject", ()):
        names += [value for key, value in group if key == "commonName" and value not in names]
    return tuple(names)


class StreamConnection(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, stack: FarStack, transport: Transport, key: Key | None) -> None:
        self._stack = stack
        self._kind = transport
        self._key = key
        self._framer = StreamFramer()
        self.socket: asyncio.Transport | None = None
        self.flow: Flow | None = None
        self.unanswered: list[str] = []
        """Transactions written since the peer was last heard: lost when the connection is."""
        self.has_open_request = False
        """Whether one of them is a request."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.socket = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        local = transport.get_extra_info("sockname")[:2]
        self.flow = Flow(
            flow_id=self._stack.next_flow_id(),
            transport=self._kind,
            local=local,
            trunk=local[0] if self._stack.connects_from_own_addresses else None,
            peer=transport.get_extra_info("peername")[:2],
            peer_names=peer_names(tls.getpeercert()) if tls is not None else (),
        )
        self._stack.opened(self, self._key)

    def certificate(self) -> bytes | None:
        """Return the certificate that the peer showed, DER."""
        tls = self.socket.get_extra_info("ssl_object") if self.socket is not None else None
        return None if tls is None else cast("bytes | None", tls.getpeercert(binary_form=True))

    @override
    def data_received(self, data: bytes) -> None:
        assert self.flow is not None  # noqa: S101 - set when the connection was made
        assert self.socket is not None  # noqa: S101 - likewise
        self.unanswered.clear()
        self.has_open_request = False
        try:
            for item in self._framer.feed(data):
                if isinstance(item, Keepalive):
                    self.socket.write(b"\r\n")
                else:
                    self._stack.received(item, self.flow)
        except FramingError as error:
            log.warning("far_side_framing_failed", code=error.code)
            self.socket.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stack.closed(self, self._key)


class DatagramSocket(asyncio.DatagramProtocol):
    """One UDP socket; a flow per peer."""

    def __init__(self, stack: FarStack) -> None:
        self._stack = stack
        self.socket: asyncio.DatagramTransport | None = None
        self.flow_id = stack.next_flow_id()
        self.local: tuple[str, int] = ("", 0)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.socket = cast("asyncio.DatagramTransport", transport)
        self.local = transport.get_extra_info("sockname")[:2]

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not data.strip(b"\r\n\0 "):
            return
        flow = Flow(flow_id=self.flow_id, transport="udp", local=self.local, peer=addr[:2])
        self._stack.received(datagram(data), flow)
