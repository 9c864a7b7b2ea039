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
PAIRS = [("PCMU", "PCMU"), ("PCMU", "PCMA"), ("PCMA", "G722"), ("G722", "G722")]


def srtp(seed: int) -> SrtpKeys:
    """Return keys of one leg, another pair for each seed."""
    return SrtpKeys(SUITE_80, local=bytes([seed]) * 30, remote=bytes([seed + 100]) * 30)


async def call(one: Stage, first: Peer, second: Peer, name: str = "") -> None:
    """Bridge two far ends; ``name`` tells this call from others on the stage."""
    await one.add(f"a{name}", first)
    await one.add(f"b{name}", second)
    await one.room({f"a{name}": {f"b{name}": 1.0}, f"b{name}": {f"a{name}": 1.0}}, f"room{name}")


async def check_both_ways(one: Stage, first: Peer, second: Peer, name: str) -> None:
    await call(one, first, second, name)
    await asyncio.gather(first.hear(10), second.hear(10))
    heard = await asyncio.gather(first.hears(second.hertz), second.hears(first.hertz))
    assert all(heard), name
    own = await asyncio.gather(first.hears(first.hertz), second.hears(second.hertz))
    assert not any(own), name
    assert first.refused == second.refused == 0


def test_each_hears_the_other_whatever_the_codecs(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one_stage:
            calls = [(await Peer.open(one), await Peer.open(two, 1000)) for one, two in PAIRS]
            await asyncio.gather(
                *(
                    check_both_ways(one_stage, first, second, first.codec + second.codec)
                    for first, second in calls
                )
            )

    asyncio.run(run())


def test_each_hears_the_other_under_srtp(tmp_path: Path) -> None:
    """Encrypted on one side, on both, and on both with other codecs."""

    async def run() -> None:
        async with stage(tmp_path) as one:
            sides = [
                (await Peer.open("PCMA", 440, srtp(1)), await Peer.open("PCMA", 1000)),
                (await Peer.open("PCMA", 440, srtp(2)), await Peer.open("PCMA", 1000, srtp(3))),
                (await Peer.open("PCMU", 440, srtp(4)), await Peer.open("G722", 1000, srtp(5))),
            ]
            await asyncio.gather(
                *(
                    check_both_ways(one, first, second, str(number))
                    for number, (first, second) in enumerate(sides)
                )
            )

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
