# SPDX-License-Identifier: Apache-2.0
"""How many agents an interval needs: the fewest with whom every goal is met.

All goals get better with each further agent, so the fewest are found by halving. Agents at
work are not the people to plan: who has a break, a meeting or a day off is paid as well,
which is what shrinkage adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from centralino.core.kernel.errors import InvalidInput
from centralino.core.staffing.erlang import delay_fare
from centralino.core.staffing.load import MOST_SERVERS, Fare, Load, require_number
from centralino.core.staffing.patience import abandonment_fare

_ROUNDING = 1e-9
"""Agents who are always busy are so to a few units of the last digit."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is promised to customers and to agents.

    Raises:
        InvalidInput: a share is out of range.
    """

    level_ratio: float = 0.8
    """Share of all who come that gets an agent within the threshold; 0 to less than 1."""
    threshold_s: float = 20.0
    most_occupancy_ratio: float = 1.0
    """Agents are busy at most so much of their time; more than 0."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require_number("threshold", self.threshold_s, least=0.0)
        if not 0.0 <= self.level_ratio < 1.0:
            raise InvalidInput(
                f"target: {100 * self.level_ratio:g} % is not between 0 and less than 100 %",
                details={"path": "target"},
            )
        if not 0.0 < self.most_occupancy_ratio <= 1.0:
            raise InvalidInput(
                f"occupancy: {100 * self.most_occupancy_ratio:g} % is not more than 0 and "
                "at most 100 %",
                details={"path": "occupancy"},
            )


@dataclass(frozen=True, slots=True)
class Need:
    """What an interval needs, and how customers fare with that."""

    erlangs: float
    agents: int
    """At work."""
    rostered: int
    """With those who are paid and not at work."""
    fare: Fare


def fare_with(load: Load, agents: int, patience_s: float | None, threshold_s: float) -> Fare:
    """Return how customers fare; ``None`` lets them wait as long as it takes.

    >>> round(fare_with(Load(100 / 3600, 180), 8, None, 20.0).service_level_ratio, 4)
    0.8801

    Raises:
        InvalidInput: a figure is out of range.
    """
    if patience_s is None:
        return delay_fare(load, agents, threshold_s)
    return abandonment_fare(load, agents, patience_s, threshold_s)


def need(
    load: Load, goal: Goal, patience_s: float | None = None, shrinkage_ratio: float = 0.0
) -> Need:
    """Return the fewest agents with whom every goal is met.

    >>> found = need(Load(100 / 3600, 180), Goal(), shrinkage_ratio=0.3)
    >>> found.agents, found.rostered
    (8, 12)

    Raises:
        InvalidInput: a figure is out of range, or not even ``MOST_SERVERS`` would do.
    """
    fare = _fewest(load, goal, patience_s)
    return Need(load.erlangs, fare.servers, rostered(fare.servers, shrinkage_ratio), fare)


def rostered(agents: int, shrinkage_ratio: float) -> int:
    """Return the people to plan so that ``agents`` are at work.

    >>> rostered(7, 0.3)
    10

    Raises:
        InvalidInput: the share is not between 0 and less than 1.
    """
    if not 0.0 <= shrinkage_ratio < 1.0:
        raise InvalidInput(
            f"shrinkage: {100 * shrinkage_ratio:g} % is not between 0 and less than 100 %",
            details={"path": "shrinkage"},
        )
    return math.ceil(agents / (1.0 - shrinkage_ratio) - 1e-9)


def _fewest(load: Load, goal: Goal, patience_s: float | None) -> Fare:
    low, high = 0, min(MOST_SERVERS, max(1, math.ceil(load.erlangs)))
    fare = _met(load, goal, patience_s, high)
    while fare is None:
        if high >= MOST_SERVERS:
            raise InvalidInput(
                f"not even {MOST_SERVERS} agents would do; is the handling time in seconds?",
                details={"path": "calls"},
            )
        low, high = high, min(MOST_SERVERS, high + max(4, math.ceil(math.sqrt(high))) * 2)
        fare = _met(load, goal, patience_s, high)
    least = _met(load, goal, patience_s, low)
    if least is not None:
        return least
    while high - low > 1:
        middle = (low + high) // 2
        found = _met(load, goal, patience_s, middle)
        if found is None:
            low = middle
        else:
            high, fare = middle, found
    return fare


def _met(load: Load, goal: Goal, patience_s: float | None, agents: int) -> Fare | None:
    """Return how customers fare with so many agents, ``None`` when a goal is missed."""
    fare = fare_with(load, agents, patience_s, goal.threshold_s)
    if load.rate_per_s == 0.0:
        return fare
    is_stable = patience_s is not None or load.erlangs < agents
    is_calm = fare.occupancy_ratio <= goal.most_occupancy_ratio + _ROUNDING
    return fare if is_stable and is_calm and fare.service_level_ratio >= goal.level_ratio else None
