# SPDX-License-Identifier: Apache-2.0
"""The voice process on real sockets: its link to the exchange, and its orderly stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, TenantId
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.facts import Answered, Ended, Fact, LegsListed, TrunkState
from centralino.exchange.orders import HangUp, Invite, ListLegs
from tests.unit.voice_calls.world import InMemoryMedia
from tests.wire.voice_calls.rig import CALLEE, CALLEE_ADDRESS, Rig, rig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeVar

    from centralino.exchange.facts import AnyFact

    F = TypeVar("F", bound=Fact)

pytestmark = pytest.mark.wire


def invite(leg: str = "a1") -> Invite:
    return Invite(
        order=OrderId(f"invite-{leg}"), leg=LegId(leg), tenant=TenantId("acme"), trunk=CALLEE,
        target="+390612345",
    )  # fmt: skip


async def fact(driver: LinkedDriver, kind: type[F]) -> F:
    """Wait for a fact of a kind; others are dropped."""
    async with asyncio.timeout(10):
        while True:
            for found in await driver.next_facts():
                if isinstance(found, kind):
                    return found


async def attached(there: Rig) -> LinkedDriver:
    driver = LinkedDriver("voice", there.folder / "v.sock", 1)
    async with asyncio.timeout(10):
        await driver.attach()
    return driver


def test_an_orderly_stop_ends_the_calls_when_told(short_folder: Path) -> None:
    async def story() -> None:
        settings = CallSettings(hang_up_at_stop=True)
        async with rig(short_folder, settings, InMemoryMedia()) as there:
            callee = there.sipp("callee.xml", CALLEE_ADDRESS, there.callee, "-m", "1")
            sipp = await callee.__aenter__()
            driver = await attached(there)
            driver.submit([invite()])
            await fact(driver, Answered)
            driver.detach()
        assert await sipp.wait(timeout_s=10) == 0, sipp.output
        await callee.__aexit__(None, None, None)

    asyncio.run(story())


def test_otherwise_the_next_process_goes_on_with_them(short_folder: Path) -> None:
    async def story() -> None:
        settings = CallSettings(probe_restored=False)
        async with rig(short_folder, settings, InMemoryMedia()) as there:
            callee = there.sipp("callee.xml", CALLEE_ADDRESS, there.callee, "-m", "1")
            sipp = await callee.__aenter__()
            driver = await attached(there)
            driver.submit([invite()])
            await fact(driver, Answered)
            driver.detach()
        async with rig(short_folder, settings, InMemoryMedia(), like=there) as again:
            driver = await attached(again)
            driver.submit([ListLegs(order=OrderId("l"), leg=LegId(""))])
            listed = await fact(driver, LegsListed)
            assert [(s.leg, s.state) for s in listed.legs] == [("a1", "answered")]
            assert listed.generation == 2
            driver.submit([HangUp(order=OrderId("h"), leg=LegId("a1"))])
            await fact(driver, Ended)
            assert await sipp.wait(timeout_s=10) == 0, sipp.output
            driver.detach()
        await callee.__aexit__(None, None, None)

    asyncio.run(story())


async def delivered(driver: LinkedDriver) -> Sequence[AnyFact]:
    """Return what an exchange that has just attached is told first."""
    driver.submit([ListLegs(order=OrderId(f"list-{id(driver)}"), leg=LegId(""))])
    return await driver.next_facts()


def test_facts_come_again_until_they_are_acknowledged(short_folder: Path) -> None:
    async def story() -> None:
        async with rig(short_folder, CallSettings(), InMemoryMedia()) as there:
            first = await attached(there)
            state = await fact(first, TrunkState)
            second = await attached(there)
            with pytest.raises(RemoteUnavailable):
                await fact(first, LegsListed)
            again = await fact(second, TrunkState)
            assert again == state
            second.acknowledge(state.generation, state.fact)
            second.detach()
            async with asyncio.timeout(10):
                while state in await delivered(third := await attached(there)):
                    third.detach()
            third.detach()

    asyncio.run(story())


def test_an_exchange_that_comes_is_told_every_trunk_again(short_folder: Path) -> None:
    async def story() -> None:
        async with rig(short_folder, CallSettings(), InMemoryMedia()) as there:
            first = await attached(there)
            before = await fact(first, TrunkState)
            first.acknowledge(before.generation, before.fact)
            first.detach()
            second = await attached(there)
            async with asyncio.timeout(10):
                while True:
                    after = await fact(second, TrunkState)
                    if after.trunk == before.trunk and after.fact > before.fact:
                        break
            assert after.state == before.state
            second.detach()

    asyncio.run(story())
