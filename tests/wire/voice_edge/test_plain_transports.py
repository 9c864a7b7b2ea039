# SPDX-License-Identifier: Apache-2.0
"""UDP and TCP on the loopback: what comes in whole, cut, merged, broken, or far too much."""

from __future__ import annotations

import asyncio
import re

import pytest

from centralino.adapters.voice.settings import MatchRule, TransportSettings, TrunkLimits
from centralino.wire.sip.events import SessionEnded, SessionEstablished, SessionInvited
from tests.wire.voice_edge.peers import (
    LOCAL,
    SDP,
    FarServer,
    StreamPeer,
    UdpPeer,
    answer_calls,
    connected,
    options,
    port_of,
    request,
    running_stack,
    settings_of,
    status,
    trunk,
)

pytestmark = pytest.mark.wire


def test_options_over_udp_is_answered_with_what_we_can_do() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _), UdpPeer.open() as peer:
            peer.send(options(port_of(stack, "udp"), peer.via), port_of(stack, "udp"))
            answer = await peer.receive()
            assert status(answer) == 200
            assert b"\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER" in answer

    asyncio.run(run())


@pytest.mark.parametrize("size", [1, 7, 100])
def test_messages_cut_and_merged_in_a_stream_are_all_answered(size: int) -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as peer:
                stream = b"\r\n".join(options(port, peer.via) for _ in range(3))
                for start in range(0, len(stream), size):
                    await peer.send(stream[start : start + size])
                assert [status(await peer.receive()) for _ in range(3)] == [200, 200, 200]

    asyncio.run(run())


def test_a_double_line_break_is_answered_with_one() -> None:
    async def run() -> None:
        async with (
            running_stack(settings_of(trunk())) as (stack, _),
            connected(port_of(stack, "tcp")) as peer,
        ):
            await peer.send(b"\r\n\r\n")
            async with asyncio.timeout(5):
                assert await peer.reader.readexactly(2) == b"\r\n"

    asyncio.run(run())


async def _call(
    peer: StreamPeer | UdpPeer, port: int, contact_port: int | None = None
) -> tuple[bytes, bytes]:
    """Send an INVITE over any socket; return it and its 200."""
    uri = f"sip:+390687654321@127.0.0.1:{port}"
    invite = request("INVITE", uri, peer.via, extra="Content-Type: application/sdp\r\n", body=SDP)
    if contact_port is not None:
        contact = f"Contact: <sip:peer@127.0.0.1:{contact_port};transport=tcp>".encode()
        invite = re.sub(rb"Contact: <[^>]*>", contact, invite)
    if isinstance(peer, UdpPeer):
        peer.send(invite, port)
    else:
        await peer.send(invite)
    while status(answer := await peer.receive()) < 200:
        pass
    assert status(answer) == 200
    return invite, answer


def _in_dialog(method: str, invite: bytes, answer: bytes, cseq: int) -> bytes:
    """Write the ACK or BYE of a call."""
    to = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"to:"))
    lines = []
    for line in invite.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        name = line.partition(b":")[0].lower()
        if name == b"to":
            lines.append(to)
        elif name == b"cseq":
            lines.append(b"CSeq: %d %s" % (cseq, method.encode()))
        elif name == b"via":
            lines.append(line.replace(b"branch=z9hG4bK", b"branch=z9hG4bK" + method.encode()))
        elif name not in (b"content-length", b"content-type"):
            lines.append(line)
    lines[0] = lines[0].replace(b"INVITE", method.encode())
    return b"\r\n".join(lines) + b"\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_call_is_answered_and_ended(kind: str) -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, heard):
            heard.then = answer_calls(stack)
            port = port_of(stack, kind)
            if kind == "udp":
                async with UdpPeer.open() as udp:
                    invite, answer = await _call(udp, port)
                    udp.send(_in_dialog("ACK", invite, answer, 1), port)
                    await heard.event(SessionEstablished)
                    udp.send(_in_dialog("BYE", invite, answer, 2), port)
                    assert status(await udp.receive()) == 200
            else:
                async with connected(port) as tcp:
                    invite, answer = await _call(tcp, port)
                    await tcp.send(_in_dialog("ACK", invite, answer, 1))
                    await heard.event(SessionEstablished)
                    assert stack.admission.calls() == 1
                    await tcp.send(_in_dialog("BYE", invite, answer, 2))
                    assert status(await tcp.receive()) == 200
            ended = await heard.event(SessionEnded)
            assert ended.cause == "bye-received"
            assert stack.admission.calls() == 0

    asyncio.run(run())


