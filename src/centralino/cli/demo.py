# SPDX-License-Identifier: Apache-2.0
"""``centralino demo``: the live picture, or lines of text when headless."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.identity import SILVIA
from centralino.bootstrap.demo.judge import DemoSummary, is_given_up, judge_audio
from centralino.bootstrap.demo.ladder import MessageLog
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.bootstrap.demo.run import DemoRun, DemoView
from centralino.bootstrap.demo.wiring import DemoPlan, Ports, status_page_url
from centralino.bootstrap.layout import Layout
from centralino.cli.keys import keys_of_terminal
from centralino.cli.picture import LadderPicture, draw
from centralino.core.kernel.instant import SECOND
from centralino.exchange.summary import CallStory

PLANTED_PATIENCE_MS = 12_000
"""A caller who hears nobody need not wait longer for the check to fail."""
_NUMBERS = {person.id: person.number for person in company.AGENTS}
_NAMES = {person.id: person.name for person in company.AGENTS}
_BY_TONE = {person.tone_hz: person.name for person in company.PARTIES}


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
        plan = replace(plan, most_patience_ms=PLANTED_PATIENCE_MS)
    if options.is_headless:
        summary = _run_headless(console, plan, options.data_dir)
    else:
        summary = _run_live(console, plan, options.data_dir)
    text = json.dumps(summary.to_json())
    if options.json_file is not None:
        options.json_file.write_text(text + "\n", encoding="utf-8")
    print(text)
    if options.seconds is None:
        if summary.counts.lost:
            print(f"Calls in progress when you stopped it count as lost: {summary.counts.lost}.")
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
    screen = Screen()
    with (
        keys_of_terminal(screen.press) as listen,
        Live(console=console, screen=True, refresh_per_second=4) as live,
    ):

        def refresh(projection: LiveProjection, hearing: Hearing) -> None:
            live.update(screen.draw(projection, hearing))

        view = DemoView(
            on_begin=listen,
            on_news=screen.news.append,
            on_ready=screen.say_ready,
            on_refresh=refresh,
            may_go_on=lambda: not screen.is_ended,
        )
        summary = asyncio.run(DemoRun(plan, data_dir, view).main())
    for line in screen.header:
        console.print(line)
    return summary


class Screen:
    """What the live picture shows: the whole, or the messages of one call."""

    def __init__(self) -> None:
        self.news: deque[str] = deque(maxlen=20)
        self.header = ["Starting Aurora Outdoor ..."]
        self.is_ended = False
        self._messages = MessageLog(())
        self._has_ladder = False
        self._back = 1
        """Which call's messages: 1 is the newest."""

    def say_ready(self, ports: Ports, layout: Layout) -> None:
        """Say how to call, and follow the messages of this run."""
        self.header = how_to_call(ports, layout)
        parts = ("carrier", "direct-routing")
        self._messages = MessageLog(tuple(layout.logs / f"{x}-messages.jsonl" for x in parts))

    def press(self, key: str) -> None:
        """Take a key."""
        match key:
            case "l":
                self._has_ladder, self._back = not self._has_ladder, 1
            case "n":
                self._back += 1
            case "q":
                self.is_ended = True
            case _:
                pass

    def draw(self, projection: LiveProjection, hearing: Hearing) -> RenderableType:
        """Return what is to be seen now."""
        if not self._has_ladder:
            return draw(self.header, projection, hearing, list(self.news))
        self._messages.refresh()
        callers = [one.caller_number or "" for one in projection.book.stories.values()]
        caller = callers[-1 - (self._back - 1) % len(callers)] if callers else ""
        return LadderPicture(caller, self._messages.rungs(caller))


def how_to_call(ports: Ports, layout: Layout) -> list[str]:
    """Return what the demo says about itself."""
    lines = [
        "Aurora Outdoor is open. Call in with any softphone on this machine, unregistered:",
        f"  sip:{company.NUMBER}@127.0.0.1:{ports.sip}  (1 sales, 2 support, 3 returns)",
        f"Status page: {status_page_url(layout)}  (sign in as {SILVIA.name}, a supervisor)",
        f"Journal, recordings and logs: {layout.data_dir}",
    ]
    if ports.moved:
        moved = ", ".join(f"{name} {taken}" for name, (_, taken) in ports.moved.items())
        lines.append(f"The usual ports are taken, others are used: {moved}.")
    return lines


def describe(story: CallStory, hearing: Hearing) -> str:
    """Return one line about a call that is over."""
    who = f"{story.caller_number or 'anonymous'}"
    if story.agent is None or is_given_up(story, hearing):
        return f"- {who} {_ending(story, hearing)}"
    waited_s = ((story.answered_at or story.arrived_at) - story.arrived_at) / SECOND
    talked_s = ((story.released_at or 0) - (story.answered_at or 0)) / SECOND
    verdict = judge_audio(story, hearing, _NUMBERS)
    if not verdict.is_checked:
        heard = "audio not checked"
    else:
        heard = "heard both ways" if verdict.is_both_ways else "NOT heard both ways"
    others = " and ".join(_BY_TONE[hz] for hz in verdict.tones_hz[1:])
    passed_on = f", passed on to {others}" if others else ""
    overflowed = ", overflowed before" if story.overflows else ""
    missed = f", {story.missed} missed before" if story.missed else ""
    return (
        f"- {who} pressed for {story.queue}, reached {_NAMES[story.agent]} after "
        f"{waited_s:.1f} s{missed}{overflowed}{passed_on}, talked {talked_s:.1f} s, {heard}"
    )


def _ending(story: CallStory, hearing: Hearing) -> str:
    """Return what became of a call that no agent had."""
    after_s = ((story.ended_at or story.arrived_at) - story.arrived_at) / SECOND
    where = f" the queue for {story.queue}" if story.queue else " before any queue"
    if story.transferred_at is not None:
        verdict = judge_audio(story, hearing, _NUMBERS)
        names = ", ".join(_BY_TONE[hz] for hz in verdict.tones_hz) or "somebody"
        heard = "heard both ways" if verdict.is_both_ways else "NOT heard both ways"
        return f"was transferred to {names}, {heard}"
    if story.voicemails:
        return f"left a message after {after_s:.1f} s"
    if story.is_failed:
        return f"failed after {after_s:.1f} s ({story.outcome})"
    if story.overflows:
        where = " when no queue had room or time"
    return f"left{where} after {after_s:.1f} s ({story.outcome})"
