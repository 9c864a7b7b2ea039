# SPDX-License-Identifier: Apache-2.0
"""A measured figure, the floor it stands on, and the speed of the machine it was taken on.

A figure alone says little: the same code differs by half between machines and between
minutes of one machine. So each figure comes with the machine's speed index, and, where it
can, with a floor: the least that any program would need for the same work, measured in
slices that alternate with the figure's own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

SPEED_LOOP_ITERATIONS = 1_000_000
_SPEED_LOOP_TRIES = 5


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table.

    `ratio` and `met` are worked out when they are not given.
    """

    name: str
    """Dotted, begins with its area: ``voice.``, ``exchange.``, ``core.``, ..."""
    value: float
    unit: str
    floor: float | None = None
    """The same figure for the least work possible, in the same unit."""
    ratio: float | None = None
    """`value` over `floor`."""
    goal: float | None = None
    met: bool | None = None
    """Whether the goal is reached; None without a goal, or when the run is void."""
    note: str = ""
    is_goal_a_minimum: bool = False
    """The goal is met at or above it, for rates; otherwise at or below it, for costs."""
    is_valid: bool = True
    """False for a void run, for example when its control lost more than it may."""

    def __post_init__(self) -> None:
        """Fill in what follows from the other fields."""
        if self.ratio is None and self.floor:
            object.__setattr__(self, "ratio", self.value / self.floor)
        if not self.is_valid:
            object.__setattr__(self, "met", None)
        elif self.met is None and self.goal is not None:
            reached = self.value >= self.goal if self.is_goal_a_minimum else self.value <= self.goal
            object.__setattr__(self, "met", reached)


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of a figure and of its floor over alternating slices."""

    value: float
    floor: float
    spread: float
    """Largest over smallest slice of the figure: how much the machine moved meanwhile."""


def alternate(figure: Callable[[], float], floor: Callable[[], float], *, slices: int = 7) -> Pair:
    """Measure `figure` and `floor` in turns, so that both see the same machine.

    Each is called `slices` times and returns its own figure for that slice.
    """
    figures, floors = [], []
    for _ in range(slices):
        figures.append(figure())
        floors.append(floor())
    spread = max(figures) / min(figures) if min(figures) > 0 else float("inf")
    return Pair(statistics.median(figures), statistics.median(floors), spread)


def speed_index_ns() -> float:
    """Return nanoseconds per iteration of a fixed loop of integer arithmetic, the best of five.

    A smaller figure is a faster machine. It reads one core, as our processes use one.
    """
    return min(_speed_slice() for _ in range(_SPEED_LOOP_TRIES))


def _speed_slice() -> float:
    total = 0
    began = time.perf_counter_ns()
    for number in range(SPEED_LOOP_ITERATIONS):
        total = (total * 31 + number) & 0xFFFF_FFFF
    return (time.perf_counter_ns() - began) / SPEED_LOOP_ITERATIONS
