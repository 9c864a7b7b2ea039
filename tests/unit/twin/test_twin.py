# SPDX-License-Identifier: Apache-2.0
"""The twin: its document, its figures, its picture, and that a seed gives the same to the bit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec
import pytest
from typer.testing import CliRunner

from centralino.bootstrap.twin.day import Day, Fate
from centralino.bootstrap.twin.document import TwinFile, read_twin, with_scenario
from centralino.bootstrap.twin.draws import customers_of
from centralino.bootstrap.twin.figures import spread_over
from centralino.bootstrap.twin.loading import load_twin
from centralino.bootstrap.twin.picture import draw
from centralino.bootstrap.twin.plan import plan_of
from centralino.bootstrap.twin.report import report_of
from centralino.bootstrap.twin.runs import Order, run_twin
from centralino.cli.main import app
from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "twin"
_TWIN = """
twin: Two desks
start: "09:00"
interval: 30m
queues:
  - id: sales
    calls: [20, 30]
    handle: {mean: 3m, sigma: 0.5}
    wrap_up: 20s
    patience: [{share: 60 %, mean: 3m}, {share: 40 %, mean: 20s}]
    retry: {share: 50 %, after: 2m}
  - id: help
    calls: [10, 10]
    handle: {mean: 5m, law: exponential}
    most_waiting: 1
    skills: {help: 2}
agents:
  - {name: front, count: 2, queues: [sales], answer: 3s, misses: 10 %}
  - {count: 1, queues: [sales, help], skills: {help: 3}, begin: "09:10", end: "09:50"}
scenarios:
  - {name: more, change: {agents.front.count: 3, queues.sales.calls.1: 10}}
