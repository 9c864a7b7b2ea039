# SPDX-License-Identifier: Apache-2.0
"""The single writer: durable before released, refusals told, a poisoned input left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.commands import ConfirmAnswered, ReceiveCall
from centralino.core.kernel.errors import Bug, NotFound, VersionConflict
from centralino.core.kernel.ids import AgentId, LegId, TenantId, TrunkId
from centralino.core.routing.commands import ConfigureTenant
from centralino.exchange.link.stream import pause
from centralino.exchange.replay import replay
from centralino.exchange.tenant import PATIENCE_NS, Input, Listener, TenantWriter
from tests.kit.virtual_time import run_virtual, running_clock
from tests.unit.core.company import ANNA, BRUNO, CARLA, NUMBER, TENANT, company

if TYPE_CHECKING:
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit

CALL = ReceiveCall(
    leg=LegId("in-1"), trunk=TrunkId("carrier"), called_number=NUMBER, caller_number=None
)


class Site:
    """A writer, its journal and what it told."""

    def __init__(self) -> None:
        self.journal = InMemoryJournal()
        self.decisions: list[tuple[int, Decision]] = []
        self.problems: list[str] = []
        self.writer = self.new_writer()

    def new_writer(self) -> TenantWriter:
        """Return a writer on the same journal."""
        return TenantWriter(
            TENANT,
            journal=self.journal,
            clock=running_clock(),
            listener=Listener(on_decision=self._note, on_storage=self.problems.append),
        )

    def _note(self, tenant: TenantId, decision: Decision) -> None:
        self.decisions.append((self.journal.last_sequence(tenant), decision))


@asynccontextmanager
async def opened() -> AsyncIterator[Site]:
    """Open a configured site whose writer runs."""
    site = Site()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(site.writer.run())
        await site.writer.submit([Input(ConfigureTenant(configuration=company()))])
        yield site
        running.cancel()


def test_a_decision_without_effects_that_nobody_waits_for_joins_the_next_commit() -> None:
    async def run() -> list[int]:
        async with opened() as site:
            before = site.journal.last_sequence(TENANT)
            rest = MakeAgentNotReady(agent=ANNA, reason="break")
            waiting = await site.writer.post([Input(rest, "k1")], is_patient=True)
            await pause(0.02)
            stored = [site.journal.last_sequence(TENANT) - before]
            assert not waiting.done()
            await site.writer.submit([Input(CALL, "k2")])
            stored.append(site.journal.last_sequence(TENANT) - before)
            assert waiting.done()
        return stored

    assert run_virtual(run()) == [0, 2]


def test_what_joins_no_commit_is_committed_by_itself() -> None:
    async def run() -> float:
        async with opened() as site:
            loop = asyncio.get_running_loop()
            began = loop.time()
            rest = MakeAgentNotReady(agent=ANNA, reason="break")
            await (await site.writer.post([Input(rest, "k1")], is_patient=True))
            return loop.time() - began

    assert run_virtual(run()) == pytest.approx(PATIENCE_NS / 1e9)


def test_a_decision_with_effects_waits_for_nothing() -> None:
    async def run() -> float:
        async with opened() as site:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await (await site.writer.post([Input(CALL, "k1")], is_patient=True))
            return loop.time() - began

    assert run_virtual(run()) < PATIENCE_NS / 2e9


def test_a_decision_is_released_only_when_it_is_in_the_journal() -> None:
    async def run() -> Site:
        async with opened() as site:
            await site.writer.submit([Input(CALL, "k1")])
        return site

    site = run_virtual(run())
    assert all(durable >= decision.sequence for durable, decision in site.decisions)
    assert [record.key for record in site.journal.read(TENANT)] == ["", "k1"]


def test_deadlines_are_kept_without_anybody_asking() -> None:
    async def run() -> Site:
        async with opened() as site:
            await site.writer.submit([Input(CALL)])
            await pause(60)
        return site

    site = run_virtual(run())
    assert not site.writer.engine.state.interactions, "the unanswered call was given up"
    assert replay(site.journal, TENANT).is_identical


def test_a_refusal_reaches_only_who_asked() -> None:
    async def run() -> Site:
        async with opened() as site:
            wrong = Input(MakeAgentNotReady(agent=AgentId("zoe"), reason="x"))
            right = Input(MakeAgentNotReady(agent=ANNA, reason="break"))
            results = await asyncio.gather(
                site.writer.submit([wrong]), site.writer.submit([right]), return_exceptions=True
            )
            assert isinstance(results[0], NotFound)
            assert results[1] is None
        return site

    site = run_virtual(run())
    assert site.writer.engine.state.agents[ANNA].state is AgentState.NOT_READY


def test_a_poisoned_input_is_left_out_and_the_rest_goes_on() -> None:
    async def run() -> Site:
        async with opened() as site:
            await site.writer.submit([Input(CALL)])
            site.writer.engine.index.flow_of.clear()  # a corruption that the next input meets
            with pytest.raises(Bug):
                await site.writer.submit([Input(ConfirmAnswered(leg=LegId("in-1")))])
            await site.writer.submit([Input(ConfirmAnswered(leg=LegId("in-1")))])
        return site

    site = run_virtual(run())
    report = replay(site.journal, TENANT)
    assert report.is_identical
    assert report.state_hash == site.writer.engine.state_hash()


def test_a_full_journal_is_told_once_and_nothing_is_answered_meanwhile() -> None:
    async def run() -> tuple[Site, bool]:
        async with opened() as site:
            site.journal.most_records = 1
            asking = asyncio.ensure_future(site.writer.submit([Input(CALL)]))
            await pause(30)
            was_answered = asking.done()
            site.journal.most_records = None
            await asking
        return site, was_answered

    site, was_answered = run_virtual(run())
    assert not was_answered
    assert site.problems == ["the journal is full", ""]
    assert len(site.decisions) == 2


class SteppingClock:
    """A clock whose wall time is set back between two readings."""

    def __init__(self) -> None:
        self.readings = [1_000, 2_000, 500, 900, 3_000]

    def now(self) -> int:
        return 0

    def utc(self) -> int:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def test_time_does_not_run_backwards_when_the_clock_is_set_back() -> None:
    async def run() -> list[int]:
        journal = InMemoryJournal()
        listener = Listener(on_decision=lambda tenant, decision: None, on_storage=print)
        writer = TenantWriter(TENANT, journal=journal, clock=SteppingClock(), listener=listener)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(writer.run())
            await writer.submit([Input(ConfigureTenant(configuration=company()))])
            for agent in (ANNA, BRUNO, CARLA):
                await writer.submit([Input(MakeAgentNotReady(agent=agent, reason="x"))])
            running.cancel()
        return [record.at for record in journal.read(TENANT)]

    instants = run_virtual(run())
    assert instants == sorted(instants)
    assert len(instants) == 4


def test_a_second_writer_stops_at_its_first_word() -> None:
    async def run() -> None:
        async with opened() as site:
            other = site.new_writer()
            other.recover()
            await site.writer.submit([Input(CALL)])
            running = asyncio.ensure_future(other.run())
            asking = asyncio.ensure_future(
                other.submit([Input(MakeAgentNotReady(agent=ANNA, reason="x"))])
            )
            with pytest.raises(VersionConflict):
                await running
            asking.cancel()

    run_virtual(run())


class SteppedClock:
    """A clock whose time of day can be set while the monotonic one runs on."""

    def __init__(self) -> None:
        self._clock = running_clock()
        self.step = 0

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        return self._clock.now()

    def utc(self) -> int:
        """Return the time of day."""
        return self._clock.utc() + self.step


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_step_of_the_clock_neither_ends_a_wait_nor_makes_one_endless(hours: int) -> None:
    async def run() -> tuple[bool, bool, InMemoryJournal]:
        journal, clock = InMemoryJournal(), SteppedClock()
        listener = Listener(on_decision=lambda t, d: None, on_storage=lambda p: None)
        writer = TenantWriter(TENANT, journal=journal, clock=clock, listener=listener)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(writer.run())
            await writer.submit([Input(ConfigureTenant(configuration=company()))])
            await writer.submit([Input(CALL)])
            clock.step = hours * 3600 * 1_000_000_000
            await writer.submit([Input(MakeAgentNotReady(agent=ANNA, reason="break"))])
            await pause(15)
            waits = bool(writer.engine.state.interactions)
            await pause(10)
            is_over = not writer.engine.state.interactions
            running.cancel()
        return waits, is_over, journal

    waits, is_over, journal = run_virtual(run())
    assert waits, "twenty seconds have not passed"
    assert is_over, "they have now"
    instants = [record.at for record in journal.read(TENANT)]
    assert instants == sorted(instants)


def test_a_new_process_goes_on_after_what_the_journal_holds() -> None:
    async def run() -> InMemoryJournal:
        journal, clock = InMemoryJournal(), SteppedClock()
        listener = Listener(on_decision=lambda t, d: None, on_storage=lambda p: None)
        for step in (0, -5 * 3600 * 1_000_000_000):
            clock.step = step
            writer = TenantWriter(TENANT, journal=journal, clock=clock, listener=listener)
            writer.recover()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(writer.run())
                await writer.submit([Input(ConfigureTenant(configuration=company()))])
                leg = LegId(f"in-{step}")
                await writer.submit([Input(msgspec.structs.replace(CALL, leg=leg))])
                await pause(30)
                running.cancel()
            assert not writer.engine.state.interactions
        return journal

    journal = run_virtual(run())
    instants = [record.at for record in journal.read(TENANT)]
    assert instants == sorted(instants)
    assert replay(journal, TENANT).is_identical
