# SPDX-License-Identifier: Apache-2.0
"""A phone network that outlives its exchange, and the judge of what was lost or done twice.

Callers come all the time, agents answer, and the exchange is killed at random moments and
started again on the journal it left. The network is the same all the while: it keeps its calls
and the facts that were not acknowledged, as drivers do. An *effect done twice* is an order
with a name that was sent before, a phone rung that rings or talks already, a call answered,
bridged, recorded or played to where that is so already.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.sqlite import JournalReader
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.exchange import orders
from centralino.exchange.link.framing import Hello, LinkError
from centralino.exchange.link.messages import (
    DeliverFacts,
    SubmitOrders,
    ToDriver,
    driver_decoder,
)
from centralino.exchange.link.stream import Link, LinkServer, pause
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import count_calls, read_stories
from tests.scenario.in_memory_calls import Caller, InMemoryCalls
from tests.unit.core.company import NUMBER, TENANT
from tests.wire.journal.exchange_nursery import JOURNAL, SOCKET

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.core.kernel.ids import LegId

PACE = 0.01
"""People act this much faster than in life."""
EVERY_S = 0.06
"""A call comes so often."""
QUIET_WITHIN_S = 60.0


@dataclass(frozen=True)
class Verdict:
    """What became of a run."""

    kills: int
    callers: int
    arrived: int
    """Interactions of the journal."""
    lost: int
    """Callers of whom the journal knows nothing, or no end."""
    twice: tuple[str, ...]
    """Effects that were done twice."""
    is_identical: bool
    answered: int
    records: int


class WatchedCalls(InMemoryCalls):
    """The phone network, quick, and with an eye on what it is asked twice."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), tenant=TENANT, number=NUMBER, habits={})
        self.callers = 0
        self.twice: list[str] = []
        self._targets: dict[LegId, str] = {}

    @override
    def submit(self, orders: Sequence[orders.AnyOrder]) -> None:
        for order in orders:
            if self.order_counts[order.order] or self._is_done(order):
                self.twice.append(repr(order))
            super().submit([order])

    def _is_done(self, order: orders.AnyOrder) -> bool:
        leg = self.legs.get(order.leg)
        match order:
            case orders.Invite():
                busy = {self._targets[name] for name in self.legs if name in self._targets}
                is_known = order.leg in self._targets
                self._targets[order.leg] = order.target
                return is_known or order.target in busy
            case orders.Answer():
                return leg is not None and leg.state == "answered"
            case orders.Bridge():
                members = [self.legs.get(member.leg) for member in order.members]
                return all(one is not None and one.bridge == order.bridge for one in members)
            case orders.RecordStart():
                return leg is not None and leg.recording == order.recording
            case orders.Play():
                return leg is not None and leg.play == order.play
            case _:
                return False

    @override
    def _later(self, leg: Any, delay_s: float, action: Any) -> None:
        super()._later(leg, delay_s * PACE, action)

    async def serve(self, link: Link[ToDriver]) -> None:
        """Be the driver at the other end of an exchange's link."""
        await self.attach()
        sending = asyncio.ensure_future(self._send(link))
        try:
            while True:
                message = await link.receive()
                if isinstance(message, SubmitOrders):
                    self.submit(message.orders)
                else:
                    self.acknowledge(message.generation, message.fact)
        except LinkError:
            self.detach()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, link: Link[ToDriver]) -> None:
        with contextlib.suppress(RemoteUnavailable, LinkError):
            while True:
                link.send(DeliverFacts(tuple(await self.next_facts())))


class Nursery:
    """Starts and kills exchanges."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = 0

    async def start(self) -> None:
        """Start an exchange."""
        self.pid = int(await self._ask("start"))

    async def kill(self) -> None:
        """Kill it without a word, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        await self._ask("wait")

    async def _ask(self, word: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{word}\n".encode())
        return (await stdout.readline()).decode().strip()


@asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[Nursery]:
    """Run a nursery; nothing of it is left afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.wire.journal.exchange_nursery", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    found = Nursery(process)
    try:
        yield found
    finally:
        if found.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
        process.kill()
        await process.wait()


async def run_kills(
    folder: Path, kills: int, seed: int, say: Callable[[str], None] = lambda line: None
) -> Verdict:
    """Kill an exchange so many times under load, then let everything come to its end."""
    generator = random.Random(seed)
    calls = WatchedCalls()
    hello = Hello(name="voice", generation=1)
    server = LinkServer(folder / SOCKET, hello, driver_decoder(), calls.serve)
    async with server, nursery(folder) as exchanges:
        coming = asyncio.ensure_future(_keep_calling(calls, generator))
        for number in range(kills):
            await exchanges.start()
            await pause(generator.uniform(0.05, 0.45))
            await exchanges.kill()
            if (number + 1) % 20 == 0:
                say(f"{number + 1} of {kills} kills, {len(calls.twice)} effects done twice")
        coming.cancel()
        (callers,) = await asyncio.gather(coming, return_exceptions=True)
        del callers
        await exchanges.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_WITHIN_S):
                while calls.legs or calls._facts:
                    await pause(0.1)
        await exchanges.kill()
    return _judge(folder, kills, calls)


async def _keep_calling(calls: WatchedCalls, generator: random.Random) -> None:
    number = 0
    while True:
        number += 1
        caller = Caller(
            at_s=0,
            key=generator.choice("122"),
            patience_s=generator.choice((20.0, 400.0, 4000.0)),
            talk_s=generator.uniform(2, 12),
        )
        calls.call(f"in-{number}", caller)
        calls.callers = number
        await pause(EVERY_S)


def _judge(folder: Path, kills: int, calls: WatchedCalls) -> Verdict:
    reader = JournalReader(folder / JOURNAL)
    stories = read_stories(read_events(reader, TENANT))
    counts = count_calls(stories)
    report = replay(reader, TENANT)
    ended = sum(1 for story in stories if story.ended_at is not None)
    return Verdict(
        kills=kills,
        callers=calls.callers,
        arrived=len(stories),
        lost=calls.callers - ended,
        twice=tuple(calls.twice),
        is_identical=report.is_identical,
        answered=counts.answered,
        records=report.records,
    )
