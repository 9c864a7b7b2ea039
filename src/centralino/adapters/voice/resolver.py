# SPDX-License-Identifier: Apache-2.0
"""Names to addresses for SIP (``ResolverPort``): real DNS, and a table for simulators.

NAPTR is asked only when neither port nor transport is given, SRV when no port is; addresses of
one priority are ordered by weight with injected randomness. Answers live as long as their
records say, within bounds; a name that does not resolve is not asked again for a while. The
cache is bounded. Sources: RFC 3263, RFC 2782 (weights), RFC 2308 (negative answers).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.rdatatype
import dns.resolver

from centralino.core.kernel.errors import ConfigError, RemoteUnavailable
from centralino.exchange.ports import ServiceAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from centralino.adapters.voice.settings import ResolverSettings
    from centralino.exchange.ports import ClockPort, ResolverPort

T = TypeVar("T")

_SECOND = 1_000_000_000
_FOR_EVER = 1 << 62
_DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_SRV_PREFIX = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
_NAPTR_TRANSPORT = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_WITHOUT_NAPTR = ("udp", "tcp", "tls")


@dataclass(frozen=True, slots=True)
class _Records:
    """One answer, empty when there is nothing of that type."""

    items: tuple[Any, ...]
    """dnspython's record classes, one per type, which share no typed parent."""
    expires_at: int


@dataclass(frozen=True, slots=True)
class Service:
    """One SRV record."""

    target: str
    port: int
    priority: int
    weight: int


def order_services(services: Sequence[Service], chance: Callable[[], float]) -> list[Service]:
    """Return services in the order to try: by priority, within it drawn by weight (RFC 2782).

    Args:
        services: any order.
        chance: source of fractions in [0, 1).
    """
    ordered: list[Service] = []
    for priority in sorted({item.priority for item in services}):
        group = [item for item in services if item.priority == priority]
        group.sort(key=lambda item: (item.weight != 0, item.target, item.port))
        while group:
            mark = chance() * sum(item.weight for item in group)
            index = 0
            for index, item in enumerate(group):  # noqa: B007  the index is the result
                mark -= item.weight
                if mark < 0:
                    break
            ordered.append(group.pop(index))
    return ordered


