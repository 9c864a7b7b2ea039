# SPDX-License-Identifier: Apache-2.0
"""How fast the journal makes records durable, beside a bare file with the same syncs.

The floor is the least that any journal does: one thread that takes whatever waits, writes it to
a file, syncs once, and wakes who asked. Both run in turns, one slice each. A record is an input
and two events of about 280 bytes. Producers wait for each record before they send the next.
The last rows go through the product: the writer of a tenant with the real engine, whole calls
of a menu, a queue, an agent and wrap-up, each input answered when it is durable.
"""

from __future__ import annotations

import asyncio
import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measurement import Measurement
from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.core.interactions import commands as calls
from centralino.core.interactions import effects
from centralino.core.kernel.ids import LegId, TenantId, TrunkId
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange.ports import JournalRecord
from centralino.exchange.tenant import Input, Listener, TenantWriter
from tests.unit.core.company import NUMBER, TENANT, company

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.core.routing.turn import Decision

PREFIX = "exchange.journal_speed"
SLICES, SLICE_S = 7, 0.7
SYNCS = 400
CALLERS, PRODUCT_S = 64, 6.0
_EVENT = b'{"type":"offer.made","interaction":"interaction-acme.1234.1","offer":"%s"}' % (b"x" * 50)
Append = Callable[[int], Awaitable[None]]
"""Makes the record of a number durable."""


@dataclass(frozen=True)
class Slice:
    """What some producers reached in one slice."""

    rate: float
    p99_ms: float


