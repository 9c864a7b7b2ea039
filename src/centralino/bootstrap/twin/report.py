# SPDX-License-Identifier: Apache-2.0
"""What a twin's runs say, as plain values for JSON: every figure with its interval.

A figure is ``null`` where there was nothing to divide by; ``low`` and ``high`` are ``null``
after a single repetition, which says nothing about luck.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from centralino.bootstrap.twin.figures import FIGURES

if TYPE_CHECKING:
    from centralino.bootstrap.twin.figures import Row, Summary
    from centralino.bootstrap.twin.runs import Outcome
    from centralino.core.metrics.confidence import Spread

_RANKS = ("wait_p50_s", "wait_p90_s", "wait_p95_s")


def report_of(outcome: Outcome) -> dict[str, object]:
    """Return everything, in an order that does not change from run to run."""
    order = outcome.order
    return {
        "twin": order.file.twin,
        "seed": order.seed,
        "repetitions": order.repetitions,
        "confidence": order.confidence,
        "service_level": {"name": order.definition.name, "version": order.definition.version},
        "is_recorded": order.recording is not None,
        "scenarios": [
            _scenario(outcome, number, summary) for number, summary in enumerate(outcome.summaries)
        ],
    }


def time_of_day(minute: int) -> str:
    """Return ``HH:MM``; past midnight it goes on counting hours.

    >>> time_of_day(510)
    '08:30'
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _scenario(outcome: Outcome, number: int, summary: Summary) -> dict[str, object]:
    plan = summary.plan
    found: dict[str, object] = {
        "name": plan.scenario,
        "total": _row(summary.total(), summary),
        "queues": [
            {
                "id": queue.id,
                **_row(summary.queue(position), summary),
                **{
                    name: _figure(spread)
                    for name, spread in zip(_RANKS, summary.percentiles_s(position), strict=True)
                },
            }
            for position, queue in enumerate(plan.queues)
        ],
        "groups": [
            _group(summary, position, group.name) for position, group in enumerate(plan.groups)
        ],
    }
    if number:
        found["difference"] = {name: _figure(outcome.difference(number, name)) for name in FIGURES}
    return found


def _row(row: Row, summary: Summary) -> dict[str, object]:
    return {
        **{name: _figure(spread) for name, spread in row.figures.items()},
        "intervals": [
            {
                "start": _start(summary, number),
                **{name: _figure(spread) for name, spread in interval.items()},
            }
            for number, interval in enumerate(row.intervals)
        ],
    }


def _group(summary: Summary, position: int, name: str) -> dict[str, object]:
    whole, *intervals = summary.group_occupancy(position)
    return {
        "name": name,
        "agents": len(summary.plan.groups[position].agents),
        "occupancy_ratio": _figure(whole),
        "intervals": [
            {"start": _start(summary, number), "occupancy_ratio": _figure(spread)}
            for number, spread in enumerate(intervals)
        ],
    }


def _start(summary: Summary, number: int) -> str:
    plan = summary.plan
    return time_of_day(plan.start_minute + round(number * plan.interval_s / 60))


def _figure(spread: Spread | None) -> dict[str, float | None] | None:
    if spread is None:
        return None
    is_single = math.isinf(spread.half_width)
    return {
        "mean": spread.mean,
        "low": None if is_single else spread.low,
        "high": None if is_single else spread.high,
    }
