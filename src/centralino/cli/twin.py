# SPDX-License-Identifier: Apache-2.0
"""``centralino twin``: runs a day through the product's own routing, in no time."""

from __future__ import annotations

import json as json_format
import math
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from centralino.bootstrap.twin.figures import Row
from centralino.bootstrap.twin.loading import load_twin
from centralino.bootstrap.twin.picture import draw
from centralino.bootstrap.twin.report import report_of, time_of_day
from centralino.bootstrap.twin.runs import MOST_REPETITIONS, Order, Outcome, run_twin
from centralino.core.kernel.errors import ConfigError, NotFound
from centralino.core.metrics.confidence import Spread
from centralino.core.metrics.service_level import DEFAULT, service_level

_WIDTH = 120


def twin(  # noqa: PLR0913 - one argument per option
    file: Annotated[Path, typer.Argument(help="A twin as YAML.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same customers.")] = 1,
    replications: Annotated[
        int, typer.Option(min=1, max=MOST_REPETITIONS, help="How often the day is run.")
    ] = 10,
    level: Annotated[str, typer.Option(help="Which service level is meant.")] = DEFAULT.name,
    queue: Annotated[str, typer.Option(help="Show the intervals of this queue.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 is one for each core.")] = 0,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to FILE.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write the day as a picture (SVG) to FILE.")
    ] = None,
) -> None:
    """Run a day of calls through the routing core in virtual time, and its what-ifs beside it."""
    loaded = load_twin(file)
    if loaded.file is None:
        for problem in loaded.problems:
            place = f"{file}:{problem.line}" if problem.line else str(file)
            typer.echo(f"{place}: {problem.reason}", err=True)
        raise typer.Exit(2)
    names = [one.id for one in loaded.file.queues]
    if queue and queue not in names:
        raise ConfigError("--queue", f"there is no queue {queue}; there are: {', '.join(names)}")
    try:
        definition = service_level(level)
    except NotFound as error:
        raise ConfigError("--level", error.message) from error
    order = Order(
        file=loaded.file,
        recording=loaded.recording,
        seed=seed,
        repetitions=replications,
        jobs=jobs,
        definition=definition,
    )
    outcome = _run(order)
    _show(outcome, queue)
    if json is not None:
        json.write_text(json_format.dumps(report_of(outcome), indent=1) + "\n")
    if picture is not None:
        picture.write_text(draw(outcome, queue))


def _run(order: Order) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(order.file.twin, total=1.0)
        return run_twin(order, lambda share: bar.update(task, completed=share))


def _show(outcome: Outcome, queue: str) -> None:
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    console.print(_scenarios(outcome))
    console.print(_queues(outcome))
    console.print(_day(outcome, queue))


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in ("calls", "service level", "gave up", "turned away", "answer", "occupancy"):
        table.add_column(name, justify="right")
    return table


def _cells(row: dict[str, Spread | None]) -> list[str]:
    return [
        _count(row["offered"]),
        _percent(row["service_level"]),
        _percent(row["abandoned_ratio"]),
        _count(row["turned_away"]),
        _seconds(row["answer_wait_s"]),
        _percent(row["occupancy_ratio"]),
    ]


def _scenarios(outcome: Outcome) -> Table:
    order = outcome.order
    runs = f"{order.repetitions} repetitions" if order.repetitions > 1 else "1 repetition"
    table = _table(f"{order.file.twin} ({runs}, seed {order.seed})", "scenario")
    for number, summary in enumerate(outcome.summaries):
        table.add_row(summary.plan.scenario, *_cells(summary.total().figures))
        if number:
            differences = {name: outcome.difference(number, name) for name in _SHOWN}
            table.add_row("  difference", *_cells(differences), style="dim")
    return table


_SHOWN = (
    "offered",
    "service_level",
    "abandoned_ratio",
    "turned_away",
    "answer_wait_s",
    "occupancy_ratio",
)


def _queues(outcome: Outcome) -> Table:
    base = outcome.summaries[0]
    table = _table(f"Queues, {base.plan.scenario}", "queue")
    table.add_column("90 % answered within", justify="right")
    for number, queue in enumerate(base.plan.queues):
        within = _seconds(base.percentiles_s(number)[1])
        table.add_row(queue.id, *_cells(base.queue(number).figures), within)
    return table


def _day(outcome: Outcome, queue: str) -> Table:
    base = outcome.summaries[0]
    row: Row = base.total()
    if queue:
        row = base.queue([str(one.id) for one in base.plan.queues].index(queue))
    table = _table(f"Intervals, {queue or 'all queues'}, {base.plan.scenario}", "from")
    for number, interval in enumerate(row.intervals):
        minute = base.plan.start_minute + round(number * base.plan.interval_s / 60)
        table.add_row(time_of_day(minute), *_cells(interval))
    return table


def _count(spread: Spread | None) -> str:
    return _with_width(spread, 1.0, "", 0)


def _percent(spread: Spread | None) -> str:
    return _with_width(spread, 100.0, " %", 1)


def _seconds(spread: Spread | None) -> str:
    return _with_width(spread, 1.0, " s", 1)


def _with_width(spread: Spread | None, factor: float, unit: str, digits: int) -> str:
    if spread is None:
        return "-"
    text = f"{factor * spread.mean:.{digits}f}"
    if not math.isinf(spread.half_width):
        text += f" ± {factor * spread.half_width:.{digits}f}"
    return text + unit
