# SPDX-License-Identifier: Apache-2.0
"""The plan of the Connect model, run once on the real product: one test per case.

Two products share the cases, so that the tests take half as long as the command.
"""

from __future__ import annotations

import asyncio

import pytest

from centralino.bootstrap.certified import Certification, run_certification
from centralino.certification.cases import Progress
from centralino.certification.pace import FAST
from centralino.certification.plan import load_plan
from centralino.certification.result import CaseResult, PlanResult, Verdict

pytestmark = [pytest.mark.cert, pytest.mark.timeout(150)]

PLAN = load_plan("connect")
IDS = [case.id for case in PLAN.cases]


async def _run_halves() -> list[PlanResult]:
    async with asyncio.TaskGroup() as tasks:
        halves = [
            tasks.create_task(
                run_certification(
                    Certification(plan=PLAN, cases=ids, profile="direct", pace=FAST), Progress()
                )
            )
            for ids in (tuple(IDS[::2]), tuple(IDS[1::2]))
        ]
    return [half.result() for half in halves]


@pytest.fixture(scope="module")
def results() -> dict[str, CaseResult]:
    """Run the whole plan with short timers."""
    return {case.id: case for half in asyncio.run(_run_halves()) for case in half.cases}


@pytest.mark.parametrize("case_id", IDS)
def test_case(case_id: str, results: dict[str, CaseResult]) -> None:
    result = results[case_id]
    assert result.result is Verdict.PASSED, "\n".join(
        [*result.problems(), *result.ladders.values()]
    )
    assert result.expectations
    assert result.broken_rules() == []


def test_the_run_is_short_and_its_evidence_is_there(results: dict[str, CaseResult]) -> None:
    assert sum(case.duration_ms for case in results.values()) < 90_000
    talk = results["INB-01"]
    assert {person.who for person in talk.audio} == {"c1", "u1"}
    assert any("INVITE" in ladder for ladder in talk.ladders.values())
