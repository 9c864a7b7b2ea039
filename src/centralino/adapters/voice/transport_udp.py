# SPDX-License-Identifier: Apache-2.0
"""One UDP socket: datagrams in, judged by source before they are parsed; datagrams out.

A stranger's datagram costs one look at the trunks' networks and leaves nothing behind but a
count. Known sources have a token bucket each, so that one that floods harms nobody else.
Source: RFC 3261 18, 18.3.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from centralino.exchange.token_bucket import TokenBucket
from centralino.wire.sip.flow import Flow
from centralino.wire.sip.framing import datagram

if TYPE_CHECKING:
    from centralino.adapters.voice.transport_core import TransportCore
    from centralino.adapters.voice.trunks import Peer
    from centralino.core.kernel.ids import TrunkId

_MAX_FLOWS_PER_SOURCE = 64


class _Source:
    """A known source address."""

    __slots__ = ("bucket", "flows", "peer")

    def __init__(self, peer: Peer, now: int) -> None:
        self.peer = peer
        self.bucket = TokenBucket(peer.messages_per_s, peer.message_burst, now)
        self.flows: dict[tuple[int, TrunkId | None], Flow] = {}


class UdpSocket(asyncio.DatagramProtocol):
    """A bound socket; its ``flow_id`` stands for the socket, not for a peer."""

    def __init__(self, core: TransportCore, flow_id: int) -> None:
        self._core = core
        self.flow_id = flow_id
        self.local: tuple[str, int] = ("", 0)
        self.is_ipv6 = False
        self._transport: asyncio.DatagramTransport | None = None
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        name = transport.get_extra_info("sockname")
        self.local = (name[0], name[1])
        self.is_ipv6 = ":" in self.local[0]
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._core.limits.udp_buffer_bytes)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        core = self._core
        now = core.clock.now()
        source = self._source(addr[0], now)
        if source is None:
            core.stranger("udp", addr[0], now)
            return
        if not source.bucket.take(now):
            core.counts["flood-dropped"] += 1
            return
        message = datagram(data)
        if not message:
            return
        core.take_message(message, self, source.peer, addr[:2], now)
        core.listener.batch_done()

    def _source(self, address: str, now: int) -> _Source | None:
        core = self._core
        source = self._sources.get(address)
        if source is not None and source.peer.generation == core.registry.generation:
            return source
        peer = core.registry.peer("udp", address)
        if peer is None:
            self._sources.pop(address, None)
            return None
        source = self._sources[address] = _Source(peer, now)
        if len(self._sources) > core.limits.max_peers:
            self._sources.popitem(last=False)
        return source

    def flow(self, trunk: TrunkId | None, peer: tuple[str, int]) -> Flow:
        """Return the flow of a datagram, made once per source port and trunk."""
        source = self._sources.get(peer[0])
        flows = source.flows if source is not None else {}
        key = (peer[1], trunk)
        flow = flows.get(key)
        if flow is None:
            if len(flows) >= _MAX_FLOWS_PER_SOURCE:
                flows.clear()
            flow = flows[key] = Flow(self.flow_id, "udp", self.local, peer, (), trunk)
        return flow

    def reply(self, data: bytes, peer: tuple[str, int]) -> None:
        """Answer a source outside any transaction."""
        self.send_to(data, peer)

    def send_to(self, data: bytes, peer: tuple[str, int]) -> None:
        """Send one datagram; what the system cannot take is lost, as on any network."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, peer)

    @override
    def error_received(self, exc: Exception) -> None:
        self._core.counts["udp-error"] += 1

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
