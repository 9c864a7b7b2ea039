# SPDX-License-Identifier: Apache-2.0
"""A plan of intervals as people write it, and what it needs.

YAML with lengths as ``30s``, ``4m``, ``1h`` or plain seconds and shares as ``30 %`` or 0.3;
or a table with the columns ``start``, ``calls`` and, if it varies, ``handle``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from centralino.core.flows.reading import Marks, Problem, Reading, convert, read_tree
from centralino.core.kernel.errors import InvalidInput
from centralino.core.staffing.load import Load
from centralino.core.staffing.requirement import Goal, Need, need

MOST_INTERVALS = 10_000
_LENGTH = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*(s|m|min|h)?\s*$")
_SHARE = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*(%)?\s*$")
_TARGET = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*%?\s*/\s*(\S+)\s*$")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share."""


class PlannedInterval(_Part, frozen=True, kw_only=True):
    """One interval of the plan."""

    start: Annotated[str, msgspec.Meta(max_length=40)]
    """A name for it, usually its time."""
    calls: Annotated[float, msgspec.Meta(ge=0)]
    """Expected in it."""
    handle: str | float | None = None
    """Its own handling time."""


class StaffPlan(_Part, frozen=True, kw_only=True):
    """The whole document."""

    interval: str | float = "30m"
    """Length of each interval."""
    handle: str | float = "240s"
    """Talk and wrap-up of one call on average."""
    target: str = "80/20"
    """Percent / seconds."""
    patience: str | float | None = None
    """After how long customers give up on average; never when left out."""
    shrinkage: str | float = 0.0
    occupancy: str | float = 1.0
    """Agents are busy at most so much of their time."""
    intervals: Annotated[
        tuple[PlannedInterval, ...], msgspec.Meta(min_length=1, max_length=MOST_INTERVALS)
    ]


@dataclass(frozen=True, slots=True)
class IntervalNeed:
    """What one interval needs."""

    start: str
    calls: float
    handle_s: float
    need: Need


def length_s(value: str | float, path: str) -> float:
    """Return seconds from ``90``, ``"90s"``, ``"1.5m"`` or ``"1h"``.

    >>> length_s("4m", "handle")
    240.0

    Raises:
        InvalidInput: it is no length.
    """
    found = _LENGTH.match(str(value))
    if found is None:
        raise InvalidInput(
            f"{path}: {value!r} is no length; write 90s, 4m or 1h", details={"path": path}
        )
    return float(found[1]) * _SECONDS[found[2] or ""]


def share(value: str | float, path: str) -> float:
    """Return a ratio from ``0.3``, ``"30 %"`` or ``"0.3"``.

    >>> share("30 %", "shrinkage")
    0.3

    Raises:
        InvalidInput: it is no share.
    """
    found = _SHARE.match(str(value))
    ratio = -1.0 if found is None else float(found[1]) / (100.0 if found[2] else 1.0)
    if not 0.0 <= ratio <= 1.0:
        raise InvalidInput(
            f"{path}: {value!r} is no share; write 30% or 0.3", details={"path": path}
        )
    return ratio


def goal_of(target: str, occupancy: str | float = 1.0) -> Goal:
    """Return a goal from ``80/20``: percent within seconds.

    >>> goal_of("80/20").level_ratio
    0.8

    Raises:
        InvalidInput: it is no target.
    """
    found = _TARGET.match(target)
    if found is None:
        raise InvalidInput(
            f"target: {target!r} is no target; write 80/20 for 80 % within 20 seconds",
            details={"path": "target"},
        )
    return Goal(
        level_ratio=float(found[1]) / 100,
        threshold_s=length_s(found[2], "target"),
        most_occupancy_ratio=share(occupancy, "occupancy"),
    )


def needs_of(plan: StaffPlan) -> tuple[IntervalNeed, ...]:
    """Return what each interval of a plan needs.

    Raises:
        InvalidInput: a figure is out of range; ``details['path']`` names it.
    """
    goal = goal_of(plan.target, plan.occupancy)
    interval_s = length_s(plan.interval, "interval")
    patience_s = None if plan.patience is None else length_s(plan.patience, "patience")
    shrinkage_ratio = share(plan.shrinkage, "shrinkage")
    if interval_s <= 0:
        raise InvalidInput("interval: it must last longer than 0", details={"path": "interval"})
    found = []
    for one in plan.intervals:
        handle_s = length_s(plan.handle if one.handle is None else one.handle, "handle")
        load = Load(one.calls / interval_s, handle_s)
        needed = need(load, goal, patience_s, shrinkage_ratio)
        found.append(IntervalNeed(one.start, one.calls, handle_s, needed))
    return tuple(found)


def read_plan(text: str) -> Reading[StaffPlan]:
    """Read a plan from YAML; every problem comes with its line."""
    reading = convert(read_tree(text), StaffPlan)
    if reading.document is None:
        return reading
    found = sorted(_problems(reading.document, reading.marks))
    return Reading(None if found else reading.document, reading.marks, tuple(found))


def read_table(text: str) -> Reading[tuple[PlannedInterval, ...]]:
    """Read intervals from CSV with the columns ``start``, ``calls`` and perhaps ``handle``."""
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    columns = rows.fieldnames or ()
    missing = [name for name in ("start", "calls") if name not in columns]
    strange = [name for name in columns if name not in {"start", "calls", "handle"}]
    problems = [Problem(1, "", f"the column {name!r} is missing") for name in missing]
    problems += [Problem(1, "", f"there is no column {name!r}") for name in strange]
    intervals = []
    for row in rows if not problems else ():
        try:
            intervals.append(_interval_of(row))
        except InvalidInput as error:
            problems.append(Problem(rows.line_num, "", error.message))
        if len(intervals) > MOST_INTERVALS:
            problems.append(Problem(rows.line_num, "", f"more than {MOST_INTERVALS} intervals"))
            break
    if not problems and not intervals:
        problems.append(Problem(0, "", "there are no intervals"))
    return Reading(None if problems else tuple(intervals), Marks(), tuple(problems))


def _interval_of(row: dict[str, str]) -> PlannedInterval:
    if None in row or None in row.values():
        raise InvalidInput("the line has not as many fields as the first one")
    try:
        calls = float(row["calls"])
    except ValueError:
        raise InvalidInput(f"calls: {row['calls']!r} is not a number") from None
    handle = row.get("handle", "").strip() or None
    Load(calls, 1.0)
    if handle is not None:
        length_s(handle, "handle")
    return PlannedInterval(start=row["start"], calls=calls, handle=handle)


def _problems(plan: StaffPlan, marks: Marks) -> list[Problem]:
    """Return what the types of the document do not say."""
    found: list[Problem] = []

    def check(call: Callable[..., object], *values: object, path: tuple[str, ...]) -> None:
        try:
            call(*values)
        except InvalidInput as error:
            found.append(Problem(marks.line(*path), "", error.message))

    check(goal_of, plan.target, path=("target",))
    for name in ("occupancy", "shrinkage"):
        check(share, getattr(plan, name), name, path=(name,))
    for name in ("interval", "handle", "patience"):
        if getattr(plan, name) is not None:
            check(length_s, getattr(plan, name), name, path=(name,))
    for number, one in enumerate(plan.intervals):
        if one.handle is not None:
            check(length_s, one.handle, "handle", path=("intervals", str(number), "handle"))
    return found