"""
_RECORDED = (
    _TWIN.replace("    calls: [20, 30]\n", "")
    .replace("    calls: [10, 10]\n", "")
    .replace(", queues.sales.calls.1: 10", "")
    + "recorded: {file: calls.csv}\n"
)


def _file(text: str = _TWIN) -> TwinFile:
    reading = read_twin(text)
    assert reading.document is not None, reading.problems
    return reading.document


def _order(**changes: object) -> Order:
    values: Mapping[str, object] = {"file": _file(), "repetitions": 3, "jobs": 1, **changes}
    return Order(**values)  # type: ignore[arg-type]  # the test's own words


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('start: "09:00"', "start: nine", 3, "'nine' is no time of day"),
        ("interval: 30m", "interval: 0", 4, "longer than 0"),
        ("calls: [20, 30]", "calls: [20]", 5, "not equally many intervals"),
        ("id: help\n", "id: sales\n", 12, "sales is there twice"),
        ("share: 60 %", "share: 50 %", 10, "sum up to 90 %"),
        ("mean: 20s", "mean: -3", 10, "no length"),
        ("queues: [sales, help]", "queues: [sale]", 19, "no queue sale"),
        ("misses: 10 %", "misses: often", 18, "no share"),
        ('begin: "09:10"', "begin: 9.10", 19, "begin"),
        ("agents.front.count: 3", "agents.back.count: 3", 21, "there is no back"),
        ("agents.front.count: 3", "agents.front.count: -3", 21, "at least 0"),
        ("agents.front.count: 3", "agents.front.queues: [x]", 21, "no queue x"),
        ("wrap_up: 20s", "wrapup: 20s", 9, "wrapup"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, line: int, words: str) -> None:
    assert old in _TWIN
    reading = read_twin(_TWIN.replace(old, new, 1))
    assert reading.document is None
    found = [(problem.line, problem.reason) for problem in reading.problems]
    assert any(one[0] == line and words in one[1] for one in found), found


def test_the_same_seed_gives_the_same_over_one_process_and_two() -> None:
    alone = report_of(run_twin(_order()))
    assert report_of(run_twin(_order(jobs=2))) == alone
    assert report_of(run_twin(_order())) == alone
    assert report_of(run_twin(_order(seed=2))) != alone


def test_every_call_ends_in_one_way_and_all_balance() -> None:
    plan = plan_of(_file())
    record = Day(plan, customers_of(plan, 1, 0), 1, 0).run()
    fates = [Fate(one) for one in record.fate]
    assert {Fate.ANSWERED, Fate.ABANDONED, Fate.TURNED_AWAY} <= set(fates)
    for number, fate in enumerate(fates):
        assert (record.ended_ns[number] >= 0) == (fate is Fate.ANSWERED)
        assert (record.agent[number] != "") == (fate is Fate.ANSWERED)
        assert (record.waited_ns[number] >= 0) == (fate in {Fate.ANSWERED, Fate.ABANDONED})


def test_nobody_works_outside_his_shift_but_to_finish() -> None:
    plan = plan_of(_file())
    record = Day(plan, customers_of(plan, 1, 0), 1, 0).run()
    mine = [n for n, agent in enumerate(record.agent) if agent.startswith("agent-1-")]
    begins = [record.at_ns[n] + record.waited_ns[n] for n in mine]
    assert mine
    assert min(begins) >= 600 * SECOND
    assert max(begins) <= 3000 * SECOND


def test_nobody_has_two_conversations_at_once() -> None:
    plan = plan_of(_file())
    record = Day(plan, customers_of(plan, 1, 0), 1, 0).run()
    spans: dict[str, list[tuple[int, int]]] = {}
    for number, agent in enumerate(record.agent):
        begin = record.at_ns[number] + record.waited_ns[number]
        spans.setdefault(agent, []).append((begin, record.ended_ns[number]))
    del spans[""]
    for busy in spans.values():
        busy.sort()
        assert all(one[1] <= two[0] for one, two in itertools.pairwise(busy))


def test_work_is_booked_where_it_was_done() -> None:
    import numpy as np

    plan = plan_of(_file())
    busy = spread_over(plan, np.asarray([0.0, 1700.0]), np.asarray([60.0, 2000.0]))
    assert busy.tolist() == [160.0, 200.0]


def test_a_scenario_meets_the_same_customers() -> None:
    changed = with_scenario(_file(), _file().scenarios[0])
    assert changed.agents[0].count == 3
    assert [queue.calls for queue in changed.queues] == [(20.0, 10.0), (10.0, 10.0)]
    base, other = (customers_of(plan_of(one), 1, 0) for one in (_file(), changed))
    mine = [base.handle_ns[n] for n in range(len(base)) if base.queue[n] == 1]
    theirs = [other.handle_ns[n] for n in range(len(other)) if other.queue[n] == 1]
    assert mine == theirs


def test_a_difference_is_surer_than_its_two_sides() -> None:
    outcome = run_twin(_order(repetitions=8))
    difference = outcome.difference(1, "occupancy_ratio")
    sides = [summary.total().figures["occupancy_ratio"] for summary in outcome.summaries]
    assert difference is not None
    assert all(side is not None and difference.half_width < 2 * side.half_width for side in sides)


def test_a_recorded_table_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("at,queue,handle\n0,help,60\n00:00:30,help,\n90,sales,10\n")
    (tmp_path / "twin.yaml").write_text(_RECORDED)
    loaded = load_twin(tmp_path / "twin.yaml")
    assert loaded.file is not None, loaded.problems
    plan = plan_of(loaded.file, recording=loaded.recording)
    customers = customers_of(plan, 1, 0)
    assert customers.at_ns == [0, 30 * SECOND, 90 * SECOND]
    assert (customers.handle_ns[0], customers.handle_ns[2]) == (60 * SECOND, 10 * SECOND)
    assert customers.handle_ns[1] != 60 * SECOND


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("at\n1\n", "line 1: the column 'queue'"),
        ("at,queue,mood\n1,help,x\n", "no column 'mood'"),
        ("at,queue\nnoon,help\n", "line 2"),
        ("at,queue,handle\n1,help,-5\n", "line 2: '-5' is no length"),
        ("at,queue\n", "no calls"),
    ],
)
def test_a_broken_recording_is_named(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "calls.csv").write_text(table)
    (tmp_path / "twin.yaml").write_text(_RECORDED)
    (problem,) = load_twin(tmp_path / "twin.yaml").problems
    assert problem.line == _RECORDED.count("\n")
    assert words in problem.reason


def test_the_picture_is_a_drawing_with_a_curve_for_each_scenario() -> None:
    outcome = run_twin(_order())
    for queue in ("", "help"):
        root = ElementTree.fromstring(draw(outcome, queue))  # noqa: S314 - our own drawing
        names = [element.tag.rpartition("}")[2] for element in root.iter()]
        assert names.count("polyline") >= 6
        assert names.count("rect") == 1 + 2
        words = {element.text for element in root.iter() if element.tag.endswith("text")}
        assert {"09:00", "09:30", "Service level", "more"} <= words


@pytest.mark.parametrize("name", ["shop.yaml", "large-day.yaml"])
def test_the_examples_run(name: str) -> None:
    loaded = load_twin(EXAMPLES / name)
    assert loaded.file is not None, loaded.problems
    queues = tuple(
        msgspec.structs.replace(queue, calls=tuple(calls / 50 for calls in queue.calls))
        if name == "large-day.yaml"
        else queue
        for queue in loaded.file.queues
    )
    file = msgspec.structs.replace(loaded.file, queues=queues, scenarios=())
    row = run_twin(Order(file=file, repetitions=1, jobs=1)).summaries[0].total().figures
    assert row["offered"] is not None
    assert row["offered"].mean > 150
    assert row["service_level"] is not None
    assert row["service_level"].mean > 0.5


def test_the_large_day_has_a_hundred_thousand_calls() -> None:
    loaded = load_twin(EXAMPLES / "large-day.yaml")
    assert loaded.file is not None
    total = sum(sum(queue.calls) for queue in loaded.file.queues)
    assert total == pytest.approx(100_000, rel=0.01)


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    twin, report, picture = (tmp_path / name for name in ("t.yaml", "r.json", "p.svg"))
    twin.write_text(_TWIN)
    words = ["twin", str(twin), "--replications", "2", "--jobs", "1", "--json", str(report)]
    result = CliRunner().invoke(app, [*words, "--picture", str(picture), "--queue", "help"])
    assert result.exit_code == 0, result.output
    assert "difference" in result.stdout
    found = json.loads(report.read_text())
    assert found["service_level"] == {"name": "sl_met_negative_abandon", "version": 1}
    assert [one["name"] for one in found["scenarios"]] == ["as it is", "more"]
    assert picture.read_text().startswith("<svg")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    twin = tmp_path / "t.yaml"
    twin.write_text(_TWIN.replace("interval: 30m", "interval: later"))
    result = CliRunner().invoke(app, ["twin", str(twin)])
    assert result.exit_code == 2
    assert f"{twin}:4: interval" in result.stderr
    twin.write_text(_TWIN)
    for words, complaint in ((["--queue", "x"], "no queue x"), (["--level", "x"], "no service")):
        result = CliRunner().invoke(app, ["twin", str(twin), *words])
        assert isinstance(result.exception, ConfigError)
        assert complaint in result.exception.message
    result = CliRunner().invoke(app, ["twin", str(tmp_path / "gone.yaml")])
    assert isinstance(result.exception, ConfigError)
