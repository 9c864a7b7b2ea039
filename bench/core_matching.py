# SPDX-License-Identifier: Apache-2.0
"""How fast the core finds whom for whom, through the whole engine with its events.

A decision is a real command: an agent ends his call and gets the first of those who wait, or
a customer comes and gets the agent who is idle longest. Times are those of the thread, so that
what else a machine does counts less; ratios are within one run. Of each decision at full size,
and of all decisions of a day at one twentieth, the naive oracle of the tests is asked too.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.core_world import FULL, Site, Size
from bench.measurement import Measurement
from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import SECOND
from tests.oracle.judged import JudgedEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.core.routing.commands import Command
    from centralino.core.routing.turn import Decision

PREFIX = "core.matching_"
TENANT = TenantId("large")
DECISIONS = 1000
"""Of each kind that the oracle is asked about."""
WARM_UP = 100
TALKING = 500
"""So many agents are at work where a line waits, so that none of them is ever without."""
SMALL = 20
_US = 1e6


@dataclass
class Times:
    """Seconds of the thread per decision."""

    ours: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)


def quantile_us(seconds: list[float], share: float) -> float:
    """Return a quantile in microseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))] * _US


class Course:
    """One company at one size, with decisions to be taken in it.

    Where anybody is to wait, all who are at work talk, and each who is freed gets somebody. Where
    nobody waits, half of the agents are idle, and each who comes gets somebody if he can.
    """

    def __init__(self, size: Size) -> None:
        self.site = Site(size)
        self.has_line = size.waiting > 0
        self.site.fill(size.waiting)
        self.site.staff(min(size.agents, TALKING) if self.has_line else size.agents)
        if self.has_line:
            self.site.fill(size.waiting - self.waiting())
        else:
            for _ in range(size.agents // 2):
                self.site.answer(self.site.do(self.site.arrival()))
        self.judged = JudgedEngine(TENANT, is_whole=False)
        self.judged.state, self.judged.index = self.site.engine.state, self.site.engine.index
        self.judged.is_judging = False
        self.site.engine = self.judged
        self.talking = len(self.site.legs)
        self.freed, self.came = Times(), Times()
        self.take(WARM_UP)
        self.freed, self.came = Times(), Times()
        self.times = {"freed_agent": self.freed, "arrival": self.came}

    def waiting(self) -> int:
        """Count those who wait."""
        return self.site.engine.index.matching.waiting_count()

    def take(self, count: int) -> None:
        """Take so many decisions of the kind in question; as many wait and talk as before."""
        site = self.site
        for _ in range(count):
            if self.has_line:
                site.answer(self._timed(site.hang_up(site.somebody_who_talks()), self.freed))
                self._timed(site.arrival(), self.came)
            else:
                site.answer(self._timed(site.arrival(), self.came))
                if len(site.legs) > self.talking:
                    self._timed(site.hang_up(site.somebody_who_talks()), self.freed)

    def _timed(self, command: Command, times: Times) -> Decision:
        began = time.thread_time()
        decision = self.site.do(command)
        took = time.thread_time() - began
        if self.judged.is_judging:
            times.oracle.append(self.judged.judging_s)
        else:
            times.ours.append(took - self.judged.judging_s)
        return decision

    def duel(self) -> None:
        """Take decisions in turns, alone and with the oracle asked."""
        gc.collect()
        gc.freeze()
        for _ in range(10):
            self.judged.is_judging = False
            self.take(4 * DECISIONS // 10)
            self.judged.is_judging = True
            self.take(DECISIONS // 10)
        self.judged.is_judging = False
        gc.unfreeze()


def measure() -> Iterator[Measurement]:
    """Measure decisions at full size, their flatness, and a day at one twentieth."""
    yield from _full_size()
    yield from _flatness()
    yield _small_day()


def _full_size() -> Iterator[Measurement]:
    line = Course(FULL)
    line.duel()
    idle = Course(Size(FULL.agents, FULL.queues, 0))
    idle.duel()
    differences = 0
    for name, times, course, goal in (
        ("freed_agent", line.freed, line, 100.0),
        ("arrival", idle.came, idle, 8.0),
    ):
        differences += len(course.judged.differences)
        ours = len(times.ours) / sum(times.ours)
        oracle = len(times.oracle) / sum(times.oracle)
        yield Measurement(
            f"{PREFIX}{name}_per_s",
            ours,
            "1/s",
            floor=oracle,
            goal=goal,
            met=ours / oracle >= goal,
            note="floor: the naive oracle; the goal is for the ratio",
        )
        yield Measurement(
            f"{PREFIX}{name}_p99_us",
            quantile_us(times.ours, 0.99),
            "us",
            goal=300.0,
            note=f"median {quantile_us(times.ours, 0.5):.0f}",
        )
    yield Measurement(
        f"{PREFIX}full_size_differences",
        differences,
        f"of {line.judged.judged + idle.judged.judged} matches",
        goal=0,
        note="each compared with the naive oracle's",
    )


def _flatness() -> Iterator[Measurement]:
    """Compare sizes, in turns, so that both see the same machine."""
    for between, large, small, kinds, goal in (
        (
            "100k_to_1k_waiting",
            FULL,
            Size(FULL.agents, FULL.queues, 1000),
            ("freed_agent", "arrival"),
            2.0,
        ),
        (
            "10k_to_1k_agents",
            Size(FULL.agents, FULL.queues, 0),
            Size(FULL.agents // 10, FULL.queues, 0),
            ("arrival",),
            2.5,
        ),
        (
            "10k_to_1k_agents",
            Size(FULL.agents, FULL.queues, 10_000),
            Size(FULL.agents // 10, FULL.queues, 10_000),
            ("freed_agent",),
            2.5,
        ),
    ):
        courses = [Course(large), Course(small)]
        gc.collect()
        gc.freeze()
        for _ in range(10):
            for course in courses:
                course.take(DECISIONS // 5)
        gc.unfreeze()
        for kind in kinds:
            medians = [quantile_us(course.times[kind].ours, 0.5) for course in courses]
            yield Measurement(
                f"{PREFIX}{kind}_{between}_p50_ratio",
                medians[0] / medians[1],
                "",
                goal=goal,
                note=f"{medians[0]:.0f} to {medians[1]:.0f} us",
            )


def _small_day() -> Measurement:
    """Let a company of one twentieth work, and hold every decision against the oracle's."""
    judged = JudgedEngine(TENANT, is_whole=True)
    site = Site(Size(FULL.agents // SMALL, FULL.queues // SMALL, 0), seed=3, engine=judged)
    site.staff(site.size.agents * 3 // 5)
    random, names = site.random, site.names
    for _ in range(2 * DECISIONS):
        site.pass_time(random.choice((0, 0, SECOND // 4, SECOND)))
        kind = random.random()
        if kind < 0.5 or not site.legs:
            site.answer(site.do(site.arrival()))
        elif kind < 0.9:
            site.answer(site.do(site.hang_up(site.somebody_who_talks())))
        elif kind < 0.95:
            site.answer(site.do(MakeAgentReady(agent=random.choice(names))))
        else:
            site.do(MakeAgentNotReady(agent=random.choice(names), reason="break"))
    return Measurement(
        f"{PREFIX}small_day_differences",
        len(judged.differences),
        f"of {judged.judged} matches",
        goal=0,
        note="one twentieth: everybody free against everybody who waits, every input",
    )
