# SPDX-License-Identifier: Apache-2.0
"""Many days: every scenario of a file, repeated, over all cores of the machine.

A repetition depends on the file, the seed and its number only, not on the process or the
order it runs in, so the figures are the same with one core and with many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from centralino.bootstrap.twin.day import Day
from centralino.bootstrap.twin.document import Scenario, TwinFile, with_scenario
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.figures import Summary, Tally, tally
from centralino.bootstrap.twin.plan import TwinPlan, plan_of
from centralino.core.metrics.confidence import Spread, spread_of
from centralino.core.metrics.service_level import DEFAULT, ServiceLevel

if TYPE_CHECKING:
    from centralino.bootstrap.twin.recorded import Recording

BASE = "as it is"
"""The file itself, without any scenario's change."""
MOST_REPETITIONS = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run."""

    file: TwinFile
    recording: Recording | None = None
    seed: int = 1
    repetitions: int = 10
    jobs: int = 0
    """Processes; 0 takes one for each core, 1 stays in this one."""
    definition: ServiceLevel = DEFAULT
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every scenario's days, the file as it is first."""

    order: Order
    summaries: tuple[Summary, ...]

    def difference(self, number: int, name: str) -> Spread | None:
        """Return by how much a figure of a scenario differs from the file as it is.

        The repetitions are compared one by one, since they have the same customers: what
        differs is the scenario, not the luck.
        """
        pairs = zip(
            self.summaries[number].values(name), self.summaries[0].values(name), strict=True
        )
        known = [mine - base for mine, base in pairs if mine == mine and base == base]
        return spread_of(known, self.order.confidence) if known else None


def scenarios_of(file: TwinFile) -> tuple[Scenario, ...]:
    """Return what is run: the file as it is, then its scenarios."""
    return (Scenario(name=BASE, change={}), *file.scenarios)


def run_twin(order: Order, report: Callable[[float], None] | None = None) -> Outcome:
    """Run everything; ``report`` is told which share is done.

    Raises:
        InvalidInput: a recording does not fit the file.
    """
    plans = tuple(
        plan_of(
            with_scenario(order.file, one) if one.change else order.file, one.name, order.recording
        )
        for one in scenarios_of(order.file)
    )
    tasks = [(plan, run) for plan in range(len(plans)) for run in range(order.repetitions)]
    jobs = min(order.jobs or os.cpu_count() or 1, len(tasks))
    done = _in_this_process if jobs == 1 else _over_processes
    tallies = done(plans, order.seed, tasks, jobs, report or _silent)
    return Outcome(
        order,
        tuple(
            Summary(
                plan,
                [tallies[number, run] for run in range(order.repetitions)],
                order.definition,
                order.confidence,
            )
            for number, plan in enumerate(plans)
        ),
    )


def one_day(
    plan: TwinPlan, seed: int, repetition: int, report: Callable[[float], None] | None = None
) -> Tally:
    """Run one repetition of one plan."""
    customers = customers_of(plan, seed, repetition)
    return tally(plan, Day(plan, customers, seed, repetition).run(report))


_Task = tuple[int, int]
_Report = Callable[[float], None]


def _in_this_process(
    plans: tuple[TwinPlan, ...], seed: int, tasks: list[_Task], jobs: int, report: _Report
) -> dict[_Task, Tally]:
    found = {}
    for number, (plan, run) in enumerate(tasks):

        def inner(share: float, number: int = number) -> None:
            report((number + share) / len(tasks))

        found[plan, run] = one_day(plans[plan], seed, run, inner)
        report((number + 1) / len(tasks))
    return found


def _over_processes(
    plans: tuple[TwinPlan, ...], seed: int, tasks: list[_Task], jobs: int, report: _Report
) -> dict[_Task, Tally]:
    found: dict[_Task, Tally] = {}
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_equip, initargs=(plans, seed)
    ) as pool:
        futures = {pool.submit(_work, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                report(len(found) / len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


_equipment: list[tuple[tuple[TwinPlan, ...], int]] = []
"""What a worker process was given at its start."""


def _equip(plans: tuple[TwinPlan, ...], seed: int) -> None:
    _equipment.append((plans, seed))


def _work(task: _Task) -> Tally:
    plans, seed = _equipment[0]
    return one_day(plans[task[0]], seed, task[1])


def _silent(share: float) -> None:
    pass
