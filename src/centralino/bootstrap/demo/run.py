# SPDX-License-Identifier: Apache-2.0
"""Runs the demo: the product's real processes and, in one more, the far side."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec

from centralino.adapters.journal.sqlite import JournalReader
from centralino.bootstrap.authority import DemoAuthority
from centralino.bootstrap.children import start_product
from centralino.bootstrap.demo import company, tenant
from centralino.bootstrap.demo.hearing import Hearing
from centralino.bootstrap.demo.identity import Identity, entra_scenario
from centralino.bootstrap.demo.judge import DemoSummary, judge_audio, judge_run
from centralino.bootstrap.demo.projection import LiveProjection
from centralino.bootstrap.demo.tenant import HOST
from centralino.bootstrap.demo.wiring import (
    SBC_HOST,
    DemoPlan,
    Ports,
    choose_ports,
    demo_scenario,
    demo_settings,
    proxy_names,
    save_scenario,
)
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.supervisor import ChildFailed, ChildSpec, Supervisor
from centralino.exchange.replay import replay

if TYPE_CHECKING:
    from centralino.bootstrap.settings import Settings
    from centralino.exchange.summary import CallStory

REFRESH_S = 0.25
DRAIN_S = 150.0
"""Longest wait for the last calls to end after the last one came."""
HEARD_WITHIN_S = 3.0
"""Longest wait for the far side's word about a call that is over."""
AGENT_NUMBERS = {person.id: person.number for person in company.AGENTS}
SETTLE_S = 15.0
"""Longest wait for wrap-up and recordings after the last call."""


@dataclass(slots=True)
class DemoView:
    """Who is shown what; every part may be left out."""

    on_begin: Callable[[], None] = lambda: None
    """The event loop runs."""
    on_news: Callable[[str], None] = lambda news: None
    on_ready: Callable[[Ports, Layout], None] = lambda ports, layout: None
    on_refresh: Callable[[LiveProjection, Hearing], None] = lambda projection, hearing: None
    on_ended: Callable[[CallStory, Hearing], None] = lambda story, hearing: None
    may_go_on: Callable[[], bool] = lambda: True
    """False ends the run as a signal would."""


@dataclass(slots=True)
class DemoRun:
    """One run; ``main`` returns its outcome."""

    plan: DemoPlan
    data_dir: Path
    view: DemoView = field(default_factory=DemoView)
    hearing: Hearing = field(default_factory=Hearing)
    _settings: Settings = field(init=False)
    _report: TextIO = field(init=False)
    _ended: list[tuple[float, CallStory]] = field(default_factory=list)
    """Calls that are over, but perhaps not yet at the far side; and until when to wait."""

    async def main(self) -> DemoSummary:
        """Start everything, let calls come, stop everything, judge.

        Raises:
            ChildFailed: a process did not start.
        """
        now = datetime.datetime.now(datetime.UTC)
        with _run_dir() as run_dir:
            layout = Layout(self.data_dir / f"{now:%Y%m%d-%H%M%S}", run_dir)
            ports = self._prepare(layout, now)
            projection = LiveProjection(layout.journal, company.TENANT)
            layout.data_dir.mkdir(parents=True, mode=0o750)
            layout.logs.mkdir()
            with (
                (layout.logs / "supervisor.log").open("w", encoding="utf-8") as log_file,
                (layout.logs / "far-side.jsonl").open("w", encoding="utf-8") as self._report,
            ):
                set_up_logging(self._settings.log, "supervisor", log_file)
                await self._run(layout, ports, projection)
            return self._judge(layout)

    def _prepare(self, layout: Layout, now: datetime.datetime) -> Ports:
        authority = DemoAuthority(self.data_dir / "certificates", now)
        sbc = authority.issue("sbc", [SBC_HOST])
        proxies = authority.issue("sip-proxies", proxy_names())
        ports = choose_ports()
        identity = Identity.below(self.data_dir)
        identity.make()
        cloud = authority.issue("cloud", [HOST])
        entra = entra_scenario(ports, identity, cloud)
        self._settings = demo_settings(layout, ports, sbc, identity)
        scenario = msgspec.structs.replace(
            demo_scenario(self.plan, ports, proxies, entra),
            graph=tenant.graph_scenario(cloud, ports.graph),
        )
        save_scenario(scenario, layout.run_dir / "scenario.yaml")
        return ports

    async def _run(self, layout: Layout, ports: Ports, projection: LiveProjection) -> None:
        stopped = asyncio.Event()
        self.view.on_begin()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(name, stopped.set)
        supervisor = Supervisor(
            ready_s=self._settings.process.ready_s,
            stop_s=self._settings.process.stop_s,
            log_dir=layout.logs,
            on_news=self.view.on_news,
        )
        async with supervisor:
            await supervisor.start(self._far_side(layout, "direct-routing", "entra", "graph"))
            await start_product(supervisor, self._settings, layout)
            self.view.on_ready(ports, layout)
            await supervisor.start(self._far_side(layout, "carrier"))
            await self._follow(projection, supervisor, stopped)

    def _far_side(self, layout: Layout, part: str, *more: str) -> ChildSpec:
        scenario = layout.run_dir / "scenario.yaml"
        messages = layout.logs / f"{part}-messages.jsonl"
        return ChildSpec(
            name=part,
            arguments=(
                *("-m", "centralino.simulators", "--scenario", str(scenario)),
                *("--messages", str(messages), part, *more),
            ),
            is_ready=lambda line: '"what": "ready"' in line,
            on_line=self._take_report,
            is_restarted=False,
        )

    def _take_report(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self._report.write(line)
        self.hearing.take(line)

    async def _follow(
        self, projection: LiveProjection, supervisor: Supervisor, stopped: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        until = None if self.plan.seconds is None else loop.time() + self.plan.seconds + DRAIN_S
        while not stopped.is_set():
            self._refresh(projection)
            if not self.view.may_go_on():
                stopped.set()
            if supervisor.failed.is_set():
                raise ChildFailed("the far side ended by itself")
            is_late = until is not None and loop.time() > until
            if self.hearing.are_arrivals_done or is_late:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await stopped.wait()
        if not stopped.is_set():
            await self._settle(projection)

    async def _settle(self, projection: LiveProjection) -> None:
        """Wait for wrap-ups, recordings and the far side's last lines."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_S
        while loop.time() < until:
            self._refresh(projection)
            state = projection.state
            is_at_rest = not (state.interactions or state.recordings or state.voicemails)
            if is_at_rest and not self._ended:
                break
            await asyncio.sleep(REFRESH_S)

    def _refresh(self, projection: LiveProjection) -> None:
        now = asyncio.get_running_loop().time()
        self._ended += [(now + HEARD_WITHIN_S, story) for story in projection.refresh()]
        for entry in list(self._ended):
            until, story = entry
            verdict = judge_audio(story, self.hearing, AGENT_NUMBERS)
            if verdict.is_checked or not _was_connected(story) or now > until:
                self._ended.remove(entry)
                self.view.on_ended(story, self.hearing)
        self.view.on_refresh(projection, self.hearing)

    def _judge(self, layout: Layout) -> DemoSummary:
        reader = JournalReader(layout.journal)
        projection = LiveProjection(layout.journal, company.TENANT)
        projection.refresh()
        stories = list(projection.book.stories.values())
        return judge_run(stories, self.hearing, AGENT_NUMBERS, replay(reader, company.TENANT))


def _was_connected(story: CallStory) -> bool:
    return story.agent is not None or story.transferred_at is not None


@contextlib.contextmanager
def _run_dir() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="centralino-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
