# SPDX-License-Identifier: Apache-2.0
"""Writes journals for ``test_journals``; run it only for a new version."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from centralino.core.agents.commands import MakeAgentReady
from centralino.core.interactions.commands import ConfirmAnswered, ConfirmRinging, EndLeg
from centralino.core.interactions.consult_commands import (
    CompleteConsult,
    EndConsult,
    RequestConsult,
)
from centralino.core.interactions.effects import RingAgent
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import Tick
from centralino.core.routing.matching.policy import QueueMatching, Strategy
from centralino.core.routing.score_commands import LearnScores
from centralino.exchange.codec import encode
from tests.kit.virtual_time import run_virtual
from tests.scenario.in_memory_calls import Caller, Habit
from tests.scenario.test_day import ANNAS, BRUNOS, BUSY, Site
from tests.scenario.test_flow_day import EXPERTS
from tests.scenario.test_flow_day import Site as FlowSite
from tests.unit.core.company import (
    ANNA,
    BRUNO,
    CARLA,
    SALES,
    TENANT,
    Desk,
    company,
    only,
)

DECLINED = Outcome(Result.CLIENT_ERROR, OutcomeReason.DECLINED)


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


def consult_hour() -> Desk:
    """Let calls come whose agents ask a colleague, so that it ends in every way there is."""
    plain = company()
    sales = msgspec.structs.replace(
        plain.queues[0], matching=QueueMatching(strategy=Strategy.PREDICTED)
    )
    desk = Desk(msgspec.structs.replace(plain, queues=(sales, plain.queues[1])))
    scores = {ANNA: 2, BRUNO: 1}
    desk.do(LearnScores(queue=SALES, scores=scores, at=desk.now, good_for_ms=600_000))
    for number, end in enumerate(
        ("completed", "left", "returned", "declined", "silent", "long", "customer", "forsaken")
    ):
        _consult(desk, LegId(f"in-{number}"), end)
        while (due := desk.engine.next_deadline()) is not None and desk.engine.state.interactions:
            desk.now = max(desk.now, due)
            desk.do(Tick())
        for agent in (ANNA, BRUNO, CARLA):
            desk.do(MakeAgentReady(agent=agent), after_s=1)
    return desk


def _consult(desk: Desk, customer: LegId, end: str) -> None:
    ring = desk.connect_call(customer)
    (interaction,) = desk.engine.state.interactions
    asked = RequestConsult(agent=ring.agent, interaction=interaction, colleague=CARLA)
    colleague = only(desk.do(asked, after_s=9), RingAgent).leg
    if end not in {"declined", "silent", "forsaken"}:
        desk.do(ConfirmRinging(leg=colleague), after_s=1)
        desk.do(ConfirmAnswered(leg=colleague), after_s=3)
    if end == "completed":
        desk.do(CompleteConsult(agent=ring.agent, interaction=interaction), after_s=30)
    elif end == "returned":
        desk.do(EndConsult(agent=CARLA, interaction=interaction), after_s=30)
    elif end in {"silent", "long"}:
        desk.do(Tick(), after_s=900 if end == "long" else 20)
    leaving = {"left": ring.leg, "forsaken": ring.leg, "declined": colleague}
    outcome = DECLINED if end == "declined" else COMPLETED
    for leg in (leaving.get(end), colleague, customer, ring.leg):
        if leg is not None:
            desk.do(EndLeg(leg=leg, outcome=outcome, by_far_end=True), after_s=2)


def main(name: str, path: Path) -> None:
    """Write the journal ``busy-hour``, ``flow-hour`` or ``consult-hour``, a line per input."""
    records: list[tuple[int, bytes, list[bytes]]]
    if name == "consult-hour":
        desk = consult_hour()
        records = [
            (now, encode(command), [encode(event) for event in decision.events])
            for (command, now), decision in zip(desk.inputs, desk.decisions, strict=True)
            if not decision.is_empty
        ]
    else:
        is_flow = name == "flow-hour"
        journal = run_virtual(flow_hour()).journal if is_flow else run_virtual(busy_hour()).journal
        records = [(r.at, r.input, list(r.events)) for r in journal.read(TENANT)]
    lines = [
        json.dumps([at, json.loads(command), [json.loads(event) for event in events]])
        for at, command, events in records
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
