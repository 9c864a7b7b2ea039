# SPDX-License-Identifier: Apache-2.0
"""200 times ``kill -9`` of the exchange under load, and the power cut at hundreds of moments.

Counts what was lost and what was done twice; there is no floor, both must be nothing. The
runs are those of the tests, longer.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from tests.contract.journal.power_cuts import judge, run_recorded
from tests.wire.journal.kill_rig import run_kills

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "exchange.journal_kill"
KILLS, SEED = 200, 20
CUT_RECORDS, CUTS = 400, 600


def measure() -> Iterator[Measurement]:
    """Kill and cut, and count."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run_kills(Path(folder), KILLS, SEED, print))
    note = f"{found.kills} kills, {found.callers} callers, {found.answered} answered"
    yield Measurement(
        name="exchange.journal_kill_lost",
        value=float(found.lost),
        unit="callers",
        goal=0.0,
        note=note,
        is_valid=found.answered > KILLS // 4 and found.arrived > 0,
    )
    yield Measurement(
        name="exchange.journal_kill_effects_twice",
        value=float(len(found.twice)),
        unit="effects",
        goal=0.0,
        note=f"{found.records} records, replay {'identical' if found.is_identical else 'DIFFERS'}",
        is_valid=found.is_identical,
    )
    with tempfile.TemporaryDirectory() as folder:
        lost = _cut(Path(folder))
    yield Measurement(
        name="exchange.journal_kill_power_lost",
        value=float(lost),
        unit="disks",
        goal=0.0,
        note=f"power cut at {CUTS} moments of {CUT_RECORDS} records; torn and dropped sectors",
    )


def _cut(folder: Path) -> int:
    """Return on how many disks something acknowledged is missing or not whole."""
    tape = run_recorded(folder, CUT_RECORDS)
    first = next(n for n, step in enumerate(tape.steps) if step.what == "acknowledged")
    generator, bad = random.Random(SEED), 0
    for number in range(CUTS):
        moment = generator.randrange(first, len(tape.steps) + 1)
        try:
            judge(folder / f"{number}", tape, moment, random.Random(number) if number % 3 else None)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a disk counts
            print(f"moment {moment}: {error}")
            bad += 1
        if (number + 1) % 200 == 0:
            print(f"{number + 1} of {CUTS} power cuts, {bad} bad")
    return bad
