# SPDX-License-Identifier: Apache-2.0
"""Planted mistakes: each must make the right case fail, for the right reason.

Mistakes planted on the way share a product, as do those planted in settings that concern
different cases; the rest have a product of their own. Four products run at a time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.certified import SupervisedProduct
from centralino.certification.defects import DEFECTS, Defect, find_defect
from centralino.certification.lab import Lab, LabOptions
from centralino.certification.pace import FAST
from centralino.certification.plan import load_plan
from centralino.certification.relay import untouched
from centralino.certification.result import CaseResult, Verdict
from centralino.certification.runner import Runner

pytestmark = [pytest.mark.cert, pytest.mark.timeout(150)]

PLAN = load_plan("connect")
ALONE = ("no-options", "wrong-certificate", "options-storm")
AT_ONCE = 4
PATIENCE = 0.4
CLEAN = "clean"
Results = dict[str, CaseResult]


async def _run_relayed(folder: Path, defects: Sequence[Defect], results: Results) -> None:
    """Plant one after the other on the way; at last nothing, to show that the way is fair."""
    first_fresh = sorted(defects, key=lambda defect: defect.case)
    clean = Defect(CLEAN, "Nothing", case="INB-04").victim(PLAN)
    cases = [*(defect.victim(PLAN) for defect in first_fresh), clean]
    options = _options(folder, is_relayed=True)
    async with Lab(options, cases, SupervisedProduct(), SystemClock()) as lab:
        assert lab.relay is not None
        for defect in first_fresh:
            lab.relay.tamper = defect.tamper
            results[defect.id] = await _run_victim(lab, defect)
            lab.relay.tamper = untouched
        results[CLEAN] = await Runner(lab).run_case(lab.cases[clean.id])


async def _run_set(folder: Path, defects: Sequence[Defect], results: Results) -> None:
    """Plant all of them in the settings of one product."""
    cases = [defect.victim(PLAN) for defect in defects]
    options = _options(folder, defects=tuple(defects))
    async with Lab(options, cases, SupervisedProduct(), SystemClock()) as lab:
        for defect in defects:
            results[defect.id] = await _run_victim(lab, defect)


async def _run_victim(lab: Lab, defect: Defect) -> CaseResult:
    return await Runner(lab).run_case(lab.cases[defect.victim(PLAN).id])


def _options(
    folder: Path, *, defects: tuple[Defect, ...] = (), is_relayed: bool = False
) -> LabOptions:
    return LabOptions(
        folder=folder / "data",
        run_dir=folder / "run",
        pace=FAST,
        defects=defects,
        is_relayed=is_relayed,
        patience=PATIENCE,
    )


async def _run_all(root: Path) -> Results:
    results: Results = {}
    on_the_way = [defect for defect in DEFECTS if defect.needs_relay]
    alone = [defect for defect in DEFECTS if defect.id in ALONE]
    rest = [defect for defect in DEFECTS if defect not in alone and not defect.needs_relay]
    room = asyncio.Semaphore(AT_ONCE)

    async def run(number: int, defects: Sequence[Defect]) -> None:
        async with room:
            folder = root / str(number)
            if defects[0].needs_relay:
                await _run_relayed(folder, defects, results)
            else:
                await _run_set(folder, defects, results)

    groups = [on_the_way[::2], on_the_way[1::2], rest, *([defect] for defect in alone)]
    async with asyncio.TaskGroup() as tasks:
        for number, defects in enumerate(groups):
            tasks.create_task(run(number, defects))
    return results


@pytest.fixture(scope="module")
def results() -> Results:
    """Run every victim with its mistake."""
    # Sockets need a shorter path than pytest's folders have.
    with tempfile.TemporaryDirectory(prefix="cert-") as folder:
        return asyncio.run(_run_all(Path(folder)))


@pytest.mark.parametrize("defect_id", [defect.id for defect in DEFECTS])
def test_a_planted_mistake_makes_its_case_fail(defect_id: str, results: Results) -> None:
    defect = find_defect(defect_id)
    assert defect is not None
    result = results[defect_id]
    assert result.result is Verdict.FAILED
    if defect.rule:
        assert defect.rule in result.broken_rules(), result.problems()
    else:
        assert any(defect.sign in problem for problem in result.problems()), result.problems()


def test_the_relay_alone_makes_nothing_fail(results: Results) -> None:
    assert results[CLEAN].result is Verdict.PASSED, results[CLEAN].problems()


def test_every_mistake_says_how_it_is_recognised() -> None:
    assert len(DEFECTS) >= 15
    assert len({defect.id for defect in DEFECTS}) == len(DEFECTS)
    for defect in DEFECTS:
        assert defect.case in {case.id for case in PLAN.cases}
        assert bool(defect.rule) != bool(defect.sign)
