# SPDX-License-Identifier: Apache-2.0
"""What 100 bridged G.711 calls cost a media worker, as a share of one core.

200 legs, 50 packets a second each way on each leg, statistics and key watch on, through a
real worker process with real sockets; once more with every call recorded and SRTP on one
side. The figure is CPU time of the worker process, all threads, over the time of the
traffic. In alternating slices of the same run the same traffic goes through the barest
relay that Python allows: the floor. A run in which the floor itself loses more than 0.1 %
of its packets is repeated, and void after three tries.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from bench.voice_media_traffic import Slice, run_relay, run_traffic
from centralino.adapters.media.client import MediaPool
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange.link.framing import Hello
from centralino.exchange.media import (
    Configure,
    LegMedia,
    ReadStatistics,
    RoomMember,
    SetRoom,
    SrtpKeys,
    StartRecording,
    Statistics,
)
from centralino.wire.rtp.srtp import SUITE_80

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

PREFIX = "voice.media_bridge"
CALLS = 100
SLICES = 4
SLICE_S = 5.0
TRIES = 3
MAX_CONTROL_LOSS = 0.001
WORKER_CORE, TRAFFIC_CORE = 0, 1


@dataclass
class Run:
    """The slices of one run."""

    worker: list[float] = field(default_factory=list)
    relay: list[float] = field(default_factory=list)
    worker_traffic: list[Slice] = field(default_factory=list)
    relay_traffic: list[Slice] = field(default_factory=list)
    worker_unforwarded: int = 0
    relay_unforwarded: int = 0

    @property
    def control_loss(self) -> float:
        """Share of the floor's packets that did not come back."""
        return _loss(self.relay_traffic)


def _loss(slices: list[Slice]) -> float:
    sent = sum(one.sent for one in slices)
    return (sent - sum(one.received for one in slices)) / sent


