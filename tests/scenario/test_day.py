# SPDX-License-Identifier: Apache-2.0
"""A day at Acme: callers, agents, a full disk and a dying exchange, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.interactions import events as calls
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.exchange import orders
from centralino.exchange.exchange import Exchange, Observer
from centralino.exchange.link.stream import pause
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import CallCounts, CallStory, count_calls, read_stories
from centralino.exchange.tenant import Input
from tests.kit.virtual_time import VirtualClock, run_virtual, running_clock
from tests.scenario.in_memory_calls import Caller, Habit, InMemoryCalls
from tests.unit.core.company import ANNA, BRUNO, NUMBER, TENANT, company

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.scenario

ANNAS, BRUNOS, CARLAS = "+39021110001", "+39021110002", "+39021110003"
BUSY = Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY)


@dataclass
class Site:
    """A tenant, its journal and its phone network."""

    journal: InMemoryJournal
    network: InMemoryCalls
    clock: VirtualClock

    @classmethod
    def open(cls, callers: Iterable[Caller], habits: dict[str, Habit] | None = None) -> Site:
        """Build a site whose callers will call."""
        clock = running_clock()
        network = InMemoryCalls(clock, tenant=TENANT, number=NUMBER, habits=habits or {})
        for number, caller in enumerate(callers, start=1):
            network.call(f"in-{number}", caller)
        return cls(InMemoryJournal(), network, clock)

    async def run(self, seconds: float) -> None:
        """Run an exchange on the site for a while, then stop it dead."""
        exchange = Exchange(
            driver=self.network, driver_name="voice", journal=self.journal, clock=self.clock
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run({TENANT: company()}))
            await pause(seconds)
            running.cancel()
        self.network.detach()

    def stories(self) -> list[CallStory]:
        """Return what became of the calls."""
        return read_stories(read_events(self.journal, TENANT))

    def require_sound(self) -> None:
        """No leg outlives its interaction, no order was sent twice, replay agrees."""
        assert not self.network.legs
        assert max(self.network.order_counts.values()) == 1
        assert replay(self.journal, TENANT).is_identical


def test_a_call_is_greeted_chooses_waits_and_talks_to_the_longest_idle() -> None:
    async def day() -> Site:
        site = Site.open([Caller(at_s=1), Caller(at_s=100)])
        await site.run(300)
        return site

    site = run_virtual(day())
    kinds = [type(event).__name__ for _, event in read_events(site.journal, TENANT)]
    assert kinds[7:18] == [
        "InteractionArrived",
        "InteractionGreeted",
        "InteractionPrompted",
        "InteractionQueued",
        "OfferMade",
        "OfferRang",
        "OfferAccepted",
        "RecordingCompleted",
        "InteractionReleased",
        "AgentCleared",
        "InteractionEnded",
    ]
    assert [story.agent for story in site.stories()] == [ANNA, BRUNO]
    site.require_sound()


def test_a_missed_offer_pauses_the_agent_and_keeps_the_place() -> None:
    async def day() -> Site:
        habits = {ANNAS: Habit(answer_after_s=60), BRUNOS: Habit(outcome=BUSY)}
        site = Site.open([Caller(at_s=1), Caller(at_s=2)], habits)
        await site.run(60)
        return site

    site = run_virtual(day())
    events = [event for _, event in read_events(site.journal, TENANT)]
    missed = [e for e in events if isinstance(e, calls.OfferMissed)]
    declined = [e for e in events if isinstance(e, calls.OfferDeclined)]
    assert {e.agent for e in missed} == {ANNA}
    assert {(e.agent, e.reason) for e in declined} == {(BRUNO, "phone-busy")}
    first, second = site.stories()
    assert first.interaction == missed[0].interaction
    offers = [e.interaction for e in events if isinstance(e, calls.OfferMade)]
    assert offers[2] == first.interaction, "the first in line comes first again"
    assert second.missed == 1


def test_a_caller_who_leaves_while_it_rings_leaves_no_phone_ringing() -> None:
    async def day() -> Site:
        habits = {phone: Habit(answer_after_s=10) for phone in (ANNAS, BRUNOS, CARLAS)}
        site = Site.open([Caller(at_s=1, patience_s=8)], habits)
        await site.run(40)
        return site

    site = run_virtual(day())
    assert count_calls(site.stories()) == CallCounts(1, 0, 1, 0, 0)
    assert any(isinstance(order, orders.CancelInvite) for order in site.network.orders)
    site.require_sound()


def test_nobody_who_presses_nothing_is_lost() -> None:
    async def day() -> Site:
        site = Site.open([Caller(at_s=1, key="", talk_s=5)])
        await site.run(60)
        return site

    (story,) = run_virtual(day()).stories()
    assert story.queue == "support"
    assert story.agent is not None


def test_an_agent_who_rests_is_passed_over_and_alarms_are_shown() -> None:
    async def day() -> tuple[Site, list[str], int]:
        site = Site.open([Caller(at_s=5)])
        seen: list[str] = []
        durable = 0

        def count(tenant: TenantId, decision: Decision) -> None:
            nonlocal durable
            durable = max(durable, decision.sequence)

        exchange = Exchange(
            driver=site.network,
            driver_name="voice",
            journal=site.journal,
            clock=site.clock,
            observer=Observer(on_decision=count, on_alarm=lambda alarm: seen.append(alarm.code)),
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run({TENANT: company()}))
            await exchange.attached.wait()
            await exchange.submit(TENANT, Input(MakeAgentNotReady(agent=ANNA, reason="break")))
            site.network.raise_alarm("certificate-expires")
            await pause(200)
            running.cancel()
        site.network.detach()
        return site, seen, durable

    site, seen, durable = run_virtual(day())
    assert [story.agent for story in site.stories()] == [BRUNO]
    assert seen == ["certificate-expires"]
    assert durable == site.journal.last_sequence(TENANT)


@pytest.mark.parametrize("stop_at", [1.1, 3.5, 5.0, 7.5, 9, 20, 55, 70, 71.5])
def test_an_exchange_that_dies_is_followed_by_one_that_goes_on(stop_at: float) -> None:
    async def day() -> Site:
        callers = [Caller(at_s=1 + number, talk_s=60, patience_s=200) for number in range(6)]
        site = Site.open(callers)
        await site.run(stop_at)
        await pause(7)
        await site.run(500)
        return site

    site = run_virtual(day())
    assert count_calls(site.stories()) == CallCounts(6, 6, 0, 0, 0)
    recordings = [story for story in site.stories() if story.recording_path]
    assert len(recordings) == 6
    site.require_sound()


def test_a_full_disk_stops_promises_not_calls() -> None:
    async def day() -> tuple[Site, int, int]:
        callers = [Caller(at_s=1 + 5 * number, talk_s=30, patience_s=400) for number in range(4)]
        site = Site.open(callers)
        loop = asyncio.get_running_loop()
        loop.call_later(12, lambda: setattr(site.journal, "most_records", 0))
        counts: list[int] = []
        loop.call_later(40, lambda: counts.append(site.journal.last_sequence(TENANT)))
        loop.call_later(60, lambda: counts.append(site.journal.last_sequence(TENANT)))
        loop.call_later(60, lambda: setattr(site.journal, "most_records", None))
        await site.run(600)
        return site, counts[0], counts[1]

    site, during, still = run_virtual(day())
    assert during == still
    assert count_calls(site.stories()).lost == 0
    assert count_calls(site.stories()).answered == 4
    site.require_sound()
