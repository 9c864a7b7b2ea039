# SPDX-License-Identifier: Apache-2.0
"""``MediaPool`` against scripted workers: placing, refusals, silence, a new worker."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.media import client_worker
from centralino.adapters.media.client import MediaPool
from centralino.adapters.media.control import AnyCommand
from centralino.adapters.media.spare import SparePorts
from centralino.core.kernel.errors import (
    CapacityExceeded,
    Conflict,
    NotFound,
    RemoteRejected,
    RemoteTimeout,
)
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange.link.framing import Hello
from centralino.exchange.link.stream import Link, LinkServer
from centralino.exchange.media import (
    Configure,
    Done,
    Event,
    KeyPressed,
    LegMedia,
    ListMedia,
    MediaListed,
    PlayMedia,
    ReadStatistics,
    Refused,
    Release,
    Reserve,
    Reserved,
    RoomMember,
    SendDigits,
    SetRoom,
    StartRecording,
    WorkerAlarm,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.wire

A, B, C, D = LegId("a"), LegId("b"), LegId("c"), LegId("d")
MEDIA = LegMedia(
    remote_address="127.0.0.1",
    remote_rtp_port=4000,
    remote_rtcp_port=4001,
    rtcp_mux=False,
    codec="PCMU",
    payload_type=0,
)


class ScriptedWorker:
    """Answers what a worker would, and what a test tells it to."""

    def __init__(self, path: Path, *, refuses: str = "", is_mute: bool = False) -> None:
        self.path = path
        self.commands: list[AnyCommand] = []
        self.refuses = refuses
        self.is_mute = is_mute
        self.legs: tuple[tuple[LegId, int], ...] = ()
        self.link: Link[AnyCommand] | None = None
        self.news = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedWorker]:
        """Listen until the block is left."""
        decoder = msgspec.msgpack.Decoder(AnyCommand)
        hello = Hello(name=self.path.name, generation=1)
        async with LinkServer(self.path, hello, decoder, self.serve):
            yield self

    async def serve(self, link: Link[AnyCommand]) -> None:
        self.link = link
        while True:
            command = await link.receive()
            self.commands.append(command)
            self.news.set()
            if command.request and not (self.is_mute and not isinstance(command, ListMedia)):
                link.send(self.answer(command))

    def answer(self, command: AnyCommand) -> Event:
        number = command.request
        if isinstance(command, ListMedia):
            return MediaListed(request=number, legs=self.legs)
        if self.refuses:
            return Refused(request=number, code=self.refuses, text="scripted")
        if isinstance(command, Reserve):
            port = command.rtp_port or 20_000
            return Reserved(
                request=number,
                leg=command.leg,
                address=command.address,
                rtp_port=port,
                rtcp_port=port + 1,
            )
        return Done(request=number)

    def got(self) -> list[AnyCommand]:
        """Return the commands so far without their numbers, those for the list left out."""
        return [
            msgspec.structs.replace(command, request=0)
            for command in self.commands
            if not isinstance(command, ListMedia)
        ]

    async def wait_for(self, command: AnyCommand) -> None:
        """Wait until a command has come."""
        async with asyncio.timeout(5):
            while command not in self.got():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def pool_of(*workers: ScriptedWorker, timeout_s: float = 3.0) -> AsyncIterator[MediaPool]:
    """Run a pool connected to workers."""
    pool = MediaPool(
        [worker.path for worker in workers],
        hello=Hello(name="test", generation=1),
        ask_timeout_s=timeout_s,
    )
    link = asyncio.ensure_future(pool.run())
    try:
        async with asyncio.timeout(5):
            await pool.wait_ready()
        yield pool
    finally:
        link.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await link


def test_legs_are_spread_and_neighbours_stay_together(tmp_path: Path) -> None:
    async def run() -> None:
        one, two = ScriptedWorker(tmp_path / "1"), ScriptedWorker(tmp_path / "2")
        async with one.running(), two.running(), pool_of(one, two) as pool:
            await pool.reserve(A)
            await pool.reserve(B, near=A)
            await pool.reserve(C)
            assert len(one.got()) + len(two.got()) == 3
            assert sorted((len(one.got()), len(two.got()))) == [1, 2]

    asyncio.run(run())


def test_legs_opened_at_the_same_time_are_spread(tmp_path: Path) -> None:
    async def run() -> None:
        one, two = ScriptedWorker(tmp_path / "1"), ScriptedWorker(tmp_path / "2")
        async with one.running(), two.running(), pool_of(one, two) as pool:
            await asyncio.gather(*(pool.reserve(LegId(f"leg-{i}")) for i in range(10)))
            assert (len(one.got()), len(two.got())) == (5, 5)

    asyncio.run(run())


def test_legs_of_different_workers_are_not_joined(tmp_path: Path) -> None:
    async def run() -> None:
        one, two = ScriptedWorker(tmp_path / "1"), ScriptedWorker(tmp_path / "2")
        async with one.running(), two.running(), pool_of(one, two) as pool:
            await pool.reserve(A)
            await pool.reserve(B, near=A)
            await pool.reserve(C)
            assert (pool.is_together((A, B)), pool.is_together((A, B, C))) == (True, False)
            room = SetRoom(
                room=BridgeId("r"), members=(RoomMember(A, ((C, 1.0),)), RoomMember(C, ()))
            )
            recording = StartRecording(recording=RecordingId("x"), path="x.wav", first=A, second=C)
            for command in (room, recording):
                with pytest.raises(Conflict, match="different media workers"):
                    await pool.ask(A, command)
                with pytest.raises(Conflict):
                    pool.send(A, command)
            assert len(one.got()) + len(two.got()) == 3

    asyncio.run(run())


def test_full_worker_is_passed_over_and_all_full_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        full = ScriptedWorker(tmp_path / "1", refuses="overloaded")
        free = ScriptedWorker(tmp_path / "2")
        async with full.running(), free.running(), pool_of(full, free) as pool:
            assert (await pool.reserve(A)).rtp_port == 20_000
            free.refuses = "no-port"
            with pytest.raises(CapacityExceeded):
                await pool.reserve(B)

    asyncio.run(run())


def test_a_port_in_stock_is_taken_without_asking(tmp_path: Path) -> None:
    async def run() -> None:
        worker = ScriptedWorker(tmp_path / "1")
        async with worker.running(), pool_of(worker) as pool:
            await pool.reserve(A)
            assert worker.link is not None
            worker.link.send(SparePorts(address="127.0.0.1", rtp_ports=(20_000, 20_002)))
            worker.link.send(KeyPressed(leg=A, digit="1", duration_ms=100))
            assert isinstance(await pool.next_event(), KeyPressed)
            worker.is_mute = True
            opened = await pool.reserve(B)
            assert (opened.rtp_port, opened.rtcp_port) == (20_002, 20_003)
            await worker.wait_for(Reserve(leg=B, address="127.0.0.1", rtp_port=20_002))
            worker.is_mute = False
            await pool.reserve(C)
            assert worker.got()[-1] == Reserve(leg=C, address="127.0.0.1")

    asyncio.run(run())


def test_a_worker_that_hangs_is_asked_although_its_stock_is_not_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_worker, "STOCK_TOLD_WITHIN_S", 0.0)

    async def run() -> None:
        worker = ScriptedWorker(tmp_path / "1")
        async with worker.running(), pool_of(worker) as pool:
            await pool.reserve(A)
            assert worker.link is not None
            stock = SparePorts(address="127.0.0.1", rtp_ports=(20_000, 20_002, 20_004))
            worker.link.send(stock)
            worker.link.send(KeyPressed(leg=A, digit="1", duration_ms=100))
            assert isinstance(await pool.next_event(), KeyPressed)
            await pool.reserve(B)
            await worker.wait_for(Reserve(leg=B, address="127.0.0.1", rtp_port=20_002))
            await pool.reserve(C)
            assert worker.got()[-1] == Reserve(leg=C, address="127.0.0.1"), "it is asked"
            worker.link.send(stock)
            worker.link.send(KeyPressed(leg=A, digit="2", duration_ms=100))
            assert isinstance(await pool.next_event(), KeyPressed)
            await pool.reserve(D)
            await worker.wait_for(Reserve(leg=D, address="127.0.0.1", rtp_port=20_004))

    asyncio.run(run())


def test_stock_of_a_late_worker_or_of_another_address_is_not_taken(tmp_path: Path) -> None:
    async def run() -> None:
        worker = ScriptedWorker(tmp_path / "1")
        async with worker.running(), pool_of(worker) as pool:
            await pool.reserve(A)
            assert worker.link is not None
            worker.link.send(SparePorts(address="127.0.0.1", rtp_ports=(20_002,)))
            worker.link.send(WorkerAlarm(code="late", text=""))
            assert isinstance(await pool.next_event(), WorkerAlarm)
            await pool.reserve(B)
            await pool.reserve(C, address="127.0.0.2")
            assert [command for command in worker.got() if isinstance(command, Reserve)] == [
                Reserve(leg=A, address="127.0.0.1"),
                Reserve(leg=B, address="127.0.0.1"),
                Reserve(leg=C, address="127.0.0.2"),
            ]

    asyncio.run(run())


def test_late_worker_is_the_last_choice(tmp_path: Path) -> None:
    async def run() -> None:
        late, free = ScriptedWorker(tmp_path / "1"), ScriptedWorker(tmp_path / "2")
        async with late.running(), free.running(), pool_of(late, free) as pool:
            assert late.link is not None
            late.link.send(WorkerAlarm(code="late", text=""))
            assert isinstance(await pool.next_event(), WorkerAlarm)
            await pool.reserve(A)
            await pool.reserve(B)
            assert len(free.got()) == 2

    asyncio.run(run())


def test_refusal_and_silence_are_errors_with_names(tmp_path: Path) -> None:
    async def run() -> None:
        worker = ScriptedWorker(tmp_path / "1")
        async with worker.running(), pool_of(worker, timeout_s=0.2) as pool:
            await pool.reserve(A)
            worker.refuses = "unknown-prompt"
            play = PlayMedia(leg=A, play="p", prompts=("x",))
            with pytest.raises(RemoteRejected) as refused:
                await pool.ask(A, play)
            assert refused.value.details["code"] == "unknown-prompt"
            worker.is_mute = True
            with pytest.raises(RemoteTimeout):
                await pool.ask(A, ReadStatistics(leg=A))
            with pytest.raises(NotFound):
                pool.send(B, ReadStatistics(leg=B))

    asyncio.run(run())


def test_events_come_in_order(tmp_path: Path) -> None:
    async def run() -> None:
        worker = ScriptedWorker(tmp_path / "1")
        async with worker.running(), pool_of(worker) as pool:
            assert worker.link is not None
            pressed = [KeyPressed(leg=A, digit=digit, duration_ms=100) for digit in "123"]
            for event in pressed:
                worker.link.send(event)
            assert [await pool.next_event() for _ in pressed] == pressed

    asyncio.run(run())


def test_new_worker_is_set_up_then_gets_what_waited_and_what_was_asked(tmp_path: Path) -> None:
    async def run() -> None:
        first = ScriptedWorker(tmp_path / "1")
        second = ScriptedWorker(tmp_path / "1")
        configure = Configure(leg=A, media=MEDIA)
        async with contextlib.AsyncExitStack() as later:
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(first.running())
                pool = await later.enter_async_context(pool_of(first))
                await pool.reserve(A)
                await pool.reserve(B)
                first.is_mute = True
                asked = asyncio.ensure_future(pool.ask(A, configure))
                await first.wait_for(configure)
            pool.send(B, SendDigits(leg=B, digits="1"))
            pool.release(B)
            await later.enter_async_context(second.running())
            assert isinstance(await asked, Done)
            await second.wait_for(Release(leg=B))
            address = "127.0.0.1"
            assert second.got() == [
                Reserve(leg=A, address=address, rtp_port=20_000),
                configure,
                SendDigits(leg=B, digits="1"),
                Release(leg=B),
                configure,
            ]

    asyncio.run(run())
