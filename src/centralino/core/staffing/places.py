# SPDX-License-Identifier: Apache-2.0
"""A queue with a limited number of places: who comes when all are taken is turned away (M/M/n/K).

Source: D. Gross and C. M. Harris, Fundamentals of Queueing Theory, section 2.5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.errors import InvalidInput
from centralino.core.staffing.erlang import erlang_b
from centralino.core.staffing.load import Fare, Load, require_number, require_servers

if TYPE_CHECKING:
    from numpy.typing import NDArray


def limited_fare(load: Load, servers: int, places: int, threshold_s: float = 20.0) -> Fare:
    """Return how customers fare when at most ``places`` are served or wait (M/M/n/K).

    Shares of ``Fare`` are of those it says: waits of those taken in, the service level of all.

    >>> round(limited_fare(Load(84 / 600, 600), 90, 120).blocked_ratio, 6)
    0.003643

    Raises:
        InvalidInput: a figure is out of range, or there are fewer places than agents.
    """
    require_servers(servers)
    require_number("threshold", threshold_s, least=0.0)
    if places < max(servers, 1):
        raise InvalidInput(
            f"places: {places} is less than the {servers} agents; each needs one",
            details={"path": "places"},
        )
    queue = _Queue(load, servers, places)
    taken = 1.0 - queue.blocked
    wait_s = queue.waiting_mean / (load.rate_per_s * taken) if load.rate_per_s * taken > 0 else 0.0
    return Fare(
        servers=servers,
        wait_ratio=queue.busy / taken if taken > 0 else 1.0,
        service_level_ratio=queue.at_once + queue.later(threshold_s),
        mean_wait_s=wait_s,
        answer_wait_s=wait_s,
        abandoned_ratio=0.0,
        blocked_ratio=queue.blocked,
        occupancy_ratio=load.erlangs * taken / servers if servers else 0.0,
        waiting_mean=queue.waiting_mean,
    )


class _Queue:
    """The chances of each length of the queue, all servers busy."""

    def __init__(self, load: Load, servers: int, places: int) -> None:
        self._served_per_s = servers / load.handle_s
        lengths = np.arange(places - servers + 1, dtype=np.float64)
        ratio = load.erlangs / servers if servers else math.inf
        blocked = erlang_b(servers, load.erlangs)
        if ratio == math.inf:
            logs = np.where(lengths == lengths[-1], 0.0, -math.inf)
        elif ratio == 0.0:
            logs = np.where(lengths == 0.0, 0.0, -math.inf)
        else:
            logs = lengths * math.log(ratio)
        scale = max(float(logs.max()), 0.0)
        weights = np.exp(logs - scale)
        idle = (1.0 - blocked) * math.exp(-scale)
        whole = idle + blocked * float(weights.sum())
        chances = blocked * weights / whole
        self.at_once = idle / whole
        """Nobody waits and a server is free."""
        self.blocked = float(chances[-1])
        self.busy = float(chances[:-1].sum())
        """All are busy and there is a place."""
        self.waiting_mean = float((lengths * chances).sum())
        self._chances = chances[:-1]

    def later(self, threshold_s: float) -> float:
        """Return the share that waits, and not longer than the threshold."""
        if not self._chances.size or self._served_per_s == 0.0:
            return 0.0
        served = self._served_per_s * threshold_s
        return float((self._chances * _at_least(self._chances.size, served)).sum())


def _at_least(count: int, mean: float) -> NDArray[np.float64]:
    """Return for j = 0 ... count - 1 how likely a Poisson count is more than j."""
    if mean <= 0.0:
        return np.zeros(count)
    top = int(max(count, mean) + 12 * math.sqrt(max(count, mean)) + 60)
    numbers = np.arange(1, top + 1, dtype=np.float64)
    logs = np.concatenate(([0.0], np.cumsum(math.log(mean) - np.log(numbers)))) - mean
    tails: NDArray[np.float64] = np.cumsum(np.exp(logs)[::-1])[::-1]
    return tails[1 : count + 1].clip(max=1.0)
