# SPDX-License-Identifier: Apache-2.0
"""``centralino demo``: the live picture, or lines of text when headless."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.live import Live

from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.judge import DemoSummary, judge_audio
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.bootstrap.demo.run import DemoRun, DemoView
from centralino.bootstrap.demo.wiring import DemoPlan, Ports, status_page_url
from centralino.bootstrap.layout import Layout
from centralino.cli.picture import draw
from centralino.core.kernel.instant import SECOND
from centralino.exchange.summary import CallStory

PLANTED_PATIENCE_MS = 12_000
"""A caller who hears nobody need not wait longer for the check to fail."""
_NUMBERS = {person.id: person.number for person in company.PEOPLE}
_NAMES = {person.id: person.name for person in company.PEOPLE}


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for on the command line."""

    is_headless: bool
    seconds: float | None
    seed: int
    json_file: Path | None
    data_dir: Path
    plant: str


def run(options: DemoOptions) -> int:
    """Run the demo; return the exit code."""
    if options.json_file is not None:
        options.json_file.touch()  # a result that cannot be kept is told before the run
    console = Console(highlight=False, soft_wrap=options.is_headless)
    plan = DemoPlan(seed=options.seed, seconds=options.seconds, plant=options.plant)
    if options.plant:
        plan = replace(plan, patience_ms=PLANTED_PATIENCE_MS)
    if options.is_headless:
        summary = _run_headless(console, plan, options.data_dir)
    else:
        summary = _run_live(console, plan, options.data_dir)
    text = json.dumps(summary.to_json())
    if options.json_file is not None:
        options.json_file.write_text(text + "\n", encoding="utf-8")
    print(text)
    if options.seconds is None:
        return 0
    return 0 if summary.is_good else 1


def _run_headless(console: Console, plan: DemoPlan, data_dir: Path) -> DemoSummary:
    def say_ready(ports: Ports, layout: Layout) -> None:
        for line in how_to_call(ports, layout):
            console.print(line)

    view = DemoView(
        on_news=lambda news: console.print(f"  {news}"),
        on_ready=say_ready,
        on_ended=lambda story, hearing: console.print(describe(story, hearing)),
    )
    return asyncio.run(DemoRun(plan, data_dir, view).main())


def _run_live(console: Console, plan: DemoPlan, data_dir: Path) -> DemoSummary:
    news: list[str] = []
    header: list[str] = ["Starting Aurora Outdoor ..."]

    def say_ready(ports: Ports, layout: Layout) -> None:
        header[:] = how_to_call(ports, layout)

    with Live(console=console, screen=True, refresh_per_second=4) as live:

        def refresh(projection: LiveProjection, hearing: Hearing) -> None:
            live.update(draw(header, projection, hearing, news))

        view = DemoView(on_news=news.append, on_ready=say_ready, on_refresh=refresh)
        summary = asyncio.run(DemoRun(plan, data_dir, view).main())
    for line in header:
        console.print(line)
    return summary


def how_to_call(ports: Ports, layout: Layout) -> list[str]:
    """Return what the demo says about itself."""
    lines = [
        "Aurora Outdoor is open. Call in with any softphone on this machine:",
        f"  sip:{company.NUMBER}@127.0.0.1:{ports.sip}  (no registration; 1 sales, 2 support)",
        f"Status page: {status_page_url(layout)}",
        f"Journal, recordings and logs: {layout.data_dir}",
    ]
    if ports.moved:
        moved = ", ".join(f"{name} {taken}" for name, (_, taken) in ports.moved.items())
        lines.append(f"The usual ports are taken, others are used: {moved}.")
    return lines


def describe(story: CallStory, hearing: Hearing) -> str:
    """Return one line about a call that is over."""
    who = f"{story.caller_number or 'anonymous'}"
    if story.agent is None:
        ended_at = story.ended_at or story.arrived_at
        waited_s = (ended_at - story.arrived_at) / SECOND
        return f"- {who} left after {waited_s:.1f} s ({story.outcome})"
    waited_s = ((story.answered_at or story.arrived_at) - story.arrived_at) / SECOND
    talked_s = ((story.released_at or 0) - (story.answered_at or 0)) / SECOND
    verdict = judge_audio(story, hearing, _NUMBERS)
    if not verdict.is_checked:
        heard = "audio not checked"
    else:
        heard = "heard both ways" if verdict.is_both_ways else "NOT heard both ways"
    missed = f", {story.missed} missed before" if story.missed else ""
    return (
        f"- {who} pressed for {story.queue}, reached {_NAMES[story.agent]} after "
        f"{waited_s:.1f} s{missed}, talked {talked_s:.1f} s, {heard}"
    )
