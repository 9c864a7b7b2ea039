# SPDX-License-Identifier: Apache-2.0
"""Following the exchange: what is told, what a replica makes of it, and answers once per key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from centralino.core.agents.commands import MakeAgentNotReady, MakeAgentReady
from centralino.core.interactions.commands import EndLeg
from centralino.core.kernel.errors import CapacityExceeded, NotFound, StorageError
from centralino.core.kernel.ids import AgentId, LegId, TrunkId
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.exchange.control import AlarmView, Changes, ControlCommand, TrunkView
from centralino.exchange.control_answers import AnswerBook, KeyReused, journal_key
from centralino.exchange.live import LengthCounter, LiveFeed
from centralino.exchange.replica import MOST_GONE, TenantReplica
from tests.unit.core.company import ANNA, BRUNO, START, TENANT, Desk

pytestmark = pytest.mark.unit

READY = MakeAgentReady(agent=ANNA)
BREAK = MakeAgentNotReady(agent=ANNA, reason="break")


# ------------------------------------------------------------------------- answers
@dataclass
class Decider:
    """Counts what it decides; may fail."""

    count: int = 0
    error: Exception | None = None

    async def __call__(self) -> None:
        self.count += 1
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        if self.error is not None:
            raise self.error


def ask(book: AnswerBook, key: str, command: ControlCommand, decider: Decider) -> None:
    asyncio.run(book.answer(key, command, decider))


def test_one_key_is_decided_once_also_while_it_is_being_decided() -> None:
    async def main() -> int:
        book, decider = AnswerBook(), Decider()
        await asyncio.gather(*(book.answer("k", READY, decider) for _ in range(5)))
        return decider.count

    assert asyncio.run(main()) == 1


def test_a_key_stands_for_one_command() -> None:
    book, decider = AnswerBook(), Decider()
    ask(book, "k", READY, decider)
    with pytest.raises(KeyReused):
        ask(book, "k", BREAK, decider)
    assert decider.count == 1


@pytest.mark.parametrize(("error", "count"), [(NotFound("nobody"), 1), (StorageError("full"), 2)])
def test_a_refusal_lasts_and_a_failure_does_not(error: Exception, count: int) -> None:
    book, decider = AnswerBook(), Decider(error=error)
    for _ in range(2):
        with pytest.raises(type(error)):
            ask(book, "k", READY, decider)
    assert decider.count == count


def test_keys_in_the_journal_are_known_after_a_restart() -> None:
    book, decider = AnswerBook(), Decider()
    book.recover(["fact/voice/1/2", "", journal_key("a/b", READY, 17)])
    ask(book, "a/b", READY, decider)
    with pytest.raises(KeyReused):
        ask(book, "a/b", BREAK, decider)
    assert decider.count == 0


def test_old_answers_are_forgotten_and_open_ones_never() -> None:
    book, decider = AnswerBook(most=2), Decider()
    for key in ("a", "b", "c", "a"):
        ask(book, key, READY, decider)
    assert decider.count == 4

    async def flood() -> None:
        full, never = AnswerBook(most=1), asyncio.Event()

        async def wait() -> None:
            await never.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(full.answer("a", READY, wait))
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
            with pytest.raises(CapacityExceeded):
                await full.answer("b", READY, wait)
            never.set()

    asyncio.run(flood())


# ---------------------------------------------------------------------- live state
class Follower:
    """A desk whose decisions are told to a replica."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.feed = LiveFeed(TENANT, self.desk, (TrunkId("carrier"),))  # type: ignore[arg-type]  # has an engine
        self.replica = TenantReplica(TENANT)
        self._seen = len(self.desk.decisions)
        for changes in self.feed.reset():
            self.replica.take(changes)

    def tell(self) -> list[Changes]:
        """Tell the replica what the desk decided since."""
        for decision in self.desk.decisions[self._seen :]:
            self.feed.take(decision)
        self._seen = len(self.desk.decisions)
        told = self.feed.changes()
        for changes in told:
            self.replica.take(changes)
        return told


