# SPDX-License-Identifier: Apache-2.0
"""Runs the measurements, prints them as a table and writes ``bench/results.json``.

A measurement is a module of `bench` with a function ``measure()`` that returns (or yields)
`Measurement`s, and, if it takes long, a ``PREFIX`` that all its names begin with: then
``--only`` can leave the module out without running it. A module that fails is reported and
does not stop the others.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import bench
from bench.measurement import Measurement, speed_index_ns

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Measurement", "main", "may_match"]

RESULTS = Path(__file__).with_name("results.json")
_WIDTH = 150
_PUBLISHED = ("name", "value", "unit", "floor", "ratio", "goal", "met", "note")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; exit code 1 when a module failed or a run was void."""
    parser = argparse.ArgumentParser(prog="python -m bench.runner", description=__doc__)
    parser.add_argument("--only", default="", metavar="PREFIX", help="names that begin so")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    speed = speed_index_ns()
    console.print(f"Machine's speed index: {speed:.1f} ns per iteration.")
    found: list[Measurement] = []
    failed: list[str] = []
    for module in _modules():
        if may_match(getattr(module, "PREFIX", ""), chosen.only):
            console.print(f"Measuring {module.__name__.removeprefix('bench.')} ...")
            try:
                found += [row for row in module.measure() if row.name.startswith(chosen.only)]
            except Exception:  # noqa: BLE001 - one broken measurement must not hide the others
                traceback.print_exc()
                failed.append(module.__name__)
    found.sort(key=lambda row: row.name)
    console.print(_table(found, f"machine's speed index {speed:.1f} ns"))
    chosen.json.write_text(json.dumps(list(_published(found, speed)), indent=2) + "\n")
    for name in failed:
        console.print(f"Failed: {name}")
    return 1 if failed or not all(row.is_valid for row in found) else 0


def may_match(prefix: str, only: str) -> bool:
    """Tell whether names that begin with `prefix` can be among those that begin with `only`.

    >>> may_match("voice.parse", "voice.")
    True
    >>> may_match("voice.parse", "core.")
    False
    """
    return prefix.startswith(only) or only.startswith(prefix)


def _modules() -> Iterator[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(bench.__path__, "bench."))
    for name in names:
        if name not in {"bench.runner", "bench.measurement"}:
            module = importlib.import_module(name)
            if hasattr(module, "measure"):
                yield module


def _table(rows: Iterable[Measurement], caption: str) -> Table:
    table = Table(*_PUBLISHED, caption=caption)
    table.columns[0].no_wrap = True
    for column in table.columns[1:2] + table.columns[3:6]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row.name,
            _figure(row.value),
            row.unit,
            _figure(row.floor),
            _figure(row.ratio),
            _figure(row.goal),
            _verdict(row),
            row.note,
        )
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 1_000 else f"{value:,.0f}"


def _verdict(row: Measurement) -> str:
    if not row.is_valid:
        return "void"
    return {True: "yes", False: "NO", None: ""}[row.met]


def _published(rows: Iterable[Measurement], speed: float) -> Iterator[dict[str, object]]:
    for row in rows:
        fields = asdict(row)
        yield {
            **{name: fields[name] for name in _PUBLISHED},
            "valid": row.is_valid,
            "speed_index_ns": round(speed, 2),
        }


if __name__ == "__main__":
    sys.exit(main())
