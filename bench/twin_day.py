# SPDX-License-Identifier: Apache-2.0
"""A day of 100,000 calls in virtual time, with the production engine and all its events.

Calls come in two humps over 24 hours, in 500 queues; conversations are lognormal, mean 300 s,
with 30 s of wrap-up; patience is exponential, mean 180 s. Agents have one of 200 sets of 50
queues each. CPU time of one process; drawing the customers and building the engine count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from bench.measurement import Measurement
from centralino.bootstrap.twin.day import Day, Fate
from centralino.bootstrap.twin.document import HandlePart, TwinAgents, TwinFile, TwinQueue
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.plan import TwinPlan, plan_of

PREFIX = "core.twin_day"
CALLS, QUEUES, PROFILES, QUEUES_EACH = 100_000, 500, 200, 50
_GOALS_S = {1200: 10.0, 600: 20.0}


def two_humps(intervals: int = 48) -> list[float]:
    """Return the share of a day's calls in each interval: a morning and an afternoon hump."""
    middles = [24 * (number + 0.5) / intervals for number in range(intervals)]
    heights = [
        math.exp(-(((hour - 10.5) / 2.0) ** 2)) + 0.8 * math.exp(-(((hour - 15.5) / 2.2) ** 2))
        for hour in middles
    ]
    return [height / sum(heights) for height in heights]


def day_plan(agents: int, calls: int = CALLS) -> TwinPlan:
    """Return the plan of the day with so many agents."""
    rng = np.random.default_rng(7)
    shares = two_humps()
    queues = tuple(
        TwinQueue(
            id=f"queue-{number}",
            calls=tuple(calls / QUEUES * share for share in shares),
            handle=HandlePart(mean=300.0),
            wrap_up=30.0,
            patience=180.0,
        )
        for number in range(QUEUES)
    )
    groups = tuple(
        TwinAgents(
            count=agents // PROFILES,
            queues=tuple(
                queues[int(one)].id for one in rng.choice(QUEUES, QUEUES_EACH, replace=False)
            ),
        )
        for _ in range(PROFILES)
    )
    return plan_of(TwinFile(twin="bench", start="00:00", queues=queues, agents=groups))


def measure() -> Iterator[Measurement]:
    """Measure both days."""
    for agents, goal_s in _GOALS_S.items():
        plan = day_plan(agents)
        began = time.process_time()
        customers = customers_of(plan, 1, 0)
        record = Day(plan, customers, 1, 0).run()
        took_s = time.process_time() - began
        lost = sum(1 for fate in record.fate if fate == Fate.ABANDONED) / len(record.fate)
        yield Measurement(
            f"{PREFIX}_{agents}_agents",
            took_s,
            "s",
            goal=goal_s,
            note=f"{len(record.fate)} calls, {1e6 * took_s / len(record.fate):.0f} us each, "
            f"{100 * lost:.1f} % gave up",
        )
