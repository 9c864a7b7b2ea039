# SPDX-License-Identifier: Apache-2.0
"""A worker process, a pool connected to it, and far ends: the stage of the media tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import wave
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from centralino.adapters.media.client import MediaPool
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.link.framing import Hello
from centralino.exchange.media import Configure, Event, RoomMember, SetRoom
from centralino.wire.rtp.tone import sine
from tests.kit.processes import Child, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.wire.media.peer import Peer

Some = TypeVar("Some", bound=Event)


def write_prompt(folder: Path, name: str, hertz: float, duration_ms: int = 2000) -> None:
    """Write a prompt that is a tone."""
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(sine(hertz, duration_ms).tobytes())


class Stage:
    """What a test has in hand."""

    def __init__(self, folder: Path, pool: MediaPool, worker: Child) -> None:
        self.folder = folder
        self.pool = pool
        self.worker = worker
        self.peers: dict[LegId, Peer] = {}
        self.ports: dict[LegId, int] = {}

    async def add(self, name: str, peer: Peer, **changes: object) -> Peer:
        """Open a leg towards a far end, which begins to talk."""
        leg = LegId(name)
        reserved = await self.pool.reserve(leg)
        await self.pool.ask(leg, Configure(leg=leg, media=peer.media(**changes)))
        self.peers[leg] = peer
        self.ports[leg] = reserved.rtp_port
        peer.talk_to(reserved.rtp_port)
        return peer

    async def room(self, gains: Mapping[str, Mapping[str, float]], name: str = "bridge-1") -> None:
        """Set the gain matrix of a room: listener to talker to gain."""
        members = tuple(
            RoomMember(LegId(name), tuple((LegId(one), gain) for one, gain in row.items()))
            for name, row in gains.items()
        )
        await self.pool.ask(LegId(next(iter(gains))), SetRoom(room=BridgeId(name), members=members))

    async def event(self, kind: type[Some], *, timeout_s: float = 10.0) -> Some:
        """Wait for the next event of a kind; others are dropped."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.pool.next_event()
                if isinstance(event, kind):
                    return event


def worker_arguments(folder: Path, *extra: str) -> tuple[str, ...]:
    """Return the command line of a worker whose files are in ``folder``."""
    return (
        *(sys.executable, "-m", "centralino.adapters.media.worker"),
        *("--socket", str(folder / "media.sock"), "--checkpoint", str(folder / "media.ckpt")),
        *("--ports", "21000-28999", "--prompts", str(folder)),
        *extra,
    )


def standby_arguments(folder: Path) -> tuple[str, ...]:
    """Return the command line of a standby with the prompts in ``folder``."""
    module = (sys.executable, "-m", "centralino.adapters.media.worker")
    return (*module, "--standby", "--prompts", str(folder))


def settings_line(folder: Path, **changes: object) -> str:
    """Return the line that makes a standby the stage's worker."""
    settings: dict[str, object] = {
        "socket_path": str(folder / "media.sock"),
        "checkpoint_path": str(folder / "media.ckpt"),
        "first_port": 21000,
        "last_port": 28999,
        "prompt_directories": [str(folder)],
    }
    return json.dumps(settings | changes) + "\n"


@asynccontextmanager
async def stage(folder: Path, *prefix: str, **changes: object) -> AsyncIterator[Stage]:
    """Run a worker and a pool.

    Args:
        folder: where its files are, prompts as well.
        prefix: put before the worker's command line.
        changes: settings that the worker has other than by default.
    """
    hello = Hello(name="test", generation=1)
    arguments = standby_arguments(folder) if changes else worker_arguments(folder)
    async with running(*prefix, *arguments) as worker:
        if changes:
            await worker.wait_for_line("ready")
            await worker.write(settings_line(folder, **changes))
        await worker.wait_for_line("serving")
        pool = MediaPool([folder / "media.sock"], hello=hello)
        link = asyncio.ensure_future(pool.run())
        await pool.wait_ready()
        one = Stage(folder, pool, worker)
        try:
            yield one
        finally:
            for peer in one.peers.values():
                peer.close()
            link.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await link
