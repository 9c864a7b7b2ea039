# SPDX-License-Identifier: Apache-2.0
"""Writes journals for ``test_journals``; run it only for a new version."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.kit.virtual_time import run_virtual
from tests.scenario.in_memory_calls import Caller, Habit
from tests.scenario.test_day import ANNAS, BRUNOS, BUSY, Site
from tests.scenario.test_flow_day import EXPERTS
from tests.scenario.test_flow_day import Site as FlowSite
from tests.unit.core.company import TENANT


async def busy_hour() -> Site:
    """Run twelve callers past two agents who do not answer."""
    habits = {ANNAS: Habit(answer_after_s=40), BRUNOS: Habit(outcome=BUSY)}
    callers = [
        Caller(at_s=3 * n, key=("1", "2", "")[n % 3], patience_s=40 + n, talk_s=20 + n)
        for n in range(12)
    ]
    site = Site.open(callers, habits)
    await site.run(600)
    return site


async def flow_hour() -> FlowSite:
    """Run nine callers through the flow: queue, skills, message, transfers, lookup, callback."""
    habits = {ANNAS: Habit(answer_after_s=40), EXPERTS: Habit(outcome=BUSY)}
    callers = [
        Caller(at_s=4 * n, key=key, patience_s=90, talk_s=20)
        for n, key in enumerate(("1", "2", "3", "4", "5", "6", "7", "", "1"))
    ]
    site = FlowSite.open(callers, habits)
    await site.run(400)
    return site


def main(name: str, path: Path) -> None:
    """Write the journal ``busy-hour`` or ``flow-hour``, one JSON line per input."""
    if name == "flow-hour":
        journal = run_virtual(flow_hour()).journal
    else:
        journal = run_virtual(busy_hour()).journal
    lines = [
        json.dumps([r.at, json.loads(r.input), [json.loads(e) for e in r.events]])
        for r in journal.read(TENANT)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
