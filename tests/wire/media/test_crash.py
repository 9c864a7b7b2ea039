# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of a worker in the middle of calls, and of a driver."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import wave
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.media.client import MediaPool
from centralino.core.kernel.ids import LegId, RecordingId
from centralino.exchange.link.framing import Hello
from centralino.exchange.media import PlayMedia, Recorded, SrtpKeys, StartRecording, StopRecording
from centralino.wire.rtp.srtp import SUITE_80
from tests.kit.processes import running
from tests.wire.media.peer import Peer
from tests.wire.media.stage import settings_line, stage, standby_arguments, write_prompt

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

A, B, C = LegId("a"), LegId("b"), LegId("c")
NAME = RecordingId("recording-1")
CALL = {"a": {"b": 1.0}, "b": {"a": 1.0}}
LIMIT_S = 1.0
"""The longest silence that a far end may hear when a worker is replaced."""


def srtp(seed: int) -> SrtpKeys:
    return SrtpKeys(SUITE_80, local=bytes([seed]) * 30, remote=bytes([seed + 100]) * 30)


def check_line(peer: Peer) -> float:
    """Check that a far end heard one line throughout; return its longest silence."""
    packets = [heard.packet for heard in peer.heard]
    assert len({packet.ssrc for packet in packets}) == 1
    for before, after in pairwise(packets):
        assert 1 <= (after.sequence - before.sequence) & 0xFFFF < 200
        assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 16_000
    assert peer.refused == 0
    return max(after.at - before.at for before, after in pairwise(peer.heard))


def test_calls_survive_the_death_of_their_worker(tmp_path: Path) -> None:
    """Two under SRTP (one past its first roll-over), one with music; a standby takes over."""

    async def run() -> None:
        write_prompt(tmp_path, "music", 1500)
        async with stage(tmp_path) as one, running(*standby_arguments(tmp_path)) as standby:
            first = await one.add("a", await Peer.open("PCMA", 440, srtp(1)))
            second = await one.add("b", await Peer.open("PCMU", 1000, srtp(2)))
            third = await one.add("c", await Peer.open("PCMU", 600))
            await one.room(CALL)
            await one.pool.ask(C, PlayMedia(leg=C, play="p", prompts=("music",), loop=True))
            path = tmp_path / "one.wav"
            await one.pool.ask(A, StartRecording(recording=NAME, first=A, second=B, path=str(path)))
            await standby.wait_for_line("ready")
            await asyncio.gather(first.hear(100), second.hear(100), third.hear(100))
            assert first.sequence < 1000, "the far end's count has wrapped"

            one.worker.signal(signal.SIGKILL)
            await standby.write(settings_line(tmp_path))
            await asyncio.gather(first.hear(20), second.hear(20), third.hear(20))
            heard = await asyncio.gather(first.hears(1000), second.hears(440), third.hears(1500))
            assert all(heard)
            gaps = [check_line(peer) for peer in (first, second, third)]
            assert max(gaps) < LIMIT_S

            await one.pool.ask(A, StopRecording(recording=NAME))
            done = await one.event(Recorded)
            assert done.is_complete
            assert done.duration_ms > 2000
            with wave.open(str(path), "rb") as file:
                assert file.getnframes() == pytest.approx(done.duration_ms * 8, abs=160)
            assert '"crash"' in (tmp_path / "one.wav.json").read_text()

    asyncio.run(run())


def test_a_driver_that_restarts_finds_its_legs(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await one.add("a", await Peer.open("PCMU", 440))
            await one.add("b", await Peer.open("PCMU", 1000))
            await one.room(CALL)
            again = MediaPool([tmp_path / "media.sock"], hello=Hello(name="test", generation=2))
            link = asyncio.ensure_future(again.run())
            try:
                await again.wait_ready()
                reserved = await again.reserve(A)
                assert reserved.rtp_port == one.ports[A]
                assert again.unclaimed == {B}
                assert await first.hears(1000)
                again.release_unclaimed()
                await first.hear(5)
                assert not await first.hears(1000)
            finally:
                link.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await link

    asyncio.run(run())


def test_standby_that_is_not_needed_ends(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(*standby_arguments(tmp_path)) as standby:
            await standby.wait_for_line("ready")
            assert standby.process.stdin is not None
            standby.process.stdin.close()
            assert await standby.wait() == 0

    asyncio.run(run())
