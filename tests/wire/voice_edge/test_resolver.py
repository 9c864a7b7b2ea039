# SPDX-License-Identifier: Apache-2.0
"""RFC 3263 against a real name server: order, weights, cache, negative answers, silence."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.resolver import DnsResolver, StaticResolver, make_resolver
from centralino.adapters.voice.settings import ResolverSettings
from centralino.core.kernel.errors import RemoteUnavailable
from tests.wire.voice_edge.dns_server import DnsServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.wire

SECOND = 1_000_000_000


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.at = SECOND

    def now(self) -> int:
        return self.at

    def utc(self) -> int:
        return self.at


def _resolver(server: DnsServer, clock: HandClock) -> DnsResolver:
    settings = ResolverSettings(
        servers=(f"127.0.0.1:{server.port}",), timeout_s=0.5, minimum_ttl_s=1.0, negative_ttl_s=5.0
    )
    return DnsResolver(settings, clock, Random(3).random)


def _with_server(test: Callable[[DnsServer, HandClock], Awaitable[None]]) -> None:
    async def run() -> None:
        async with DnsServer.open() as server:
            await test(server, HandClock())

    asyncio.run(run())


def test_services_come_by_priority_and_carry_their_host() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add("_sips._tcp.trunk.test", "SRV", "20 0 5061 b.test.", "10 0 5071 a.test.")
        server.add("a.test", "A", "127.0.0.2", "127.0.0.3")
        server.add("b.test", "A", "127.0.0.4")
        found = await _resolver(server, clock).resolve("trunk.test", None, "tls")
        assert sorted((item.address, item.port) for item in found[:2]) == [
            ("127.0.0.2", 5071),
            ("127.0.0.3", 5071),
        ]
        assert (found[2].address, found[2].port, found[2].host) == (
            "127.0.0.4",
            5061,
            "trunk.test",
        )

    _with_server(test)


def test_weights_share_the_load_within_a_priority() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add("_sip._udp.trunk.test", "SRV", "1 90 5060 a.test.", "1 10 5060 b.test.")
        server.add("a.test", "A", "127.0.0.2")
        server.add("b.test", "A", "127.0.0.3")
        resolver = _resolver(server, clock)
        first: Counter[str] = Counter()
        for _ in range(500):
            first[(await resolver.resolve("trunk.test", None, "udp"))[0].address] += 1
        assert 420 <= first["127.0.0.2"] <= 480
        assert first["127.0.0.3"] == 500 - first["127.0.0.2"]
        assert server.asked["_sip._udp.trunk.test", "SRV"] == 1

    _with_server(test)


def test_naptr_decides_the_transport_when_nobody_else_does() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add(
            "trunk.test",
            "NAPTR",
            '50 50 "s" "SIP+D2U" "" _sip._udp.trunk.test.',
            '10 50 "s" "SIPS+D2T" "" _sips._tcp.trunk.test.',
            '5 50 "u" "E2U+sip" "!^.*$!sip:x@y!" .',
        )
        server.add("_sips._tcp.trunk.test", "SRV", "1 1 5061 a.test.")
        server.add("_sip._udp.trunk.test", "SRV", "1 1 5060 a.test.")
        server.add("a.test", "A", "127.0.0.2")
        found = await _resolver(server, clock).resolve("trunk.test", None, None)
        assert [(item.transport, item.port) for item in found] == [("tls", 5061), ("udp", 5060)]

    _with_server(test)


@pytest.mark.parametrize(
    ("port", "transport", "expected"),
    [(None, "tls", ("tls", 5061)), (5099, "tcp", ("tcp", 5099)), (None, None, ("udp", 5060))],
)
def test_without_services_the_address_records_serve(
    port: int | None, transport: str | None, expected: tuple[str, int]
) -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add("plain.test", "A", "127.0.0.2")
        found = await _resolver(server, clock).resolve("plain.test", port, transport)
        assert [(item.transport, item.port) for item in found] == [expected]
        if port is not None:
            assert server.asked["_sip._tcp.plain.test", "SRV"] == 0

    _with_server(test)


def test_an_answer_lives_as_long_as_it_says_and_then_is_asked_anew() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.ttl_s = 30
        server.add("moving.test", "A", "127.0.0.2")
        resolver = _resolver(server, clock)
        found = await resolver.resolve("moving.test", 5060, "udp")
        assert found[0].expires_at == clock.now() + 30 * SECOND
        server.add("moving.test", "A", "127.0.0.3")
        clock.at += 29 * SECOND
        assert (await resolver.resolve("moving.test", 5060, "udp"))[0].address == "127.0.0.2"
        clock.at += 2 * SECOND
        assert (await resolver.resolve("moving.test", 5060, "udp"))[0].address == "127.0.0.3"

    _with_server(test)


def test_a_name_that_is_not_there_is_not_asked_again_for_a_while() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        resolver = _resolver(server, clock)
        for _ in range(3):
            with pytest.raises(RemoteUnavailable, match=r"nowhere\.test:5060 does not resolve"):
                await resolver.resolve("nowhere.test", 5060, "udp")
        assert server.asked["nowhere.test", "A"] == 1
        clock.at += 6 * SECOND
        server.add("nowhere.test", "A", "127.0.0.2")
        assert (await resolver.resolve("nowhere.test", 5060, "udp"))[0].address == "127.0.0.2"

    _with_server(test)


def test_a_service_whose_target_is_missing_is_passed_over() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add("_sip._tcp.trunk.test", "SRV", "1 0 5060 gone.test.", "2 0 5060 a.test.")
        server.add("a.test", "A", "127.0.0.2")
        found = await _resolver(server, clock).resolve("trunk.test", None, "tcp")
        assert [item.address for item in found] == ["127.0.0.2"]

    _with_server(test)


def test_a_silent_server_is_an_error_in_time() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.is_silent = True
        async with asyncio.timeout(5):
            with pytest.raises(RemoteUnavailable, match="no name server answered"):
                await _resolver(server, clock).resolve("any.test", 5060, "udp")

    _with_server(test)


def test_the_cache_is_bounded() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        settings = ResolverSettings(
            servers=(f"127.0.0.1:{server.port}",), cache_entries=4, timeout_s=0.5
        )
        resolver = DnsResolver(settings, clock, Random(3).random)
        for number in range(20):
            server.add(f"n{number}.test", "A", "127.0.0.2")
            await resolver.resolve(f"n{number}.test", 5060, "udp")
        assert len(resolver._cache) == 4

    _with_server(test)


def test_the_table_comes_first_and_dns_serves_the_rest() -> None:
    async def test(server: DnsServer, clock: HandClock) -> None:
        server.add("real.test", "A", "127.0.0.9")
        settings = ResolverSettings(
            servers=(f"127.0.0.1:{server.port}",),
            static={"*.pstnhub.test": "127.0.0.2", "sip.pstnhub.test": "127.0.0.3:5161"},
        )
        resolver = make_resolver(settings, clock, Random(3).random)
        places = [
            (
                (await resolver.resolve(host, None, "tls"))[0].address,
                (await resolver.resolve(host, None, "tls"))[0].port,
            )
            for host in ("SIP.pstnhub.test", "sip-du-a-eu.pstnhub.test", "real.test", "192.0.2.1")
        ]
        assert places == [
            ("127.0.0.3", 5161),
            ("127.0.0.2", 5061),
            ("127.0.0.9", 5061),
            ("192.0.2.1", 5061),
        ]

    _with_server(test)


def test_a_table_alone_knows_nothing_else() -> None:
    async def run() -> None:
        with pytest.raises(RemoteUnavailable):
            await StaticResolver({"a.test": "127.0.0.2"}).resolve("b.test", None, "udp")

    asyncio.run(run())
