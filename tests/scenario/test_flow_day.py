# SPDX-License-Identifier: Apache-2.0
"""A day in which a flow answers: menus, queue, messages, lookups, and an exchange that dies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.interactions import events as calls
from centralino.core.interactions.flow_events import (
    InteractionDequeued,
    TransferAnswered,
    TransferStarted,
    VoicemailLeft,
    VoicemailMailed,
)
from centralino.core.kernel.errors import RemoteUnavailable
from centralino.core.kernel.outcome import Outcome, OutcomeReason, Result
from centralino.exchange import orders
from centralino.exchange.errands import Helpers, LookupReply, LookupRequest, VoicemailLetter
from centralino.exchange.exchange import Exchange
from centralino.exchange.link.stream import pause
from centralino.exchange.replay import read_events, replay
from centralino.exchange.speech import SpokenPrompt
from centralino.exchange.summary import CallCounts, count_calls, read_stories
from tests.kit.virtual_time import VirtualClock, run_virtual, running_clock
from tests.scenario.in_memory_calls import Caller, Habit, InMemoryCalls
from tests.unit.core.company import NUMBER, TENANT
from tests.unit.core.flow_company import MAIN, OUTSIDE, flow_company

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.events import Event

pytestmark = pytest.mark.scenario

EXPERTS = "+390211199"
AGENTS = ("+39021110001", "+39021110002", "+39021110003")
BUSY = Outcome(Result.CLIENT_ERROR, OutcomeReason.BUSY)


@dataclass
class InMemoryServices:
    """Web service, mail and voice in one."""

    answer: str = '{"status": "gold"}'
    hangs: bool = False
    letters: list[VoicemailLetter] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)

    async def ask(self, request: LookupRequest) -> LookupReply:
        """Answer, or never."""
        if self.hangs:
            await pause(3600)
        if not self.answer:
            raise RemoteUnavailable("crm", request.method)
        return LookupReply(200, self.answer)

    async def send(self, letter: VoicemailLetter) -> None:
        """Keep a letter."""
        self.letters.append(letter)

    def languages(self) -> tuple[str, ...]:
        """Return what can be spoken."""
        return ("en",)

    async def speak(self, text: str, language: str) -> SpokenPrompt:
        """Speak."""
        await pause(1)
        self.spoken.append(text)
        return SpokenPrompt(f"spoken-{language}", 1000, was_cached=False)


@dataclass
class Site:
    """A tenant with a flow, its journal, its phone network and what it asks."""

    journal: InMemoryJournal
    network: InMemoryCalls
    clock: VirtualClock
    services: InMemoryServices
    configuration: TenantConfiguration

    @classmethod
    def open(
        cls,
        callers: Iterable[Caller],
        habits: dict[str, Habit] | None = None,
        configuration: TenantConfiguration | None = None,
    ) -> Site:
        """Build a site whose callers will call."""
        clock = running_clock()
        network = InMemoryCalls(clock, tenant=TENANT, number=NUMBER, habits=habits or {})
        for number, caller in enumerate(callers, start=1):
            network.call(f"in-{number}", caller)
        configuration = configuration or flow_company()
        return cls(InMemoryJournal(), network, clock, InMemoryServices(), configuration)

    async def run(self, seconds: float) -> None:
        """Run an exchange on the site for a while, then stop it dead."""
        exchange = Exchange(
            driver=self.network,
            driver_name="voice",
            journal=self.journal,
            clock=self.clock,
            helpers=Helpers(self.services, self.services, self.services),
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run({TENANT: self.configuration}))
            await pause(seconds)
            running.cancel()
        self.network.detach()

    def events(self) -> list[Event]:
        """Return everything that happened."""
        return [event for _, event in read_events(self.journal, TENANT)]

    def counts(self) -> CallCounts:
        """Return the day's figures."""
        return count_calls(read_stories(read_events(self.journal, TENANT)))

    def require_sound(self) -> None:
        """No leg outlives its interaction, no order was sent twice, replay agrees."""
        assert not self.network.legs
        assert max(self.network.order_counts.values()) == 1
        assert replay(self.journal, TENANT).is_identical


def run(callers: list[Caller], habits: dict[str, Habit], *lengths: float) -> Site:
    """Run a day in which the exchange dies after each of ``lengths`` but the last."""

    async def story() -> Site:
        site = Site.open(callers, habits)
        for n, length in enumerate(lengths):
            if n:
                await pause(7)
            await site.run(length)
        return site

    return run_virtual(story())


def test_a_transfer_reaches_the_expert() -> None:
    site = run([Caller(at_s=1, key="4", talk_s=20)], {}, 120)
    counts = site.counts()
    assert (counts.transferred, counts.answered, counts.failed, counts.lost) == (1, 0, 0, 0)
    site.require_sound()


def test_a_busy_expert_means_a_message_that_is_mailed() -> None:
    site = run([Caller(at_s=1, key="4")], {EXPERTS: Habit(outcome=BUSY)}, 200)
    assert [letter.mail_to for letter in site.services.letters] == [("sales@acme.example",)]
    kinds = [type(event) for event in site.events()]
    assert kinds.count(VoicemailLeft) == kinds.count(VoicemailMailed) == 1
    assert (site.counts().voicemails, site.counts().failed) == (1, 0)
    site.require_sound()


