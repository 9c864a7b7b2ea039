# SPDX-License-Identifier: Apache-2.0
"""The stack's life: starting, a proxy of ours in front, other trunks while running, stopping."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice import edge_word
from centralino.adapters.voice.resolver import StaticResolver
from centralino.adapters.voice.settings import (
    EdgeSettings,
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    TransportSettings,
)
from centralino.adapters.voice.stack import SipStack
from centralino.adapters.voice.trunks import TrunkRegistry
from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.ids import TrunkId
from centralino.wire.sip.events import SessionEnded, SessionEstablished, SessionInvited
from tests.kit.certificates import trusted_authority
from tests.kit.virtual_time import run_virtual, running_clock
from tests.wire.voice_edge.peers import (
    CARRIER,
    SDP,
    UdpPeer,
    answer_calls,
    connected,
    options,
    port_of,
    request,
    response,
    running_stack,
    settings_of,
    status,
    teams_trunk,
    tls_settings,
    trunk,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

SECRET = b"a secret of some length"


def test_a_port_that_is_taken_is_a_configuration_error_that_names_it() -> None:
    async def run() -> None:
        async with UdpPeer.open() as peer:
            taken = (ListenerSettings(transport="udp", port=peer.place[1]),)
            with pytest.raises(ConfigError, match=f"udp 127.0.0.1:{peer.place[1]}"):
                async with running_stack(settings_of(trunk(), listeners=taken)):
                    pass

    asyncio.run(run())


def test_behind_an_edge_the_signed_word_decides(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    edge = EdgeSettings(
        name="edge", networks=("127.0.0.5/32",), secret_file=str(tmp_path / "secret")
    )
    behind = trunk(edge="edge", match=MatchRule())

    async def run() -> None:
        settings = settings_of(
            behind, edges=(edge,), listeners=(ListenerSettings(transport="udp", port=0),)
        )
        async with running_stack(settings) as (stack, heard), UdpPeer.open("127.0.0.5") as proxy:
            heard.then = answer_calls(stack)
            port = port_of(stack, "udp")
            uri = f"sip:+390612345678@127.0.0.1:{port}"
            word = edge_word.sign(SECRET, CARRIER, "signed@peer", SystemClock().utc())
            for call_id in ("signed@peer", "forged@peer"):
                invite = request(
                    "INVITE",
                    uri,
                    proxy.via,
                    call_id=call_id,
                    extra=f"X-Edge-Trunk: {word}\r\nContent-Type: application/sdp\r\n",
                    body=SDP,
                )
                proxy.send(invite, port)
            answers: dict[bytes, int] = {}
            while len(answers) < 2:
                message = await proxy.receive()
                if status(message) >= 200:
                    key = b"signed" if b"signed@peer" in message else b"forged"
                    answers[key] = status(message)
            assert answers == {b"signed": 200, b"forged": 403}
            invited = await heard.event(SessionInvited)
            assert invited.flow.trunk == CARRIER
            assert "X-Edge-Trunk" not in invited.request.headers
            proxy.send(options(port, proxy.via), port)
            while status(message := await proxy.receive()) != 200 or b"OPTIONS" not in message:
                pass

    asyncio.run(run())


def test_a_tenant_comes_and_goes_while_running() -> None:
    first = trunk(match=MatchRule(networks=("127.0.0.3/32",)))
    second = trunk(trunk=TrunkId("second"), match=MatchRule(networks=("127.0.0.4/32",)))

    async def run() -> None:
        async with (
            running_stack(settings_of(first)) as (stack, _),
            UdpPeer.open("127.0.0.3") as old,
            UdpPeer.open("127.0.0.4") as new,
        ):
            udp = port_of(stack, "udp")
            old.send(options(udp, old.via), udp)
            assert status(await old.receive()) == 200
            stack.replace_trunks((second,))
            old.send(options(udp, old.via), udp)
            new.send(options(udp, new.via), udp)
            assert status(await new.receive()) == 200
            assert old.queue.empty()
            assert stack.counts["unknown-peer"] == 1

    asyncio.run(run())


def test_a_connection_of_a_trunk_that_is_gone_is_closed() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, _):
            port = port_of(stack, "tcp")
            async with connected(port) as peer:
                await peer.send(options(port, peer.via))
                assert status(await peer.receive()) == 200
                stack.replace_trunks((trunk(match=MatchRule(networks=("127.9.0.0/16",))),))
                await peer.send(options(port, peer.via))
                assert await peer.ended() == b""

    asyncio.run(run())


def test_stopping_waits_for_calls_and_refuses_new_ones() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (stack, heard), UdpPeer.open() as peer:
            heard.then = answer_calls(stack)
            port = port_of(stack, "udp")
            uri = f"sip:+390612345678@127.0.0.1:{port}"
            peer.send(request("INVITE", uri, peer.via, call_id="first", body=b""), port)
            while status(await peer.receive()) != 200:
                pass
            session = (await heard.event(SessionInvited)).session
            async with asyncio.TaskGroup() as group:
                stopping = group.create_task(stack.stop(grace_s=10))
                second = request("INVITE", uri, peer.via, call_id="second", body=b"")
                peer.send(second, port)
                while b"second" not in (message := await peer.receive()) or status(message) == 100:
                    pass
                assert status(message) == 503
                assert not stopping.done()
                stack.endpoint.bye(session, stack._clock.now())
                stack.flush()
            assert stack.admission.calls() == 0

    asyncio.run(run())


def test_a_restored_dialog_goes_on_over_a_new_flow_and_counts() -> None:
    async def run() -> None:
        async with running_stack(settings_of(trunk())) as (first, heard), UdpPeer.open() as peer:
            heard.then = answer_calls(first)
            port = port_of(first, "udp")
            uri = f"sip:+390612345678@127.0.0.1:{port}"
            peer.send(request("INVITE", uri, peer.via, call_id="kept", body=b""), port)
            while status(answer := await peer.receive()) != 200:
                pass
            ack = request("ACK", uri, peer.via, call_id="kept")
            invite_from = (await heard.event(SessionInvited)).request.headers.get("From")
            to = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"to:"))
            lines = [
                to
                if line.lower().startswith(b"to:")
                else f"From: {invite_from}".encode()
                if line.lower().startswith(b"from:")
                else line
                for line in ack.split(b"\r\n")
            ]
            peer.send(b"\r\n".join(lines), port)
            session = (await heard.event(SessionEstablished)).session
            kept = first.endpoint.checkpoint(session)
            assert kept is not None
        async with running_stack(settings_of(trunk())) as (second, heard_again):
            assert kept.flow_id not in second.transports._udp_by_flow
            assert second.restore(kept, second._clock.now()) == session
            assert second.admission.calls(CARRIER) == 1
            second.endpoint.bye(session, second._clock.now())
            second.flush()
            assert (await heard_again.event(SessionEnded)).cause == "bye-sent"
            assert second.admission.calls() == 0

    asyncio.run(run())


def test_a_tls_peer_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    root = trusted_authority()
    tls = tls_settings(tmp_path, root.issue("sbc1.example.test"), root)
    quick = TransportSettings(connect_s=0.2, max_handshakes=1)

    async def run() -> None:
        settings = settings_of(teams_trunk(), tls=tls, transport=quick)
        async with running_stack(settings) as (stack, heard):
            port = port_of(stack, "tls")
            async with connected(port) as silent, connected(port) as second:
                # One handshake at a time: the second is turned away at once.
                assert await second.ended() == b""
                await silent.ended()
            assert "took too long" in await heard.alarm("tls-timeout")
            assert stack.counts["too-many-handshakes"] == 1

    asyncio.run(run())


def test_a_udp_proxy_is_found_by_name_and_one_without_a_name_is_told() -> None:
    async def run() -> None:
        async with UdpPeer.open() as far:
            fast = OptionsSettings(interval_s=0.2, jitter_s=0.0)
            proxies = (
                ProxySettings(host="gw.test", port=far.place[1]),
                ProxySettings(host="nowhere.test", port=5060),
            )
            ours = trunk(proxies=proxies, options=fast)
            names = StaticResolver({"gw.test": "127.0.0.1"})
            async with running_stack(settings_of(ours), names) as (stack, heard):
                asked = await far.receive()
                far.send(response(asked, 200), port_of(stack, "udp"))
                text = await heard.alarm("trunk-unreachable")
                assert "nowhere.test:5060 does not resolve" in text
                await heard.alarm("trunk-degraded")
                assert stack.hop_for(CARRIER).host == "gw.test"

    asyncio.run(run())


def test_a_handler_that_raises_harms_no_other_event() -> None:
    async def run() -> None:
        seen: list[str] = []
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: errors.append(context["exception"])
        )
        async with running_stack(settings_of(trunk())) as (stack, heard), UdpPeer.open() as peer:

            def handle(event: object, now: int) -> None:
                if isinstance(event, SessionInvited):
                    seen.append(event.request.call_id)
                    stack.endpoint.reject(event.session, 486, now)
                    if len(seen) == 1:
                        raise RuntimeError("a bug")

            heard.then = handle
            port = port_of(stack, "udp")
            for call_id in ("one", "two"):
                uri = f"sip:+390612345678@127.0.0.1:{port}"
                peer.send(request("INVITE", uri, peer.via, call_id=call_id), port)
            answered: set[bytes] = set()
            while len(answered) < 2:
                message = await peer.receive()
                if status(message) == 486:
                    answered.add(b"one" if b"Call-ID: one" in message else b"two")
            assert seen == ["one", "two"]
            assert [str(item) for item in errors] == ["a bug"]

    asyncio.run(run())


def test_the_timer_of_the_stack_runs_in_virtual_time() -> None:
    async def main() -> list[int]:
        ours = trunk(
            proxies=(ProxySettings(host="gone.test", port=5060),),
            options=OptionsSettings(interval_s=60.0, jitter_s=0.0),
        )
        settings = settings_of(ours, listeners=())
        words = itertools.count()
        clock = running_clock()
        stack = SipStack(
            settings,
            clock=clock,
            resolver=StaticResolver({}),
            token=lambda: f"word{next(words):08d}",
            trunks=TrunkRegistry.from_settings(settings),
        )
        down = asyncio.get_running_loop().create_future()
        stack.on_alarm = lambda code, *_: down.set_result(None) if code == "trunk-down" else None
        await stack.start()
        await down
        at = clock.now() // 1_000_000_000
        await stack.stop()
        return [at]

    # Three questions without an answer, one per minute: the third at two minutes.
    assert run_virtual(main()) == [120]
