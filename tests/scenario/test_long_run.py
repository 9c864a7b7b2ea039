# SPDX-License-Identifier: Apache-2.0
"""A day and a half of calls leaves nothing behind in memory."""

from __future__ import annotations

import gc

import pytest

from tests.kit.virtual_time import run_virtual
from tests.scenario.long_run import Left, LongRun

pytestmark = pytest.mark.scenario

HOURS, EVERY_S = 18, 120.0
CALLS_BETWEEN = 90


def test_memory_is_flat() -> None:
    seen: list[Left] = []

    async def run() -> LongRun:
        site = LongRun(seed=3)

        def look(left: Left) -> None:
            if left.calls % CALLS_BETWEEN == 0:
                gc.collect()
                seen.append(site.left())

        await site.run(HOURS, EVERY_S, look)
        return site

    site = run_virtual(run())
    assert site.calls == HOURS * 30
    assert site.journal.records > 5 * site.calls
    early, late = seen[2], seen[-1]
    per_call = (late.blocks - early.blocks) / (late.calls - early.calls)
    assert per_call < 2, f"{per_call:.1f} pieces of memory are left of each call"
    assert max(left.interactions for left in seen) < 60
