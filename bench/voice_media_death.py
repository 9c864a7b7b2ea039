# SPDX-License-Identifier: Apache-2.0
"""What far ends hear when a media worker is killed (``kill -9``) in the middle of calls.

Forty far ends in twenty bridged calls, SRTP on one side of each, talk all the time; after
two seconds the worker is killed. A warm standby takes over, and in a second run a process
that is started only then. The figure is the longest silence that any far end hears, from
its own point of view; a call has survived when both its ends hear each other again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from bench.voice_media_traffic import Slice, run_traffic
from centralino.adapters.media.client import MediaPool
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.link.framing import Hello
from centralino.exchange.media import Configure, LegMedia, RoomMember, SetRoom, SrtpKeys
from centralino.wire.rtp.srtp import SUITE_80

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

PREFIX = "voice.media_worker_death"
CALLS = 20
KILL_AFTER_S = 2.0
TALK_S = 6.0
GOAL_MS = 1000.0
WORKER = (sys.executable, "-m", "centralino.adapters.media.worker")


async def _start(folder: Path, *, standby: bool) -> asyncio.subprocess.Process:
    """Start a worker, or a standby, and wait until it serves, or is ready."""
    files = ("--socket", str(folder / "media.sock"), "--checkpoint", str(folder / "media.ckpt"))
    return await asyncio.create_subprocess_exec(
        *WORKER,
        *(("--standby",) if standby else files),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _wait_for(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stdout is not None
    while word not in await process.stdout.readline():
        pass


async def _set_up(pool: MediaPool, remotes: list[int], traffic: Connection) -> list[int]:
    """Open and bridge all legs; return their ports."""
    keys: dict[int, tuple[bytes, bytes]] = {}
    ports = []
    for flow, remote in enumerate(remotes):
        leg = LegId(f"leg-{flow}")
        ports.append((await pool.reserve(leg)).rtp_port)
        srtp = None
        if flow % 2:
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
    traffic.send(("protect", keys))
    for call in range(CALLS):
        first, second = LegId(f"leg-{2 * call}"), LegId(f"leg-{2 * call + 1}")
        members = (RoomMember(first, ((second, 1.0),)), RoomMember(second, ((first, 1.0),)))
        await pool.ask(first, SetRoom(room=BridgeId(f"bridge-{call}"), members=members))
    return ports


async def _kill_in_calls(folder: Path, traffic: Connection, *, warm: bool) -> Slice:
    """Run the calls, kill the worker, let the successor take over."""
    remotes: list[int] = traffic.recv()
    worker = await _start(folder, standby=False)
    await _wait_for(worker, b"serving")
    successor = await _start(folder, standby=True) if warm else None
    if successor is not None:
        await _wait_for(successor, b"ready")
    pool = MediaPool([folder / "media.sock"], hello=Hello(name="bench", generation=1))
    link = asyncio.ensure_future(pool.run())
    loop = asyncio.get_running_loop()
    try:
        await pool.wait_ready()
        ports = await _set_up(pool, remotes, traffic)
        traffic.send(("run", [("127.0.0.1", port) for port in ports], TALK_S, False))
        talking = loop.run_in_executor(None, traffic.recv)
        await asyncio.sleep(KILL_AFTER_S)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        if successor is None:
            successor = await _start(folder, standby=False)
        else:
            assert successor.stdin is not None
            paths = {"socket_path": "media.sock", "checkpoint_path": "media.ckpt"}
            line = {name: str(folder / file) for name, file in paths.items()}
            successor.stdin.write(json.dumps(line).encode() + b"\n")
        counts: Slice = await talking
        return counts
    finally:
        link.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await link
        for process in (worker, successor):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        traffic.send(("end",))


def _rows(name: str, *, warm: bool) -> Iterable[Measurement]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=run_traffic, args=(theirs, 2 * CALLS, 1), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        counts = asyncio.run(_kill_in_calls(Path(folder), ours, warm=warm))
    still_deaf = TALK_S - KILL_AFTER_S - 0.1
    calls = [counts.longest_gaps_s[2 * call : 2 * call + 2] for call in range(CALLS)]
    survived = sum(max(gaps) < still_deaf for gaps in calls)
    yield Measurement(
        name,
        1000 * max(counts.longest_gaps_s),
        "ms",
        goal=GOAL_MS,
        note=f"{survived} of {CALLS} calls survived; longest silence of any far end",
    )
    yield Measurement(
        f"{name}_calls_lost", CALLS - survived, "calls", goal=0, note=f"of {CALLS} in progress"
    )


def measure() -> Iterable[Measurement]:
    """Measure with a warm standby and with a cold start."""
    yield from _rows(f"{PREFIX}_gap", warm=True)
    yield from _rows(f"{PREFIX}_cold_gap", warm=False)
