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


async def all_facts(there: Rig) -> Sequence[AnyFact]:
    """Return what an exchange that attaches now is told first."""
    driver = await attached(there)
    driver.submit([ListLegs(order=OrderId(f"list-{id(driver)}"), leg=LegId(""))])
    found = await driver.next_facts()
    driver.detach()
    return found


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
            second.acknowledge(state.generation, 10_000)
            second.submit([ListLegs(order=OrderId("x"), leg=LegId(""))])
            async with asyncio.timeout(10):
                await second.next_facts()
            second.detach()
            async with asyncio.timeout(10):
                while any(isinstance(found, TrunkState) for found in await all_facts(there)):
                    pass

    asyncio.run(story())
