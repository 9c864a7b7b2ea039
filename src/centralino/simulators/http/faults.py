# SPDX-License-Identifier: Apache-2.0
"""Faults and latency that a scenario or a test plants on a route.

A fault is used up by the requests that it meets; ``None`` times lasts until it is removed.
Where several fit, the one planted first wins. Latency is drawn for every request, fault or
not, from the plan's own seeded dice, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from centralino.simulators.http.messages import Request, Response

ANY_ROUTE = "*"
Behaviour = Literal["answer", "silence", "cut"]


@dataclass(slots=True)
class Fault:
    """What goes wrong on a route."""

    route: str = ANY_ROUTE
    """As ``Route.name``: ``GET /users/{id}``; ``*`` for all."""
    status: int = 0
    """Answered through the simulator's own error shape; 0: the handler still answers."""
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    answer: Callable[[Request], Response] | None = None
    """Made instead of the error shape."""
    behaviour: Behaviour = "answer"
    """``silence``: no answer until the client goes; ``cut``: half an answer, then the
    connection closes."""
    is_late: bool = False
    """True: the request is carried out, and only its answer goes wrong."""
    after: int = 0
    """So many fitting requests pass first."""
    times: int | None = 1
    """How many requests it meets."""
    when: Callable[[Request], bool] | None = None
    """Which requests it meets; all when missing."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes, in seconds, evenly drawn."""

    least_s: float = 0.0
    most_s: float = 0.0


class FaultPlan:
    """What is planted in one service."""

    def __init__(self, seed: int | str = 0) -> None:
        self._faults: list[Fault] = []
        self._latencies: dict[str, Latency] = {}
        self._dice = Random(f"latency/{seed}")

    def plant(self, fault: Fault) -> Fault:
        """Plant a fault; return it, so that it can be removed."""
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault out; nothing happens when it is used up."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take out all faults and latencies."""
        self._faults.clear()
        self._latencies.clear()

    def delay(self, latency: Latency, route: str = ANY_ROUTE) -> None:
        """Make answers of a route (or of all others) take that long."""
        self._latencies[route] = latency

    def draw_delay(self, route: str) -> float:
        """Return how many seconds this answer takes."""
        latency = self._latencies.get(route) or self._latencies.get(ANY_ROUTE)
        if latency is None:
            return 0.0
        return self._dice.uniform(latency.least_s, latency.most_s)

    def take(self, route: str, request: Request) -> Fault | None:
        """Return the fault that meets a request, and count it."""
        for fault in self._faults:
            fits = fault.route in {ANY_ROUTE, route}
            if not fits or (fault.when is not None and not fault.when(request)):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            return fault
        return None
