# SPDX-License-Identifier: Apache-2.0
"""All sockets of the voice process: listeners, connections, and where a message goes out.

The rule for a ``Send``: on its flow while that lives; else to its hop, over a connection that
exists for the same (transport, address, port, names) or over a new one. A response whose flow is
gone goes where its Via says (RFC 3261 18.2.2). Limits, ageing and certificate renewal are a
sweep over the connections, not a timer each.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, cast

import structlog

from centralino.adapters.voice.transport_route import DEFAULT_PORTS, Route, RouteFinder, RouteKey
from centralino.adapters.voice.transport_stream import Outgoing, StreamConnection
from centralino.adapters.voice.transport_udp import UdpSocket
from centralino.core.kernel.errors import ConfigError
from centralino.exchange.token_bucket import PeerBuckets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.adapters.voice.settings import ListenerSettings
    from centralino.adapters.voice.tls_diagnosis import Diagnosis
    from centralino.adapters.voice.transport_core import TransportCore
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ResolverPort, ServiceAddress
    from centralino.wire.sip.flow import Flow, Hop, Send, Transport

log = structlog.get_logger(__name__)

_SECOND = 1_000_000_000
_MAX_ROUTES = 2048
_LONGEST_SWEEP_S = 1.0
_SHORTEST_SWEEP_S = 0.02


class Transports:
    """Owns every socket."""

    def __init__(self, core: TransportCore, resolver: ResolverPort) -> None:
        self._core = core
        self._routes: OrderedDict[RouteKey, Route] = OrderedDict()
        self._finder = RouteFinder(core, resolver, self._connect, self._deliver)
        self._udp: list[UdpSocket] = []
        self._udp_by_flow: dict[int, UdpSocket] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, StreamConnection] = {}
        self._reachable: dict[tuple[RouteKey | Transport, str, int], StreamConnection] = {}
        self._per_peer: Counter[str] = Counter()
        self._shaking: set[int] = set()
        limits = core.limits
        self._handshakes = PeerBuckets(
            limits.handshakes_per_s, max(1, round(limits.handshakes_per_s)), limits.max_peers
        )
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self.listening: list[tuple[str, str, int]] = []
        """(transport, address, port) of each open listener, in order of configuration."""

    # ---- opening and closing

    async def start(self, listeners: Iterable[ListenerSettings]) -> None:
        """Open the listeners.

        Raises:
            ConfigError: an address or port cannot be bound.
        """
        for settings in listeners:
            try:
                await self._listen(settings)
            except OSError as error:
                await self.stop()
                place = f"{settings.transport} {settings.address}:{settings.port}"
                hint = "`ss -lnp` shows who has it" if error.errno == errno.EADDRINUSE else ""
                problem = (
                    f"cannot open {place}: {os.strerror(error.errno) if error.errno else error}"
                )
                raise ConfigError("voice.listeners", problem, hint) from error
        self._sweep()

    async def _listen(self, settings: ListenerSettings) -> None:
        loop = asyncio.get_running_loop()
        transport = settings.transport
        place = (settings.address, settings.port)
        if transport == "udp":
            flow_id = self._core.new_flow_id()
            # Bound here, because uvloop leaks its handle when it cannot bind.
            bound = _bound_datagram_socket(place)
            _, udp = await loop.create_datagram_endpoint(
                lambda: UdpSocket(self._core, flow_id), sock=bound
            )
            self._udp.append(udp)
            self._udp_by_flow[flow_id] = udp
            self.listening.append((transport, *udp.local))
            return
        server = await loop.create_server(
            lambda: StreamConnection(self._core, transport, self),
            *place,
            backlog=settings.backlog,
        )
        self._servers.append(server)
        name = server.sockets[0].getsockname()
        self.listening.append((transport, name[0], name[1]))

    def stop_listening(self) -> None:
        """Accept no more connections; those there are go on."""
        for server in self._servers:
            server.close()

    async def stop(self) -> None:
        """Close everything at once."""
        self._is_stopping = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self.stop_listening()
        await self._finder.close()
        for connection in list(self._connections.values()):
            connection.close()
        for udp in self._udp:
            udp.close()
        self._udp.clear()
        self._udp_by_flow.clear()
        # One turn of the loop lets closing transports say goodbye; then what is left is cut.
        closed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(closed.set_result, None)
        await closed
        for connection in list(self._connections.values()):
            connection.abort()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    # ---- sending

    def send(self, send: Send, now: int) -> None:
        """Write a message, now or when its destination is reached."""
        flow_id, hop = send.flow_id, send.hop
        if flow_id is None and hop is not None:
            flow_id = hop.flow_id
        if flow_id is not None:
            connection = self._connections.get(flow_id)
            if connection is not None and self._put(connection, send):
                return
        if hop is None:
            self._undelivered(send, "the connection is gone")
            return
        self._send_to_hop(send, hop, now)

    @staticmethod
    def _put(connection: StreamConnection, send: Send, *, is_second: bool = False) -> bool:
        # Only a request is watched over: a response that gets lost is asked for again.
        if send.data.startswith(b"SIP/2.0 "):
            return connection.write(send.data)
        return connection.write_request(send, is_second=is_second)

    def unanswered(self, send: Send, detail: str, *, is_second: bool) -> None:
        """Send a request again whose connection died; the same branch makes it a repetition.

        A peer that closes an idle connection just when we use it must not cost a call or, with
        a lost BYE, leave one behind. Once only, so that a peer that resets on it is told of.
        """
        if is_second or self._is_stopping or send.hop is None or not send.hop.host:
            self._undelivered(send, detail)
            return
        self._core.counts["sent-again"] += 1
        self._send_to_hop(send, send.hop, self._core.clock.now(), is_second=True)

    def _send_to_hop(self, send: Send, hop: Hop, now: int, *, is_second: bool = False) -> None:
        route = self._route(hop)
        if route.task is None and now < route.expires_at:
            if route.key.transport == "udp":
                self._send_datagram(route, send)
                return
            connection = route.usable(now)
            if connection is not None and self._put(connection, send, is_second=is_second):
                return
        if len(route.pending) >= self._core.limits.pending_sends:
            self._undelivered(send, "too many messages wait for this destination")
            return
        route.pending.append((send, is_second))
        self._finder.open(route)

    def _route(self, hop: Hop) -> Route:
        trunk = cast("TrunkId | None", hop.trunk)
        host = hop.host.lower()
        names = self._core.registry.expected_names(trunk, host) if hop.transport == "tls" else ()
        key = RouteKey(hop.transport, host, hop.port, names)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = Route(key, trunk)
            if len(self._routes) > _MAX_ROUTES:
                self._forget_a_route()
        return route

    def _forget_a_route(self) -> None:
        for key, route in self._routes.items():
            if route.task is None and not route.pending:
                del self._routes[key]
                return

    def _deliver(self, route: Route) -> None:
        while route.pending:
            send, is_second = route.pending.popleft()
            if route.key.transport == "udp":
                self._send_datagram(route, send)
                continue
            connection = route.connection
            if connection is None or not self._put(connection, send, is_second=is_second):
                self._undelivered(send, "the connection was lost")

    def _send_datagram(self, route: Route, send: Send) -> None:
        address = route.addresses[0]
        flow_id = send.flow_id
        if flow_id is None and send.hop is not None:
            flow_id = send.hop.flow_id
        udp = self._udp_by_flow.get(flow_id) if flow_id is not None else None
        if udp is None:
            is_ipv6 = ":" in address.address
            udp = next((item for item in self._udp if item.is_ipv6 is is_ipv6), None)
        if udp is None:
            self._undelivered(send, "no UDP listener of that address family")
            return
        udp.send_to(send.data, (address.address, address.port))

    def _undelivered(self, send: Send, detail: str) -> None:
        self._core.counts["undelivered"] += 1
        if send.transaction is not None:
            self._core.listener.undelivered(send.transaction, detail)

    # ---- connections

    async def _connect(self, route: Route, address: ServiceAddress) -> StreamConnection:
        """Find or open a connection; see ``RouteFinder``."""
        key = route.key
        reusable = self._reachable.get(_place(key, address.address, address.port))
        if reusable is not None and reusable.is_open and not reusable.is_retired:
            return reusable
        outgoing = Outgoing(key.host, route.trunk, key.names)
        loop = asyncio.get_running_loop()
        connection = StreamConnection(self._core, key.transport, self, outgoing)
        opened = connection.opened
        try:
            await loop.create_connection(lambda: connection, address.address, address.port)
            if opened is not None:
                await opened
        except BaseException:
            connection.abort()
            # The result is known already; a future nobody reads would complain.
            if opened is not None and opened.done() and not opened.cancelled():
                opened.exception()
            raise
        self._finder.backoffs.worked((key, address.address, address.port))
        self._reachable[_place(key, address.address, address.port)] = connection
        return connection

    def admits(self, connection: StreamConnection) -> bool:
        """Decide whether a connection just made may stay (``ConnectionOwner``)."""
        core, address = self._core, connection.remote[0]
        if connection.outgoing is None:
            if not core.registry.may_connect(connection.kind, address):
                core.stranger(connection.kind, address, connection.opened_at)
                return False
            if (
                len(self._connections) >= core.limits.max_connections
                or self._per_peer[address] >= core.limits.max_connections_per_peer
            ):
                core.counts["too-many-connections"] += 1
                return False
            if connection.kind == "tls" and not self._may_shake(address, connection.opened_at):
                core.counts["too-many-handshakes"] += 1
                return False
            self._per_peer[address] += 1
            if connection.kind == "tls":
                self._shaking.add(connection.flow_id)
        self._connections[connection.flow_id] = connection
        return True

    def _may_shake(self, address: str, now: int) -> bool:
        if len(self._shaking) >= self._core.limits.max_handshakes:
            return False
        return self._handshakes.take(address, now)

    def established(self, connection: StreamConnection) -> None:
        """Take notice that a connection is open (``ConnectionOwner``)."""
        self._shaking.discard(connection.flow_id)
        self._core.counts[f"{connection.kind}-opened"] += 1

    def refused(self, connection: StreamConnection, diagnosis: Diagnosis) -> None:
        """Take notice that TLS failed; a late refusal counts as a failed connect."""
        outgoing = connection.outgoing
        log.warning(
            "TLS failed",
            peer_address=connection.remote[0],
            fault=str(diagnosis.fault),
            is_outgoing=outgoing is not None,
        )
        if outgoing is None or connection.opened is None or not connection.opened.done():
            return
        key = RouteKey(connection.kind, outgoing.host, None, tuple(outgoing.names))
        for route_key, route in self._routes.items():
            if route.connection is connection:
                key = route_key
        now = self._core.clock.now()
        wait = self._finder.backoffs.failed((key, *connection.remote), diagnosis.text, now)
        self._core.listener.connect_failed(outgoing.trunk, outgoing.host, diagnosis.text, wait)

    def lost(self, connection: StreamConnection) -> None:
        """Take notice that a connection is gone (``ConnectionOwner``)."""
        self._shaking.discard(connection.flow_id)
        if self._connections.pop(connection.flow_id, None) is None:
            return
        if connection.outgoing is None:
            address = connection.remote[0]
            self._per_peer[address] -= 1
            if self._per_peer[address] <= 0:
                del self._per_peer[address]
            return
        for place, item in list(self._reachable.items()):
            if item is connection:
                del self._reachable[place]

    def host_of(self, flow: Flow) -> str | None:
        """Return the host under which we reach the peer of a flow; None when we do not."""
        if flow.transport == "udp":
            for route in self._routes.values():
                if any((a.address, a.port) == flow.peer for a in route.addresses):
                    return route.key.host
            return None
        connection = self._connections.get(flow.flow_id)
        if connection is None or connection.outgoing is None:
            return None
        return connection.outgoing.host

    def retire_flow(self, flow_id: int) -> None:
        """Use a connection for no new requests; close it after the retirement time."""
        connection = self._connections.get(flow_id)
        if connection is not None:
            now = self._core.clock.now()
            connection.retire(now + round(self._core.limits.idle_s * _SECOND))

    def connection_count(self) -> int:
        """Return how many connections there are, both directions."""
        return len(self._connections)

    # ---- ageing

    def retire_old_certificates(self, generation: int, idle_s: float, retire_s: float) -> None:
        """Close connections made with an older certificate: when idle, at last after a time.

        Args:
            generation: of the certificate now in use.
            idle_s: quiet for this long counts as idle.
            retire_s: longest time that a connection may live on.
        """
        now = self._core.clock.now()
        for connection in self._connections.values():
            if connection.kind == "tls" and connection.generation < generation:
                connection.retire(now + round(retire_s * _SECOND), round(idle_s * _SECOND))

    def _sweep(self) -> None:
        limits = self._core.limits
        now = self._core.clock.now()
        for connection in list(self._connections.values()):
            connection.age(now)
        shortest = min(limits.idle_s, limits.first_message_s, limits.connect_s)
        if limits.keepalive_s:
            shortest = min(shortest, limits.keepalive_s)
        wait_s = min(max(shortest / 4, _SHORTEST_SWEEP_S), _LONGEST_SWEEP_S)
        self._sweeper = asyncio.get_running_loop().call_later(wait_s, self._sweep)


def _place(key: RouteKey, address: str, port: int) -> tuple[RouteKey | Transport, str, int]:
    """Key of connection reuse: transport, address, port and the names that were proven."""
    shared = RouteKey(key.transport, "", None, key.names)
    return (shared, address, port or DEFAULT_PORTS[key.transport])


def _bound_datagram_socket(place: tuple[str, int]) -> socket.socket:
    """Return a UDP socket bound to (address, port).

    Raises:
        OSError: it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind(place)
    except OSError:
        bound.close()
        raise
    return bound