def test_a_call_may_be_ended_over_another_connection() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, heard):
            heard.then = answer_calls(stack)
            port = port_of(stack, "tcp")
            async with connected(port) as first, connected(port, address=LOCAL) as second:
                invite, answer = await _call(first, port)
                await first.send(_in_dialog("ACK", invite, answer, 1))
                await heard.event(SessionEstablished)
                await second.send(_in_dialog("BYE", invite, answer, 2))
                assert status(await second.receive()) == 200
                assert (await heard.event(SessionEnded)).cause == "bye-received"

    asyncio.run(run())


def test_when_the_connection_is_gone_our_bye_goes_to_the_contact() -> None:
    async def run() -> None:
        async with (
            running_stack(settings_of(trunk())) as (stack, heard),
            FarServer.open() as home,
        ):
            heard.then = answer_calls(stack)
            port = port_of(stack, "tcp")
            async with connected(port) as first:
                invite, answer = await _call(first, port, contact_port=home.port)
                await first.send(_in_dialog("ACK", invite, answer, 1))
                session = (await heard.event(SessionEstablished)).session
                first.writer.transport.abort()
            async with asyncio.timeout(5):
                while stack.transports.connection_count():
                    turn = asyncio.get_running_loop().create_future()
                    asyncio.get_running_loop().call_later(0.001, turn.set_result, None)
                    await turn
            stack.endpoint.bye(session, stack._clock.now())
            stack.flush()
            assert (await home.receive()).startswith(b"BYE sip:peer@127.0.0.1:")

    asyncio.run(run())


