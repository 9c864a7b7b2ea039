# SPDX-License-Identifier: Apache-2.0
"""Two parties on a real worker: each hears the other's own tone and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

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
    assert heard == [True, True]
    own = await asyncio.gather(first.hears(first.hertz), second.hears(second.hertz))
    assert own == [False, False]


@pytest.mark.parametrize(
    ("first", "second"),
    [("PCMU", "PCMU"), ("PCMU", "PCMA"), ("PCMA", "G722"), ("G722", "G722")],
)
def test_each_hears_the_other(tmp_path: Path, first: str, second: str) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await check_both_ways(one, await Peer.open(first, 440), await Peer.open(second, 1000))

    asyncio.run(run())
