# SPDX-License-Identifier: Apache-2.0
"""Single rules of who gets whom, one small company each."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
import pytest

from centralino.core.agents.capacity import Capacity, ChannelRule, Engagement, may_take
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.presence import Availability, presence_of
from centralino.core.agents.requirement import AnyOf, AttributeIs, HasSkill, NoneOf, meets
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.wish import Wish, WishKind
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.ids import AgentId, InteractionId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.configuration import (
    AgentConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.matching.policy import (
    PresenceRules,
    QueueMatching,
    RelaxationStep,
    Strategy,
    Terms,
    Verdict,
)
from tests.oracle.worlds import START, Company, Ticket

pytestmark = pytest.mark.unit

QUEUE = QueueId("q")


def agent(name: str, **fields: object) -> AgentConfiguration:
    """Return an agent."""
    plain = AgentConfiguration(id=AgentId(name), name=name, trunk=TrunkId("t"), target="+39021")
    return msgspec.structs.replace(plain, **fields)


def company(matching: QueueMatching, *agents: AgentConfiguration, **queue: object) -> Company:
    """Return a company with one queue, whose agents have signed out."""
    one = QueueConfiguration(
        id=QUEUE,
        name="Q",
        agents=tuple(one.id for one in agents),
        music=("music",),
        matching=matching,
    )
    configuration = TenantConfiguration(
        tenant=TenantId("acme"),
        name="Acme",
        numbers=(),
        flows=(),
        queues=(msgspec.structs.replace(one, **queue),),
        agents=agents,
    )
    configuration.require_valid()
    return Company(Random(1), configuration)


def ready(at: Company, name: str, since_s: int, *engaged: Channel) -> None:
    """Let an agent be ready since so many seconds before the start, with some work."""
    one = at.agents[AgentId(name)]
    one.state, one.idle_since = AgentState.READY, Instant(START - since_s * SECOND)
    one.engaged = tuple(
        Engagement(InteractionId(f"{name}-{n}"), channel) for n, channel in enumerate(engaged)
    )
    at.matching.note_agent(one)


def wait(at: Company, name: str = "i1", **fields: object) -> Ticket:
    """Let somebody wait."""
    ticket = Ticket(
        InteractionId(name), QUEUE, 5, at.now, len(at.waits) + 1, {}, Channel.VOICE, None
    )
    ticket = replace(ticket, **fields)  # type: ignore[arg-type]  # fields of a ticket
    at.waits[ticket.id] = ticket
    at.queue_of[ticket.id] = ticket.queue
    at.matching.enter(ticket)
    return ticket


def order(at: Company) -> list[str]:
    """Match until nothing is left, as the oracle would too; return who was asked."""
    asked = []
    while (match := at.matching.next_match(at.now)) is not None:
        assert at.oracle.next_match(at.world()) is not None
        asked += [str(name) for name in match.agents]
        at.offer(match)
    return asked


def test_the_worked_example_of_microsofts_load_ratio() -> None:
    # "Distribution modes", Azure Communication Services: workers are matched D, C, A, B.
    chats = {Channel.CHAT: ChannelRule(most=5)}
    workers = {"A": (5, 3, 300), "B": (4, 3, 180), "C": (5, 3, 420), "D": (4, 0, 120)}
    at = company(
        QueueMatching(strategy=Strategy.LEAST_OCCUPIED),
        *(
            agent(name, capacity=Capacity(total=total, channels=chats))
            for name, (total, _, _) in workers.items()
        ),
    )
    for name, (_, used, since_s) in workers.items():
        ready(at, name, since_s, *(Channel.CHAT,) * used)
    for n in range(4):
        wait(at, f"i{n}", channel=Channel.CHAT)
    assert order(at) == ["D", "C", "A", "B"]


def test_round_robin_goes_on_after_the_last() -> None:
    at = company(QueueMatching(strategy=Strategy.ROUND_ROBIN), *(agent(n) for n in "abc"))
    at.memory.note_offered(QUEUE, AgentId("b"))
    for name, since_s in (("a", 30), ("b", 20), ("c", 10)):
        ready(at, name, since_s)
    for n in range(3):
        wait(at, f"i{n}")
    assert order(at) == ["c", "a", "b"]


def test_nothing_is_drawn_where_one_is_left_of_several() -> None:
    rules = PresenceRules(unknown=Verdict.LAST)
    for decision in range(8):
        at = company(
            QueueMatching(strategy=Strategy.RANDOM, presence=rules), *(agent(n) for n in "abc")
        )
        known = at.agents[AgentId("a")]
        known.presence = presence_of(Availability.AVAILABLE, "", "test", at.now, 1, at.now)
        for _ in range(decision + 1):
            at.begin()
        for name in "abc":
            ready(at, name, 10)
        wait(at, "i1")
        wait(at, "i2")
        at.settle()
        assert at.matches == 2


def test_several_are_asked_at_once() -> None:
    at = company(QueueMatching(offers_at_once=2), *(agent(n) for n in "abc"))
    for name, since_s in (("a", 10), ("b", 30), ("c", 20)):
        ready(at, name, since_s)
    wait(at)
    match = at.matching.next_match(at.now)
    assert match is not None
    assert match.agents == ("b", "c")


def test_relaxation_lowers_levels_but_not_below_one() -> None:
    steps = (RelaxationStep(after_ms=20_000, lower_by=9),)
    at = company(
        QueueMatching(relaxation=steps),
        agent("novice", skills={"s": 1}),
        agent("other"),
        skills={"s": 5},
    )
    ready(at, "novice", 10)
    ready(at, "other", 20)
    wait(at)
    assert order(at) == []
    assert at.matching.next_deadline() == START + 20 * SECOND
    at.pass_time(20 * SECOND)
    at.begin()
    assert order(at) == ["novice"]


def test_ageing_lets_a_low_priority_overtake() -> None:
    at = company(QueueMatching(ageing_ms=60_000), agent("a"))
    wait(at, "old", priority=6)
    at.pass_time(61 * SECOND)
    at.begin()
    wait(at, "young", priority=5)
    ready(at, "a", 0)
    match = at.matching.next_match(at.now)
    assert match is not None
    assert match.interaction == "old"


def test_a_hold_ends_when_the_wanted_agent_goes_home() -> None:
    at = company(QueueMatching(), agent("a"), agent("b"))
    ready(at, "a", 10)
    wanted = at.agents[AgentId("b")]
    wanted.state = AgentState.CONNECTED
    at.matching.note_agent(wanted)
    wait(at, wish=Wish(agents=(AgentId("b"),), kind=WishKind.LAST, hold_for_ms=60_000))
    assert order(at) == []
    wanted.state = AgentState.NOT_READY
    at.matching.note_agent(wanted)
    assert order(at) == ["a"]


def test_a_delay_keeps_young_waits_from_an_agent() -> None:
    at = company(QueueMatching(), agent("a", queues={QUEUE: Terms(delay_ms=15_000)}))
    ready(at, "a", 10)
    wait(at)
    assert order(at) == []
    at.pass_time(15 * SECOND)
    at.begin()
    assert order(at) == ["a"]


def test_a_call_interrupts_mail_and_nothing_goes_beside_a_call() -> None:
    capacity = Capacity(
        total=2,
        channels={
            Channel.VOICE: ChannelRule(cost=2, is_exclusive=True, interrupts=(Channel.MAIL,)),
            Channel.CHAT: ChannelRule(most=2),
        },
    )
    mail = Engagement(InteractionId("m"), Channel.MAIL)
    chat = Engagement(InteractionId("c"), Channel.CHAT)
    call = Engagement(InteractionId("v"), Channel.VOICE)
    assert may_take(capacity, (mail,), Channel.VOICE)
    assert not may_take(capacity, (chat,), Channel.VOICE)
    assert not may_take(capacity, (call,), Channel.CHAT)
    assert may_take(capacity, (chat,), Channel.CHAT)
    assert not may_take(capacity, (chat, chat), Channel.CHAT)
    offered = Engagement(InteractionId("o"), Channel.CHAT, is_offer=True)
    assert not may_take(capacity, (offered,), Channel.CHAT)


def test_a_yes_is_not_the_number_one() -> None:
    one, yes = agent("a", attributes={"x": 1}), agent("b", attributes={"x": True})
    says_yes = AttributeIs(attribute="x", any_of=(True,))
    assert meets(yes, says_yes)
    assert not meets(one, says_yes)
    neither = NoneOf(of=(says_yes, HasSkill(skill="s")))
    assert meets(one, neither)
    assert not meets(one, AnyOf(of=()))


@pytest.mark.parametrize(
    ("matching", "path"),
    [
        (QueueMatching(offers_at_once=0), "offers_at_once"),
        (QueueMatching(experts=(AgentId("nobody"),)), "experts"),
        (QueueMatching(relaxation=(RelaxationStep(after_ms=0),)), "relaxation"),
        (QueueMatching(requires=HasSkill(skill="s", at_least=9, at_most=1)), "requires"),
        (QueueMatching(hold_out_percent=101), "hold_out_percent"),
    ],
)
def test_a_contradiction_is_refused_with_its_path(matching: QueueMatching, path: str) -> None:
    with pytest.raises(InvalidInput, match=path):
        company(matching, agent("a"))
