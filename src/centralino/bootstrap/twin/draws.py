# SPDX-License-Identifier: Apache-2.0
"""The lots of one day: who comes when, how long he talks, how long he waits.

Every queue, purpose and repetition has a stream of its own, so that scenarios with the same
seed meet the same customers, and what differs between them is the scenario alone. Arrivals
are an inhomogeneous Poisson stream: a Poisson count in each interval, uniform within it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.bootstrap.twin.plan import QueuePlan, TwinPlan

ENDLESS_NS = 1 << 60
"""A patience that never ends."""

_LOTS = 1 << 14


class Purpose(IntEnum):
    """What a stream of lots is for; a number never changes its meaning."""

    ARRIVALS = 0
    HANDLING = 1
    PATIENCE = 2
    RETRIES = 3
    PHONES = 4


@dataclass(slots=True)
class Customers:
    """All who come by themselves, in the order in which they come; the same index throughout."""

    at_ns: list[int]
    """Since the day's start."""
    queue: list[int]
    """Position in the plan."""
    handle_ns: list[int]
    patience_ns: list[int]

    def __len__(self) -> int:
        return len(self.at_ns)


def customers_of(plan: TwinPlan, seed: int, repetition: int) -> Customers:
    """Return the customers of one repetition."""
    parts = []
    for number, queue in enumerate(plan.queues):
        source = stream(seed, repetition, number, Purpose.ARRIVALS)
        at_s, handled_s, waited_s = _arrivals(plan, number, source)
        source = stream(seed, repetition, number, Purpose.HANDLING)
        handle_s = _unless_known(handled_s, handling(queue, at_s.size, source))
        source = stream(seed, repetition, number, Purpose.PATIENCE)
        patience_s = _unless_known(waited_s, patiences(queue, at_s.size, source))
        parts.append((at_s, np.full(at_s.size, number), handle_s, patience_s))
    at_s, queues, handle_s, patience_s = (
        np.concatenate([part[column] for part in parts]) for column in range(4)
    )
    order = np.argsort(at_s, kind="stable")
    return Customers(
        at_ns=_nanoseconds(at_s[order]),
        queue=[int(one) for one in queues[order]],
        handle_ns=_nanoseconds(handle_s[order]),
        patience_ns=_nanoseconds(patience_s[order]),
    )


def _arrivals(
    plan: TwinPlan, number: int, source: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return when a queue's customers come, and what a recording knows of them."""
    queue = plan.queues[number]
    if plan.recording is not None:
        nobody = np.empty(0)
        return plan.recording.calls.get(queue.id, (nobody, nobody, nobody))
    counts = source.poisson(np.asarray(queue.calls, dtype=np.float64))
    starts_s = np.repeat(np.arange(len(counts)) * plan.interval_s, counts)
    return np.sort(starts_s + source.random(starts_s.size) * plan.interval_s), None, None


def _unless_known(
    known: NDArray[np.float64] | None, drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    return drawn if known is None else np.where(np.isnan(known), drawn, known)


def handling(queue: QueuePlan, count: int, source: np.random.Generator) -> NDArray[np.float64]:
    """Return lengths of conversations in seconds, with the queue's mean."""
    if queue.is_exponential:
        return source.exponential(queue.handle_s, count)
    shift = math.log(queue.handle_s) - queue.sigma * queue.sigma / 2
    return np.exp(shift + queue.sigma * source.standard_normal(count))


def patiences(queue: QueuePlan, count: int, source: np.random.Generator) -> NDArray[np.float64]:
    """Return how long customers wait before they give up, in seconds, ``inf`` for ever."""
    if not queue.patience:
        return np.full(count, math.inf)
    edges = np.cumsum([kind.share for kind in queue.patience])[:-1]
    kinds = np.searchsorted(edges, source.random(count), side="right")
    means_s = np.asarray([kind.mean_s for kind in queue.patience])
    drawn: NDArray[np.float64] = source.standard_exponential(count) * means_s[kinds]
    return drawn


def stream(seed: int, repetition: int, queue: int, purpose: Purpose) -> np.random.Generator:
    """Return the stream of lots for one purpose."""
    return np.random.default_rng([seed, repetition, queue, int(purpose)])


class Lots:
    """Numbers between 0 and 1, one at a time, drawn in advance; they begin anew at the end."""

    __slots__ = ("_lots", "_next")

    def __init__(self, source: np.random.Generator) -> None:
        self._lots: list[float] = source.random(_LOTS).tolist()
        self._next = 0

    def draw(self) -> float:
        """Return the next one."""
        lot = self._lots[self._next]
        self._next = (self._next + 1) % _LOTS
        return lot


def _nanoseconds(lengths_s: NDArray[np.float64]) -> list[int]:
    with np.errstate(invalid="ignore"):
        bounded = np.minimum(lengths_s * SECOND, float(ENDLESS_NS))
    whole: list[int] = bounded.astype(np.int64).tolist()
    return whole
