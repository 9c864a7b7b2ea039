# SPDX-License-Identifier: Apache-2.0
"""What is noticed about a leg's audio, and that a late worker takes no new legs."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.errors import CapacityExceeded
from centralino.core.kernel.ids import LegId
from centralino.exchange.media import (
    Configure,
    MediaChanged,
    Release,
    Statistics,
    WorkerAlarm,
)
from centralino.wire.rtp.rtcp import SenderReport, parse_compound
from tests.wire.media.peer import Peer
from tests.wire.media.stage import Stage, stage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

A = LegId("a")
QUICK = {"silent_after_s": 1.0, "rtp_timeout_s": 1.0, "one_way_after_s": 1.0}


async def changed(one: Stage) -> str:
    return (await one.event(MediaChanged)).change


def test_planted_mute_and_a_dead_stream_are_noticed(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, **QUICK) as one:
            customer = await one.add("a", await Peer.open())
            assert await changed(one) == "first-packet"
            customer.is_muted = True
            assert await changed(one) == "silent"
            customer.is_muted = False
            assert await changed(one) == "resumed"
            customer.stop()
            assert await changed(one) == "timeout"
            customer.talk_to(one.ports[A])
            assert await changed(one) == "resumed"

    asyncio.run(run())


def test_far_end_that_never_sends_is_one_way(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, **QUICK) as one:
            silent = await Peer.open()
            await one.pool.reserve(A)
            await one.pool.ask(A, Configure(leg=A, media=silent.media()))
            one.peers[A] = silent
            assert await changed(one) == "one-way"

    asyncio.run(run())


def test_reports_are_sent_and_figures_come_at_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer = await one.add("a", await Peer.open())
            await customer.hear(20)
            await one.pool.ask(A, Release(leg=A))
            figures = await one.event(Statistics)
            assert figures.is_final
            assert figures.received_packets >= 15
            assert figures.sent_packets >= 20
            assert figures.mos > 4.0
            report = parse_compound(customer.rtcp[-1])[0]
            assert isinstance(report, SenderReport)
            assert report.blocks[0].ssrc == customer.ssrc
            assert report.packet_count == figures.sent_packets

    asyncio.run(run())


def test_late_worker_refuses_new_legs(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, late_share_ratio=0.02) as one:
            customer = await one.add("a", await Peer.open())
            for _ in range(4):
                one.worker.signal(signal.SIGSTOP)
                await customer.speak(10)
                one.worker.signal(signal.SIGCONT)
                await customer.hear(2)
            assert (await one.event(WorkerAlarm)).code == "late"
            with pytest.raises(CapacityExceeded):
                await one.pool.reserve(LegId("b"))

    asyncio.run(run())
