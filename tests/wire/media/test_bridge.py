# SPDX-License-Identifier: Apache-2.0
"""Two parties on a real worker: each hears the other's own tone and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.ids import LegId
from centralino.exchange.media import Configure, ReadStatistics, SrtpKeys, Statistics
from centralino.wire.rtp.srtp import SUITE_80
from tests.wire.media.peer import Peer
from tests.wire.media.stage import Stage, stage

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.wire

CALL = {"a": {"b": 1.0}, "b": {"a": 1.0}}


async def call(one: Stage, first: Peer, second: Peer) -> None:
    await one.add("a", first)
    await one.add("b", second)
    await one.room(CALL)


async def check_both_ways(one: Stage, first: Peer, second: Peer) -> None:
    await call(one, first, second)
    await asyncio.gather(first.hear(10), second.hear(10))
    heard = await asyncio.gather(first.hears(second.hertz), second.hears(first.hertz))
    assert all(heard)
    own = await asyncio.gather(first.hears(first.hertz), second.hears(second.hertz))
    assert not any(own)


@pytest.mark.parametrize(
    ("first", "second"),
    [("PCMU", "PCMU"), ("PCMU", "PCMA"), ("PCMA", "G722"), ("G722", "G722")],
)
def test_each_hears_the_other(tmp_path: Path, first: str, second: str) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await check_both_ways(one, await Peer.open(first, 440), await Peer.open(second, 1000))

    asyncio.run(run())


def srtp(seed: int) -> SrtpKeys:
    """Return keys of one leg, another pair for each seed."""
    return SrtpKeys(SUITE_80, local=bytes([seed]) * 30, remote=bytes([seed + 100]) * 30)


@pytest.mark.parametrize("sides", ["one", "both"])
def test_each_hears_the_other_under_srtp(tmp_path: Path, sides: str) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await Peer.open("PCMA", 440, srtp(1))
            second = await Peer.open("PCMA", 1000, srtp(2) if sides == "both" else None)
            await check_both_ways(one, first, second)
            assert first.refused == second.refused == 0

    asyncio.run(run())


def test_wrong_key_lets_nothing_through(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await Peer.open("PCMA", 440, srtp(1))
            second = await Peer.open("PCMA", 1000)
            await one.add("a", first, srtp=SrtpKeys(SUITE_80, local=bytes(30), remote=bytes(30)))
            await one.add("b", second)
            await one.room(CALL)
            await second.hear(10)
            assert not await second.hears(440)
            leg = LegId("a")
            figures = await one.pool.ask(leg, ReadStatistics(leg=leg))
            assert isinstance(figures, Statistics)
            assert figures.refused_packets > 0
            assert figures.received_packets == 0

    asyncio.run(run())


def test_new_keys_in_the_middle_of_a_call(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            first, second = await Peer.open("PCMA", 440, srtp(1)), await Peer.open("PCMA", 1000)
            await call(one, first, second)
            await first.hear(10)
            first.rekey(srtp(3))
            leg = LegId("a")
            await one.pool.ask(leg, Configure(leg=leg, media=first.media()))
            await asyncio.gather(first.hear(10), second.hear(10))
            assert await first.hears(1000)
            assert await second.hears(440)
            assert len({heard.packet.ssrc for heard in first.heard}) == 1

    asyncio.run(run())