def measure() -> Iterator[Measurement]:
    """Measure the disk, the journal against a bare file, and the product."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        place = Path(folder)
        yield Measurement(
            name="exchange.journal_speed_sync_p50",
            value=_sync_p50_ms(place / "sync"),
            unit="ms",
            note="the disk's floor: 256 bytes and fdatasync",
        )
        yield from _against_floor(place, 16, is_latency=True)
        yield from _against_floor(place, 256, is_latency=False)
        yield from _product(place / "product")


def _sync_p50_ms(path: Path) -> float:
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            began = time.perf_counter_ns()
            file.write(b"x" * 256)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter_ns() - began)
    return statistics.median(times) / 1e6


def _against_floor(place: Path, producers: int, *, is_latency: bool) -> Iterator[Measurement]:
    ours, bare = [], []
    with (
        closing(SqliteJournal(place / f"journal-{producers}.sqlite3")) as journal,
        closing(BareFile(place / f"bare-{producers}")) as file,
    ):
        ahead = 0
        for _ in range(SLICES):
            found, ahead = asyncio.run(_slice(_journal_append(journal), producers, ahead))
            ours.append(found)
            found, _ = asyncio.run(_slice(_bare_append(file), producers, 0))
            bare.append(found)
    if is_latency:
        value, floor = (statistics.median(one.p99_ms for one in some) for some in (ours, bare))
        rate = statistics.median(one.rate for one in ours)
        yield Measurement(
            name=f"exchange.journal_speed_p99_{producers}",
            value=value,
            unit="ms",
            floor=floor,
            goal=4.0,
            met=value <= 4 * floor,
            note=f"goal is the ratio; {rate:,.0f} records/s; {SLICES} slices in turns",
        )
    else:
        value, floor = (statistics.median(one.rate for one in some) for some in (ours, bare))
        yield Measurement(
            name=f"exchange.journal_speed_rate_{producers}",
            value=value,
            unit="records/s",
            floor=floor,
            goal=0.5,
            met=value >= floor / 2,
            is_goal_a_minimum=True,
            note="goal is the ratio",
        )


def _journal_append(journal: SqliteJournal) -> Append:
    async def append(number: int) -> None:
        await journal.append([_record(number)])

    return append


def _bare_append(file: BareFile) -> Append:
    async def append(number: int) -> None:
        record = _record(number)
        await file.append(record.input + b"".join(record.events) + b"\n")

    return append


def _record(number: int) -> JournalRecord:
    return JournalRecord(
        tenant=TENANT,
        sequence=number,
        at=number,
        configuration=1,
        key=f"fact/voice/1/{number}",
        input=b'{"type":"confirm-answered","leg":"leg-acme.1234.1"}',
        events=(_EVENT, _EVENT),
    )


async def _slice(append: Append, producers: int, last: int) -> tuple[Slice, int]:
    """Let producers append for a while; return what they reached and the last number."""
    times: list[int] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    ends_at = began + SLICE_S

    async def produce() -> None:
        nonlocal last
        while loop.time() < ends_at:
            last += 1
            asked = time.perf_counter_ns()
            await append(last)
            times.append(time.perf_counter_ns() - asked)

    async with asyncio.TaskGroup() as group:
        for _ in range(producers):
            group.create_task(produce())
    took_s = loop.time() - began
    times.sort()
    p99 = times[min(len(times) - 1, len(times) * 99 // 100)] / 1e6
    return Slice(len(times) / took_s, p99), last


class BareFile:
    """The floor: a thread that writes and syncs whatever waits, and wakes who asked."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._waiting: queue.SimpleQueue[
            tuple[bytes, asyncio.AbstractEventLoop, asyncio.Future[None]] | None
        ] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    async def append(self, data: bytes) -> None:
        """Return when ``data`` is durable."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.put((data, loop, done))
        await done

    def close(self) -> None:
        """End the thread."""
        self._waiting.put(None)
        self._thread.join()
        self._file.close()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    return
                group.append(more)
            self._file.write(b"".join(data for data, _, _ in group))
            os.fdatasync(self._file.fileno())
            for _, loop, done in group:
                loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


# ---------------------------------------------------------------------------- the product
def _product(folder: Path) -> Iterator[Measurement]:
    with closing(SqliteJournal(folder / "journal.sqlite3")) as journal:
        events, inputs, took_s, waits = asyncio.run(_calls(journal))
    waits.sort()
    yield Measurement(
        name="exchange.journal_speed_product",
        value=events / took_s,
        unit="events/s",
        goal=5000.0,
        is_goal_a_minimum=True,
        note=f"{inputs / took_s:,.0f} inputs/s, p99 {waits[len(waits) * 99 // 100] / 1e6:.1f} ms; "
        f"one tenant, {CALLERS} callers at once, the real engine",
    )


async def _calls(journal: SqliteJournal) -> tuple[int, int, float, list[int]]:
    """Run whole calls through the writer; return events, inputs, seconds and waits in ns."""
    caller = _Callers()
    writer = TenantWriter(
        TENANT,
        journal=journal,
        clock=SystemClock(),
        listener=Listener(on_decision=caller.take, on_storage=print),
    )
    writer.recover()
    running = asyncio.ensure_future(writer.run())
    await writer.submit([Input(ConfigureTenant(configuration=company(wrap_up_for_ms=0)))])
    loop = asyncio.get_running_loop()
    began, ends_at = loop.time(), loop.time() + PRODUCT_S
    async with asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            group.create_task(caller.call_on(writer, number, ends_at))
    took_s = loop.time() - began
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return caller.events, caller.inputs, took_s, caller.waits


class _Callers:
    """Customers who call again and again, and the agents' phones."""

    def __init__(self) -> None:
        self.events = self.inputs = 0
        self.waits: list[int] = []
        self._orders: dict[LegId, list[effects.Effect]] = {}
        self._rung: asyncio.Queue[effects.RingAgent] = asyncio.Queue()

    def take(self, tenant: TenantId, decision: Decision) -> None:
        """Note what came of a decision."""
        self.events += len(decision.events)
        for effect in decision.effects:
            self._orders.setdefault(effect.leg, []).append(effect)
            if isinstance(effect, effects.RingAgent):
                self._rung.put_nowait(effect)

    async def call_on(self, writer: TenantWriter, number: int, ends_at: float) -> None:
        """Call until the time is over: half of them give up in the menu, half reach somebody."""
        loop, count = asyncio.get_running_loop(), 0
        while loop.time() < ends_at:
            count += 1
            leg = LegId(f"in-{number}-{count}")
            await self._tell(
                writer,
                calls.ReceiveCall(
                    leg=leg,
                    trunk=TrunkId("carrier"),
                    called_number=NUMBER,
                    caller_number="+39333111222",
                ),
            )
            await self._tell(writer, calls.ConfirmAnswered(leg=leg))
            play = self._last(leg, effects.PlayPrompts).play
            await self._tell(writer, calls.FinishPlay(leg=leg, play=play, reason="completed"))
            collect = self._last(leg, effects.CollectKey).collect
            await self._tell(
                writer, calls.FinishCollect(leg=leg, collect=collect, digits="12"[count % 2])
            )
            await self._answer_somebody(writer)
            await self._tell(writer, calls.EndLeg(leg=leg, outcome=COMPLETED, by_far_end=True))
            self._orders.pop(leg, None)

    async def _answer_somebody(self, writer: TenantWriter) -> None:
        while not self._rung.empty():
            ring = self._rung.get_nowait()
            await self._tell(writer, calls.ConfirmRinging(leg=ring.leg))
            await self._tell(writer, calls.ConfirmAnswered(leg=ring.leg))
            await self._tell(writer, calls.EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True))
            self._orders.pop(ring.leg, None)

    def _last(self, leg: LegId, kind: type[Any]) -> Any:  # noqa: ANN401 - of that kind
        return next(one for one in reversed(self._orders[leg]) if isinstance(one, kind))

    async def _tell(self, writer: TenantWriter, command: calls.AnyCallCommand) -> None:
        self.inputs += 1
        began = time.perf_counter_ns()
        await writer.submit([Input(command, f"fact/voice/1/{self.inputs}")])
        self.waits.append(time.perf_counter_ns() - began)
