# SPDX-License-Identifier: Apache-2.0
"""The gain matrix on a real worker: who hears whom, judged by tone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.wire.media.peer import Peer
from tests.wire.media.stage import Stage, stage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

TONES = {"customer": 500.0, "agent": 900.0, "supervisor": 1400.0}
CODECS = {"customer": "PCMU", "agent": "G722", "supervisor": "PCMA"}

CALL = {"customer": {"agent": 1.0}, "agent": {"customer": 1.0}}
LISTENING = {"supervisor": {"customer": 1.0, "agent": 1.0}}
MATRICES = {
    "monitor": CALL | LISTENING,
    "whisper": LISTENING
    | {"customer": {"agent": 1.0}, "agent": {"customer": 1.0, "supervisor": 1.0}},
    "barge": LISTENING
    | {
        "customer": {"agent": 1.0, "supervisor": 1.0},
        "agent": {"customer": 1.0, "supervisor": 1.0},
    },
    "hold": {"customer": {"agent": 0.0}, "agent": {"customer": 0.0}, "supervisor": {}},
    "mute": {"customer": {"agent": 0.0}, "agent": {"customer": 1.0}, "supervisor": {}},
}


def test_everyone_hears_what_the_matrix_says(tmp_path: Path) -> None:
    """All matrices at once on one worker, each in a room of its own."""

    async def run() -> None:
        async with stage(tmp_path) as one:
            await asyncio.gather(*(check_matrix(one, name) for name in MATRICES))

    asyncio.run(run())


async def check_matrix(one: Stage, name: str) -> None:
    def place(who: str) -> str:
        return f"{name}-{who}"

    peers = {
        who: await one.add(place(who), await Peer.open(CODECS[who], hertz))
        for who, hertz in TONES.items()
    }
    matrix = MATRICES[name]
    gains = {
        place(listener): {place(talker): gain for talker, gain in row.items()}
        for listener, row in matrix.items()
    }
    await one.room(gains, name)
    await settle(peers)
    for listener, row in matrix.items():
        packets = await peers[listener].hear(15)
        heard = {
            who for who, hertz in TONES.items() if peers[listener].level(packets, hertz) > -35.0
        }
        assert heard == {who for who, gain in row.items() if gain}, (name, listener)


def test_gain_changes_the_level(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            first = await one.add("a", await Peer.open("PCMU", 500))
            await one.add("b", await Peer.open("PCMU", 900))
            await one.room({"a": {"b": 1.0}, "b": {"a": 1.0}})
            full = await level_of(one, first, 900)
            await one.room({"a": {"b": 0.5}, "b": {"a": 1.0}})
            half = await level_of(one, first, 900)
            assert full - half == pytest.approx(6.0, abs=1.0)

    asyncio.run(run())


def test_moving_from_call_to_conference_and_back_keeps_one_line(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            peers = {
                who: await one.add(who, await Peer.open("PCMU", hertz))
                for who, hertz in TONES.items()
            }
            for name in ("monitor", "barge", "hold", "monitor"):
                await one.room(MATRICES[name])
                await settle(peers)
            packets = [heard.packet for heard in peers["customer"].heard]
            assert len({packet.ssrc for packet in packets}) == 1
            numbers = [packet.sequence for packet in packets]
            assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]

    asyncio.run(run())


async def settle(peers: dict[str, Peer]) -> None:
    """Let what was on its way under the former matrix pass by."""
    await asyncio.gather(*(peer.hear(12) for peer in peers.values()))


async def level_of(one: Stage, peer: Peer, hertz: float) -> float:
    await peer.hear(12)
    return peer.level(await peer.hear(20), hertz)
