# SPDX-License-Identifier: Apache-2.0
"""A simulated week through the writer, the engine and the live state: memory must stay flat.

The floor is what the process uses after the first day; the value what it uses after the week.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from tests.kit.virtual_time import run_virtual
from tests.scenario.long_run import Left, LongRun

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "exchange.journal_memory"
DAYS, EVERY_S = 7, 30.0
MOST_GROWTH = 1.03


def measure() -> Iterator[Measurement]:
    """Live a week."""
    sizes: dict[int, float] = {}
    last: list[Left] = []

    def look(left: Left) -> None:
        last.append(left)
        if len(last) % 24 == 0:
            gc.collect()
            sizes[len(last) // 24] = _resident_mb()
            print(f"day {len(last) // 24}: {left.calls} calls, {_resident_mb():.1f} MB")

    async def run() -> int:
        site = LongRun(seed=1)
        await site.run(24 * DAYS, EVERY_S, look)
        await asyncio.sleep(0)
        return site.journal.records

    records = run_virtual(run())
    yield Measurement(
        name="exchange.journal_memory_week",
        value=sizes[DAYS],
        unit="MB",
        floor=sizes[1],
        goal=MOST_GROWTH,
        met=sizes[DAYS] <= sizes[1] * MOST_GROWTH,
        note=f"{last[-1].calls:,} calls, {records:,} records; the goal is the ratio to day one",
    )


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