def test_garbage_is_counted_and_the_next_message_answered() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _), UdpPeer.open() as peer:
            port = port_of(stack, "udp")
            for junk in (b"\x01" * 500, b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe SIP/2.0\r\n\r\n"):
                peer.send(junk, port)
            peer.send(options(port, peer.via), port)
            assert status(await peer.receive()) == 200
            assert stack.counts["malformed"] == 3

    asyncio.run(run())


def test_a_broken_request_gets_400_and_the_stream_goes_on() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as peer:
                broken = options(port, peer.via).replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS")
                await peer.send(broken + options(port, peer.via))
                answers = [status(await peer.receive()) for _ in range(2)]
                assert answers == [400, 200]

    asyncio.run(run())


@pytest.mark.parametrize(
    "stream",
    [
        b"OPTIONS sip:a SIP/2.0\r\nX: " + b"x" * 70_000,
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 999999999\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n",
    ],
    ids=["head-too-large", "body-too-large", "no-content-length"],
)
def test_a_stream_that_cannot_be_cut_is_closed_and_others_are_unharmed(stream: bytes) -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as other, connected(port) as peer:
                peer.writer.write(stream)
                await peer.ended()
                await other.send(options(port, other.via))
                assert status(await other.receive()) == 200
            assert stack.counts["framing"] == 1

    asyncio.run(run())


def test_a_stranger_gets_nothing_and_leaves_nothing() -> None:
    only_other = trunk(match=MatchRule(networks=("127.0.0.9/32",)))

    async def run() -> None:
        async with running_stack(settings_of(only_other)) as (stack, heard):
            udp, tcp = port_of(stack, "udp"), port_of(stack, "tcp")
            async with UdpPeer.open() as stranger, UdpPeer.open("127.0.0.9") as known:
                for _ in range(50):
                    stranger.send(request("INVITE", f"sip:x@127.0.0.1:{udp}", stranger.via), udp)
                async with connected(tcp) as caller:
                    assert await caller.ended() == b""
                known.send(options(udp, known.via), udp)
                assert status(await known.receive()) == 200
                assert stranger.queue.empty()
            assert stack.counts["unknown-peer"] == 51
            assert heard.events == []
            assert stack.transports.connection_count() == 0
            assert stack.endpoint.open_sessions == 0

    asyncio.run(run())


def test_a_flood_over_udp_is_cut_and_others_are_served() -> None:
    limited = trunk(limits=TrunkLimits(messages_per_s=20.0, message_burst=20))

    async def run() -> None:
        async with running_stack(settings_of(limited)) as (stack, _):
            port = port_of(stack, "udp")
            async with UdpPeer.open("127.0.0.2") as flooder, UdpPeer.open("127.0.0.3") as other:
                message = options(port, flooder.via)
                for _ in range(100):
                    flooder.send(message, port)
                other.send(options(port, other.via), port)
                assert status(await other.receive()) == 200
            assert stack.counts["flood-dropped"] >= 70

    asyncio.run(run())


def test_a_flood_over_tcp_is_slowed_but_nothing_is_lost() -> None:
    limited = trunk(limits=TrunkLimits(messages_per_s=200.0, message_burst=10))

    async def run() -> None:
        async with running_stack(settings_of(limited)) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as flooder, connected(port, address=LOCAL) as other:
                for _ in range(60):
                    await flooder.send(options(port, flooder.via))
                await other.send(options(port, other.via))
                assert status(await other.receive()) == 200
                assert [status(await flooder.receive()) for _ in range(60)] == [200] * 60

    asyncio.run(run())


def test_a_peer_that_does_not_read_is_reset() -> None:
    small = TransportSettings(write_buffer_bytes=20_000)
    greedy = trunk(limits=TrunkLimits(messages_per_s=100_000.0, message_burst=100_000))

    async def run() -> None:
        async with running_stack(settings_of(greedy, transport=small)) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as peer:
                peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # reads nothing
                long = "X-Padding: " + "x" * 4000 + "\r\n"
                via = f"{peer.via};padding={'p' * 8000}"
                async with asyncio.timeout(10):
                    try:
                        for _ in range(20_000):
                            await peer.send(options(port, via, extra=long))
                            if stack.counts.get("slow-reader-reset"):
                                break
                    except OSError:
                        pass
            assert stack.counts["slow-reader-reset"] == 1

    asyncio.run(run())


def test_idle_and_mute_connections_are_closed() -> None:
    short = TransportSettings(first_message_s=0.2, idle_s=0.5)

    async def run() -> None:
        async with running_stack(settings_of(trunk(), transport=short)) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as mute, connected(port) as idle:
                await idle.send(options(port, idle.via))
                assert status(await idle.receive()) == 200
                assert await mute.ended() == b""
                assert not idle.reader.at_eof()
                assert await idle.ended() == b""

    asyncio.run(run())


def test_connections_beyond_the_limit_are_refused() -> None:
    few = TransportSettings(max_connections_per_peer=2)

    async def run() -> None:
        async with running_stack(settings_of(trunk(), transport=few)) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as one, connected(port) as two:
                for peer in (one, two):
                    await peer.send(options(port, peer.via))
                    await peer.receive()
                async with connected(port) as three:
                    assert await three.ended() == b""
            assert stack.counts["too-many-connections"] == 1

    asyncio.run(run())


def test_calls_beyond_the_limit_get_503_with_retry_after() -> None:
    one_call = trunk(limits=TrunkLimits(max_calls=1))

    async def run() -> None:
        async with running_stack(settings_of(one_call)) as (stack, heard), UdpPeer.open() as peer:
            heard.then = answer_calls(stack)
            port = port_of(stack, "udp")
            await _call(peer, port)
            uri = f"sip:+390687654321@127.0.0.1:{port}"
            second = request("INVITE", uri, peer.via, call_id="second@peer.test")
            peer.send(second, port)
            while (
                b"second@peer.test" not in (answer := await peer.receive()) or status(answer) == 100
            ):
                pass
            assert status(answer) == 503
            assert b"\r\nRetry-After: 5\r\n" in answer
            assert sum(isinstance(item, SessionInvited) for item in heard.events) == 1

    asyncio.run(run())