def test_a_replica_that_follows_equals_one_that_begins_anew() -> None:
    follower = Follower()
    for number in range(4):
        follower.desk.queue_call(f"in-{number}")
        follower.tell()
    follower.desk.do(EndLeg(leg=LegId("in-3"), outcome=COMPLETED, by_far_end=True))
    follower.tell()
    fresh = TenantReplica(TENANT)
    for changes in follower.feed.reset():
        fresh.take(changes)
    for shelf in ("queues", "agents", "interactions", "trunks", "alarms"):
        assert list(getattr(fresh, shelf)) == list(getattr(follower.replica, shelf)), shelf
    assert fresh.sequence == follower.replica.sequence
    assert len(fresh.interactions) == 3


def test_changes_hold_only_what_was_touched() -> None:
    follower = Follower()
    follower.desk.queue_call("in-1")
    (told,) = follower.tell()
    assert [agent.id for agent in told.agents] == [ANNA]
    assert (told.queues, told.trunks, told.alarms) == (None, None, None)
    assert [event.type for event in told.events][-2:] == ["interaction.queued", "offer.made"]
    assert not follower.feed.has_news


def test_since_when_is_the_instant_of_the_decision() -> None:
    follower = Follower()
    follower.desk.do(BREAK, after_s=7)
    follower.tell()
    anna = follower.replica.agents.get(ANNA)
    assert anna is not None
    assert (anna.state, anna.reason, anna.since) == ("not-ready", "break", START + 7 * 10**9)
    bruno = follower.replica.agents.get(BRUNO)
    assert bruno is not None
    assert bruno.since == START


def test_an_offer_that_is_missed_is_counted_with_its_interaction() -> None:
    follower = Follower()
    follower.desk.queue_call("in-1")
    offer = next(iter(follower.desk.engine.state.offers.values()))
    busy = Outcome(Result.CLIENT_ERROR, OutcomeReason.NO_ANSWER)
    follower.desk.do(EndLeg(leg=offer.leg, outcome=busy, by_far_end=True))
    follower.tell()
    (interaction,) = follower.replica.interactions
    assert interaction.missed_offers == 1
    assert follower.feed.counter.read().missed_offers == 1


def test_only_what_concerns_the_tenant_is_told() -> None:
    follower = Follower()
    follower.feed.take_trunk(TrunkView(id=TrunkId("elsewhere"), state="down"))
    for about in ("elsewhere", "carrier", ""):
        alarm = AlarmView(code="late", about=about, text="", since=1)
        follower.feed.take_alarm(alarm, is_cleared=False)
    follower.tell()
    assert [trunk.id for trunk in follower.replica.trunks] == ["carrier"]
    assert [alarm.about for alarm in follower.replica.alarms] == ["carrier", ""]
    follower.feed.take_alarm(AlarmView(code="late", about="", text="", since=2), is_cleared=True)
    follower.tell()
    assert [alarm.about for alarm in follower.replica.alarms] == ["carrier"]


def test_a_reader_who_missed_more_departures_than_are_kept_begins_anew() -> None:
    replica = TenantReplica(TENANT)
    replica.generation = 1
    replica.take(Changes(tenant=TENANT, sequence=0, is_reset=True))
    names = [AgentId(f"a{number}") for number in range(MOST_GONE + 1)]
    replica.agents.put(1, ((name, None) for name in names))  # type: ignore[misc]  # only names matter
    replica.take(Changes(tenant=TENANT, sequence=2, gone_agents=tuple(names[:-1])))
    assert replica.can_resume(1, 0)
    replica.take(Changes(tenant=TENANT, sequence=3, gone_agents=(names[-1],)))
    assert not replica.can_resume(1, 0)
    assert replica.can_resume(1, 2)


def test_lengths_fall_into_their_classes() -> None:
    counter = LengthCounter((0.001, 0.01))
    for length_ns in (0, 1_000_000, 1_000_001, 10_000_000, 10_000_001):
        counter.note(length_ns)
    assert counter.read().counts == (2, 2, 1)
