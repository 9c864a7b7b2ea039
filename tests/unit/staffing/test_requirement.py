# SPDX-License-Identifier: Apache-2.0
"""What intervals need: the fewest agents, plans as people write them, the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from centralino.cli.main import app
from centralino.core.kernel.errors import AppError, ConfigError, InvalidInput
from centralino.core.staffing.load import Load
from centralino.core.staffing.plan import needs_of, read_plan, read_table
from centralino.core.staffing.requirement import Goal, fare_with, need, rostered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

_PLAN = """
interval: 30m
handle: 4m
target: 80/20
patience: 3m
shrinkage: 30 %
intervals:
  - start: "09:00"
    calls: 120
  - start: "09:30"
    calls: 180
    handle: 5m
  - start: "10:00"
    calls: 0
"""


@pytest.mark.parametrize("patience_s", [None, 60.0])
@pytest.mark.parametrize("erlangs", [0.3, 5.0, 84.0, 3000.0])
@pytest.mark.parametrize("goal", [Goal(), Goal(0.95, 5.0), Goal(0.5, 0.0), Goal(0.8, 20.0, 0.7)])
def test_one_agent_less_misses_the_goal(
    erlangs: float, patience_s: float | None, goal: Goal
) -> None:
    load = Load(erlangs / 240, 240)
    found = need(load, goal, patience_s)
    assert found.fare.service_level_ratio >= goal.level_ratio
    assert found.fare.occupancy_ratio <= goal.most_occupancy_ratio + 1e-9
    less = fare_with(load, found.agents - 1, patience_s, goal.threshold_s)
    is_stable = patience_s is not None or found.agents - 1 > erlangs
    is_calm = less.occupancy_ratio <= goal.most_occupancy_ratio + 1e-9
    assert not (is_stable and is_calm and less.service_level_ratio >= goal.level_ratio)


def test_nobody_is_needed_where_nobody_calls() -> None:
    assert need(Load(0.0, 240), Goal()).agents == 0


def test_more_than_a_city_is_a_slip() -> None:
    with pytest.raises(InvalidInput, match="handling time in seconds"):
        need(Load(1e6, 240), Goal())


def test_people_are_planned_for_their_absence_too() -> None:
    assert [rostered(agents, 0.3) for agents in (0, 7, 8)] == [0, 10, 12]
    assert rostered(5, 0.0) == 5
    with pytest.raises(InvalidInput, match="shrinkage"):
        rostered(5, 1.0)


def test_a_plan_is_read_and_answered() -> None:
    reading = read_plan(_PLAN)
    assert reading.document is not None
    rows = needs_of(reading.document)
    assert [row.handle_s for row in rows] == [240, 300, 240]
    assert [row.need.erlangs for row in rows] == [16, 30, 0]
    assert [row.need.agents for row in rows] == [19, 33, 0]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("handle: 4m", "handle: soon", 3, "'soon' is no length"),
        ("target: 80/20", "target: fast", 4, "'fast' is no target"),
        ("target: 80/20", "target: 100/20", 4, "less than 100 %"),
        ("patience: 3m", "patience: -1", 5, "no length"),
        ("shrinkage: 30 %", "shrinkage: 130 %", 6, "no share"),
        ("calls: 120", "calls: -1", 9, "at least 0"),
        ("    handle: 5m", "    handle: 5d", 12, "no length"),
        ("interval: 30m", "intervall: 30m", 2, "intervall"),
    ],
)
def test_a_mistake_in_a_plan_is_named_with_its_line(
    old: str, new: str, line: int, words: str
) -> None:
    reading = read_plan(_PLAN.replace(old, new, 1))
    assert reading.document is None
    assert any(one.line == line and words in one.reason for one in reading.problems)


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        ("start,handle\n9,3m\n", 1, "'calls' is missing"),
        ("start,calls,color\n9,1,red\n", 1, "no column 'color'"),
        ("start,calls\n9,1\n10,many\n", 3, "'many' is not a number"),
        ("start,calls\n9,-1\n", 2, "less than 0"),
        ("start,calls\n9\n", 2, "as many fields"),
        ("start,calls,handle\n9,1,long\n", 2, "no length"),
        ("start,calls\n", 0, "no intervals"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(table: str, line: int, words: str) -> None:
    (problem,) = read_table(table).problems
    assert problem.line == line
    assert words in problem.reason


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    plan, report = tmp_path / "day.csv", tmp_path / "needs.json"
    plan.write_text("start, calls, handle\n09:00, 100, 3m\n10:00, 140,\n")
    words = ["staff", str(plan), "--interval", "1h", "--handle", "4m", "--json", str(report)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0
    assert "Erlang C" in result.stdout
    rows = json.loads(report.read_text())["intervals"]
    assert [(row["start"], row["agents"]) for row in rows] == [("09:00", 8), ("10:00", 13)]
    assert rows[0]["service_level_ratio"] == pytest.approx(0.88022, abs=1e-4)


def test_the_command_says_what_given_agents_achieve(tmp_path: Path) -> None:
    report = tmp_path / "fare.json"
    words = ["staff", "--calls", "100", "--interval", "1h", "--handle", "180", "--json"]
    result = CliRunner().invoke(app, [*words, str(report), "--agents", "5"])
    assert result.exit_code == 0
    assert "never" in result.stdout
    (row,) = json.loads(report.read_text())["intervals"]
    assert row["answer_wait_s"] is None
    CliRunner().invoke(app, [*words, str(report), "--agents", "6"])
    (row,) = json.loads(report.read_text())["intervals"]
    assert row["service_level_ratio"] == pytest.approx(0.47426718, rel=1e-6)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give the calls"),
        (["--calls", "10", "--target", "soon"], "no target"),
        (["--calls", "10", "--shrinkage", "100%"], "shrinkage"),
        (["--calls", "10", "--interval", "0"], "longer than 0"),
        (["nowhere.csv"], "nowhere.csv"),
    ],
)
def test_the_command_names_what_is_wrong(words: list[str], complaint: str) -> None:
    result = CliRunner().invoke(app, ["staff", *words])
    assert isinstance(result.exception, ConfigError)
    assert complaint in result.exception.message


def test_the_command_points_at_the_lines_of_a_broken_file(tmp_path: Path) -> None:
    plan = tmp_path / "day.csv"
    plan.write_bytes(b"start,calls\n09:00,x\n")
    result = CliRunner().invoke(app, ["staff", str(plan)])
    assert result.exit_code == 2
    assert f"{plan}:2: calls" in result.stderr
    plan.write_bytes(b"\xff\xfe\x00")
    result = CliRunner().invoke(app, ["staff", str(plan)])
    assert isinstance(result.exception, AppError)
    assert "UTF-8" in result.exception.message
