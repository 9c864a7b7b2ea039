# SPDX-License-Identifier: Apache-2.0
"""``centralino staff``: how many agents the calls of an interval or of a day need."""

from __future__ import annotations

import dataclasses
import json as json_format
import math
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from centralino.core.flows.reading import Problem
from centralino.core.kernel.errors import ConfigError, InvalidInput, StorageError
from centralino.core.staffing.load import Fare, Load
from centralino.core.staffing.plan import (
    IntervalNeed,
    PlannedInterval,
    StaffPlan,
    goal_of,
    length_s,
    needs_of,
    read_plan,
    read_table,
    share,
)
from centralino.core.staffing.requirement import Need, fare_with, rostered

_MOST_BYTES = 4 * 1024 * 1024


def staff(  # noqa: PLR0913 - one argument per option
    file: Annotated[
        Path | None, typer.Argument(help="Intervals as CSV (start, calls, handle) or as YAML.")
    ] = None,
    calls: Annotated[float | None, typer.Option(help="Calls in one interval.")] = None,
    interval: Annotated[str, typer.Option(help="Length of an interval: 15m, 30m, 1h.")] = "30m",
    handle: Annotated[str, typer.Option(help="Talk and wrap-up of one call: 240s, 4m.")] = "240s",
    target: Annotated[str, typer.Option(help="Percent / seconds.")] = "80/20",
    patience: Annotated[
        str | None, typer.Option(help="Customers give up after, on average; never if left out.")
    ] = None,
    shrinkage: Annotated[
        str, typer.Option(help="Share of paid time in which people are not at work: 30%.")
    ] = "0",
    occupancy: Annotated[str, typer.Option(help="Agents are busy at most: 85%.")] = "100%",
    agents: Annotated[
        int | None, typer.Option(min=0, help="Say what this many at work achieve instead.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")
    ] = None,
) -> None:
    """Say how many agents a load of calls needs, by Erlang C, or Erlang A with patience."""
    if (file is None) == (calls is None):
        raise ConfigError("--calls, FILE", "give the calls of one interval, or a file of them")
    plan = StaffPlan(
        interval=interval,
        handle=handle,
        target=target,
        patience=patience,
        shrinkage=shrinkage,
        occupancy=occupancy,
        intervals=() if calls is None else (PlannedInterval(start="", calls=calls),),
    )
    if file is not None:
        plan = _read(file, plan)
    try:
        rows = needs_of(plan) if agents is None else _achieved(plan, agents)
    except InvalidInput as error:
        raise ConfigError("staff", error.message) from error
    _show(plan, rows)
    if json is not None:
        report = {"plan": _terms(plan), "intervals": [_row(row) for row in rows]}
        json.write_text(json_format.dumps(report, indent=2) + "\n")


def _achieved(plan: StaffPlan, agents: int) -> tuple[IntervalNeed, ...]:
    """Return how each interval fares with a given number of agents."""
    goal = goal_of(plan.target)
    interval_s = length_s(plan.interval, "interval")
    patience_s = None if plan.patience is None else length_s(plan.patience, "patience")
    rows = []
    for one in plan.intervals:
        handle_s = length_s(plan.handle if one.handle is None else one.handle, "handle")
        if interval_s <= 0:
            raise InvalidInput("interval: it must last longer than 0")
        load = Load(one.calls / interval_s, handle_s)
        fare = fare_with(load, agents, patience_s, goal.threshold_s)
        people = rostered(agents, share(plan.shrinkage, "shrinkage"))
        rows.append(
            IntervalNeed(one.start, one.calls, handle_s, Need(load.erlangs, agents, people, fare))
        )
    return tuple(rows)


def _read(file: Path, asked: StaffPlan) -> StaffPlan:
    """Read a plan, or intervals to which the options apply."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(str(file), error.strerror or str(error)) from error
    if len(raw) > _MOST_BYTES:
        raise StorageError(f"{file}: longer than {_MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(str(file), "this is not text in UTF-8") from None
    if file.suffix.lower() in {".yaml", ".yml"}:
        reading = read_plan(text)
        if reading.document is None:
            _stop(file, reading.problems)
        return reading.document
    table = read_table(text)
    if table.document is None:
        _stop(file, table.problems)
    return msgspec.structs.replace(asked, intervals=table.document)


def _stop(file: Path, problems: tuple[Problem, ...]) -> NoReturn:
    for problem in problems:
        place = f"{file}:{problem.line}" if problem.line else str(file)
        typer.echo(f"{place}: {problem.reason}", err=True)
    raise typer.Exit(2)


def _show(plan: StaffPlan, rows: tuple[IntervalNeed, ...]) -> None:
    model = "Erlang C" if plan.patience is None else f"Erlang A, patience {plan.patience}"
    table = Table(title=f"{model}, target {plan.target}", title_justify="left")
    columns = ("interval", "calls", "Erlang", "agents", "rostered", "service level", "answer")
    for name in (*columns, "abandon", "occupancy"):
        table.add_column(name, justify="left" if name == "interval" else "right")
    for row in rows:
        fare = row.need.fare
        table.add_row(
            row.start or str(plan.interval),
            f"{row.calls:g}",
            f"{row.need.erlangs:.1f}",
            str(row.need.agents),
            str(row.need.rostered),
            _percent(fare.service_level_ratio),
            f"{fare.answer_wait_s:.1f} s" if math.isfinite(fare.answer_wait_s) else "never",
            _percent(fare.abandoned_ratio),
            _percent(fare.occupancy_ratio),
        )
    Console(width=None if Console().is_terminal else 110).print(table)


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f} %"


def _terms(plan: StaffPlan) -> dict[str, object]:
    terms = msgspec.to_builtins(plan)
    del terms["intervals"]
    return {**terms, "service_level": "sl_met_negative_abandon"}


def _row(row: IntervalNeed) -> dict[str, object]:
    return {
        "start": row.start,
        "calls": row.calls,
        "handle_s": row.handle_s,
        "erlangs": row.need.erlangs,
        "agents": row.need.agents,
        "rostered": row.need.rostered,
        **_finite(row.need.fare),
    }


def _finite(fare: Fare) -> dict[str, object]:
    """Return the figures; one without end is ``null``."""
    figures = dataclasses.asdict(fare)
    del figures["servers"]
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
