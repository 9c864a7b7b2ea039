# SPDX-License-Identifier: Apache-2.0
"""What came of one day, and of many: counts, waits, service level and occupancy.

Calls count in the interval in which they came, so that every share has all its parts in one
place; work counts where it was done. Agents are busy from the connection to the end of the
wrap-up, ringing not included. A figure over repetitions is the mean of the repetitions'
figures, with Student's interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from centralino.bootstrap.twin.day import Fate, Record
from centralino.core.kernel.instant import SECOND
from centralino.core.metrics.confidence import Spread, spread_of
from centralino.core.metrics.service_level import QueueCounts, ServiceLevel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.bootstrap.twin.plan import TwinPlan

COUNTS = ("offered", "answered", "answered_in_time", "abandoned", "abandoned_in_time")
FIGURES = (
    "offered",
    "answered",
    "abandoned",
    "turned_away",
    "service_level",
    "abandoned_ratio",
    "answer_wait_s",
    "wait_s",
    "occupancy_ratio",
)
"""Names of the figures of a queue and an interval, in the order of tables."""


@dataclass(slots=True)
class Tally:
    """Sums of one repetition, by queue (or group) and interval; small enough to be sent around."""

    offered: NDArray[np.float64]
    answered: NDArray[np.float64]
    answered_in_time: NDArray[np.float64]
    abandoned: NDArray[np.float64]
    abandoned_in_time: NDArray[np.float64]
    turned_away: NDArray[np.float64]
    answer_wait_s: NDArray[np.float64]
    """Of those answered."""
    wait_s: NDArray[np.float64]
    """Of all who waited."""
    group_busy_s: NDArray[np.float64]
    group_staffed_s: NDArray[np.float64]
    wait_percentiles_s: NDArray[np.float64]
    """Of those answered, by queue: median, 90 %, 95 %."""


def tally(plan: TwinPlan, record: Record) -> Tally:
    """Count one day."""
    at_s = np.asarray(record.at_ns) / SECOND
    queue = np.asarray(record.queue, dtype=np.int64)
    waited_s = np.asarray(record.waited_ns) / SECOND
    fate = np.asarray(record.fate)
    thresholds_s = np.asarray([one.threshold_s for one in plan.queues])
    interval = np.minimum(at_s // plan.interval_s, plan.interval_count - 1).astype(np.int64)
    shape = (len(plan.queues), plan.interval_count)
    cell = queue * plan.interval_count + interval
    in_time = waited_s <= thresholds_s[queue] if queue.size else waited_s > 0

    def count(
        mask: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        chosen = None if weight is None else weight[mask]
        sums = np.bincount(cell[mask], chosen, minlength=shape[0] * shape[1])
        return sums.reshape(shape).astype(np.float64)

    answered, abandoned = fate == Fate.ANSWERED, fate == Fate.ABANDONED
    turned_away = fate == Fate.TURNED_AWAY
    busy_s, staffed_s = _work(plan, record, at_s, waited_s)
    return Tally(
        offered=count(np.ones(queue.size, dtype=np.bool_)),
        answered=count(answered),
        answered_in_time=count(answered & in_time),
        abandoned=count(abandoned),
        abandoned_in_time=count(abandoned & in_time),
        turned_away=count(turned_away),
        answer_wait_s=count(answered, waited_s),
        wait_s=count(answered | abandoned, waited_s),
        group_busy_s=busy_s,
        group_staffed_s=staffed_s,
        wait_percentiles_s=np.asarray(
            [_percentiles(waited_s[answered & (queue == one)]) for one in range(shape[0])]
        ),
    )


def _percentiles(waits_s: NDArray[np.float64]) -> list[float]:
    if not waits_s.size:
        return [np.nan] * 3
    return [float(one) for one in np.percentile(waits_s, (50, 90, 95))]


def _work(
    plan: TwinPlan, record: Record, at_s: NDArray[np.float64], waited_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the busy and the staffed seconds of each group in each interval."""
    number_of: dict[str, int] = {
        agent: number for number, group in enumerate(plan.groups) for agent in group.agents
    }
    group = np.asarray([number_of.get(agent, -1) for agent in record.agent], dtype=np.int64)
    wrap_s = np.asarray([one.wrap_up_s for one in plan.queues])
    begins_s = at_s + waited_s
    ends_s = np.asarray(record.ended_ns) / SECOND
    ends_s += wrap_s[np.asarray(record.queue, dtype=np.int64)] if ends_s.size else 0.0
    busy, staffed = [], []
    for number, one in enumerate(plan.groups):
        mine = group == number
        busy.append(spread_over(plan, begins_s[mine], ends_s[mine]))
        shift_end_s = min(one.end_s, plan.length_s)
        shift = spread_over(plan, np.asarray([one.begin_s]), np.asarray([shift_end_s]))
        late = mine & (ends_s > one.end_s)
        overtime = spread_over(plan, np.maximum(begins_s[late], one.end_s), ends_s[late])
        staffed.append(len(one.agents) * np.maximum(shift, 0.0) + overtime)
    shape = (len(plan.groups), plan.interval_count)
    return np.asarray(busy).reshape(shape), np.asarray(staffed).reshape(shape)


