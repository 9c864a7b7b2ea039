# SPDX-License-Identifier: Apache-2.0
"""sipp as caller and callee under load: scenarios of ours, its own stack.

The figures come from sipp's statistics file; set-up times from its response-time log.
"""

from __future__ import annotations

import csv
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.ports import free_udp_range
from tests.kit.processes import Child, running
from tests.kit.requirements import require_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Load:
    """Calls to place."""

    calls: int
    per_second: int
    hold_ms: int = 200
    number: str = "+390612345678"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of them."""

    succeeded: int
    failed: int
    set_up_ms: tuple[float, ...]
    """Per call, INVITE to 200; ascending."""

    def percentile(self, share: float) -> float:
        """Return the set-up time below which ``share`` (0 to 1) of the calls lie, in ms."""
        if not self.set_up_ms:
            return float("nan")
        return self.set_up_ms[min(len(self.set_up_ms) - 1, int(share * len(self.set_up_ms)))]


@dataclass(frozen=True, slots=True)
class Side:
    """A UDP address."""

    address: str
    port: int


@asynccontextmanager
async def callee(folder: Path, side: Side, *, echoes: bool = False) -> AsyncIterator[Child]:
    """Answer every call at ``side``; with ``echoes``, send every RTP packet back."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, in a test
    async with running(
        require_program("sipp"),
        *("-sf", str(SCENARIOS / "callee.xml"), "-i", side.address, "-p", str(side.port)),
        *("-nostdin", "-nd", "-l", "100000", "-mp", str(_media_port(side)), "-trace_err"),
        *(("-rtp_echo",) if echoes else ()),
        folder=folder,
        environment={"TERM": "dumb"},
    ) as process:
        yield process


async def place_calls(
    folder: Path, target: Side, own: Side, load: Load, *, echoes: bool = False
) -> LoadResult:
    """Place calls from ``own`` to ``target`` over UDP and wait for their end."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, in a test
    limit_s = load.calls / load.per_second + load.hold_ms / 1000 + 40
    async with running(
        require_program("sipp"),
        f"{target.address}:{target.port}",
        *("-sf", str(SCENARIOS / "caller.xml"), "-i", own.address, "-p", str(own.port)),
        *("-s", load.number, "-m", str(load.calls), "-r", str(load.per_second)),
        *("-l", "100000", "-d", str(load.hold_ms), "-mp", str(_media_port(own))),
        *(("-rtp_echo",) if echoes else ()),
        *("-nostdin", "-timeout", f"{limit_s:.0f}s", "-timeout_error"),
        *("-trace_stat", "-stf", "statistics.csv", "-trace_rtt", "-rtt_freq", "1"),
        *("-trace_err",),
        folder=folder,
        environment={"TERM": "dumb"},
    ) as process:
        await process.wait(timeout_s=limit_s + 10)
    return _read(folder)


def _media_port(side: Side) -> int:
    """Return a free even port; sipp takes the next ones too."""
    return free_udp_range(6, side.address)[0] // 2 * 2 + 2


def _read(folder: Path) -> LoadResult:
    with (folder / "statistics.csv").open(encoding="utf-8") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    times: list[float] = []
    for path in folder.glob("*_rtt.csv"):
        with path.open(encoding="utf-8") as file:
            times += [float(row["response_time_ms"]) for row in csv.DictReader(file, delimiter=";")]
    return LoadResult(
        succeeded=int(last["SuccessfulCall(C)"]),
        failed=int(last["FailedCall(C)"]),
        set_up_ms=tuple(sorted(times)),
    )
