# SPDX-License-Identifier: Apache-2.0
"""``centralino certify``: runs the certification plan and writes down what was seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from centralino.bootstrap.certified import Certification, run_certification
from centralino.bootstrap.certified_cloud import CloudCertification, run_cloud_certification
from centralino.certification.cases import Progress
from centralino.certification.cloud.plan import CloudCase, load_cloud_plan
from centralino.certification.defects import DEFECTS, find_defect
from centralino.certification.pace import FAST, REAL
from centralino.certification.plan import Case, load_plan
from centralino.certification.report import DescribedCase, render
from centralino.certification.result import CaseResult, PlanResult, Verdict
from centralino.core.kernel.errors import InvalidInput

FAILED, WRONG_USAGE = 1, 2
_COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.SKIPPED: "dim"}


class CertifiedModel(StrEnum):
    """Models with a plan."""

    CONNECT = "connect"
    EXTEND = "extend"


class CertifiedProfile(StrEnum):
    """Profiles of the Connect model."""

    DIRECT = "direct"
    BEHIND_SBC = "behind-sbc"


def certify(  # noqa: PLR0913 - one argument per option
    model: Annotated[
        CertifiedModel, typer.Option(help="Integration model.")
    ] = CertifiedModel.CONNECT,
    profile: Annotated[
        CertifiedProfile, typer.Option(help="How the product reaches Teams.")
    ] = CertifiedProfile.DIRECT,
    case: Annotated[
        list[str] | None, typer.Option(help="Only this case; may be given several times.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Short timers; leaves out what takes minutes.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write report.html and the product's logs into DIR.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")
    ] = None,
    plant: Annotated[str, typer.Option(hidden=True, help="Plant a mistake.")] = "",
) -> None:
    """Run the certification plan of a model against the simulators and report with evidence."""
    console = Console(highlight=False)
    if model is CertifiedModel.EXTEND:
        if plant:
            console.print("Mistakes can be planted in the model connect only.")
            raise typer.Exit(WRONG_USAGE)
        raise typer.Exit(_certify_cloud(console, model, tuple(case or ()), report, json_file))
    try:
        plan = load_plan(model)
        plan.select(tuple(case or ()))
    except InvalidInput as error:
        console.print(error.message)
        raise typer.Exit(WRONG_USAGE) from None
    defect = find_defect(plant)
    if plant and defect is None:
        known = ", ".join(item.id for item in DEFECTS)
        console.print(f"There is no mistake {plant} to plant; there are: {known}.")
        raise typer.Exit(WRONG_USAGE)
    wanted = Certification(
        plan=plan,
        cases=tuple(case or ()),
        profile=profile.value,
        pace=FAST if fast else REAL,
        defects=(defect,) if defect is not None else (),
        log_dir=report / "logs" if report is not None else None,
    )
    result = _run(console, wanted)
    _write(result, plan.cases, report, json_file)
    raise typer.Exit(0 if result.is_good else FAILED)


def _run(console: Console, wanted: Certification) -> PlanResult:
    total = len(wanted.plan.select(wanted.cases))
    with console.status("Starting the product and the far side ...") as status:
        teller = _Teller(console, status.update, total)
        progress = Progress[Case](on_begin=teller.begin, on_end=teller.end)
        result = asyncio.run(run_certification(wanted, progress))
    _tell_counts(console, result)
    return result


class _Teller:
    """Tells how far a run is, and each result."""

    def __init__(self, console: Console, update: Callable[[str], None], total: int) -> None:
        self._console = console
        self._update = update
        self._total = total
        self._done = 0

    def begin(self, case: Case | CloudCase) -> None:
        """A case begins."""
        self._update(f"{self._done + 1} of {self._total}: {case.id} {case.title} ...")

    def end(self, result: CaseResult) -> None:
        """A case is over."""
        self._done += 1
        colour = _COLOURS[result.result]
        seconds = f"{result.duration_ms / 1000:.1f} s"
        line = f"[{colour}]{result.result.value:7}[/] {result.id} {result.title} ({seconds})"
        self._console.print(line)
        if result.reason:
            self._console.print(f"        {result.reason}", markup=False)


def _tell_counts(console: Console, result: PlanResult) -> None:
    counts = ", ".join(f"{result.count(verdict)} {verdict.value}" for verdict in Verdict)
    console.print(f"{counts}.")


def _certify_cloud(
    console: Console,
    model: CertifiedModel,
    ids: tuple[str, ...],
    report: Path | None,
    json_file: Path | None,
) -> int:
    """Certify what the product does with Microsoft's cloud; return the exit code."""
    try:
        plan = load_cloud_plan(model)
        total = len(plan.select(ids))
    except InvalidInput as error:
        console.print(error.message)
        return WRONG_USAGE
    log_dir = report / "logs" if report is not None else None
    wanted = CloudCertification(plan, ids, log_dir)
    with console.status("Starting the product and the far side ...") as status:
        teller = _Teller(console, status.update, total)
        progress = Progress[CloudCase](on_begin=teller.begin, on_end=teller.end)
        result = asyncio.run(run_cloud_certification(wanted, progress))
    _tell_counts(console, result)
    _write(result, plan.cases, report, json_file)
    return 0 if result.is_good else FAILED


def _write(
    result: PlanResult,
    cases: Sequence[DescribedCase],
    report: Path | None,
    json_file: Path | None,
) -> None:
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
        (report / "report.html").write_text(render(result, cases), encoding="utf-8")
    if json_file is not None:
        text = json.dumps(result.to_json(), ensure_ascii=False)
        json_file.write_text(text + "\n", encoding="utf-8")
