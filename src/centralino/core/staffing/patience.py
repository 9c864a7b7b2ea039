# SPDX-License-Identifier: Apache-2.0
"""Erlang A: customers whose patience is exponential and who give up when it is over (M/M/n+M).

All figures come from one density, that of the wait which a customer with endless patience
would have. Before scaling it is exp(rate * H(v) - servers * v / handle), where H(v) is the
mean of the smaller of v and his patience; its logarithm is concave, so it is integrated
around its peak by Gauss and Legendre, to about 1e-12 relative and at the same cost for
ten agents and for ten thousand. Shares are sums of positive parts, never one less another.

Source: S. Zeltyn and A. Mandelbaum, Call centers with impatient customers: many-server
asymptotics of the M/M/n+G queue, Queueing Systems 51 (2005), section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.staffing.erlang import erlang_b
from centralino.core.staffing.load import Fare, Load, require_number, require_servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_PANELS = 24
_NEGLIGIBLE = 55.0
"""A density this many e-folds below its peak adds nothing a float could show."""


def abandonment_fare(
    load: Load, servers: int, patience_s: float, threshold_s: float = 20.0
) -> Fare:
    """Return how customers fare who give up after ``patience_s`` on average (M/M/n+M).

    >>> fare = abandonment_fare(Load(2880 / 3600, 60), 50, 120)
    >>> round(fare.wait_ratio, 8), round(fare.abandoned_ratio, 9), round(fare.mean_wait_s, 7)
    (0.46777407, 0.030912249, 3.7094699)

    Raises:
        InvalidInput: a figure is out of range.
    """
    require_servers(servers)
    require_number("patience", patience_s, more_than=0.0)
    require_number("threshold", threshold_s, least=0.0)
    if servers == 0 or load.rate_per_s == 0.0:
        return _trivial(load, servers, patience_s)
    density = _Density(load.rate_per_s, servers / load.handle_s, patience_s)
    blocked = erlang_b(servers - 1, load.erlangs)
    return _fare(load, servers, density, blocked, threshold_s)


def _fare(load: Load, servers: int, density: _Density, blocked: float, threshold_s: float) -> Fare:
    """Put the figures together; ``blocked`` is Erlang B of one server less."""
    waits = load.rate_per_s * blocked
    at_once = math.exp(-density.peak_log)
    waiting = waits * density.integral(_one)
    whole = at_once + waiting
    patience_s = density.patience_s

    def served(waited_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-waited_s / patience_s)

    def abandoned(waited_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.expm1(-waited_s / patience_s)

    served_late = waits * density.integral(served)
    in_time = at_once + waits * density.integral(served, until_s=threshold_s)
    wait_sum_s = waits * density.integral(lambda waited_s: waited_s * served(waited_s))
    abandoned_ratio = waits * density.integral(abandoned) / whole
    mean_wait_s = abandoned_ratio * patience_s
    return Fare(
        servers=servers,
        wait_ratio=waiting / whole,
        service_level_ratio=in_time / whole,
        mean_wait_s=mean_wait_s,
        answer_wait_s=wait_sum_s / (at_once + served_late),
        abandoned_ratio=abandoned_ratio,
        blocked_ratio=0.0,
        occupancy_ratio=load.erlangs * ((at_once + served_late) / whole) / servers,
        waiting_mean=load.rate_per_s * mean_wait_s,
    )


def _trivial(load: Load, servers: int, patience_s: float) -> Fare:
    """Nobody comes, or nobody is there."""
    comes = load.rate_per_s > 0.0
    wait_s = patience_s if comes else 0.0
    return Fare(
        servers=servers,
        wait_ratio=1.0 if servers == 0 else 0.0,
        service_level_ratio=0.0 if servers == 0 else 1.0,
        mean_wait_s=wait_s,
        answer_wait_s=0.0,
        abandoned_ratio=1.0 if comes else 0.0,
        blocked_ratio=0.0,
        occupancy_ratio=0.0,
        waiting_mean=load.rate_per_s * wait_s,
    )


def _one(waited_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(waited_s)


@dataclass(frozen=True, slots=True)
class _Density:
    """The density of the offered wait before it is scaled to a whole of 1."""

    rate_per_s: float
    served_per_s: float
    """By all servers together."""
    patience_s: float

    @property
    def peak_s(self) -> float:
        """Where it is largest."""
        surplus = math.log(self.rate_per_s / self.served_per_s)
        return max(0.0, surplus * self.patience_s)

    @property
    def peak_log(self) -> float:
        """Its logarithm there; it may be too large for a float itself."""
        return self.log(self.peak_s)

    def log(self, waited_s: float) -> float:
        """Return its logarithm."""
        passed = -math.expm1(-waited_s / self.patience_s) * self.patience_s
        return self.rate_per_s * passed - self.served_per_s * waited_s

    def integral(
        self,
        factor: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        *,
        until_s: float = math.inf,
    ) -> float:
        """Return the integral of the density times ``factor``, over its peak's height."""
        peak_s = self.peak_s
        top_s = min(peak_s, until_s)
        total = self._part(factor, self._where_negligible(top_s, -1.0), top_s)
        if until_s > peak_s:
            end_s = min(until_s, self._where_negligible(peak_s, 1.0))
            total += self._part(factor, peak_s, end_s)
        return total

    def _part(
        self,
        factor: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        left_s: float,
        right_s: float,
    ) -> float:
        if right_s <= left_s:
            return 0.0
        half_s = (right_s - left_s) / (2 * _PANELS)
        middles_s = left_s + half_s * (2 * np.arange(_PANELS) + 1)
        points_s = (middles_s[:, None] + half_s * _NODES[None, :]).ravel()
        passed = -np.expm1(-points_s / self.patience_s) * self.patience_s
        heights = np.exp(self.rate_per_s * passed - self.served_per_s * points_s - self.peak_log)
        weights = np.tile(_WEIGHTS, _PANELS)
        return float(half_s * np.dot(weights, heights * factor(points_s)))

    def _where_negligible(self, top_s: float, direction: float) -> float:
        """Return how far from its largest point on one side the density has to be looked at."""
        floor = self.log(top_s) - _NEGLIGIBLE
        if direction < 0 and (top_s == 0.0 or self.log(0.0) > floor):
            return 0.0
        near_s, far_s = top_s, top_s
        step_s = direction * min(1.0 / self.served_per_s, self.patience_s)
        while self.log(far_s) > floor:
            near_s, far_s = far_s, max(0.0, far_s + step_s)
            step_s *= 2
        for _ in range(40):
            middle_s = (near_s + far_s) / 2
            if self.log(middle_s) > floor:
                near_s = middle_s
            else:
                far_s = middle_s
        return far_s
