# SPDX-License-Identifier: Apache-2.0
"""The models of queueing theory as twins, and whether a twin's days fit what theory says.

A simulated day begins empty, theory speaks of all times: the first part of each day is left
out. Repetitions are independent, so the mean of theirs lies within Student's interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from centralino.bootstrap.twin.day import Day, Fate, Record
from centralino.bootstrap.twin.document import HandlePart, TwinAgents, TwinFile, TwinQueue
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.plan import TwinPlan, plan_of
from centralino.core.kernel.instant import SECOND
from centralino.core.metrics.confidence import Spread, spread_of

CONFIDENCE = 0.99


@dataclass(frozen=True)
class Model:
    """One kind of customers, agents who are alike, exponential everything."""

    servers: int
    erlangs: float
    handle_s: float = 60.0
    patience_s: float | None = None
    places: int | None = None
    hours: int = 10
    warm_up_hours: int = 2


def twin_of(model: Model) -> TwinPlan:
    """Return the model as a twin."""
    queue = TwinQueue(
        id="all",
        calls=tuple([model.erlangs / model.handle_s * 3600] * model.hours),
        handle=HandlePart(mean=model.handle_s, law="exponential"),
        patience=model.patience_s,
        most_waiting=None if model.places is None else model.places - model.servers,
    )
    agents = TwinAgents(count=model.servers, queues=("all",))
    return plan_of(TwinFile(twin="theory", interval="1h", queues=(queue,), agents=(agents,)))


def figures(
    model: Model,
    repetitions: int,
    of: Callable[[Record, np.ndarray], dict[str, float]] | None = None,
) -> dict[str, Spread]:
    """Return what the twin says about the model after its warm-up."""
    plan = twin_of(model)
    runs = []
    for repetition in range(repetitions):
        record = Day(plan, customers_of(plan, 1, repetition), 1, repetition).run()
        runs.append((of or shares)(record, counted(record, model)))
    return {name: spread_of([run[name] for run in runs], CONFIDENCE) for name in runs[0]}


def counted(record: Record, model: Model) -> np.ndarray:
    """Return which customers came after the warm-up."""
    begin_ns = model.warm_up_hours * 3600 * SECOND
    return np.asarray(record.at_ns) >= begin_ns


def shares(record: Record, counts: np.ndarray) -> dict[str, float]:
    """Return the figures that every model has."""
    fate = np.asarray(record.fate)[counts]
    waited_s = np.asarray(record.waited_ns)[counts] / SECOND
    taken = fate != Fate.TURNED_AWAY
    return {
        "wait_ratio": float((waited_s[taken] > 0).mean()),
        "mean_wait_s": float(waited_s[taken].mean()),
        "abandoned_ratio": float((fate == Fate.ABANDONED).mean()),
        "blocked_ratio": float((fate == Fate.TURNED_AWAY).mean()),
        "service_level_ratio": float(((fate == Fate.ANSWERED) & (waited_s <= 20)).mean()),
    }


def within(spread: Spread, exact: float) -> bool:
    """Tell whether theory lies in the interval of the twin."""
    return spread.low <= exact <= spread.high
