# SPDX-License-Identifier: Apache-2.0
"""A day of 100,000 calls in virtual time, with the production engine and all its events.

Calls come in two humps over 24 hours, in 500 queues; conversations are lognormal, mean 300 s,
with 30 s of wrap-up; patience is exponential, mean 180 s. Agents have one of 200 sets of 50
queues each. CPU time of one process; drawing the customers and building the engine count.

A plain M/M/90 beside it is run by simpy too, on the same customers and in turns. simpy counts
waits and nothing else; the engine routes, writes seven events for each call and could be replayed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator

import numpy as np
import simpy

from bench.measurement import Measurement, alternate
from bench.twin_theory import ERLANGS, HANDLE_S, Model, twin_of
from centralino.bootstrap.twin.day import Day, Fate
from centralino.bootstrap.twin.document import HandlePart, TwinAgents, TwinFile, TwinQueue
from centralino.bootstrap.twin.draws import Customers, customers_of
from centralino.bootstrap.twin.plan import TwinPlan, plan_of

PREFIX = "core.twin_"
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
    """Measure both days, and the pace beside simpy's."""
    for agents, goal_s in _GOALS_S.items():
        plan = day_plan(agents)
        began = time.process_time()
        customers = customers_of(plan, 1, 0)
        record = Day(plan, customers, 1, 0).run()
        took_s = time.process_time() - began
        lost = sum(1 for fate in record.fate if fate == Fate.ABANDONED) / len(record.fate)
        yield Measurement(
            f"{PREFIX}day_{agents}_agents",
            took_s,
            "s",
            goal=goal_s,
            note=f"{len(record.fate)} calls, {1e6 * took_s / len(record.fate):.0f} us each, "
            f"{100 * lost:.1f} % gave up",
        )
    yield from _pace()


def _pace(calls_per_day: int = 20_000) -> Iterator[Measurement]:
    """Compare calls per CPU second with simpy on a plain M/M/90, in turns."""
    hours = round(calls_per_day / (ERLANGS / HANDLE_S * 3600))
    plan = twin_of(Model(servers=90, erlangs=ERLANGS, handle_s=HANDLE_S, hours=hours))
    customers = customers_of(plan, 1, 0)

    def ours() -> float:
        began = time.process_time()
        Day(plan, customers_of(plan, 1, 0), 1, 0).run()
        return len(customers) / (time.process_time() - began)

    pair = alternate(ours, lambda: _simpy_pace(customers), slices=5)
    yield Measurement(
        f"{PREFIX}mm90_calls_per_s",
        pair.value,
        "1/s",
        floor=pair.floor,
        goal=pair.floor,
        is_goal_a_minimum=True,
        note="per CPU second of one process; the floor is simpy, which has no events to write",
    )


def _simpy_pace(customers: Customers) -> float:
    began = time.process_time()
    world = simpy.Environment()
    desks = simpy.Resource(world, capacity=90)
    waited: list[float] = []

    def customer(handle: float) -> Generator[simpy.events.Event, None, None]:
        came = world.now
        with desks.request() as turn:
            yield turn
            waited.append(world.now - came)
            yield world.timeout(handle)

    def source() -> Generator[simpy.events.Event, None, None]:
        for at, handle in zip(customers.at_ns, customers.handle_ns, strict=True):
            yield world.timeout(at - world.now)
            world.process(customer(handle))

    world.process(source())
    world.run()
    return len(customers) / (time.process_time() - began)
