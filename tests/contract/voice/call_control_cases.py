# SPDX-License-Identifier: Apache-2.0
"""What every implementation of ``CallControlPort`` must do, however it places its calls.

A subclass gives the port and a caller who can be made to call; the cases know nothing of
SIP. Facts are awaited, never polled.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from centralino.core.kernel.ids import LegId, OrderId, TenantId, TrunkId
from centralino.exchange.facts import Answered, Ended, Fact, LegsListed, Offered, OrderFailed
from centralino.exchange.orders import Answer, HangUp, Invite, ListLegs, Reject, RejectCause
from tests.kit.virtual_time import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from centralino.exchange.ports import CallControlPort

F = TypeVar("F", bound=Fact)


@dataclass
class Stage:
    """An implementation with a far side."""

    port: CallControlPort
    tenant: TenantId
    trunk: TrunkId
    call_in: Callable[[], object]
    """Let somebody call us."""

    def __post_init__(self) -> None:
        self.seen: list[Fact] = []

    async def fact(self, kind: type[F]) -> F:
        """Return the next fact of a kind; facts of other kinds are kept in ``seen``."""
        while True:
            for index, fact in enumerate(self.seen):
                if isinstance(fact, kind):
                    del self.seen[index]
                    return fact
            self.seen += await self.port.next_facts()


class CallControlCases(abc.ABC):
    """The cases."""

    @abc.abstractmethod
    def stage(self, folder: Path) -> AbstractAsyncContextManager[Stage]:
        """Return an implementation that runs while the context is open."""

    def test_a_call_is_offered_answered_and_ended(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.call_in()
                offered = await stage.fact(Offered)
                assert offered.tenant == stage.tenant
                stage.port.submit([Answer(order=OrderId("1"), leg=offered.leg)])
                assert (await stage.fact(Answered)).leg == offered.leg
                stage.port.submit([HangUp(order=OrderId("2"), leg=offered.leg)])
                ended = await stage.fact(Ended)
                assert ended.leg == offered.leg
                assert ended.outcome.is_success

        run_virtual(story())

    def test_facts_are_numbered_without_a_gap(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.call_in()
                offered = await stage.fact(Offered)
                order = Reject(order=OrderId("1"), leg=offered.leg, cause=RejectCause.BUSY)
                stage.port.submit([order])
                ended = await stage.fact(Ended)
                assert (offered.generation, offered.fact) == (ended.generation, ended.fact - 1)
                assert offered.driver
                assert offered.at <= ended.at

        run_virtual(story())

    def test_an_order_for_nobody_fails(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.port.submit([Answer(order=OrderId("1"), leg=LegId("nobody"))])
                failed = await stage.fact(OrderFailed)
                assert (failed.order, failed.leg) == ("1", "nobody")

        run_virtual(story())

    def test_repeating_an_order_has_no_second_effect(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.call_in()
                offered = await stage.fact(Offered)
                answer = Answer(order=OrderId("1"), leg=offered.leg)
                stage.port.submit([answer, answer])
                await stage.fact(Answered)
                stage.port.submit([answer])
                stage.port.submit([HangUp(order=OrderId("2"), leg=offered.leg)])
                await stage.fact(Ended)
                assert not any(isinstance(f, Answered | OrderFailed) for f in stage.seen)

        run_virtual(story())

    def test_live_legs_are_listed(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.call_in()
                offered = await stage.fact(Offered)
                stage.port.submit([ListLegs(order=OrderId("1"), leg=LegId(""))])
                listed = await stage.fact(LegsListed)
                assert [(s.leg, s.state) for s in listed.legs] == [(offered.leg, "offered")]

        run_virtual(story())

    def test_an_invited_leg_that_is_given_up_ends(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                invite = Invite(
                    order=OrderId("1"),
                    leg=LegId("new"),
                    tenant=stage.tenant,
                    trunk=stage.trunk,
                    target="+390612345",
                    ring_for_ms=2000,
                )
                stage.port.submit([invite])
                ended = await stage.fact(Ended)
                assert ended.leg == "new"
                assert not ended.outcome.is_success

        run_virtual(story())

    def test_what_is_acknowledged_is_forgotten(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with self.stage(tmp_path) as stage:
                stage.call_in()
                offered = await stage.fact(Offered)
                stage.port.acknowledge(offered.generation, offered.fact)
                stage.port.submit([HangUp(order=OrderId("2"), leg=offered.leg)])
                assert (await stage.fact(Ended)).fact > offered.fact

        run_virtual(story())
