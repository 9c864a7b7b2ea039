# SPDX-License-Identifier: Apache-2.0
"""Random small companies with every way of matching, and what may happen in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from centralino.core.agents.capacity import Capacity, ChannelRule, Engagement
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.presence import Availability, Presence
from centralino.core.agents.requirement import (
    AllOf,
    AnyOf,
    AttributeBetween,
    AttributeIs,
    HasSkill,
    NoneOf,
    Requirement,
)
from centralino.core.agents.state import Agent
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.wish import Wish, WishKind
from centralino.core.kernel.ids import AgentId, InteractionId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import SECOND, Duration, Instant
from centralino.core.routing.configuration import (
    AgentConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.matching.matching import Matching
from centralino.core.routing.matching.memory import MatchingMemory, ScoreSet
from centralino.core.routing.matching.policy import (
    BorrowRule,
    PresenceRules,
    QueueMatching,
    RelaxationStep,
    Sharing,
    Strategy,
    Terms,
    Verdict,
)
from centralino.core.routing.matching.signature_name import signature_name
from tests.oracle.naive import Expected, NaiveOracle, Remembered, World

if TYPE_CHECKING:
    from random import Random

    from centralino.core.routing.matching.match import Match

START = Instant(1_700_000_000 * SECOND)
SKILLS = ("english", "italian", "sales", "repairs")
LANGUAGES = ("de", "fr", True, 1)
POOLS = ("", "north", "south")
CHANNELS = (Channel.VOICE, Channel.VOICE, Channel.CHAT, Channel.MAIL)
ACTIVITIES = ("in-a-call", "in-a-meeting", "presenting", "")


@dataclass
class Ticket:
    """Somebody who waits."""

    id: InteractionId
    queue: QueueId
    priority: int
    enqueued_at: Instant
    number: int
    skills: dict[str, int]
    channel: Channel
    wish: Wish | None


def random_company(random: Random, *, queues: int, agents: int) -> TenantConfiguration:
    """Return a company in which every feature is likely."""
    names = tuple(QueueId(f"q{n}") for n in range(queues))
    people = tuple(AgentId(f"a{n:02}") for n in range(agents))
    return TenantConfiguration(
        tenant=TenantId("acme"),
        name="Acme",
        numbers=(),
        flows=(),
        queues=tuple(_queue(random, name, names, people) for name in names),
        agents=tuple(_agent(random, name, names) for name in people),
        sharing=Sharing.RATIO if random.random() < 0.2 else Sharing.ORDER,
        pool_shares={"north": 2, "south": 1},
    )


def _agent(random: Random, name: AgentId, queues: tuple[QueueId, ...]) -> AgentConfiguration:
    terms = {
        queue: Terms(
            rank=random.choice((1, 1, 2, 3)),
            delay_ms=random.choice((0, 0, 10_000, 25_000)),
            weight=random.choice((0, 1, 5)),
        )
        for queue in queues
        if random.random() < 0.3
    }
    return AgentConfiguration(
        id=name,
        name=name,
        trunk=TrunkId("teams"),
        target="+390211110000",
        skills={skill: random.randint(1, 10) for skill in SKILLS if random.random() < 0.6},
        attributes={
            key: value
            for key, value in (("lang", random.choice(LANGUAGES)), ("since", random.randint(0, 9)))
            if random.random() < 0.7
        },
        capacity=_capacity(random),
        queues=terms,
        is_expert=random.random() < 0.15,
        pool=random.choice(POOLS),
    )


def _capacity(random: Random) -> Capacity:
    if random.random() < 0.4:
        return Capacity()
    return Capacity(
        total=random.choice((1, 2, 5)),
        channels={
            Channel.CHAT: ChannelRule(cost=random.choice((0, 1, 2)), most=random.choice((1, 3))),
            Channel.MAIL: ChannelRule(most=2, is_exclusive=random.random() < 0.3),
            Channel.VOICE: ChannelRule(
                cost=random.choice((1, 2)),
                is_exclusive=random.random() < 0.5,
                interrupts=(Channel.MAIL,) if random.random() < 0.5 else (),
            ),
        },
        most_offers=random.choice((1, 2)),
    )


def _queue(
    random: Random, name: QueueId, queues: tuple[QueueId, ...], people: tuple[AgentId, ...]
) -> QueueConfiguration:
    agents = [one for one in people if random.random() < 0.5] or [people[0]]
    random.shuffle(agents)
    return QueueConfiguration(
        id=name,
        name=name,
        agents=tuple(agents),
        music=("music",),
        skills=_skills(random, 0.3),
        matching=QueueMatching(
            strategy=random.choice(tuple(Strategy)),
            offers_at_once=random.choice((1, 1, 2, 3)),
            requires=_requirement(random, 2) if random.random() < 0.3 else None,
            relaxation=_relaxation(random, queues),
            ageing_ms=random.choice((0, 0, 5_000, 60_000)),
            presence=_presence_rules(random),
            experts=tuple(one for one in people if random.random() < 0.1),
            experts_after_ms=random.choice((0, 15_000)),
            borrowing=_borrowing(random, queues),
            service_target_ms=10_000,
            share=random.choice((0, 1, 3)),
            hold_out_percent=random.choice((0, 50)),
        ),
    )


def _skills(random: Random, likely: float) -> dict[str, int]:
    return {skill: random.randint(1, 8) for skill in SKILLS if random.random() < likely / 2}


def _relaxation(random: Random, queues: tuple[QueueId, ...]) -> tuple[RelaxationStep, ...]:
    after = sorted(random.sample((5_000, 10_000, 20_000, 40_000), random.choice((0, 0, 1, 2, 3))))
    return tuple(
        RelaxationStep(
            after_ms=ms,
            lower_by=random.choice((0, 2, 4)),
            drops=tuple(skill for skill in SKILLS if random.random() < 0.3),
            waives_requirement=random.random() < 0.5,
            queues=tuple(one for one in queues if random.random() < 0.2),
        )
        for ms in after
    )


def _borrowing(random: Random, queues: tuple[QueueId, ...]) -> tuple[BorrowRule, ...]:
    if random.random() < 0.7:
        return ()
    return tuple(
        BorrowRule(
            queues=tuple(one for one in queues if random.random() < 0.5) or (queues[0],),
            predicted_wait_over_ms=random.choice((None, 30_000, 60_000)),
            service_level_below_percent=random.choice((None, 50, 80)),
        )
        for _ in range(random.choice((1, 2)))
    )


def _presence_rules(random: Random) -> PresenceRules:
    if random.random() < 0.4:
        return PresenceRules()
    names = ("busy", "in_call", "in_meeting", "away", "offline", "unknown")
    verdicts: dict[str, Any] = {
        name: random.choice((Verdict.ROUTE, Verdict.LAST, Verdict.NEVER)) for name in names
    }
    return PresenceRules(**verdicts, most_age_ms=random.choice((20_000, 60_000)))


def _requirement(random: Random, depth: int) -> Requirement:
    kind = random.randrange(6 if depth else 3)
    if kind == 0:
        least = random.randint(0, 6)
        return HasSkill(
            skill=random.choice(SKILLS), at_least=least, at_most=random.randint(least, 10)
        )
    if kind == 1:
        return AttributeIs(attribute="lang", any_of=tuple(random.sample(LANGUAGES, 2)))
    if kind == 2:
        return AttributeBetween(attribute="since", at_least=random.choice((None, 2)), at_most=7)
    parts = tuple(_requirement(random, depth - 1) for _ in range(random.randint(0, 2)))
    return (AllOf, AnyOf, NoneOf)[kind - 3](of=parts)


@dataclass
class Company:
    """A company at work: what happens to it is told to matching and to the oracle alike."""

    random: Random
    configuration: TenantConfiguration
    now: Instant = START
    sequence: int = 0
    arrivals: int = 0
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    waits: dict[InteractionId, Ticket] = field(default_factory=dict)
    remembered: Remembered = field(default_factory=Remembered)
    memory: MatchingMemory = field(default_factory=MatchingMemory)
    handling: dict[QueueId, Duration] = field(default_factory=dict)
    queue_of: dict[InteractionId, QueueId] = field(default_factory=dict)
    matches: int = 0

    def __post_init__(self) -> None:
        self.oracle = NaiveOracle(self.configuration)
        self.matching = self.fresh_matching()
        for one in self.configuration.agents:
            self.agents[one.id] = Agent(one.id)
            self.matching.note_agent(self.agents[one.id])

    def fresh_matching(self) -> Matching:
        """Return a matching that knows the configuration and the past, and nothing else."""
        matching = Matching()
        matching.advance(self.now)
        matching.configure(self.configuration, self.memory, self.handling)
        return matching

    def pass_time(self, length: int) -> None:
        """Let time pass."""
        self.now = Instant(self.now + length)

    def arrive(self) -> None:
        """Let somebody come."""
        random = self.random
        self.arrivals += 1
        requires = _requirement(random, 1) if random.random() < 0.15 else None
        wish = None
        if requires is not None or random.random() < 0.25:
            wish = Wish(
                agents=tuple(random.sample(sorted(self.agents), random.choice((0, 1, 2)))),
                kind=random.choice(tuple(WishKind)),
                hold_for_ms=random.choice((0, 8_000, 20_000)),
                requires=requires,
            )
        ticket = Ticket(
            id=InteractionId(f"i{self.arrivals}"),
            queue=random.choice(self.configuration.queues).id,
            priority=random.choice((3, 5, 5, 5, 6)),
            enqueued_at=Instant(self.now - random.choice((0, 0, 0, 3, 30)) * SECOND),
            number=self.arrivals,
            skills=_skills(random, 0.4) if random.random() < 0.4 else {},
            channel=random.choice(CHANNELS),
            wish=wish,
        )
        self.waits[ticket.id] = ticket
        self.queue_of[ticket.id] = ticket.queue
        self.matching.enter(ticket)

    def give_up(self) -> None:
        """Let somebody hang up."""
        if self.waits:
            name = self.random.choice(sorted(self.waits))
            ticket = self.waits.pop(name)
            self.matching.leave(ticket)
            self._end_wait(ticket, is_answered=False)

    def sign_in(self) -> None:
        """Let an agent become ready, or end his call."""
        agent = self.agents[self.random.choice(sorted(self.agents))]
        agent.engaged = tuple(one for one in agent.engaged if one.channel is not Channel.VOICE)
        agent.state, agent.intended_reason = AgentState.READY, None
        agent.idle_since, agent.deadline = self.now, None
        self.matching.note_agent(agent)

    def sign_out(self) -> None:
        """Let an agent rest, or go home."""
        agent = self.agents[self.random.choice(sorted(self.agents))]
        if agent.state is AgentState.CONNECTED:
            agent.intended_reason = "break"
        else:
            agent.state = AgentState.NOT_READY
            is_pause = self.random.random() < 0.5
            agent.deadline = Instant(self.now + 30 * SECOND) if is_pause else None
            if not is_pause:
                self.matching.past.note_signed_out(agent.id)
                self.remembered.taken.pop(agent.id, None)
        self.matching.note_agent(agent)

    def accept(self) -> None:
        """Let an agent take what he is offered."""
        offered = [one for one in self.agents.values() if any(e.is_offer for e in one.engaged)]
        if not offered:
            return
        agent = self.random.choice(offered)
        taken = next(one for one in agent.engaged if one.is_offer)
        kept = tuple(one for one in agent.engaged if one is not taken)
        agent.engaged = (*kept, Engagement(taken.interaction, taken.channel))
        if taken.channel is Channel.VOICE:
            agent.state = AgentState.CONNECTED
        self.matching.past.note_accepted(self.queue_of[taken.interaction], agent.id, Duration(0))
        if any(str(q.matching.strategy) == "fewest" for q in self.configuration.queues):
            self.remembered.taken[agent.id] = self.remembered.taken.get(agent.id, 0) + 1
        self._note_recent(self.queue_of[taken.interaction], is_met=True)
        self.matching.note_agent(agent)

    def finish(self) -> None:
        """Let an agent be done with something that is no call."""
        engaged = [one for one in self.agents.values() if one.engaged]
        if not engaged:
            return
        agent = self.random.choice(engaged)
        done = agent.engaged[0]
        agent.engaged = agent.engaged[1:]
        if done.channel is Channel.VOICE:
            agent.state, agent.idle_since = AgentState.READY, self.now
        took = Duration(self.random.randint(1, 90) * SECOND)
        queue = self.queue_of[done.interaction]
        self.handling[queue] = took
        self.remembered.queue_handling[queue] = took
        self.matching.past.note_handled(queue, agent.id, took)
        if str(self.oracle.queues[queue].matching.strategy) == "fastest":
            means = self.remembered.agent_handling.setdefault(queue, {})
            mean = means.get(agent.id, took)
            means[agent.id] = mean + (took - mean) // 8
        self.matching.note_agent(agent)

    def look_elsewhere(self) -> None:
        """Let a presence be told."""
        agent = self.agents[self.random.choice(sorted(self.agents))]
        agent.presence = Presence(
            availability=self.random.choice(tuple(Availability)),
            activity=self.random.choice(ACTIVITIES),
            is_out_of_office=self.random.random() < 0.1,
            source="test",
            at=Instant(self.now - self.random.choice((0, 10, 40)) * SECOND),
            sequence=self.sequence,
            noted_at=self.now,
        )
        self.matching.note_agent(agent)

    def learn(self) -> None:
        """Let scores be learned."""
        queue = self.random.choice(self.configuration.queues)
        asking = [one for one in self.waits.values() if one.queue == queue.id]
        asked = dict(queue.skills)
        if asking and self.random.random() < 0.5:
            for skill, level in self.random.choice(asking).skills.items():
                asked[skill] = max(level, asked.get(skill, 0))
        key = None if asked == queue.skills else frozenset(asked.items())
        name = signature_name(queue, asked)
        if self.random.random() < 0.2:
            self.matching.past.learn_scores(name, None)
            self.remembered.scores.pop((queue.id, key), None)
            return
        scores = {name: self.random.randint(0, 5) for name in self.agents}
        self.matching.past.learn_scores(
            name, ScoreSet(queue.id, scores, "dice", self.now, self.now)
        )
        self.remembered.scores[queue.id, key] = dict(scores)

    def begin(self) -> None:
        """Begin an input."""
        self.sequence += 1
        self.matching.begin(self.sequence, self.now)

    def world(self, draws: int = 0) -> World:
        """Return the moment as the oracle sees it."""
        return World(
            {**self.agents}, {**self.waits}, self.remembered, self.now, self.sequence, draws
        )

    def settle(self) -> None:
        """Let everybody be matched, and both agree on each."""
        draws = 0
        while True:
            world = self.world(draws)
            expected = self.oracle.next_match(world)
            draws = world.draws
            found = self.matching.next_match(self.now)
            assert as_expected(found) == expected
            if found is None:
                return
            self.matches += 1
            self.offer(found)

    def offer(self, match: Match) -> None:
        """Offer somebody to agents."""
        ticket = self.waits.pop(match.interaction)
        self.matching.leave(ticket)
        for name in match.agents:
            agent = self.agents[name]
            agent.engaged = (*agent.engaged, Engagement(ticket.id, ticket.channel, is_offer=True))
            if ticket.channel is Channel.VOICE:
                agent.state = AgentState.RESERVED
            self.matching.past.note_offered(ticket.queue, name)
            if str(self.oracle.queues[ticket.queue].matching.strategy) == "round-robin":
                self.remembered.last_offered[ticket.queue] = name
            self.matching.note_agent(agent)

    def _end_wait(self, ticket: Ticket, *, is_answered: bool) -> None:
        waited = Duration(self.now - ticket.enqueued_at)
        self.matching.past.note_abandoned(ticket.queue, waited)
        if waited > 10 * SECOND:
            self._note_recent(ticket.queue, is_met=is_answered)

    def _note_recent(self, queue: QueueId, *, is_met: bool) -> None:
        if self.oracle.queues[queue].matching.borrowing:
            self.remembered.recent.setdefault(queue, []).append(is_met)


STEPS = (
    *(Company.arrive,) * 5,
    *(Company.sign_in,) * 4,
    Company.sign_out,
    Company.give_up,
    *(Company.accept,) * 3,
    *(Company.finish,) * 2,
    Company.look_elsewhere,
    Company.learn,
)
"""What may happen, by how likely it is."""


def as_expected(match: Match | None) -> Expected | None:
    """Return a match in the oracle's words."""
    return None if match is None else Expected(match.interaction, match.agents, match.rule)
