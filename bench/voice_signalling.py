# SPDX-License-Identifier: Apache-2.0
"""What a relayed call costs the voice process, and how much later the caller is answered.

A caller calls (sipp for the cost, one with a finer clock for the delay), the voice
process (one signalling-only route, UDP on both sides) passes the call on, sipp answers at
once; INVITE to BYE, two legs. In alternating slices of
the same run the same calls go through a program that forwards datagrams as they are: its
CPU is the floor of the cost, its set-up time what is subtracted to get the added delay.
A run in which the control loses a call in a thousand is repeated, and void after three
tries. CPU time is that of the whole process, from /proc.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from bench.voice_signalling_child import CALLEE, CALLER, PRODUCT
from tests.kit.ports import free_udp_port
from tests.peers.sipp import Load, LoadResult, Side, callee, place_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "voice.signalling_"
SLICES = 4
COST = Load(calls=600, per_second=100, hold_ms=300)
DELAY = Load(calls=250, per_second=50, hold_ms=300)
WARM_UP = Load(calls=60, per_second=60, hold_ms=50)
TRIES = 3
MAX_CONTROL_LOSS = 0.001
Place = Callable[[Path, Side, Side, Load], Awaitable[LoadResult]]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """The slices of one load, through the product and through the control."""

    cpu_ms: list[float] = field(default_factory=list)
    """Per call, of the product."""
    control_cpu_ms: list[float] = field(default_factory=list)
    results: list[LoadResult] = field(default_factory=list)
    controls: list[LoadResult] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Calls that failed through the product."""
        return sum(result.failed for result in self.results)

    @property
    def is_valid(self) -> bool:
        """Whether the control lost next to nothing."""
        calls = sum(r.succeeded + r.failed for r in self.controls)
        return sum(r.failed for r in self.controls) <= MAX_CONTROL_LOSS * calls

    def added_ms(self, share: float) -> float:
        """Return the product's set-up percentile less the control's."""
        through = _merged(self.results).percentile(share)
        return max(0.0, through - _merged(self.controls).percentile(share))


@dataclass(frozen=True)
class Between:
    """A process between the two sides."""

    process: subprocess.Popen[str]
    port: int

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def measure() -> Iterator[Measurement]:
    """Measure cost and delay."""
    cost = _valid_run(COST)
    yield Measurement(
        name="voice.signalling_cpu_per_call",
        value=statistics.median(cost.cpu_ms),
        unit="ms",
        floor=statistics.median(cost.control_cpu_ms),
        goal=4.0,
        is_valid=cost.is_valid,
        note=f"{COST.per_second} calls/s, {COST.calls * SLICES} calls, {cost.failed} failed",
    )
    yield Measurement(
        name="voice.signalling_failed_calls",
        value=float(cost.failed),
        unit="calls",
        goal=0.0,
        is_valid=cost.is_valid,
        note=f"of {COST.calls * SLICES} at {COST.per_second} calls/s",
    )
    delay = _valid_run(DELAY, _timed_calls)
    floor = _merged(delay.controls)
    for share, goal in ((0.5, 4.0), (0.99, 25.0)):
        yield Measurement(
            name=f"voice.signalling_added_delay_p{share * 100:.0f}",
            value=delay.added_ms(share),
            unit="ms",
            goal=goal,
            is_valid=delay.is_valid,
            note=f"{DELAY.per_second} calls/s; control {floor.percentile(share):.1f} ms, "
            f"{delay.failed} failed",
        )


def _valid_run(load: Load, place: Place = place_calls) -> Run:
    run = asyncio.run(_run(load, place))
    for _ in range(TRIES - 1):
        if run.is_valid:
            break
        run = asyncio.run(_run(load, place))
    return run


async def _timed_calls(folder: Path, target: Side, own: Side, load: Load) -> LoadResult:
    """Place calls by the caller with the good clock."""
    arguments = (own.address, own.port, target.address, target.port, load.calls, load.per_second)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.voice_signalling_caller", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    told = json.loads(output)
    return LoadResult(load.calls - told["failed"], told["failed"], tuple(told["set_up_ms"]))


async def _run(load: Load, place: Place) -> Run:
    run = Run()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_udp_port(CALLEE)
        async with callee(folder / "callee", Side(CALLEE, port)):
            with (
                _between("relay", folder, port) as relay,
                _between("forward", folder, port) as control,
            ):
                for index, side in enumerate((relay, control)):
                    await _slice(folder / f"warm-{index}", side, WARM_UP, place)
                for number in range(SLICES):
                    cpu, result = await _slice(folder / f"relay-{number}", relay, load, place)
                    run.cpu_ms.append(cpu)
                    run.results.append(result)
                    cpu, result = await _slice(folder / f"control-{number}", control, load, place)
                    run.control_cpu_ms.append(cpu)
                    run.controls.append(result)
    return run


async def _slice(
    folder: Path, between: Between, load: Load, place: Place
) -> tuple[float, LoadResult]:
    """Place the calls; return CPU milliseconds per call and what became of them."""
    before = between.cpu_s()
    result = await place(
        folder, Side(PRODUCT, between.port), Side(CALLER, free_udp_port(CALLER)), load
    )
    return (between.cpu_s() - before) * 1000 / load.calls, result


@contextlib.contextmanager
def _between(kind: str, folder: Path, callee_port: int) -> Iterator[Between]:
    port = free_udp_port(PRODUCT)
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "bench.voice_signalling_child", kind),
            *(str(folder / kind), str(port), str(callee_port)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        else:
            message = f"the {kind} process ended before it was ready"
            raise RuntimeError(message)
        yield Between(process, port)
    finally:
        process.kill()
        process.wait()


def _merged(results: list[LoadResult]) -> LoadResult:
    return LoadResult(
        succeeded=sum(r.succeeded for r in results),
        failed=sum(r.failed for r in results),
        set_up_ms=tuple(sorted(t for r in results for t in r.set_up_ms)),
    )