def cpu_ns(pid: int) -> int:
    """Return the CPU time of all threads of a process, nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


class Bench:
    """Processes and legs of one measurement."""

    def __init__(self, folder: Path, *, recorded: bool) -> None:
        self._folder = folder
        self._recorded = recorded
        self._context = get_context("spawn")
        self._worker: subprocess.Popen[bytes] | None = None
        self._traffic: Connection
        self._relay: Connection
        self._relay_pid = 0
        self._remotes: list[int] = []
        self._relay_ports: list[int] = []
        self._ports: list[int] = []

    def _spawn(self, target: object, *arguments: object) -> tuple[Connection, int]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=target, args=(theirs, *arguments), daemon=True)  # type: ignore[arg-type]  # one of two functions of ours
        process.start()
        return ours, process.pid or 0

    async def run(self) -> Run:
        """Set everything up, measure, take everything down."""
        self._traffic, _ = self._spawn(run_traffic, 2 * CALLS, TRAFFIC_CORE)
        self._remotes = self._traffic.recv()
        self._relay, self._relay_pid = self._spawn(run_relay, self._remotes, WORKER_CORE)
        self._relay_ports = self._relay.recv()
        socket_path = self._folder / "media.sock"
        self._worker = self._start_worker(socket_path)
        os.sched_setaffinity(self._worker.pid, {WORKER_CORE % (os.cpu_count() or 1)})
        pool = MediaPool([socket_path], hello=Hello(name="bench", generation=1))
        link = asyncio.ensure_future(pool.run())
        try:
            await pool.wait_ready()
            await self._set_up(pool)
            return await self._measure(pool)
        finally:
            link.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await link
            self._worker.terminate()
            self._worker.wait(10)
            self._traffic.send(("end",))
            self._relay.send(("end",))

    def _start_worker(self, socket_path: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "centralino.adapters.media.worker"),
                *("--socket", str(socket_path), "--ports", "20000-29999"),
                *("--checkpoint", str(self._folder / "media.ckpt")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def _set_up(self, pool: MediaPool) -> None:
        keys: dict[int, tuple[bytes, bytes]] = {}
        for flow, remote in enumerate(self._remotes):
            leg = LegId(f"leg-{flow}")
            reserved = await pool.reserve(leg)
            self._ports.append(reserved.rtp_port)
            srtp = None
            if self._recorded and flow % 2:
                keys[flow] = secrets.token_bytes(30), secrets.token_bytes(30)
                srtp = SrtpKeys(SUITE_80, local=keys[flow][1], remote=keys[flow][0])
            media = LegMedia(
                remote_address="127.0.0.1",
                remote_rtp_port=remote,
                remote_rtcp_port=remote,
                rtcp_mux=True,
                codec="PCMU",
                payload_type=0,
                event_payload_type=101,
                srtp=srtp,
            )
            await pool.ask(leg, Configure(leg=leg, media=media))
        self._traffic.send(("protect", keys))
        for call in range(CALLS):
            await self._connect(pool, call)

    async def _connect(self, pool: MediaPool, call: int) -> None:
        first, second = LegId(f"leg-{2 * call}"), LegId(f"leg-{2 * call + 1}")
        members = (RoomMember(first, ((second, 1.0),)), RoomMember(second, ((first, 1.0),)))
        await pool.ask(first, SetRoom(room=BridgeId(f"bridge-{call}"), members=members))
        if self._recorded:
            path = str(self._folder / f"{call}.wav")
            recording = RecordingId(f"recording-{call}")
            await pool.ask(
                first, StartRecording(recording=recording, first=first, second=second, path=path)
            )

    async def _measure(self, pool: MediaPool) -> Run:
        assert self._worker is not None
        run = Run()
        await self._slice(self._ports, self._worker.pid, 1.0)
        await self._slice(self._relay_ports, self._relay_pid, 1.0)
        for _ in range(SLICES):
            share, counts = await self._slice(self._ports, self._worker.pid, SLICE_S)
            run.worker.append(share)
            run.worker_traffic.append(counts)
            share, counts = await self._slice(self._relay_ports, self._relay_pid, SLICE_S)
            run.relay.append(share)
            run.relay_traffic.append(counts)
        run.worker_unforwarded = await self._unforwarded(pool)
        self._relay.send(("count",))
        received, forwarded = self._relay.recv()
        run.relay_unforwarded = received - forwarded
        return run

    async def _slice(self, ports: list[int], pid: int, seconds: float) -> tuple[float, Slice]:
        """Send traffic for a while; return the share of a core that ``pid`` took, in %."""
        loop = asyncio.get_running_loop()
        before, began = cpu_ns(pid), time.monotonic_ns()
        plain = ports is self._relay_ports
        self._traffic.send(("run", [("127.0.0.1", port) for port in ports], seconds, plain))
        counts: Slice = await loop.run_in_executor(None, self._traffic.recv)
        spent = cpu_ns(pid) - before
        length = min(time.monotonic_ns() - began, round(seconds * 1e9))
        return 100 * spent / length, counts

    async def _unforwarded(self, pool: MediaPool) -> int:
        """Return packets that the worker received from a leg and did not send to its partner."""
        figures = []
        for flow in range(2 * CALLS):
            leg = LegId(f"leg-{flow}")
            reply = await pool.ask(leg, ReadStatistics(leg=leg))
            assert isinstance(reply, Statistics)
            figures.append(reply)
        received = sum(one.received_packets + one.refused_packets for one in figures)
        refused = sum(one.refused_packets for one in figures)
        return refused + max(0, received - refused - sum(one.sent_packets for one in figures))


def _valid_run(*, recorded: bool) -> tuple[Run, bool]:
    run = Run()
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory() as folder:
            run = asyncio.run(Bench(Path(folder), recorded=recorded).run())
        if run.control_loss <= MAX_CONTROL_LOSS:
            return run, True
    return run, False


def _rows(name: str, goal: float, *, recorded: bool) -> Iterable[Measurement]:
    run, is_valid = _valid_run(recorded=recorded)
    note = (
        f"lost {100 * _loss(run.worker_traffic):.3f} %, "
        f"bare relay lost {100 * run.control_loss:.3f} %, "
        f"slices {min(run.worker):.1f} to {max(run.worker):.1f} %"
    )
    yield Measurement(
        name,
        statistics.median(run.worker),
        "% of a core",
        floor=statistics.median(run.relay),
        goal=goal,
        note=note,
        is_valid=is_valid,
    )
    yield Measurement(
        f"{name}_not_forwarded",
        run.worker_unforwarded,
        "packets",
        floor=run.relay_unforwarded,
        goal=run.relay_unforwarded,
        note=f"of {sum(one.sent for one in run.worker_traffic)} sent",
        is_valid=is_valid,
    )


def measure() -> Iterable[Measurement]:
    """Measure both set-ups."""
    yield from _rows("voice.media_bridge_100_calls", 30.0, recorded=False)
    yield from _rows("voice.media_bridge_100_calls_recorded_srtp", 50.0, recorded=True)
