# SPDX-License-Identifier: Apache-2.0
"""The driver on the other side of the link, and what an exchange does about strangers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.ids import LegId, OrderId, TenantId, TrunkId
from centralino.exchange import facts, orders
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.exchange import Exchange
from centralino.exchange.link.framing import Hello
from centralino.exchange.link.messages import (
    AcknowledgeFacts,
    DeliverFacts,
    SubmitOrders,
    ToDriver,
    driver_decoder,
)
from centralino.exchange.link.stream import Link, LinkServer
from tests.unit.core.company import TENANT, company

pytestmark = pytest.mark.unit

HELLO = Hello(name="voice", generation=7)


def fact(number: int, leg: str = "in-1") -> facts.Offered:
    return facts.Offered(
        leg=LegId(leg),
        driver="voice",
        generation=7,
        fact=number,
        tenant=TenantId("nobody"),
        trunk=TrunkId("x"),
        called_number="+391",
        caller_number=None,
    )


def listing(number: int, order: OrderId) -> facts.LegsListed:
    return facts.LegsListed(leg=LegId(""), fact=number, generation=7, legs=(), order=order)


def asked(message: ToDriver) -> OrderId:
    """Return the name of the listing that an exchange asks for."""
    assert isinstance(message, SubmitOrders)
    (order,) = message.orders
    assert isinstance(order, orders.ListLegs)
    return order.order


def test_orders_facts_and_acknowledgements_cross_the_link(tmp_path: Path) -> None:
    heard: list[ToDriver] = []

    async def serve(link: Link[ToDriver]) -> None:
        link.send(DeliverFacts((fact(1), fact(2))))
        heard.extend([await link.receive(), await link.receive()])

    async def run() -> None:
        path = tmp_path / "voice.sock"
        async with LinkServer(path, HELLO, driver_decoder(), serve):
            driver = LinkedDriver("voice", path, 1)
            with pytest.raises(RemoteUnavailable):
                driver.submit([])
            assert await driver.attach() == 7
            assert await driver.next_facts() == [fact(1), fact(2)]
            driver.submit([orders.ListLegs(order=OrderId("o"), leg=LegId(""))])
            driver.acknowledge(7, 2)
            with pytest.raises(RemoteUnavailable):
                await driver.next_facts()

    asyncio.run(asyncio.wait_for(run(), 5))
    assert isinstance(heard[0], SubmitOrders)
    assert heard[1] == AcknowledgeFacts(7, 2)


def test_a_call_for_an_unknown_tenant_is_refused_and_acknowledged(tmp_path: Path) -> None:
    heard: list[ToDriver] = []

    async def serve(link: Link[ToDriver]) -> None:
        link.send(DeliverFacts((fact(1),)))
        heard.append(await link.receive())
        link.send(DeliverFacts((listing(2, asked(heard[0])),)))
        while AcknowledgeFacts(7, 2) not in heard:
            heard.append(await link.receive())
        finished.set()
        await link.wait_closed()

    async def run() -> None:
        path = tmp_path / "voice.sock"
        exchange = Exchange(
            driver=LinkedDriver("voice", path, 1),
            driver_name="voice",
            journal=InMemoryJournal(),
            clock=SystemClock(),
        )
        async with (
            LinkServer(path, HELLO, driver_decoder(), serve),
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(exchange.run({TENANT: company()}))
            await finished.wait()
            assert exchange.attached.is_set()
            running.cancel()

    finished = asyncio.Event()
    asyncio.run(asyncio.wait_for(run(), 5))
    assert isinstance(heard[0], SubmitOrders)
    rejected = [o for m in heard if isinstance(m, SubmitOrders) for o in m.orders]
    assert any(isinstance(o, orders.Reject) and o.leg == LegId("in-1") for o in rejected)
    assert heard[-1] == AcknowledgeFacts(7, 2)


def test_a_listing_that_an_earlier_exchange_asked_for_is_not_believed(tmp_path: Path) -> None:
    heard: list[ToDriver] = []

    async def serve(link: Link[ToDriver]) -> None:
        link.send(DeliverFacts((listing(1, OrderId("list:before")),)))
        heard.append(await link.receive())
        heard.append(await link.receive())
        was_attached.append(exchange.attached.is_set())
        link.send(DeliverFacts((listing(2, asked(heard[0])),)))
        await link.wait_closed()

    async def run() -> None:
        async with (
            LinkServer(tmp_path / "voice.sock", HELLO, driver_decoder(), serve),
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(exchange.run({TENANT: company()}))
            await exchange.attached.wait()
            running.cancel()

    was_attached: list[bool] = []
    exchange = Exchange(
        driver=LinkedDriver("voice", tmp_path / "voice.sock", 1),
        driver_name="voice",
        journal=InMemoryJournal(),
        clock=SystemClock(),
    )
    asyncio.run(asyncio.wait_for(run(), 5))
    assert was_attached == [False]
    assert heard[1] == AcknowledgeFacts(7, 1), "it is told to forget it all the same"
