# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind: the JSON shape, the page, and the command's exit codes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from centralino.certification.plan import load_plan
from centralino.certification.report import render
from centralino.certification.result import Audio, CaseResult, Finding, PlanResult, Verdict
from centralino.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.cert, pytest.mark.timeout(90)]

PLAN = load_plan("connect")
FAILED = CaseResult(
    id="INB-01",
    title="Customer, menu, queue, Teams agent",
    result=Verdict.FAILED,
    reason="<script>alert(1)</script>",
    duration_ms=1500,
    expectations=(Finding("It rings.", ("it did not & never will",)), Finding("It ends.")),
    rules=(Finding("G1"),),
    ladders={"call-1": "|-- INVITE -->|"},
    audio=(Audio("c1", 800, (2100,), 40.0, "1"),),
)
SKIPPED = CaseResult("CON-01", "OPTIONS bootstrap", Verdict.SKIPPED, "not now")
RESULT = PlanResult("connect", "direct", True, 0.0, (FAILED, SKIPPED))


def test_the_json_has_the_documented_shape() -> None:
    data = json.loads(json.dumps(RESULT.to_json()))
    assert set(data) == {"model", "cases", "passed", "failed", "skipped"}
    assert (data["passed"], data["failed"], data["skipped"]) == (0, 1, 1)
    case = data["cases"][0]
    assert set(case) == {"id", "title", "result", "reason", "duration_ms", "evidence"}
    assert case["evidence"]["expectations"][0] == {
        "text": "It rings.",
        "is_met": False,
        "problems": ["it did not & never will"],
    }
    assert not RESULT.is_good
    assert "<script>alert(1)</script>" in FAILED.problems()


def test_the_page_stands_alone_and_escapes_what_it_quotes() -> None:
    page = render(RESULT, PLAN.cases)
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "&lt;script&gt;" in page
    assert "|-- INVITE --&gt;|" in page
    assert "2100 Hz" in page
    assert "0 passed, 1 failed, 1 skipped" in page


@pytest.mark.parametrize("arguments", [["--case", "NIL-99"], ["--plant", "nothing"]])
def test_a_wrong_name_is_wrong_usage(arguments: list[str]) -> None:
    outcome = CliRunner().invoke(app, ["certify", "--fast", *arguments])
    assert outcome.exit_code == 2
    assert "There is no" in outcome.output or "there is no" in outcome.output


def test_one_case_from_the_command_line(tmp_path: Path) -> None:
    report, result = tmp_path / "report", tmp_path / "result.json"
    arguments = ["certify", "--fast", "--profile", "behind-sbc"]
    arguments += ["--case", "INB-04", "--case", "CON-07"]
    outcome = CliRunner().invoke(app, [*arguments, "--report", str(report), "--json", str(result)])
    assert outcome.exit_code == 0, outcome.output
    data = json.loads(result.read_text(encoding="utf-8"))
    assert [case["result"] for case in data["cases"]] == ["skipped", "passed"]
    assert "INB-04" in (report / "report.html").read_text(encoding="utf-8")
    assert (report / "logs" / "voice.log").is_file()
