# SPDX-License-Identifier: Apache-2.0
"""What an explanation costs at the size of a large site, from the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.journal_restart import explain_times
from bench.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "core.explain"
AGENTS, QUEUES, WAITING, TAIL = 1_000, 50, 500, 1_000


def measure() -> Iterator[Measurement]:
    """Explain some who wait, cold and warm."""
    cold, warm = explain_times(AGENTS, QUEUES, WAITING, TAIL)
    note = f"{AGENTS} agents, {QUEUES} queues, {WAITING} wait"
    yield Measurement(
        name="core.explain_ms",
        value=cold,
        unit="ms",
        goal=200.0,
        note=f"{note}; snapshot and {TAIL} records, which is half an interval",
    )
    yield Measurement(
        name="core.explain_warm_ms", value=warm, unit="ms", goal=200.0, note=f"{note}; asked again"
    )
