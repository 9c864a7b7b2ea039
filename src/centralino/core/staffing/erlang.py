# SPDX-License-Identifier: Apache-2.0
"""Erlang B and C: agents without and with a queue before them, nobody gives up.

The recursion of Erlang B only adds and divides positive numbers, so its relative error
grows no faster than the count of its steps. Everything else is derived from it in forms
that subtract nothing that is nearly equal.

Source: A. K. Erlang 1917; R. B. Cooper, Introduction to Queueing Theory, chapter 3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from centralino.core.staffing.load import Fare, Load, require_number, require_servers

if TYPE_CHECKING:
    from collections.abc import Iterator


def erlang_b(servers: int, erlangs: float) -> float:
    """Return the share that finds all servers busy when nobody can wait.

    Cost: O(servers). Smaller than 1e-300 becomes 0.

    >>> round(erlang_b(10, 5.0), 9)
    0.01838457

    Raises:
        InvalidInput: a figure is out of range.
    """
    require_servers(servers)
    require_number("load", erlangs, least=0.0)
    blocked = 1.0
    for busy in range(1, servers + 1):
        carried = erlangs * blocked
        blocked = carried / (busy + carried)
    return blocked


def erlang_b_upwards(erlangs: float) -> Iterator[float]:
    """Yield Erlang B for 0, 1, 2, ... servers without end, each in O(1).

    >>> steps = erlang_b_upwards(1.0)
    >>> [next(steps) for _ in range(3)]
    [1.0, 0.5, 0.2]
    """
    blocked, servers = 1.0, 0
    while True:
        yield blocked
        servers += 1
        carried = erlangs * blocked
        blocked = carried / (servers + carried)


def erlang_c(servers: int, erlangs: float) -> float:
    """Return the share that has to wait when everybody waits as long as it takes.

    1 when the load is more than the servers can do.

    >>> round(erlang_c(6, 5.0), 8)
    0.58751645

    Raises:
        InvalidInput: a figure is out of range.
    """
    if erlangs >= servers:
        require_servers(servers)
        return 1.0
    blocked = erlang_b(servers, erlangs)
    occupancy = erlangs / servers
    return blocked / ((servers - erlangs) / servers + occupancy * blocked)


def delay_fare(load: Load, servers: int, threshold_s: float = 20.0) -> Fare:
    """Return how customers fare who wait as long as it takes (M/M/n).

    >>> fare = delay_fare(Load(100 / 3600, 180), 6)
    >>> round(fare.answer_wait_s, 5), round(fare.service_level_ratio, 8)
    (105.75296, 0.47426718)

    Raises:
        InvalidInput: a figure is out of range.
    """
    require_servers(servers)
    require_number("threshold", threshold_s, least=0.0)
    erlangs = load.erlangs
    if erlangs >= servers:
        return _drowning(load, servers)
    blocked = erlang_b(servers, erlangs)
    spare = servers - erlangs
    unavoidable = spare / servers + erlangs / servers * blocked
    wait = blocked / unavoidable
    at_once = spare / servers * (1.0 - blocked) / unavoidable
    mean_wait_s = wait * load.handle_s / spare
    in_time = at_once - wait * math.expm1(-spare * threshold_s / load.handle_s)
    return Fare(
        servers=servers,
        wait_ratio=wait,
        service_level_ratio=in_time,
        mean_wait_s=mean_wait_s,
        answer_wait_s=mean_wait_s,
        abandoned_ratio=0.0,
        blocked_ratio=0.0,
        occupancy_ratio=erlangs / servers,
        waiting_mean=load.rate_per_s * mean_wait_s,
    )


def _drowning(load: Load, servers: int) -> Fare:
    """More comes in than can be done: the queue grows for ever."""
    is_idle = load.rate_per_s == 0.0
    wait = 0.0 if is_idle else math.inf
    return Fare(
        servers=servers,
        wait_ratio=1.0,
        service_level_ratio=0.0,
        mean_wait_s=wait,
        answer_wait_s=wait,
        abandoned_ratio=0.0,
        blocked_ratio=0.0,
        occupancy_ratio=0.0 if servers == 0 else 1.0,
        waiting_mean=wait,
    )
