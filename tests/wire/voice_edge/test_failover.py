# SPDX-License-Identifier: Apache-2.0
"""Proxies that are down, come back, send us away or move: cert cases RES-01, RES-02, CON-14."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice.resolver import DnsResolver, StaticResolver
from centralino.adapters.voice.settings import (
    OptionsSettings,
    ProxySettings,
    ResolverSettings,
    TransportSettings,
    TrunkLimits,
)
from centralino.core.kernel.errors import CapacityExceeded, RemoteUnavailable
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.events import SessionAnswered, SessionFailed
from tests.kit.ports import free_tcp_port
from tests.wire.voice_edge.dns_server import DnsServer
from tests.wire.voice_edge.peers import (
    CARRIER,
    SDP,
    FarServer,
    Recorder,
    response,
    running_stack,
    settings_of,
    trunk,
)

if TYPE_CHECKING:
    from centralino.adapters.voice.stack import SipStack
    from centralino.wire.sip.flow import Hop

pytestmark = pytest.mark.wire

FAST = OptionsSettings(interval_s=0.1, jitter_s=0.0)
NEVER = OptionsSettings(enabled=False)


def _invite(stack: SipStack, hop: Hop) -> OutgoingInvite:
    return OutgoingInvite(
        uri=f"sip:+390612345678@{hop.host}",
        from_="<sip:+390687654321@127.0.0.1>",
        to=f"<sip:+390612345678@{hop.host}>",
        contact=stack.local_contact(CARRIER, "ivr"),
        hop=hop,
        sdp=SDP,
    )


def _far_answer(message: bytes) -> bytes | None:
    """Answer like a carrier: OPTIONS and BYE 200, INVITE 200 with a description."""
    if message.startswith(b"ACK"):
        return None
    if not message.startswith(b"INVITE"):
        return response(message, 200)
    answer = response(
        message, 200, "Contact: <sip:far@127.0.0.1>\r\nContent-Type: application/sdp\r\n"
    )
    return answer.replace(b"Content-Length: 0", b"Content-Length: %d" % len(SDP)) + SDP


def _hosts(*ports: int) -> tuple[ProxySettings, ...]:
    return tuple(
        ProxySettings(host=f"sip{number}.test", port=port) for number, port in enumerate(ports, 1)
    )


RESOLVER = StaticResolver({"*.test": "127.0.0.1"})


def test_a_refused_connect_is_known_at_once_and_the_next_proxy_takes_the_call() -> None:
    async def run() -> None:
        async with FarServer.open() as second:
            second.on_message = _far_answer
            proxies = _hosts(free_tcp_port(), second.port)
            ours = trunk(transport="tcp", proxies=proxies, options=NEVER)
            async with running_stack(settings_of(ours), RESOLVER) as (stack, heard):
                now = stack._clock.now()
                first = stack.hop_for(CARRIER)
                assert first.host == "sip1.test"
                stack.invite(_invite(stack, first), now)
                stack.flush()
                async with asyncio.timeout(0.5):
                    failed = await heard.event(SessionFailed)
                assert failed.cause == "transport"
                assert "127.0.0.1:" in failed.detail
                assert stack.admission.calls() == 0
                hop = stack.hop_for(CARRIER, tried={first.host})
                assert hop.host == "sip2.test"
                stack.invite(_invite(stack, hop), stack._clock.now())
                stack.flush()
                await heard.event(SessionAnswered)
                # While the back-off lasts, the dead one is not even tried.
                assert stack.hop_for(CARRIER).host == "sip2.test"
                await heard.alarm("trunk-unreachable")

    asyncio.run(run())


def test_the_first_proxy_is_used_again_when_it_answers() -> None:
    async def run() -> None:
        port = free_tcp_port()
        async with FarServer.open() as second:
            second.on_message = _far_answer
            ours = trunk(transport="tcp", proxies=_hosts(port, second.port), options=FAST)
            short = TransportSettings(backoff_s=0.05, backoff_max_s=0.05)
            async with running_stack(settings_of(ours, transport=short), RESOLVER) as (
                stack,
                heard,
            ):
                await heard.alarm("trunk-degraded")
                assert stack.hop_for(CARRIER).host == "sip2.test"
                async with FarServer.open(port=port) as first:
                    first.on_message = _far_answer
                    await heard.alarm("trunk-degraded", cleared=True)
                    await heard.alarm("trunk-unreachable", cleared=True)
                    assert stack.hop_for(CARRIER).host == "sip1.test"

    asyncio.run(run())


def test_when_every_proxy_is_down_the_trunk_is_and_no_call_is_sent() -> None:
    async def run() -> None:
        ours = trunk(
            transport="tcp", proxies=_hosts(free_tcp_port(), free_tcp_port()), options=FAST
        )
        async with running_stack(settings_of(ours), RESOLVER) as (stack, heard):
            text = await heard.alarm("trunk-down")
            assert "sip1.test" in text
            assert "sip2.test" in text
            with pytest.raises(RemoteUnavailable, match=r"sip1\.test: down"):
                stack.hop_for(CARRIER)

    asyncio.run(run())


def test_a_503_with_retry_after_turns_calls_away_from_that_proxy() -> None:
    def busy(message: bytes) -> bytes | None:
        if message.startswith(b"INVITE"):
            return response(message, 503, "Retry-After: 7\r\n")
        return None if message.startswith(b"ACK") else response(message, 200)

    async def run() -> None:
        async with FarServer.open() as first, FarServer.open() as second:
            first.on_message = busy
            ours = trunk(transport="tcp", proxies=_hosts(first.port, second.port), options=NEVER)
            async with running_stack(settings_of(ours), RESOLVER) as (stack, heard):
                stack.invite(_invite(stack, stack.hop_for(CARRIER)), stack._clock.now())
                stack.flush()
                failed = await heard.event(SessionFailed)
                assert (failed.status, failed.retry_after_s) == (503, 7)
                assert stack.hop_for(CARRIER).host == "sip2.test"
                report = stack.report(CARRIER)
                assert report is not None
                wait = report.proxies[0].avoided_until - stack._clock.now()
                assert 5_000_000_000 < wait <= 7_000_000_000

    asyncio.run(run())


def test_a_connection_is_used_again_and_replaced_when_it_dies() -> None:
    async def run() -> None:
        async with FarServer.open() as far:
            far.on_message = _far_answer
            ours = trunk(transport="tcp", proxies=_hosts(far.port), options=FAST)
            async with running_stack(settings_of(ours), RESOLVER) as (_, heard):
                for _ in range(3):
                    await far.receive()
                assert far.accepted == 1
                peer = await far.connections.get()
                peer.writer.transport.abort()
                await far.connections.get()
                await far.receive()
                assert far.accepted == 2
                assert heard.events == []

    asyncio.run(run())


def test_a_request_that_met_a_dying_connection_is_repeated_once() -> None:
    async def run() -> None:
        resets = [True]

        async with FarServer.open() as far:

            def answer(message: bytes) -> bytes | None:
                if message.startswith(b"INVITE") and resets:
                    resets.pop()
                    far.reset()
                    return None
                return _far_answer(message)

            far.on_message = answer
            ours = trunk(transport="tcp", proxies=_hosts(far.port), options=NEVER)
            async with running_stack(settings_of(ours), RESOLVER) as (stack, heard):
                await _place(stack, heard, 1)
                invites = []
                while not far.messages.empty():
                    invites.append(far.messages.get_nowait())
                first, second = (item for item in invites if item.startswith(b"INVITE"))
                assert first == second
                assert stack.counts["sent-again"] == 1
                # A peer that resets on every INVITE is told of after the second time.
                resets += [True, True]
                stack.invite(_invite(stack, stack.hop_for(CARRIER)), stack._clock.now())
                stack.flush()
                assert (await heard.event(SessionFailed)).cause == "transport"

    asyncio.run(run())


def test_a_host_that_moves_is_followed_when_its_answer_runs_out() -> None:
    async def run() -> None:
        port = free_tcp_port()
        async with (
            DnsServer.open() as names,
            FarServer.open(address="127.0.0.2", port=port) as old,
            FarServer.open(address="127.0.0.3", port=port) as new,
        ):
            old.on_message = new.on_message = _far_answer
            names.ttl_s = 0
            names.add("sip1.test", "A", "127.0.0.2")
            settings = ResolverSettings(
                servers=(f"127.0.0.1:{names.port}",), minimum_ttl_s=0.05, timeout_s=0.2
            )
            resolver = DnsResolver(settings, SystemClock(), lambda: 0.0)
            ours = trunk(transport="tcp", proxies=_hosts(old.port), options=FAST)
            async with running_stack(settings_of(ours), resolver):
                await old.receive()
                names.add("sip1.test", "A", "127.0.0.3")
                await new.receive()
                names.is_silent = True
                # No name server: the address known so far goes on being used.
                for _ in range(3):
                    await new.receive()

    asyncio.run(run())


def test_a_drained_trunk_takes_no_new_calls_in_either_direction() -> None:
    async def run() -> None:
        async with FarServer.open() as far:
            ours = trunk(transport="tcp", proxies=_hosts(far.port), options=NEVER)
            async with running_stack(settings_of(ours), RESOLVER) as (stack, _):
                stack.drain(CARRIER, on=True)
                with pytest.raises(CapacityExceeded) as caught:
                    stack.invite(_invite(stack, stack.hop_for(CARRIER)), stack._clock.now())
                assert caught.value.details["limit"] == "draining"

    asyncio.run(run())


def test_load_near_the_limit_raises_an_alarm() -> None:
    async def run() -> None:
        async with FarServer.open() as far:
            far.on_message = _far_answer
            limits = TrunkLimits(max_calls=2, alarm_ratio=1.0)
            ours = trunk(transport="tcp", proxies=_hosts(far.port), options=NEVER, limits=limits)
            async with running_stack(settings_of(ours), RESOLVER) as (stack, heard):
                sessions = await _place(stack, heard, 2)
                assert "2 of at most 2" in await heard.alarm("trunk-load")
                for session in sessions:
                    stack.endpoint.bye(session, stack._clock.now())
                stack.flush()
                await heard.alarm("trunk-load", cleared=True)

    asyncio.run(run())


async def _place(stack: SipStack, heard: Recorder, count: int) -> list[str]:
    sessions = []
    for _ in range(count):
        invite = _invite(stack, stack.hop_for(CARRIER))
        sessions.append(stack.invite(invite, stack._clock.now()))
    stack.flush()
    await heard.wait_for(
        lambda: sum(isinstance(item, SessionAnswered) for item in heard.events) == count
    )
    return sessions
