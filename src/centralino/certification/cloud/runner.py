# SPDX-License-Identifier: Apache-2.0
"""Runs cloud cases one after the other and judges each by what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.certification.cases import Progress, run_in_order
from centralino.certification.cloud.evidence import CloudEvidence
from centralino.certification.cloud.judging import judge
from centralino.certification.cloud.lab import CloudLab, CloudOptions
from centralino.certification.cloud.steps import Stagehand, StepFailed, mend
from centralino.certification.result import CaseResult, Finding, PlanResult, Verdict

if TYPE_CHECKING:
    from centralino.certification.cloud.plan import CloudCase, CloudPlan
    from centralino.certification.cloud.product import CloudProductPort
    from centralino.exchange.ports import ClockPort

PROFILE = "service-hosted"


@dataclass(slots=True)
class CloudRunner:
    """Runs cases in one laboratory."""

    lab: CloudLab
    progress: Progress[CloudCase] = field(default_factory=Progress)

    async def run(self, cases: Sequence[CloudCase]) -> list[CaseResult]:
        """Run cases in order.

        Raises:
            AppError: the product did not start.
        """
        return await run_in_order(cases, self.run_case, self.progress)

    async def run_case(self, case: CloudCase) -> CaseResult:
        """Run one case and judge it."""
        lab = self.lab
        if not case.is_fresh:
            await lab.start_product()
        evidence = CloudEvidence(case, lab.utc())
        await lab.start_product()
        journal_from = len(lab.journal.refresh(lab.product.journal)) if not case.is_fresh else 0
        log_from = len(lab.logs.refresh(lab.product.logs))
        hand = Stagehand(lab, evidence, (journal_from, log_from))
        problems = await self._act(case, hand)
        mend(lab)
        evidence.asked = list(lab.asked)
        evidence.journal = lab.journal.refresh(lab.product.journal)[journal_from:]
        evidence.log = lab.logs.refresh(lab.product.logs)[log_from:]
        return self._judge(evidence, problems)

    @staticmethod
    async def _act(case: CloudCase, hand: Stagehand) -> list[str]:
        for number, step in enumerate(case.steps, 1):
            try:
                await hand.perform(step)
            except StepFailed as failed:
                return [f"step {number}: {failed}"]
        return []

    def _judge(self, evidence: CloudEvidence, problems: list[str]) -> CaseResult:
        findings = [
            Finding(item.text, tuple(judge(item, evidence))) for item in evidence.case.expectations
        ]
        wrong = [*problems, *(text for item in findings for text in item.problems)]
        return CaseResult(
            id=evidence.case.id,
            title=evidence.case.title,
            result=Verdict.FAILED if wrong else Verdict.PASSED,
            reason=wrong[0] if wrong else "",
            duration_ms=round((self.lab.utc() - evidence.started_at) * 1000),
            expectations=tuple(findings),
            ladders={"requests": evidence.ladder()},
        )


async def run_cloud_plan(
    plan: CloudPlan,
    ids: tuple[str, ...],
    options: CloudOptions,
    product: CloudProductPort,
    clock: ClockPort,
    progress: Progress[CloudCase] | None = None,
) -> PlanResult:
    """Run cases of a plan in a laboratory of their own; all cases when none is named.

    Raises:
        InvalidInput: an id that is not in the plan.
        AppError: the product did not start.
    """
    cases = plan.select(ids)
    started_at = clock.utc() / 1e9
    async with CloudLab(options, product, clock) as lab:
        results = await CloudRunner(lab, progress or Progress()).run(cases)
    return PlanResult(
        model=plan.model, profile=PROFILE, is_fast=True, started_at=started_at, cases=results
    )
