# SPDX-License-Identifier: Apache-2.0
"""What a leg does beside talking: prompts, music, keys, strangers, planted mute."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.errors import RemoteRejected
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import (
    KeyPressed,
    Played,
    PlayMedia,
    ReadStatistics,
    RingbackTone,
    RoomMember,
    SendDigits,
    SetRoom,
    Statistics,
    StopMedia,
    WorkerAlarm,
)
from centralino.wire.rtp.telephone_event import EventDetector, EventSender
from tests.wire.media.peer import EVENT, Peer
from tests.wire.media.stage import Stage, stage, write_prompt

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

A, B = LegId("a"), LegId("b")
CALL = {"a": {"b": 1.0}, "b": {"a": 1.0}}


async def play(one: Stage, name: str, **changes: bool) -> None:
    await one.pool.ask(A, PlayMedia(leg=A, play=name, prompts=(name,), **changes))


def press(peer: Peer, digits: str) -> None:
    """Send keys at once, as a burst of packets."""
    keys = EventSender()
    keys.queue(digits)
    for tick in range(1000):
        if not keys.is_busy:
            return
        packet = keys.next_packet(1_000_000 + tick * 160)
        if packet is not None:
            peer.send(EVENT, packet.payload, packet.timestamp, packet.marker)


def test_prompt_then_music_then_bridge_on_one_line(tmp_path: Path) -> None:
    """In each codec; three calls side by side."""

    async def caller(one: Stage, codec: str) -> None:
        leg = LegId(f"a-{codec}")
        customer = await one.add(leg, await Peer.open(codec, 440))
        await one.pool.ask(leg, PlayMedia(leg=leg, play=codec, prompts=("welcome",)))
        assert await customer.hears(700)
        await customer.hear(10)
        music = PlayMedia(leg=leg, play=f"{codec}-music", prompts=("music",), loop=True)
        await one.pool.ask(leg, music)
        assert await customer.hears(1500, packets=40)
        await one.add(f"b-{codec}", await Peer.open("PCMA", 1000))
        await one.room({leg: {f"b-{codec}": 1.0}, f"b-{codec}": {leg: 1.0}}, codec)
        await one.pool.ask(leg, StopMedia(leg=leg))
        await customer.hear(10)
        assert await customer.hears(1000)
        packets = [heard.packet for heard in customer.heard]
        assert len({packet.ssrc for packet in packets}) == 1
        for before, after in pairwise(packets):
            assert (after.sequence - before.sequence) & 0xFFFF == 1
            step = (after.timestamp - before.timestamp) & 0xFFFFFFFF
            assert 160 <= step < 8000
            assert step == 160 or after.marker

    async def run() -> None:
        write_prompt(tmp_path, "welcome", 700, 400)
        write_prompt(tmp_path, "music", 1500, 400)
        codecs = ("PCMU", "PCMA", "G722")
        async with stage(tmp_path) as one:
            await asyncio.gather(*(caller(one, codec) for codec in codecs))
            ends = [await one.event(Played) for _ in range(6)]
        assert {(end.play, end.reason) for end in ends} == {
            (codec + kind, reason)
            for codec in codecs
            for kind, reason in (("", "completed"), ("-music", "stopped"))
        }

    asyncio.run(run())


def test_ringback_is_heard_until_it_stops(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer = await one.add("a", await Peer.open())
            await one.pool.ask(A, RingbackTone(leg=A))
            assert await customer.hears(425)
            await one.pool.ask(A, RingbackTone(leg=A, on=False))
            await customer.hear(3)
            assert not await customer.hears(425)

    asyncio.run(run())


def test_what_cannot_be_done_is_refused_and_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await one.add("a", await Peer.open())
            for name in ("nothing", "../media", "/etc/hostname"):
                with pytest.raises(RemoteRejected) as refused:
                    await play(one, name)
                assert refused.value.details["code"] == "unknown-prompt"
            one.pool.send(A, PlayMedia(leg=A, play="p", prompts=("nothing",)))
            assert (await one.event(Played)).reason == "failed"
            one.pool.send(A, SetRoom(room=BridgeId("r"), members=(RoomMember(B, ()),)))
            assert (await one.event(WorkerAlarm)).code == "command-refused"

    asyncio.run(run())


def test_each_key_is_told_once_and_passed_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer = await one.add("a", await Peer.open(hertz=440))
            agent = await one.add("b", await Peer.open("PCMA", 1000))
            await one.room(CALL)
            await agent.hear(5)
            press(customer, "1#22")
            told = [(await one.event(KeyPressed)).digit for _ in range(4)]
            assert told == ["1", "#", "2", "2"]
            await agent.hear(45)
            assert heard_keys(agent) == ["1", "#", "2", "2"]

    asyncio.run(run())


def heard_keys(peer: Peer) -> list[str]:
    """Return the keys that a far end detects in what it heard."""
    detector = EventDetector()
    found = [
        detector.feed(
            one.packet.payload, one.packet.timestamp, one.packet.marker, round(one.at * 1e9)
        )
        for one in peer.heard
        if one.packet.payload_type == EVENT
    ]
    return [event.digit for events in found for event in events]


def test_key_stops_a_prompt_that_allows_it(tmp_path: Path) -> None:
    async def run() -> None:
        write_prompt(tmp_path, "menu", 700, 5000)
        async with stage(tmp_path) as one:
            customer = await one.add("a", await Peer.open())
            await play(one, "menu", barge_in=True)
            assert await customer.hears(700)
            press(customer, "5")
            assert (await one.event(Played)).reason == "barged-in"
            assert (await one.event(KeyPressed)).digit == "5"
            await customer.hear(3)
            assert not await customer.hears(700)

    asyncio.run(run())


def test_keys_are_sent_and_the_bridge_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await one.add("a", await Peer.open(hertz=440))
            carrier = await one.add("b", await Peer.open(hertz=1000))
            await one.room(CALL)
            await one.pool.ask(B, SendDigits(leg=B, digits="90*"))
            await carrier.hear(60)
            assert heard_keys(carrier) == ["9", "0", "*"]
            assert await carrier.hears(440)
            assert len({heard.packet.ssrc for heard in carrier.heard}) == 1

    asyncio.run(run())


def test_strangers_are_dropped_and_counted(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer = await one.add("a", await Peer.open(hertz=440))
            await one.add("b", await Peer.open(hertz=1000))
            await one.room(CALL)
            await customer.hear(5)
            stranger = await Peer.open(hertz=2000)
            stranger.talk_to(one.ports[B])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
                noise.sendto(b"no rtp", ("127.0.0.1", one.ports[A]))
            assert not await customer.hears(2000)
            stranger.close()
            figures = await one.pool.ask(B, ReadStatistics(leg=B))
            assert isinstance(figures, Statistics)
            assert figures.stranger_packets >= 5
            assert figures.received_packets >= 15
            assert figures.lost_packets == 0

    asyncio.run(run())


def test_a_softphone_here_may_name_one_address_and_send_from_another(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await one.add("a", await Peer.open(hertz=440), remote_address="127.0.0.7")
            agent = await one.add("b", await Peer.open(hertz=1000))
            await one.room(CALL)
            assert await agent.hears(440)
            figures = await one.pool.ask(A, ReadStatistics(leg=A))
            assert isinstance(figures, Statistics)
            assert figures.stranger_packets == 0

    asyncio.run(run())
