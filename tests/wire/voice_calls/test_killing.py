# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of the voice process during calls that sipp holds: all of them survive.

Real sockets, a real media worker, an exchange at the other end of the link. Two kinds of
calls: those the exchange bridges, and those a route relays.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.voice.call_settings import CallSettings, RelayRouteSettings
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import BridgeId, LegId, OrderId
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.facts import Answered, Ended, Fact, LegsListed, Offered, ParticipantJoined
from centralino.exchange.orders import Answer, Bridge, BridgeMember, HangUp, Invite, ListLegs
from tests.kit.ports import free_port, free_udp_range
from tests.kit.processes import Child, running
from tests.wire.voice_calls.rig import (
    CALLEE,
    CALLEE_ADDRESS,
    CALLER,
    CALLER_ADDRESS,
    Rig,
    last_figures,
    voice_settings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.wire

CALLS = 6


class TinyExchange:
    """Answers each caller, calls the other carrier, bridges; hangs up the other side."""

    def __init__(self, path: Path) -> None:
        self.driver = LinkedDriver("voice", path, 1)
        self.facts: list[Fact] = []
        self.partner: dict[LegId, LegId] = {}
        self._count = 0
        self._news = asyncio.Event()

    def order_id(self) -> OrderId:
        self._count += 1
        return OrderId(f"x{self._count}")

    async def run(self) -> None:
        while True:
            await self.driver.attach()
            try:
                while True:
                    for fact in await self.driver.next_facts():
                        self.take(fact)
                        self.driver.acknowledge(fact.generation, fact.fact)
            except RemoteUnavailable:
                continue

    def take(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._news.set()
        leg = fact.leg
        if isinstance(fact, Offered):
            self.driver.submit([Answer(order=self.order_id(), leg=leg)])
        elif isinstance(fact, Answered) and leg not in self.partner:
            other = LegId(f"out-{leg}")
            self.partner[leg], self.partner[other] = other, leg
            invite = Invite(
                order=self.order_id(), leg=other, tenant="acme", trunk=CALLEE,  # type: ignore[arg-type]  # name
                target="+390612345", ring_for_ms=20_000,
            )  # fmt: skip
            self.driver.submit([invite])
        elif isinstance(fact, Answered):
            people = (BridgeMember(self.partner[leg]), BridgeMember(leg))
            bridge = BridgeId(f"b-{leg}")
            order = Bridge(order=self.order_id(), leg=leg, bridge=bridge, members=people)
            self.driver.submit([order])
        elif isinstance(fact, Ended) and not leg.startswith("out-"):
            self.driver.submit([HangUp(order=self.order_id(), leg=self.partner[leg])])

    async def until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not is_enough():
                self._news.clear()
                await self._news.wait()

    def count(self, kind: type[Fact]) -> int:
        return sum(isinstance(fact, kind) for fact in self.facts)


@asynccontextmanager
async def media_worker(folder: Path) -> AsyncIterator[Path]:
    """Run a media worker; yields its socket."""
    ports = free_udp_range(200)
    socket = folder / "m.sock"
    async with running(
        sys.executable, "-m", "centralino.adapters.media.worker", "--socket", str(socket),
        "--checkpoint", str(folder / "m.ckpt"), "--ports", f"{ports[0]}-{ports[-1]}",
        "--prompts", str(folder),
    ) as child:  # fmt: skip
        await child.wait_for_line("serving")
        yield socket


@asynccontextmanager
async def voice(folder: Path, media: Path) -> AsyncIterator[Child]:
    """Run a voice process."""
    script = Path(__file__).with_name("voice_child.py")
    async with running(
        sys.executable, str(script), str(folder / "voice.json"), str(folder / "calls.json"),
        str(folder / "v.sock"), str(media),
    ) as child:  # fmt: skip
        await child.wait_for_line("^serving")
        yield child


async def talk_through_a_kill(
    rig: Rig, media: Path, is_up: Callable[[], bool], after: Callable[[], Awaitable[None]]
) -> dict[str, str]:
    """Start the calls, kill the voice process, start the next; returns the caller's figures."""
    calling = ("-m", str(CALLS), "-r", "20", "-d", "5000")
    async with (
        rig.sipp("callee.xml", CALLEE_ADDRESS, rig.callee),
        voice(rig.folder, media) as first,
        rig.sipp("caller.xml", CALLER_ADDRESS, rig.caller, *calling) as caller,
    ):
        async with asyncio.timeout(20):
            while not is_up():
                await turn()
        first.signal(signal.SIGKILL)
        await first.wait()
        async with voice(rig.folder, media):
            await after()
            status = await caller.wait(timeout_s=40)
            assert status == 0, caller.output
            await turn(0.5)
    return last_figures(rig.folder / "caller.xml.csv")


async def turn(seconds: float = 0.02) -> None:
    """Let the loop run on for a moment of wall time (to look again at a growing list)."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, done.set)
    await done.wait()


def write_settings(folder: Path, calls: CallSettings) -> Rig:
    rig = Rig(folder, free_port(), free_port(), free_port())
    settings = voice_settings(folder, rig.own, rig.caller, rig.callee)
    (folder / "voice.json").write_bytes(msgspec.json.encode(settings))
    (folder / "calls.json").write_bytes(msgspec.json.encode(calls))
    return rig


def test_calls_of_the_exchange_survive(short_folder: Path) -> None:
    async def story() -> None:
        rig = write_settings(short_folder, CallSettings(probe_restored=False))
        exchange = TinyExchange(short_folder / "v.sock")

        async def list_legs() -> None:
            await exchange.driver.attach()
            exchange.driver.submit([ListLegs(order=OrderId("l"), leg=LegId(""))])
            await exchange.until(lambda: exchange.count(LegsListed) == 1)

        async with media_worker(short_folder) as media, asyncio.TaskGroup() as tasks:
            task = tasks.create_task(exchange.run())
            figures = await talk_through_a_kill(
                rig, media, lambda: exchange.count(ParticipantJoined) == 2 * CALLS, list_legs
            )
            assert figures["SuccessfulCall(C)"] == str(CALLS)
            assert figures["FailedCall(C)"] == "0"
            generations = {fact.generation for fact in exchange.facts if isinstance(fact, Ended)}
            assert generations == {2}
            assert exchange.count(Ended) == 2 * CALLS
            listed = next(f for f in exchange.facts if isinstance(f, LegsListed))
            assert [status.state for status in listed.legs] == ["answered"] * 2 * CALLS
            assert len({status.bridge for status in listed.legs}) == CALLS
            task.cancel()

    asyncio.run(story())


def test_relayed_calls_survive(short_folder: Path) -> None:
    async def story() -> None:
        route = RelayRouteSettings(name="r", from_trunk=CALLER, to_trunk=CALLEE)
        rig = write_settings(short_folder, CallSettings(routes=(route,), probe_restored=False))
        log = short_folder / "data" / "voice.calls"
        async with media_worker(short_folder) as media:
            figures = await talk_through_a_kill(
                rig,
                media,
                lambda: log.exists() and log.read_bytes().count(b"relay:") == CALLS,
                turn,
            )
            assert figures["SuccessfulCall(C)"] == str(CALLS)
            assert figures["FailedCall(C)"] == "0"

    asyncio.run(story())
