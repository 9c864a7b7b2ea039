# SPDX-License-Identifier: Apache-2.0
"""Legs that speak Opus: heard and hearing, on their own clock, with keys, in a file."""

from __future__ import annotations

import asyncio
import wave
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.core.kernel.ids import LegId, RecordingId
from centralino.exchange.media import (
    KeyPressed,
    PlayMedia,
    Recorded,
    StartRecording,
    StopMedia,
    StopRecording,
)
from centralino.wire.rtp.rtcp import SenderReport, parse_compound
from centralino.wire.rtp.tone import has_tone
from tests.kit.requirements import require_package
from tests.wire.media.peer import EVENT, Peer
from tests.wire.media.stage import stage, write_prompt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.media.stage import Stage

pytestmark = pytest.mark.wire

A, B = LegId("a"), LegId("b")
CALL = {"a": {"b": 1.0}, "b": {"a": 1.0}}


def test_each_hears_the_other_on_its_own_clock(tmp_path: Path) -> None:
    """Whatever the other speaks; three calls side by side."""
    require_package("av")

    async def talk(one: Stage, other: str) -> None:
        legs = [LegId(f"{other}-{side}") for side in (0, 1)]
        first = await one.add(legs[0], await Peer.open("opus", 1000))
        second = await one.add(legs[1], await Peer.open(other, 600))
        await one.room({legs[0]: {legs[1]: 1.0}, legs[1]: {legs[0]: 1.0}}, other)
        path, name = str(tmp_path / f"{other}.wav"), RecordingId(other)
        command = StartRecording(recording=name, first=legs[0], second=legs[1], path=path)
        await one.pool.ask(legs[0], command)
        await asyncio.gather(first.hear(40), second.hear(40))
        assert all(await asyncio.gather(first.hears(600), second.hears(1000)))
        await one.pool.ask(legs[0], StopRecording(recording=name))
        packets = [heard.packet for heard in first.heard[5:]]
        assert {packet.payload_type for packet in packets} == {111}
        steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets)]
        assert set(steps) == {960}

    def check(done: Recorded) -> None:
        assert done.is_complete
        with wave.open(done.path, "rb") as file:
            rate, samples = file.getframerate(), file.readframes(file.getnframes())
        sides = np.frombuffer(samples, dtype="<i2").reshape(-1, 2)[-rate // 2 :]
        assert has_tone(sides[:, 0].copy(), 1000, sample_rate=rate)
        assert has_tone(sides[:, 1].copy(), 600, sample_rate=rate)

    async def run() -> None:
        others = ("PCMA", "G722", "opus")
        async with stage(tmp_path) as one:
            await asyncio.gather(*(talk(one, other) for other in others))
            for _ in others:
                check(await one.event(Recorded))

    asyncio.run(run())


def test_prompts_and_silence_reach_it_and_reports_count_on_its_clock(tmp_path: Path) -> None:
    require_package("av")

    async def run() -> None:
        write_prompt(tmp_path, "music", 1500)
        async with stage(tmp_path) as one:
            peer = await one.add("a", await Peer.open("opus", 1000))
            await peer.hear(5)
            await one.pool.ask(A, PlayMedia(leg=A, play="p", prompts=("music",)))
            await peer.hear(5)
            assert await peer.hears(1500)
            await one.pool.ask(A, StopMedia(leg=A))
            await peer.hear(5)
            assert not await peer.hears(1500)
            one.pool.release(A)
            async with asyncio.timeout(5):
                while not peer.rtcp:
                    await peer.speak(1)
            (report,) = [p for p in parse_compound(peer.rtcp[-1]) if isinstance(p, SenderReport)]
            behind = (report.rtp_timestamp - peer.heard[-1].packet.timestamp) & 0xFFFFFFFF
            assert min(behind, 2**32 - behind) < 48_000

    asyncio.run(run())


@pytest.mark.parametrize("clock_rate", [8000, 48000])
def test_a_key_is_told_and_passed_on_in_the_listeners_units(
    tmp_path: Path, clock_rate: int
) -> None:
    require_package("av")

    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await one.add("a", await Peer.open("opus", 1000), event_clock_rate=clock_rate)
            second = await one.add("b", await Peer.open("PCMU", 600))
            await one.room(CALL)
            await asyncio.gather(first.hear(10), second.hear(10))
            first.stop()
            for ms, is_end in ((20, 0), (60, 0), (100, 128), (100, 128), (100, 128)):
                payload = bytes((5, is_end | 10)) + (ms * clock_rate // 1000).to_bytes(2, "big")
                first.send(EVENT, payload, first.timestamp, ms == 20)
            pressed = await one.event(KeyPressed)
            assert (pressed.digit, pressed.duration_ms) == ("5", 100)
            await second.hear(5)
            passed = [h.packet for h in second.heard if h.packet.payload_type == EVENT]
            assert int.from_bytes(passed[-1].payload[2:4], "big") == 800

    asyncio.run(run())


def test_noise_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    require_package("av")

    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await one.add("a", await Peer.open("opus", 1000))
            second = await one.add("b", await Peer.open("PCMU", 600))
            await one.room(CALL)
            await second.hear(10)
            for _ in range(5):
                first.send(111, b"\xff" * 9, first.timestamp)
                first.send(111, b"", first.timestamp)
            await second.hear(10)
            assert await second.hears(1000)

    asyncio.run(run())