def spread_over(
    plan: TwinPlan, begins_s: NDArray[np.float64], ends_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many seconds of spans of time fall into each interval."""
    edges_s = np.arange(plan.interval_count + 1, dtype=np.float64) * plan.interval_s
    passed = _passed(begins_s, edges_s) - _passed(ends_s, edges_s)
    return np.diff(passed)


def _passed(moments_s: NDArray[np.float64], edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each edge the sum of the times that have passed since earlier moments."""
    ordered = np.sort(moments_s)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    counts = np.searchsorted(ordered, edges_s)
    passed: NDArray[np.float64] = counts * edges_s - sums[counts]
    return passed


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a queue or of all together; ``None`` where there never was anything to divide."""

    figures: dict[str, Spread | None]
    intervals: tuple[dict[str, Spread | None], ...] = ()


class Summary:
    """Many days of one scenario."""

    def __init__(
        self,
        plan: TwinPlan,
        tallies: Sequence[Tally],
        definition: ServiceLevel,
        confidence: float = 0.95,
    ) -> None:
        self.plan = plan
        self.tallies = tallies
        self.definition = definition
        self.confidence = confidence
        members = {queue.id: number for number, queue in enumerate(plan.queues)}
        self._serves = np.zeros((len(plan.queues), len(plan.groups)), dtype=np.bool_)
        for number, group in enumerate(plan.groups):
            self._serves[[members[name] for name in group.queues], number] = True

    def total(self) -> Row:
        """Return the figures of all queues together."""
        return self._row(np.ones(len(self.plan.queues), dtype=np.bool_))

    def queue(self, number: int) -> Row:
        """Return the figures of one queue; its occupancy is that of the agents who have it."""
        mask = np.zeros(len(self.plan.queues), dtype=np.bool_)
        mask[number] = True
        return self._row(mask)

    def percentiles_s(self, number: int) -> tuple[Spread | None, ...]:
        """Return median, 90th and 95th percentile of the wait of those answered in a queue."""
        return tuple(
            self._spread([float(one.wait_percentiles_s[number, rank]) for one in self.tallies])
            for rank in range(3)
        )

    def group_occupancy(self, number: int) -> tuple[Spread | None, ...]:
        """Return the occupancy of a group: of the whole day first, then of each interval."""
        spans: list[slice | int] = [slice(None), *range(self.plan.interval_count)]
        return tuple(
            self._spread(
                [
                    _share(
                        one.group_busy_s[number, span].sum(),
                        one.group_staffed_s[number, span].sum(),
                    )
                    for one in self.tallies
                ]
            )
            for span in spans
        )

    def values(self, name: str) -> list[float]:
        """Return a figure of all queues together for each repetition, ``nan`` for none."""
        everything = np.ones(len(self.plan.queues), dtype=np.bool_)
        return [self._figures(one, everything, slice(None))[name] for one in self.tallies]

    def _row(self, mask: NDArray[np.bool_]) -> Row:
        spans = range(self.plan.interval_count)
        return Row(
            self._spreads(mask, slice(None)),
            tuple(self._spreads(mask, slice(span, span + 1)) for span in spans),
        )

    def _spreads(self, mask: NDArray[np.bool_], span: slice) -> dict[str, Spread | None]:
        runs = [self._figures(one, mask, span) for one in self.tallies]
        return {name: self._spread([run[name] for run in runs]) for name in FIGURES}

    def _spread(self, values: Sequence[float]) -> Spread | None:
        known = [value for value in values if value == value]
        return spread_of(known, self.confidence) if known else None

    def _figures(self, one: Tally, mask: NDArray[np.bool_], span: slice) -> dict[str, float]:
        sums = {
            name: float(getattr(one, name)[mask, span].sum()) for name in (*COUNTS, "turned_away")
        }
        counts = QueueCounts(**{name: round(sums[name]) for name in COUNTS})
        level = self.definition.ratio(counts)
        groups = self._serves[mask].any(axis=0)
        waited = sums["answered"] + sums["abandoned"]
        return {
            "offered": sums["offered"],
            "answered": sums["answered"],
            "abandoned": sums["abandoned"],
            "turned_away": sums["turned_away"],
            "service_level": np.nan if level is None else level,
            "abandoned_ratio": _share(sums["abandoned"], sums["offered"]),
            "answer_wait_s": _share(one.answer_wait_s[mask, span].sum(), sums["answered"]),
            "wait_s": _share(one.wait_s[mask, span].sum(), waited),
            "occupancy_ratio": _share(
                one.group_busy_s[groups, span].sum(), one.group_staffed_s[groups, span].sum()
            ),
        }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
