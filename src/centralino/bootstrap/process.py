# SPDX-License-Identifier: Apache-2.0
"""``python -m centralino.bootstrap.process NAME --config FILE``: one child process.

Started by the supervisor, which wrote the file. A process says ``serving`` on standard
output when it is ready, ends with status 0 on SIGTERM, and with 1 when it failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import structlog
import uvloop

from centralino.adapters.clock import SystemClock
from centralino.adapters.lookup.http import HttpLookups
from centralino.adapters.mail.outbox import MailOutbox
from centralino.adapters.media.client import MediaPool
from centralino.adapters.speech.espeak import EspeakEngine
from centralino.adapters.speech.library import SpokenPromptLibrary
from centralino.adapters.voice.process import run_voice
from centralino.bootstrap.edge import run_edge
from centralino.bootstrap.journals import (
    ProcessSnapshotMaker,
    open_journal,
    open_snapshots,
    rhythm_of,
)
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import Settings
from centralino.bootstrap.supervisor import FAILED
from centralino.core.kernel.errors import AppError
from centralino.exchange.control_server import ControlServer
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.errands import Helpers
from centralino.exchange.exchange import Exchange, Keeping
from centralino.exchange.link.framing import Hello
from centralino.exchange.snapshotting import SnapshotKeeper

log = structlog.get_logger(__name__)

_COLLECT_AFTER = (10_000, 10, 10)
"""Objects, and generations, until the next collection; Python's own are 700, 10, 10."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one process; return its exit status."""
    parser = argparse.ArgumentParser(prog="centralino.bootstrap.process")
    parser.add_argument("name", choices=sorted(_PROCESSES))
    parser.add_argument("--config", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    settings = msgspec.json.decode(chosen.config.read_bytes(), type=Settings)
    set_up_logging(settings.log, chosen.name)
    status = 1
    try:
        uvloop.run(_until_told(_PROCESSES[chosen.name](settings, Layout.of(settings))))
        status = 0
    except* (AppError, OSError) as failures:
        for failure in _leaves(failures):
            log.error("process.failed", reason=str(failure))
            say(f"{FAILED}{failure}")
    return status


async def run_exchange(settings: Settings, layout: Layout) -> None:
    """Run the exchange until cancelled."""
    generation = time.time_ns() // 1_000_000
    clock = SystemClock()
    trunks = {trunk.trunk: trunk.tenant for trunk in settings.voice.trunks}
    control = ControlServer(clock=clock, generation=generation, trunks=trunks)
    journal = open_journal(settings.journal, layout)
    maker = ProcessSnapshotMaker(layout.settings_file)
    keeping = Keeping(
        open_snapshots(settings.journal, layout),
        SnapshotKeeper(maker, clock, rhythm_of(settings.journal)),
    )
    lookups = HttpLookups(settings.lookups)
    try:
        exchange = Exchange(
            driver=LinkedDriver("voice", layout.voice_socket, generation),
            driver_name=settings.calls.driver,
            journal=journal,
            clock=clock,
            observer=control.observer,
            keeping=keeping,
            helpers=Helpers(
                lookups=lookups,
                mail=MailOutbox(settings.mail, layout.mail, clock),
                speech=SpokenPromptLibrary(EspeakEngine(), layout.spoken),
            ),
        )
        control.watch(exchange)
        async with asyncio.TaskGroup() as group:
            configurations = {tenant.tenant: tenant for tenant in settings.tenants}
            group.create_task(exchange.run(configurations))
            group.create_task(control.run(layout.control_socket))
            await exchange.attached.wait()
            say_serving()
    finally:
        journal.close()
        await lookups.close()


async def run_voice_process(settings: Settings, layout: Layout) -> None:
    """Run the voice process, with its media workers connected, until cancelled."""
    generation = time.time_ns() // 1_000_000
    pool = MediaPool(
        [layout.media_socket(number) for number in range(settings.media.worker_count())],
        hello=Hello(name="voice", generation=generation),
        address=settings.voice.media_address,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(pool.run())
        await pool.wait_ready()
        await run_voice(
            settings.voice,
            settings.calls,
            pool,
            clock=SystemClock(),
            socket=layout.voice_socket,
            on_ready=say_serving,
        )


async def run_edge_process(settings: Settings, layout: Layout) -> None:
    """Run the edge process until cancelled."""
    await run_edge(settings, layout, say_serving)


def say_serving() -> None:
    """Tell the supervisor that this process is ready."""
    settle()
    say("serving")


def settle() -> None:
    """Let the collector of garbage alone with what was loaded: it stays for good.

    Without that each collection of the oldest generation goes through the whole code. What
    a call leaves behind is mostly freed without the collector, so it comes by less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def say(line: str) -> None:
    """Tell the supervisor one line; one that does not listen is no error."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


async def _until_told(work: Awaitable[None]) -> None:
    """Run ``work`` until it ends or SIGTERM or SIGINT comes."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("process.stopped")


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


_PROCESSES: dict[str, Callable[[Settings, Layout], Awaitable[None]]] = {
    "edge": run_edge_process,
    "exchange": run_exchange,
    "voice": run_voice_process,
}


if __name__ == "__main__":
    sys.exit(main())