class DnsResolver:
    """Implements ``ResolverPort`` over dnspython."""

    def __init__(
        self, settings: ResolverSettings, clock: ClockPort, chance: Callable[[], float]
    ) -> None:
        """Make a resolver.

        Raises:
            ConfigError: a server is no address, or the machine's configuration is unreadable.
        """
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._cache: OrderedDict[tuple[str, str], _Records] = OrderedDict()
        self._resolver = _make_resolver(settings)

    async def resolve(
        self, host: str, port: int | None, transport: str | None
    ) -> Sequence[ServiceAddress]:
        """Return addresses in the order to try; see ``ResolverPort``."""
        literal = literal_address(host, port, transport)
        if literal is not None:
            return [literal]
        host = host.rstrip(".").lower()
        if port is not None:
            found = await self._addresses(host, host, port, transport or "udp", _FOR_EVER)
        elif transport is not None:
            found = await self._by_service(host, transport)
        else:
            found = await self._by_naptr(host)
        if not found:
            raise _unresolved(host, port, transport)
        return found

    async def _by_naptr(self, host: str) -> list[ServiceAddress]:
        records = await self._ask(host, "NAPTR")
        found: list[ServiceAddress] = []
        usable = [
            (item.order, item.preference, transport, item.replacement.to_text(omit_final_dot=True))
            for item in records.items
            if (transport := _NAPTR_TRANSPORT.get(item.service.decode("ascii", "replace").upper()))
            and item.flags.lower() == b"s"
        ]
        for _, _, transport, name in sorted(usable):
            found += await self._services(host, name, transport, records.expires_at)
        if found or usable:
            return found
        for transport in _WITHOUT_NAPTR:
            found += await self._services(
                host, f"{_SRV_PREFIX[transport]}.{host}", transport, _FOR_EVER
            )
        return found or await self._addresses(host, host, _DEFAULT_PORTS["udp"], "udp", _FOR_EVER)

    async def _by_service(self, host: str, transport: str) -> list[ServiceAddress]:
        name = f"{_SRV_PREFIX[transport]}.{host}"
        records = await self._ask(name, "SRV")
        if records.items:
            return await self._services(host, name, transport, _FOR_EVER)
        return await self._addresses(host, host, _DEFAULT_PORTS[transport], transport, _FOR_EVER)

    async def _services(
        self, host: str, name: str, transport: str, expires_at: int
    ) -> list[ServiceAddress]:
        records = await self._ask(name, "SRV")
        services = [
            Service(item.target.to_text(omit_final_dot=True), item.port, item.priority, item.weight)
            for item in records.items
            if item.target.to_text() != "."
        ]
        expires_at = min(expires_at, records.expires_at)
        ordered = order_services(services, self._chance)
        lists = await _together(
            [self._addresses(host, s.target, s.port, transport, expires_at) for s in ordered]
        )
        return [address for addresses in lists for address in addresses]

    async def _addresses(
        self, host: str, target: str, port: int, transport: str, expires_at: int
    ) -> list[ServiceAddress]:
        kinds = ("A", "AAAA") if self._settings.ipv6 else ("A",)
        answers = await _together([self._ask(target, kind) for kind in kinds])
        return [
            ServiceAddress(host, item.address, port, transport, min(expires_at, answer.expires_at))
            for answer in answers
            for item in answer.items
        ]

    async def _ask(self, name: str, kind: str) -> _Records:
        """Return the records of a name, from the cache or by asking.

        Raises:
            RemoteUnavailable: no server answered.
        """
        key = (name.lower(), kind)
        now = self._clock.now()
        cached = self._cache.get(key)
        if cached is not None and now < cached.expires_at:
            self._cache.move_to_end(key)
            return cached
        records = await self._query(name, kind, now)
        self._cache[key] = records
        self._cache.move_to_end(key)
        if len(self._cache) > self._settings.cache_entries:
            self._cache.popitem(last=False)
        return records

    async def _query(self, name: str, kind: str, now: int) -> _Records:
        settings = self._settings
        nothing = _Records((), now + round(settings.negative_ttl_s * _SECOND))
        try:
            answer = await self._resolver.resolve(
                name, kind, lifetime=settings.timeout_s, raise_on_no_answer=False, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return nothing
        except (dns.exception.DNSException, OSError) as error:
            raise RemoteUnavailable(
                "dns", "resolve", f"no name server answered for {name} {kind}: {error}"
            ) from error
        if answer.rrset is None:
            return nothing
        ttl_s = min(
            max(answer.chaining_result.minimum_ttl, settings.minimum_ttl_s), settings.maximum_ttl_s
        )
        return _Records(tuple(answer.rrset), now + round(ttl_s * _SECOND))


class StaticResolver:
    """Implements ``ResolverPort`` by a table: simulators' names on the loopback.

    ``*.example.test`` covers every name below ``example.test``. An address may carry a port
    (``127.0.0.2:5161``), which is used when the asker names none.
    """

    def __init__(self, names: Mapping[str, str], fallback: ResolverPort | None = None) -> None:
        """Make it; ``fallback`` is asked for every other name."""
        self._names = {name.lower(): address for name, address in names.items()}
        self._fallback = fallback

    async def resolve(
        self, host: str, port: int | None, transport: str | None
    ) -> Sequence[ServiceAddress]:
        """Return the one address of a name; see ``ResolverPort``."""
        literal = literal_address(host, port, transport)
        if literal is not None:
            return [literal]
        found = self._find(host.rstrip(".").lower())
        if found is None:
            if self._fallback is not None:
                return await self._fallback.resolve(host, port, transport)
            raise _unresolved(host, port, transport)
        address, own_port = split_port(found)
        way = transport or "udp"
        chosen = port or own_port or _DEFAULT_PORTS[way]
        return [ServiceAddress(host, address, chosen, way, _FOR_EVER)]

    def _find(self, host: str) -> str | None:
        name = host
        found = self._names.get(name)
        while found is None and "." in name:
            name = name.partition(".")[2]
            found = self._names.get(f"*.{name}")
        return found


def make_resolver(
    settings: ResolverSettings, clock: ClockPort, chance: Callable[[], float]
) -> ResolverPort:
    """Return the resolver the settings ask for: the table first, DNS for the rest."""
    network = DnsResolver(settings, clock, chance)
    return StaticResolver(settings.static, network) if settings.static else network


def literal_address(host: str, port: int | None, transport: str | None) -> ServiceAddress | None:
    """Return the address when ``host`` is one already."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    way = transport or "udp"
    return ServiceAddress(host, str(address), port or _DEFAULT_PORTS[way], way, _FOR_EVER)


def split_port(text: str) -> tuple[str, int | None]:
    """Split ``address`` or ``address:port`` (IPv6 with a port in brackets).

    >>> split_port("127.0.0.1:53"), split_port("[::1]:53"), split_port("::1")
    (('127.0.0.1', 53), ('::1', 53), ('::1', None))
    """
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        address, port = text, ""
    return address, int(port) if port.isdigit() else None


def _make_resolver(settings: ResolverSettings) -> dns.asyncresolver.Resolver:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not settings.servers)
        if settings.servers:
            servers = [split_port(text) for text in settings.servers]
            resolver.nameserver_ports = {
                address: port for address, port in servers if port is not None
            }
            resolver.nameservers = [address for address, _ in servers]
    except (dns.exception.DNSException, ValueError) as error:
        raise ConfigError("voice.resolver.servers", f"unusable: {error}") from error
    resolver.cache = None
    return resolver


async def _together(questions: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Ask several things at once; one that fails fails alone unless all do.

    Raises:
        RemoteUnavailable: every question failed.
    """
    results = await asyncio.gather(*questions, return_exceptions=True)
    found = [item for item in results if not isinstance(item, BaseException)]
    for item in results:
        if isinstance(item, BaseException) and (
            not found or not isinstance(item, RemoteUnavailable)
        ):
            raise item
    return found


def _unresolved(host: str, port: int | None, transport: str | None) -> RemoteUnavailable:
    asked = f"{host}:{port}" if port is not None else host
    way = f" for {transport}" if transport is not None else ""
    return RemoteUnavailable("dns", "resolve", f"{asked} does not resolve{way}")
