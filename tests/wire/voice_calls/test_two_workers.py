# SPDX-License-Identifier: Apache-2.0
"""Legs over two real media workers: a tenant uses both, and who meets is on one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.media.client import MediaPool
from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.ids import BridgeId, LegId, OrderId, TenantId
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.facts import Answered, OrderFailed, ParticipantJoined
from centralino.exchange.link.framing import Hello
from centralino.exchange.orders import Bridge, BridgeMember, Invite
from tests.kit.processes import running
from tests.wire.media.stage import worker_arguments
from tests.wire.voice_calls.rig import CALLEE, CALLEE_ADDRESS, rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from centralino.exchange.facts import AnyFact

pytestmark = pytest.mark.wire

PORTS = ("29000-29099", "29100-29199")


@asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[MediaPool]:
    """Run two workers and a pool connected to both."""
    folders = [folder / "m0", folder / "m1"]
    for one in folders:
        one.mkdir()
    first, second = (
        worker_arguments(one, "--ports", ports) for one, ports in zip(folders, PORTS, strict=True)
    )
    async with running(*first) as a, running(*second) as b:
        await a.wait_for_line("serving")
        await b.wait_for_line("serving")
        sockets = [one / "media.sock" for one in folders]
        pool = MediaPool(sockets, hello=Hello(name="test", generation=1))
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(pool.run())
            await pool.wait_ready()
            yield pool
            link.cancel()


def invite(leg: str, near: str | None = None) -> Invite:
    return Invite(
        order=OrderId(f"invite-{leg}"), leg=LegId(leg), tenant=TenantId("acme"), trunk=CALLEE,
        target="+390612345", near=LegId(near) if near else None,
    )  # fmt: skip


def bridge(name: str, *legs: str) -> Bridge:
    members = tuple(BridgeMember(LegId(leg)) for leg in legs)
    return Bridge(
        order=OrderId(f"join-{name}"), leg=members[0].leg, bridge=BridgeId(name), members=members
    )


async def facts(driver: LinkedDriver, kind: type[AnyFact], count: int) -> list[AnyFact]:
    """Wait for so many facts of a kind; others are dropped."""
    found: list[AnyFact] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [fact for fact in await driver.next_facts() if isinstance(fact, kind)]
    return found


def test_legs_are_spread_unless_they_are_to_meet(short_folder: Path) -> None:
    async def story() -> None:
        async with (
            two_workers(short_folder) as pool,
            rig(short_folder, CallSettings(), pool) as there,
            there.sipp("callee.xml", CALLEE_ADDRESS, there.callee, "-m", "4"),
        ):
            driver = LinkedDriver("voice", short_folder / "v.sock", 1)
            async with asyncio.timeout(10):
                await driver.attach()
            driver.submit([invite("a1"), invite("b1"), invite("a2", "a1"), invite("b2", "b1")])
            await facts(driver, Answered, 4)
            places = {leg: pool._places[LegId(leg)] for leg in ("a1", "a2", "b1", "b2")}
            assert places["a1"] is places["a2"] is not places["b1"] is places["b2"]
            driver.submit([bridge("a", "a1", "a2"), bridge("b", "b1", "b2")])
            await facts(driver, ParticipantJoined, 4)
            driver.submit([bridge("c", "a1", "b1")])
            (failed,) = await facts(driver, OrderFailed, 1)
            assert isinstance(failed, OrderFailed)
            assert (failed.code, "different media workers" in failed.text) == ("conflict", True)
            driver.detach()

    asyncio.run(story())
