# SPDX-License-Identifier: Apache-2.0
"""Who gets whom, the naive way: every agent held against every wait, one pair at a time.

Of the product it knows the types of a configuration only, so that a mistake in matching is
not repeated here. Agents, waits and what is remembered come as objects whose attributes are
read. Arithmetic is exact: whole numbers and fractions.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from centralino.core.kernel.ids import QueueId

if TYPE_CHECKING:
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )
    from centralino.core.routing.matching.policy import Terms

MS = 1_000_000
Agent = Any
Wait = Any
Part = Any
Key = Callable[[str], Any]
CALL_ACTIVITIES = {"in-a-call", "in-a-conference-call"}
MEETING_ACTIVITIES = {"in-a-meeting", "presenting"}
FIELD_OF = {
    "available": "available",
    "available-idle": "available",
    "away": "away",
    "be-right-back": "away",
    "do-not-disturb": "do_not_disturb",
    "offline": "offline",
}


@dataclass
class Remembered:
    """What the strategies know of the past."""

    last_offered: dict[str, str] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    agent_handling: dict[str, dict[str, int]] = field(default_factory=dict)
    queue_handling: dict[str, int] = field(default_factory=dict)
    recent: dict[str, list[bool]] = field(default_factory=dict)
    """Newest last."""
    scores: dict[tuple[str, frozenset[tuple[str, int]] | None], dict[Any, int]] = field(
        default_factory=dict
    )
    """By queue and what is asked for, ``None`` for all that have none of their own."""


@dataclass
class World:
    """A moment: who is there, who waits."""

    agents: Mapping[Any, Agent]
    waits: Mapping[Any, Wait]
    remembered: Remembered
    now: int
    sequence: int
    draws: int = 0
    """How many numbers the present decision has drawn."""


@dataclass(frozen=True)
class Expected:
    """What is to come next."""

    interaction: str
    agents: tuple[str, ...]
    rule: str


class NaiveOracle:
    """Decides by the words of the documentation."""

    def __init__(self, configuration: TenantConfiguration) -> None:
        self.configuration = configuration
        self.queues: dict[str, QueueConfiguration] = {one.id: one for one in configuration.queues}
        self.people: dict[str, AgentConfiguration] = {one.id: one for one in configuration.agents}
        self.members: dict[str, frozenset[str]] = {
            queue.id: frozenset(queue.agents) for queue in configuration.queues
        }
        self._reach = {queue.id: self._reach_of(queue) for queue in configuration.queues}
        self._ages = {queue.id: self._moments_of(queue) for queue in configuration.queues}
        self._known: dict[tuple[str, str, int], bool] = {}

    def next_match(self, world: World) -> Expected | None:
        """Return the next match of a moment."""
        firsts: dict[str, list[str]] = {}
        for name in sorted(world.agents):
            wait = self.first_wait(world, name, world.waits.values())
            if wait is not None:
                firsts.setdefault(wait.id, []).append(name)
        if not firsts:
            return None
        wait = min((world.waits[one] for one in firsts), key=lambda one: self.order(one, world.now))
        return self.choose(world, wait, firsts[wait.id])

    def first_wait(self, world: World, name: str, waits: Iterable[Wait]) -> Wait | None:
        """Return the wait that an agent gets first, ``None`` when there is none for him."""
        agent = world.agents[name]
        if name not in self.people or not self.is_open(agent):
            return None
        best, best_key = None, None
        for wait in waits:
            if self.may(world, agent, wait):
                key = (
                    self.rank(world, name, wait),
                    -self._excess(world, wait.queue),
                    self.order(wait, world.now),
                )
                if best_key is None or key < best_key:
                    best, best_key = wait, key
        return best

    def agents_for(self, world: World, wait: Wait, names: Iterable[str]) -> list[str]:
        """Return those who may take a wait."""
        return [
            name
            for name in names
            if self.is_open(world.agents[name]) and self.may(world, world.agents[name], wait)
        ]

    def may(self, world: World, agent: Agent, wait: Wait) -> bool:
        """Tell whether an agent may be offered a wait now."""
        return (
            self.is_eligible(world, agent.id, wait)
            and self.has_room(agent, wait.channel)
            and self.verdict(world, agent, wait) != "never"
        )

    def order(self, wait: Wait, now: int) -> tuple[Fraction | int, int, int, str]:
        """Return what orders waits: smaller is first."""
        ageing_ms = self.queues[wait.queue].matching.ageing_ms
        points = wait.priority
        if ageing_ms:
            worth = Fraction(10**9 // ageing_ms, 10**9)
            points -= worth * (now // MS - wait.enqueued_at // MS)
        return (points, wait.enqueued_at, wait.number, wait.id)

    def terms(self, name: str, queue: str) -> Terms | None:
        """Return what holds between an agent and a queue, where it is not the usual."""
        return self.people[name].queues.get(QueueId(queue))

    # Who may.

    def is_open(self, agent: Agent) -> bool:
        """Tell whether an agent takes anything at all."""
        return agent.state != "not-ready" and agent.intended_reason is None

    def has_room(self, agent: Agent, channel: str) -> bool:
        """Tell whether an agent may take work of a channel beside what he has."""
        if channel == "voice" and agent.state != "ready":
            return False
        if agent.state != "ready" and not agent.engaged:
            return False
        capacity = self.people[agent.id].capacity

        def rule(of: str) -> tuple[int, int, bool, tuple[str, ...]]:
            for key, known in capacity.channels.items():
                if key == of:
                    return known.cost, known.most, known.is_exclusive, known.interrupts
            return 1, 1, of == "voice", ()

        cost, most, is_exclusive, interrupts = rule(channel)
        beside = [one.channel for one in agent.engaged if one.channel not in interrupts]
        if beside and (is_exclusive or any(rule(one)[2] for one in beside)):
            return False
        if sum(one.channel == channel for one in agent.engaged) >= most:
            return False
        if sum(one.is_offer for one in agent.engaged) >= capacity.most_offers:
            return False
        return sum(rule(one)[0] for one in beside) + cost <= capacity.total

    def is_held(self, world: World, wait: Wait) -> tuple[str, ...]:
        """Return for whom alone a wait is kept now, nobody when it is for all."""
        wish = wait.wish
        if wish is None or not wish.agents or world.now >= wait.enqueued_at + wish.hold_for_ms * MS:
            return ()
        wanted = [name for name in wish.agents if name in self.people]
        if wish.kind != "named":
            ever = 10**20
            wanted = [name for name in wanted if self._in_ring(name, wait, ever)]
        there = [name for name in wanted if self._is_signed_in(world.agents.get(name))]
        return tuple(wanted) if there else ()

    def is_eligible(self, world: World, name: str, wait: Wait) -> bool:
        """Tell whether an agent is one of those whom a wait may come to at its age."""
        wish = wait.wish
        if wish is None and name not in self._reach[wait.queue]:
            return False
        held = self.is_held(world, wait) if wish is not None else ()
        if held:
            return name in held
        age = max(0, world.now - wait.enqueued_at)
        return self._in_ring(name, wait, age) or self._is_borrowed(world, name, wait, age)

    def _is_signed_in(self, agent: Agent) -> bool:
        return agent is not None and (agent.state != "not-ready" or agent.deadline is not None)

    def _reach_of(self, queue: QueueConfiguration) -> frozenset[str]:
        """Return everybody whom a wait without a wish may ever come to."""
        helping = [q for step in queue.matching.relaxation for q in step.queues]
        helping += [q for rule in queue.matching.borrowing for q in rule.queues]
        return frozenset(queue.agents).union(
            queue.matching.experts, *(self.members[q] for q in helping)
        )

    def _moments(self, queue: QueueConfiguration, age: int) -> list[int]:
        """Return the ages up to ``age`` at which somebody may be added."""
        return [moment for moment in self._ages[queue.id] if moment <= age]

    def _moments_of(self, queue: QueueConfiguration) -> list[int]:
        moments = {0, queue.matching.experts_after_ms * MS}
        moments.update(step.after_ms * MS for step in queue.matching.relaxation)
        for name in queue.agents:
            terms = self.terms(name, queue.id)
            moments.add(terms.delay_ms * MS if terms else 0)
        return sorted(moments)

    def _in_ring(self, name: str, wait: Wait, age: int) -> bool:
        queue = self.queues[wait.queue]
        moments = self._moments(queue, age)
        if wait.skills or wait.wish:
            return self._is_in_ring(name, queue, wait, moments)
        key = (name, wait.queue, len(moments))
        if key not in self._known:
            self._known[key] = self._is_in_ring(name, queue, wait, moments)
        return self._known[key]

    def _is_in_ring(
        self, name: str, queue: QueueConfiguration, wait: Wait, moments: list[int]
    ) -> bool:
        return any(
            self._has_joined(name, queue, moment) and self._is_able(name, wait, moment)
            for moment in moments
        )

    def _has_joined(self, name: str, queue: QueueConfiguration, age: int) -> bool:
        if name in self.members[queue.id]:
            terms = self.terms(name, queue.id)
            if (terms.delay_ms * MS if terms else 0) <= age:
                return True
        for step in queue.matching.relaxation:
            if step.after_ms * MS <= age and any(name in self.members[q] for q in step.queues):
                return True
        is_expert = name in queue.matching.experts
        return is_expert and queue.matching.experts_after_ms * MS <= age

    def _is_able(self, name: str, wait: Wait, age: int) -> bool:
        """Tell whether an agent has what a wait of an age asks for."""
        person, queue = self.people[name], self.queues[wait.queue]
        needs = dict(queue.skills)
        for skill, level in wait.skills.items():
            needs[skill] = max(level, needs.get(skill, 0))
        own = wait.wish.requires if wait.wish else None
        requirements = [one for one in (queue.matching.requires, own) if one is not None]
        lowered = 0
        dropped: set[str] = set()
        for step in queue.matching.relaxation:
            if step.after_ms * MS <= age:
                lowered += step.lower_by
                dropped.update(step.drops)
                if step.waives_requirement:
                    requirements = []
        has_skills = all(
            person.skills.get(skill, 0) >= max(min(level, 1), level - lowered)
            for skill, level in needs.items()
            if skill not in dropped
        )
        return has_skills and all(self._meets(person, one) for one in requirements)

    def _meets(self, person: AgentConfiguration, requirement: Part) -> bool:
        kind = type(requirement).__struct_config__.tag
        if kind == "skill":
            level = person.skills.get(requirement.skill, 0)
            return bool(requirement.at_least <= level <= requirement.at_most)
        if kind in {"is", "between"}:
            value = person.attributes.get(requirement.attribute)
            if kind == "is":
                return any(type(v) is type(value) and v == value for v in requirement.any_of)
            low, high = requirement.at_least, requirement.at_most
            is_number = isinstance(value, int) and not isinstance(value, bool)
            return is_number and (low is None or value >= low) and (high is None or value <= high)
        parts = [self._meets(person, part) for part in requirement.of]
        return {"all": all(parts), "any": any(parts), "none": not any(parts)}[kind]

    def _is_borrowed(self, world: World, name: str, wait: Wait, age: int) -> bool:
        queue = self.queues[wait.queue]
        if not queue.matching.borrowing:
            return False
        for rule in queue.matching.borrowing:
            lends = any(name in self.members[other] for other in rule.queues)
            if lends and self._rule_holds(world, queue, rule):
                able = (self._is_able(name, wait, one) for one in self._moments(queue, age))
                if any(able):
                    return True
        return False

    def _rule_holds(self, world: World, queue: QueueConfiguration, rule: Part) -> bool:
        limit = rule.predicted_wait_over_ms
        mean = world.remembered.queue_handling.get(queue.id)
        if limit is not None and mean is not None:
            waiting = sum(wait.queue == queue.id for wait in world.waits.values())
            staff = sum(world.agents[one].state != "not-ready" for one in queue.agents)
            if waiting * mean > staff * limit * MS:
                return True
        recent = world.remembered.recent.get(queue.id, [])[-60:]
        least = rule.service_level_below_percent
        return bool(least is not None and recent and sum(recent) * 100 // len(recent) < least)

    def verdict(self, world: World, agent: Agent, wait: Wait) -> str:
        """Return what an agent's presence means to a wait's queue."""
        matching = self.queues[wait.queue].matching
        is_expert = self.people[agent.id].is_expert
        rules = matching.expert_presence if is_expert else matching.presence
        return str(getattr(rules, self._presence_field(agent, rules.most_age_ms, world.now)))

    def _presence_field(self, agent: Agent, most_age_ms: int, now: int) -> str:
        presence = agent.presence
        if presence is None:
            return "unknown"
        if now - presence.at > most_age_ms * MS:
            return "unknown"
        known = FIELD_OF.get(presence.availability, "unknown")
        if presence.availability in {"busy", "busy-idle"}:
            known = "busy"
        if presence.is_out_of_office and known != "do_not_disturb":
            return "offline"
        if known == "busy" and presence.activity in CALL_ACTIVITIES:
            return "unknown" if presence.at <= agent.idle_since else "in_call"
        if known == "busy" and presence.activity in MEETING_ACTIVITIES:
            return "in_meeting"
        return known

    # Which wait, which agents.

    def rank(self, world: World, name: str, wait: Wait) -> int:
        """Return which of several queues an agent serves first."""
        if self.is_held(world, wait):
            return 0
        if name not in self.members[wait.queue]:
            return 100
        terms = self.terms(name, wait.queue)
        return terms.rank if terms else 1

    def _excess(self, world: World, queue: str) -> int:
        if self.configuration.sharing != "ratio":
            return 0
        waiting = dict.fromkeys(self.queues, 0)
        for wait in world.waits.values():
            waiting[wait.queue] += 1
        share = {name: one.matching.share for name, one in self.queues.items()}
        return waiting[queue] * sum(share.values()) - share[queue] * sum(waiting.values())

    def choose(self, world: World, wait: Wait, names: Sequence[str]) -> Expected:
        """Return which of those whose first wait it is are asked."""
        if wait.wish is not None:
            for name in wait.wish.agents:
                if name in names:
                    return Expected(wait.id, (name,), str(wait.wish.kind))
        queue = self.queues[wait.queue]
        able = list(names)
        verdicts = {name: self.verdict(world, world.agents[name], wait) for name in able}
        if "last" in verdicts.values() and any(verdicts[name] != "last" for name in able):
            able = [name for name in able if verdicts[name] != "last"]
        rings = {name: self._ring(name, queue) for name in able}
        able = [name for name in able if rings[name] == min(rings.values())]
        strategy = str(queue.matching.strategy)
        rule = strategy
        is_low = zlib.crc32(wait.id.encode()) % 100 < queue.matching.hold_out_percent
        if strategy == "predicted" and is_low:
            strategy, rule = "longest-idle", "held-out"
        elif strategy == "predicted" and self._scores(world, wait, queue) is None:
            strategy, rule = "longest-idle", "unscored"
        count = min(queue.matching.offers_at_once, len(able))
        if strategy in {"random", "weighted"}:
            if len(able) == 1:
                return Expected(wait.id, tuple(able), rule)
            return Expected(wait.id, self._draw(world, able, queue, strategy, count), rule)
        key = self._key(world, wait, queue, strategy)
        able.sort(key=lambda name: (key(name), world.agents[name].idle_since, name))
        return Expected(wait.id, tuple(able[:count]), rule)

    def _ring(self, name: str, queue: QueueConfiguration) -> int:
        if name in self.members[queue.id]:
            return 0
        if any(name in self.members[q] for step in queue.matching.relaxation for q in step.queues):
            return 1
        return 3 if name in queue.matching.experts else 2

    def _key(self, world: World, wait: Wait, queue: QueueConfiguration, strategy: str) -> Key:
        known = world.remembered
        listed: dict[str, int] = {name: place for place, name in enumerate(queue.agents)}
        for place, name in enumerate(sorted(self.people)):
            listed.setdefault(name, len(queue.agents) + place)
        if strategy == "longest-idle":
            return lambda name: 0
        if strategy == "serial":
            return lambda name: listed[name]
        if strategy == "round-robin":
            last = known.last_offered.get(queue.id)
            begin = listed[last] + 1 if last in listed else 0
            return lambda name: (listed[name] < begin, listed[name])
        if strategy == "least-occupied":
            return lambda name: self._load_ratio(world.agents[name])
        if strategy == "fewest":
            return lambda name: known.taken.get(name, 0)
        if strategy == "fastest":
            return lambda name: known.agent_handling.get(queue.id, {}).get(name, 0)
        if strategy == "best-match":
            asked = {*queue.skills, *wait.skills}
            return lambda name: -sum(self.people[name].skills.get(skill, 0) for skill in asked)
        if strategy == "predicted":
            scores = self._scores(world, wait, queue) or {}
            return lambda name: -scores.get(name, 0)
        return self._pool_key(world, wait)

    def _scores(self, world: World, wait: Wait, queue: QueueConfiguration) -> dict[Any, int] | None:
        """Return the scores for just such waits, else those of the queue for all others."""
        asked = {s: max(queue.skills.get(s, 0), wait.skills.get(s, 0)) for s in wait.skills}
        asked = {**queue.skills, **asked}
        known = world.remembered.scores
        own = None if asked == queue.skills else known.get((queue.id, frozenset(asked.items())))
        return own if own is not None else known.get((queue.id, None))

    def _load_ratio(self, agent: Agent) -> Fraction:
        """Capacity consumed by capacity there is, as Microsoft defines it."""
        capacity = self.people[agent.id].capacity
        cost = {str(channel): rule.cost for channel, rule in capacity.channels.items()}
        used = sum(cost.get(str(one.channel), 1) for one in agent.engaged)
        return Fraction(used, max(1, capacity.total))

    def _pool_key(self, world: World, wait: Wait) -> Key:
        idle: dict[str, int] = {}
        for name, agent in world.agents.items():
            if name in self.people:
                pool = self.people[name].pool
                is_free = self.is_open(agent) and self.has_room(agent, wait.channel)
                idle[pool] = idle.get(pool, 0) + is_free
        share = {pool: self.configuration.pool_shares.get(pool, 0) for pool in idle}
        whole, total = sum(share.values()), sum(idle.values())
        excess = {pool: idle[pool] * whole - share[pool] * total for pool in idle}
        return lambda name: -excess[self.people[name].pool]

    def _draw(
        self, world: World, able: list[str], queue: QueueConfiguration, strategy: str, count: int
    ) -> tuple[str, ...]:
        able = sorted(able)
        drawn: list[str] = []
        while len(drawn) < count:
            weights = []
            for name in able:
                terms = self.terms(name, queue.id)
                weights.append(terms.weight if strategy == "weighted" and terms else 1)
            if not any(weights):
                weights = [1] * len(able)
            world.draws += 1
            seed = f"{self.configuration.tenant}/{world.sequence}/{world.draws}"
            number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big")
            left = number % sum(weights)
            for name, weight in zip(able, weights, strict=True):
                left -= weight
                if left < 0:
                    drawn.append(name)
                    able.remove(name)
                    break
        return tuple(drawn)