def test_a_lookup_leads_a_good_customer_to_the_expert_and_a_hanging_one_does_not_hold_him() -> None:
    async def story(*, hangs: bool) -> Site:
        site = Site.open([Caller(at_s=1, key="6", talk_s=20)])
        site.services.hangs = hangs
        await site.run(300)
        return site

    good = run_virtual(story(hangs=False))
    assert any(isinstance(event, TransferAnswered) for event in good.events())
    good.require_sound()
    held = run_virtual(story(hangs=True))
    assert held.counts().answered == 1, "he went on to sales"
    held.require_sound()


def test_who_waits_too_long_overflows() -> None:
    habits = {phone: Habit(answer_after_s=400) for phone in AGENTS}
    site = run([Caller(at_s=1, patience_s=500)], habits, 400)
    reasons = [e.reason for e in site.events() if isinstance(e, InteractionDequeued)]
    assert reasons in (["timeout"], ["no-agents"])
    assert (site.counts().overflowed, site.counts().voicemails) == (1, 1)
    site.require_sound()


def test_a_text_is_spoken_before_what_follows_it() -> None:
    flow = {
        "flow": "main",
        "languages": ["en"],
        "start": "say",
        "nodes": {
            "say": {"type": "say", "text": {"en": "You call {called.number}"}, "next": "menu"},
            "menu": {"type": "menu", "prompts": ["menu"], "keys": {"1": "bye"}},
            "bye": {"type": "hang-up", "prompts": ["goodbye"]},
        },
    }

    async def story() -> Site:
        site = Site.open([Caller(at_s=1)], configuration=flow_company(flow))
        await site.run(60)
        return site

    site = run_virtual(story())
    assert site.services.spoken == [f"You call {NUMBER}"]
    played = [o.prompts for o in site.network.orders if isinstance(o, orders.Play)]
    assert played == [("spoken-en",), ("menu",), ("goodbye",)]
    site.require_sound()


@pytest.mark.parametrize("stop_at", [1.1, 2.5, 3.5, 5.2, 6.4, 8.0, 14, 33, 55, 71.5])
def test_places_are_kept_when_the_exchange_dies_while_callers_wait_and_talk(
    stop_at: float,
) -> None:
    """Three agents, eight callers: five wait in the flow's queue while the exchange is killed."""
    flow = {**MAIN, "nodes": {**MAIN["nodes"]}}
    flow["nodes"]["sales"] = {
        **MAIN["nodes"]["sales"],
        "max_wait_s": 1200,
        "most_waiting": 50,
        "keys": {},
    }

    async def story() -> Site:
        callers = [Caller(at_s=1 + n / 2, talk_s=45, patience_s=900) for n in range(8)]
        site = Site.open(callers, configuration=flow_company(flow))
        await site.run(stop_at)
        await pause(5)
        await site.run(900)
        return site

    site = run_virtual(story())
    counts = site.counts()
    assert (counts.answered, counts.lost, counts.failed, counts.abandoned) == (8, 0, 0, 0)
    since = {
        event.interaction: at
        for at, event in read_events(site.journal, TENANT)
        if isinstance(event, calls.InteractionQueued)
    }
    accepted = [e.interaction for e in site.events() if isinstance(e, calls.OfferMade)]
    first_offers = [since[name] for name in dict.fromkeys(accepted)]
    assert first_offers == sorted(since.values()), "whoever waited longest was offered first"
    site.require_sound()


@pytest.mark.parametrize("stop_at", [5.5, 7.0, 9.0, 12.0])
def test_a_transfer_outlives_the_exchange(stop_at: float) -> None:
    callers = [Caller(at_s=1, key="4", talk_s=60)]
    site = run(callers, {EXPERTS: Habit(answer_after_s=4)}, stop_at, 200)
    started = [e for e in site.events() if isinstance(e, TransferStarted)]
    assert len(started) == 1
    assert site.counts().transferred == 1
    site.require_sound()


@pytest.mark.parametrize("stop_at", [5.5, 6.5, 8.5, 15.0, 21.0])
def test_a_message_outlives_the_exchange_and_is_mailed(stop_at: float) -> None:
    site = run([Caller(at_s=1, key="3")], {}, stop_at, 200)
    assert {letter.box for letter in site.services.letters} == {"sales"}
    assert site.counts().voicemails == 1
    site.require_sound()


def test_a_full_house_overflows_outside() -> None:
    habits = {phone: Habit(answer_after_s=2) for phone in (*AGENTS, OUTSIDE)}
    callers = [Caller(at_s=1 + n / 4, talk_s=100, patience_s=60) for n in range(9)]
    site = run(callers, habits, 400)
    counts = site.counts()
    assert counts.lost == 0
    assert counts.overflowed >= 1
    assert counts.transferred >= 1
    site.require_sound()


def test_a_full_disk_stops_promises_not_the_callers_who_wait() -> None:
    async def story() -> tuple[Site, int, int]:
        callers = [Caller(at_s=1 + 5 * n, talk_s=40, patience_s=600) for n in range(5)]
        site = Site.open(callers)
        loop = asyncio.get_running_loop()
        counts: list[int] = []
        loop.call_later(17, lambda: setattr(site.journal, "most_records", 0))
        loop.call_later(40, lambda: counts.append(site.journal.last_sequence(TENANT)))
        loop.call_later(58, lambda: counts.append(site.journal.last_sequence(TENANT)))
        loop.call_later(60, lambda: setattr(site.journal, "most_records", None))
        await site.run(900)
        return site, counts[0], counts[1]

    site, during, still = run_virtual(story())
    assert during == still
    assert site.counts().lost == 0
    assert site.counts().answered + site.counts().voicemails == 5
    site.require_sound()
