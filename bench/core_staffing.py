# SPDX-License-Identifier: Apache-2.0
"""The closed forms of staffing against 30 digits, and what a requirement costs.

The error is the largest relative one over a grid of 1 to 5,000 agents, light to overloaded,
hasty to patient, of every figure that the formulas give.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from centralino.core.staffing.erlang import erlang_b, erlang_c
from centralino.core.staffing.load import Load
from centralino.core.staffing.patience import abandonment_fare
from centralino.core.staffing.places import limited_fare
from centralino.core.staffing.requirement import Goal, need
from tests.unit.staffing import reference

if TYPE_CHECKING:
    import mpmath

PREFIX = "core.staff_"
_SIZES, _BUSY = (1, 7, 90, 700, 5000), (0.1, 0.7, 0.97, 0.9999)
_SMALLEST = 1e-250


def measure() -> Iterator[Measurement]:
    """Measure the errors and the cost."""
    grid = [(size, size * busy) for size in _SIZES for busy in _BUSY]
    errors = {
        "erlang_b": [_off(erlang_b(n, a), reference.erlang_b(n, a)) for n, a in grid],
        "erlang_c": [_off(erlang_c(n, a), reference.erlang_c(n, a)) for n, a in grid],
        "erlang_a": list(_erlang_a()),
        "places": list(_places()),
    }
    for name, found in errors.items():
        note = f"largest of {len(found)}"
        yield Measurement(f"{PREFIX}{name}_error", max(found), "relative", goal=1e-6, note=note)
    began = time.process_time()
    found_need = need(Load(4500 / 240, 240), Goal(), 180.0)
    yield Measurement(
        f"{PREFIX}requirement_ms",
        1000 * (time.process_time() - began),
        "ms",
        note=f"4,500 Erlang with patience: {found_need.agents} agents",
    )


def _erlang_a() -> Iterator[float]:
    for size in _SIZES[:-1]:
        for busy in (*_BUSY, 1.1, 1.5):
            load = Load(size * busy / 180, 180)
            figures, levels = reference.abandonment(load.rate_per_s, 180, size, 60.0, (20.0,))
            fare = abandonment_fare(load, size, 60.0)
            yield from (_off(getattr(fare, name), exact) for name, exact in figures.items())
            yield _off(fare.service_level_ratio, levels[0])


def _places() -> Iterator[float]:
    for size in (1, 7, 90):
        for busy in (*_BUSY, 1.1, 1.5):
            load = Load(size * busy / 180, 180)
            fare = limited_fare(load, size, size + 30)
            exact = reference.limited(load.rate_per_s, 180, size, size + 30, 20.0)
            yield from (_off(getattr(fare, name), value) for name, value in exact.items())


def _off(found: float, exact: mpmath.mpf) -> float:
    return float(abs(found - exact) / exact) if exact > _SMALLEST else 0.0
