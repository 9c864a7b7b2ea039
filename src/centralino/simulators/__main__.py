# SPDX-License-Identifier: Apache-2.0
"""``python -m centralino.simulators --scenario FILE --report FILE [PART ...]``.

Runs until SIGTERM comes, or the pipe at standard input closes, so that it never outlives
whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import stat
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import uvloop

from centralino.simulators.messages import MessageRecorder
from centralino.simulators.report import Report
from centralino.simulators.run import PARTS, run_simulators
from centralino.simulators.scenario import Scenario, ScenarioError, load_scenario


def main(arguments: list[str] | None = None) -> int:
    """Run the far side; return the exit code."""
    parser = argparse.ArgumentParser(prog="centralino.simulators", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--report", type=Path, help="JSON lines; standard output when missing")
    parser.add_argument("--messages", type=Path, help="every SIP message, as JSON lines")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args(arguments)
    try:
        scenario = load_scenario(chosen.scenario)
        parts = tuple(chosen.parts) or PARTS
        with ExitStack() as files:
            sink = files.enter_context(_opened(chosen.report)) if chosen.report else sys.stdout
            traffic = files.enter_context(_opened(chosen.messages)) if chosen.messages else None
            messages = MessageRecorder(_utc, sink=traffic, keep=0) if traffic else None
            report = Report(_utc, sink=sink, keep=0)
            uvloop.run(_run(scenario, report, parts, messages))
    except (ScenarioError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(
    scenario: Scenario,
    report: Report,
    parts: tuple[str, ...],
    messages: MessageRecorder | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    until = partial(_told_to_stop, stop)
    await run_simulators(scenario, report, parts, until=until, messages=messages)


def _opened(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8")


def _utc() -> float:
    # The report's stamps are for people; nothing here decides by them.
    return datetime.now(UTC).timestamp()  # noqa: TID251 - the process's own clock


def _is_held_by_a_parent() -> bool:
    """Whether standard input is a pipe, whose end means that our parent has gone."""
    kind = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


async def _told_to_stop(stop: asyncio.Event) -> None:
    if _is_held_by_a_parent():
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async with asyncio.TaskGroup() as group:
            closed = group.create_task(reader.read())
            stopped = group.create_task(stop.wait())
            await asyncio.wait((closed, stopped), return_when=asyncio.FIRST_COMPLETED)
            closed.cancel()
            stopped.cancel()
        return
    await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
