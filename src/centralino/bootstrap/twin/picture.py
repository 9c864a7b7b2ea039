# SPDX-License-Identifier: Apache-2.0
"""A twin's runs as one SVG: calls, service level, wait and occupancy over the day.

Four panels below each other share the day as their axis. A line is the mean, the band around
it the confidence interval; every scenario has a colour and a dash of its own, so that they
can be told apart without colour too. Light or dark is the reader's choice
(``prefers-color-scheme``); nothing outside of the file is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from centralino.bootstrap.twin.report import time_of_day

if TYPE_CHECKING:
    from centralino.bootstrap.twin.figures import Summary
    from centralino.bootstrap.twin.runs import Outcome
    from centralino.core.metrics.confidence import Spread

WIDTH = 960
_LEFT, _RIGHT, _TOP = 76, 24, 86
_PANEL, _GAP = 132, 46
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 4")
_MOST_SHOWN = 5
"""Scenarios; more lines than this cannot be told apart."""
_STYLE = """
svg { --ink: #1f2328; --soft: #59636e; --rule: #d1d9e0; --paper: #ffffff;
  --c0: #0b62c4; --c1: #b3440a; --c2: #1a7f37; --c3: #8250df; --c4: #6b5a00; }
@media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --soft: #9aa4b0; --rule: #3d444d;
  --paper: #0d1117; --c0: #6cb2ff; --c1: #ffab70; --c2: #56d364; --c3: #d2a8ff; --c4: #e3c64f; } }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 18px; font-weight: 600; } .soft { fill: var(--soft); font-size: 12px; }
.rule { stroke: var(--rule); stroke-width: 1; }
.goal { stroke: var(--soft); stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 2; } .band { opacity: 0.16; stroke: none; }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the panels."""

    title: str
    figure: str
    is_share: bool
    is_bars: bool = False


PANELS = (
    Panel("Calls in the interval", "offered", is_share=False, is_bars=True),
    Panel("Service level", "service_level", is_share=True),
    Panel("Average wait of those answered, seconds", "answer_wait_s", is_share=False),
    Panel("Occupancy of the agents", "occupancy_ratio", is_share=True),
)


def draw(outcome: Outcome, queue: str = "") -> str:
    """Return the SVG of all queues together, or of one.

    Raises:
        ValueError: there is no such queue.
    """
    height = _TOP + len(PANELS) * (_PANEL + _GAP) - 14
    shown = outcome.summaries[:_MOST_SHOWN]
    rows = [_intervals(summary, queue) for summary in shown]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(outcome.order.file.twin)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" style="fill: var(--paper)"/>',
        _text(_LEFT, 28, _headline(outcome, queue), "title"),
        *_legend(outcome),
    ]
    goal = _goal(shown[0], queue)
    for number, panel in enumerate(PANELS):
        top = _TOP + number * (_PANEL + _GAP)
        series = [[row[panel.figure] for row in intervals] for intervals in rows]
        frame = _Frame(top, _ceiling(series, panel), len(rows[0]))
        parts += [_text(_LEFT, top - 8, panel.title), *_axes(frame, panel, shown[0])]
        if goal is not None and panel.figure == "service_level":
            y = frame.y(goal)
            parts.append(
                f'<line class="goal" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
            )
        for rank, values in enumerate(series):
            parts += _bars(frame, values) if panel.is_bars and not rank else ()
            parts += () if panel.is_bars else _curve(frame, values, rank)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a panel lies and what its height means."""

    top: int
    ceiling: float
    count: int

    def x(self, position: float) -> float:
        """Return the place of a position, counted in intervals."""
        return round(_LEFT + position * (WIDTH - _LEFT - _RIGHT) / self.count, 1)

    def y(self, value: float) -> float:
        """Return the height of a value."""
        share = min(max(value / self.ceiling, 0.0), 1.0)
        return round(self.top + _PANEL * (1.0 - share), 1)


def _intervals(summary: Summary, queue: str) -> tuple[dict[str, Spread | None], ...]:
    if not queue:
        return summary.total().intervals
    names = [one.id for one in summary.plan.queues]
    return summary.queue([str(name) for name in names].index(queue)).intervals


def _goal(summary: Summary, queue: str) -> float | None:
    """Return the target, where all the queues that are shown have the same."""
    goals = {one.goal_ratio for one in summary.plan.queues if not queue or one.id == queue}
    return goals.pop() if len(goals) == 1 else None


def _headline(outcome: Outcome, queue: str) -> str:
    return f"{outcome.order.file.twin}: {queue}" if queue else outcome.order.file.twin


def _legend(outcome: Outcome) -> list[str]:
    order = outcome.order
    runs = "1 repetition" if order.repetitions == 1 else f"{order.repetitions} repetitions"
    words = f"{runs}, seed {order.seed}"
    if order.repetitions > 1:
        words += f", bands {100 * order.confidence:g} % confidence"
    parts, x = [_text(WIDTH - _RIGHT, 28, words, "soft", "end")], _LEFT
    for rank, summary in enumerate(outcome.summaries[:_MOST_SHOWN]):
        name = summary.plan.scenario
        parts.append(
            f'<line class="line" x1="{x}" x2="{x + 26}" y1="46" y2="46" '
            f'style="stroke: var(--c{rank})" stroke-dasharray="{_DASHES[rank]}"/>'
        )
        parts.append(_text(x + 32, 50, name))
        x += 52 + round(7.2 * len(name))
    return parts


def _axes(frame: _Frame, panel: Panel, summary: Summary) -> list[str]:
    parts = []
    for value in _steps(frame.ceiling):
        y = frame.y(value)
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        label = f"{100 * value:.0f} %" if panel.is_share else f"{value:g}"
        parts.append(_text(_LEFT - 8, y + 4, label, "soft", "end"))
    plan = summary.plan
    every = max(1, math.ceil(frame.count / 12))
    for number in range(0, frame.count + 1, every):
        minute = plan.start_minute + round(number * plan.interval_s / 60)
        x, y = frame.x(number), frame.top + _PANEL
        parts.append(f'<line class="rule" x1="{x}" x2="{x}" y1="{y}" y2="{y + 4}"/>')
        parts.append(_text(x, y + 17, time_of_day(minute), "soft", "middle"))
    return parts


def _bars(frame: _Frame, values: Sequence[Spread | None]) -> list[str]:
    parts = []
    for number, spread in enumerate(values):
        if spread is not None:
            x, y = frame.x(number + 0.08), frame.y(spread.mean)
            width = round(frame.x(number + 0.92) - x, 1)
            height = round(frame.top + _PANEL - y, 1)
            parts.append(
                f'<rect x="{x}" y="{y}" width="{width}" height="{height}" '
                'style="fill: var(--c0)" opacity="0.75"/>'
            )
    return parts


def _curve(frame: _Frame, values: Sequence[Spread | None], rank: int) -> list[str]:
    """Draw the means as a line with gaps where there is nothing, and the band around it."""
    parts = []
    for run in _unbroken(values):
        upper = _points(frame, run, lambda spread: spread.high)
        lower = _points(frame, run, lambda spread: spread.low)
        if not math.isinf(run[0][1].half_width):
            corners = " ".join([*upper, *reversed(lower)])
            parts.append(f'<polygon class="band" points="{corners}" style="fill: var(--c{rank})"/>')
        line = " ".join(_points(frame, run, lambda spread: spread.mean))
        parts.append(
            f'<polyline class="line" points="{line}" style="stroke: var(--c{rank})" '
            f'stroke-dasharray="{_DASHES[rank]}"/>'
        )
    return parts


_Run = list[tuple[int, "Spread"]]


def _unbroken(values: Sequence[Spread | None]) -> list[_Run]:
    runs: list[_Run] = []
    before = None
    for number, spread in enumerate(values):
        if spread is not None:
            if before is None:
                runs.append([])
            runs[-1].append((number, spread))
        before = spread
    return runs


def _points(frame: _Frame, run: _Run, value: Callable[[Spread], float]) -> list[str]:
    return [f"{frame.x(number + 0.5)},{frame.y(value(spread))}" for number, spread in run]


def _ceiling(series: Sequence[Sequence[Spread | None]], panel: Panel) -> float:
    if panel.is_share:
        return 1.0
    highest = max(
        (
            spread.mean if math.isinf(spread.half_width) else spread.high
            for values in series
            for spread in values
            if spread is not None
        ),
        default=1.0,
    )
    return _steps(max(highest, 1e-9))[-1]


def _steps(highest: float) -> list[float]:
    """Return round values from 0 to at least ``highest``."""
    rough = highest / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.9999)
    return [round(number * step, 10) for number in range(math.ceil(highest / step - 1e-6) + 1)]


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}>{escape(words)}</text>'
