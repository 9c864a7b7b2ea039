# SPDX-License-Identifier: Apache-2.0
"""Ways to a host: resolve, connect, fail over between addresses, hold messages meanwhile.

One ``Route`` per (transport, host, port, expected names). When the resolver's answer has run
out it is asked again before the next message, so that a host that moved is followed without a
restart (CON-14); an answer that cannot be renewed goes on being used. An address
that could not be reached is left alone for a back-off that doubles (CON-08).
Source: RFC 3263 4, RFC 3261 18.1.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from centralino.adapters.voice.tls import TlsError
from centralino.core.kernel.errors import RemoteError
from centralino.exchange.ports import ServiceAddress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from centralino.adapters.voice.transport_core import TransportCore
    from centralino.adapters.voice.transport_stream import StreamConnection
    from centralino.core.kernel.ids import TrunkId
    from centralino.exchange.ports import ResolverPort
    from centralino.wire.sip.flow import Send, Transport

_SECOND = 1_000_000_000
_FOR_EVER = 1 << 62
DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True, slots=True)
class RouteKey:
    """What makes two destinations the same."""

    transport: Transport
    host: str
    port: int | None
    names: tuple[str, ...]
    """Names of which a TLS peer must prove one; empty otherwise."""


@dataclass(slots=True)
class Backoff:
    """An address that could not be reached."""

    until: int
    wait_ns: int
    detail: str


class Backoffs:
    """Addresses to leave alone for a while."""

    def __init__(self, first_s: float, max_s: float, max_entries: int = 4096) -> None:
        self._first_ns = round(first_s * _SECOND)
        self._max_ns = round(max_s * _SECOND)
        self._max_entries = max_entries
        self._entries: dict[tuple[RouteKey, str, int], Backoff] = {}

    def failed(self, key: tuple[RouteKey, str, int], detail: str, now: int) -> int:
        """Note a failure; returns how long the address is left alone, nanoseconds."""
        old = self._entries.pop(key, None)
        wait = self._first_ns
        if old is not None:
            if now < old.until:
                self._entries[key] = old
                return old.until - now
            wait = min(old.wait_ns * 2, self._max_ns)
        if len(self._entries) >= self._max_entries:
            self._entries.pop(next(iter(self._entries)))
        self._entries[key] = Backoff(now + wait, wait, detail)
        return wait

    def active(self, key: tuple[RouteKey, str, int], now: int) -> Backoff | None:
        """Return the back-off of an address, None when it may be tried."""
        entry = self._entries.get(key)
        return entry if entry is not None and now < entry.until else None

    def worked(self, key: tuple[RouteKey, str, int]) -> None:
        """Forget an address's failures."""
        self._entries.pop(key, None)


class UnreachableError(Exception):
    """None of a host's addresses can be reached for ``wait_ns``."""

    def __init__(self, detail: str, wait_ns: int) -> None:
        super().__init__(detail)
        self.wait_ns = wait_ns


class Route:
    """One destination with its addresses, its connection and what waits for it."""

    def __init__(self, key: RouteKey, trunk: TrunkId | None) -> None:
        self.key = key
        self.trunk = trunk
        self.addresses: Sequence[ServiceAddress] = ()
        self.expires_at = 0
        self.connection: StreamConnection | None = None
        self.pending: deque[tuple[Send, bool]] = deque()
        """What waits, and whether it was sent before over a connection that died."""
        self.task: asyncio.Task[None] | None = None
        try:
            literal = ip_address(key.host)
        except ValueError:
            return
        port = key.port or DEFAULT_PORTS[key.transport]
        address = ServiceAddress(key.host, str(literal), port, key.transport, _FOR_EVER)
        self.addresses, self.expires_at = (address,), _FOR_EVER

    def usable(self, now: int) -> StreamConnection | None:
        """Return the connection when it may carry new requests now."""
        connection = self.connection
        if connection is None or not connection.is_open or connection.is_retired:
            return None
        return connection if now < self.expires_at else None


class RouteFinder:
    """Opens routes; one task per route at most, all owned here."""

    def __init__(
        self,
        core: TransportCore,
        resolver: ResolverPort,
        connect: Callable[[Route, ServiceAddress], Awaitable[StreamConnection]],
        deliver: Callable[[Route], None],
    ) -> None:
        """Make it.

        Args:
            core: limits, clock, listener.
            resolver: names to addresses.
            connect: opens (or finds) a connection; raises ``OSError`` or ``TlsError``.
            deliver: writes what is pending on a route that is open now.
        """
        self._core = core
        self._resolver = resolver
        self._connect = connect
        self._deliver = deliver
        self._tasks: set[asyncio.Task[None]] = set()
        self.backoffs = Backoffs(core.limits.backoff_s, core.limits.backoff_max_s)

    def open(self, route: Route) -> None:
        """See to it that what is pending on a route gets out, or is reported undelivered."""
        if route.task is not None:
            return
        route.task = asyncio.get_running_loop().create_task(self._open(route))
        self._tasks.add(route.task)
        route.task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _open(self, route: Route) -> None:
        try:
            await self._resolve(route)
            if route.key.transport != "udp":
                route.connection = await self._reach(route)
        except RemoteError as error:
            self._fail(route, error.message, round(self._core.limits.backoff_s * _SECOND))
        except UnreachableError as error:
            self._fail(route, str(error), error.wait_ns)
        else:
            route.task = None
            self._deliver(route)
        finally:
            route.task = None
        self._core.listener.batch_done()

    def _fail(self, route: Route, detail: str, wait_ns: int) -> None:
        self._core.listener.connect_failed(route.trunk, route.key.host, detail, wait_ns)
        self._core.counts["undelivered"] += len(route.pending)
        while route.pending:
            transaction = route.pending.popleft()[0].transaction
            if transaction is not None:
                self._core.listener.undelivered(transaction, detail)

    async def _resolve(self, route: Route) -> None:
        if self._core.clock.now() < route.expires_at:
            return
        key = route.key
        try:
            found = await self._resolver.resolve(key.host, key.port, key.transport)
        except RemoteError:
            if not route.addresses:
                raise
            # Better an old address than none: asked again before the message after the next pause.
            self._core.counts["stale-address"] += 1
            route.expires_at = self._core.clock.now() + round(self._core.limits.backoff_s * _SECOND)
            return
        route.addresses = [item for item in found if item.transport == key.transport] or found
        route.expires_at = min(item.expires_at for item in route.addresses)

    async def _reach(self, route: Route) -> StreamConnection:
        connection = route.connection
        if connection is not None and connection.is_open and not connection.is_retired:
            if any(connection.remote == (a.address, a.port) for a in route.addresses):
                return connection
            connection.retire(connection.heard_at + round(self._core.limits.idle_s * _SECOND))
        details, waits = [], [self._core.limits.backoff_max_s * _SECOND]
        for address in route.addresses:
            target = (route.key, address.address, address.port)
            now = self._core.clock.now()
            backoff = self.backoffs.active(target, now)
            if backoff is None:
                try:
                    async with asyncio.timeout(self._core.limits.connect_s):
                        return await self._connect(route, address)
                except TimeoutError:
                    detail = "no answer to the connect"
                except TlsError as error:
                    detail = error.diagnosis.text
                except OSError as error:
                    detail = error.strerror or str(error)
                now = self._core.clock.now()
                waits.append(self.backoffs.failed(target, detail, now))
            else:
                detail = f"left alone after: {backoff.detail}"
                waits.append(backoff.until - now)
            details.append(f"{address.address}:{address.port} {detail}")
        raise UnreachableError("; ".join(details) or "no address", round(min(waits)))
