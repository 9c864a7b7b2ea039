# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of each process while people talk: how long it is silent, and who is left.

The whole product with real processes, ten calls from a carrier to Teams users over mutual
TLS and SRTP. The gap is the longest time between two packets at any of the twenty far
ends, from the kill until everybody has heard the other side again; the floor is the same
figure in the seconds before the kill. A call is lost when it ends or stays silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from tests.wire.product.stage import Plot, caller, stage, until, user
from tests.wire.product.test_survival import heard_ms, talking

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "voice.survival_"
CALLS = 10
GOALS_MS = {"media-0": 1000.0, "voice": 1000.0, "exchange": 100.0}
QUIET_S = 3.0
AGAIN_MS = 1000


@dataclass(frozen=True)
class Seen:
    """What one kill did."""

    gap_ms: float
    before_ms: float
    lost: int


def measure() -> Iterator[Measurement]:
    """Kill each process once."""
    for victim, goal in GOALS_MS.items():
        with tempfile.TemporaryDirectory() as folder:
            seen = asyncio.run(_kill(Path(folder), victim))
        yield Measurement(
            name=f"voice.survival_gap_{victim}",
            value=seen.gap_ms,
            unit="ms",
            floor=seen.before_ms,
            goal=goal,
            note=f"{CALLS - seen.lost} of {CALLS} calls survive kill -9 of {victim}",
        )
        yield Measurement(
            name=f"voice.survival_lost_{victim}", value=float(seen.lost), unit="calls", goal=0.0
        )


async def _kill(folder: Path, victim: str) -> Seen:
    users = tuple(user(i) for i in range(CALLS))
    lines = tuple(caller(i, talk_for_ms=600_000) for i in range(CALLS))
    async with stage(folder, Plot(users=users, callers=lines)) as s:
        parties = await talking(s, lines)
        for party in parties:
            party.figures.longest_gap_ms = 0.0
        await asyncio.sleep(QUIET_S)
        before_ms = max(party.figures.longest_gap_ms for party in parties)
        for party in parties:
            party.figures.longest_gap_ms = 0.0
        await s.kill_and_wait(victim)
        start = [heard_ms(party) for party in parties]

        def silent() -> int:
            return sum(
                heard_ms(party) < then + AGAIN_MS
                for party, then in zip(parties, start, strict=True)
            )

        with contextlib.suppress(TimeoutError):
            await until(lambda: silent() == 0)
        ended = len(s.report.of("call.ended"))
        gap_ms = max(party.figures.longest_gap_ms for party in parties)
        return Seen(gap_ms, before_ms, max(ended, (silent() + 1) // 2))
