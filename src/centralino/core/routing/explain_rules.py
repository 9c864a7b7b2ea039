# SPDX-License-Identifier: Apache-2.0
"""May this agent be offered this wait now, and if not, which rule is the first against it.

A second reading of the rules of ``matching``: slow, one pair at a time, in plain words, and
without its structures, so that it can be read and so that a mistake in one is seen against the
other. A property test holds both together on random companies.

Order of the rules: is he there (signed in, ready, not in a pause, not about to leave); is the
wait kept for somebody else; is he one of those whom a wait of this age comes to (of the queue,
its delay, helpers, experts, borrowed); has he what it asks for at this age (skills, requirement);
has he room (state, channel, capacity); what does his presence say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.agents.requirement import meets
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.wish import WishKind
from centralino.core.kernel.instant import MILLISECOND, SECOND, Duration, Instant
from centralino.core.routing.matching.policy import Verdict
from centralino.core.routing.matching.presence import kind_of, verdict_of

if TYPE_CHECKING:
    from centralino.core.agents.requirement import Requirement
    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import AgentId, QueueId
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )
    from centralino.core.routing.matching.match import Waiting
    from centralino.core.routing.matching.policy import BorrowRule
    from centralino.core.routing.state import TenantState


class Rule(StrEnum):
    """What excludes an agent; ``eligible`` when nothing does."""

    ELIGIBLE = "eligible"
    NOT_SIGNED_IN = "not-signed-in"
    NOT_READY = "not-ready"
    """He said so, with his reason."""
    BACK_OFF = "back-off"
    """A pause that ends by itself after an offer that led to nothing."""
    LEAVING = "leaving"
    """He wants to be not ready after what he has."""
    HELD_FOR_OTHERS = "held-for-others"
    """The wait is kept for somebody it asks for by name."""
    NOT_OF_QUEUE = "not-of-queue"
    QUEUE_DELAY = "queue-delay"
    """Only what has waited longer comes to him."""
    NOT_BORROWED = "not-borrowed"
    """He is of a queue that lends agents, and no rule asks for that now."""
    LACKS_SKILL = "lacks-skill"
    REQUIREMENT = "requirement"
    """He does not meet what is required beside skills."""
    BUSY = "busy"
    """He has a call, is rung, or wraps up."""
    EXCLUSIVE = "exclusive"
    """What he has, or what waits, goes with nothing else."""
    CHANNEL_FULL = "channel-full"
    """He has as many of this channel as he takes."""
    OFFERS_OPEN = "offers-open"
    """He is being asked as often as he may be at once."""
    AT_CAPACITY = "at-capacity"
    PRESENCE = "presence"
    """What Teams says of him is a veto here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that holds, in words."""

    rule: Rule
    text: str = ""
    until: Instant | None = None
    """When this rule ends by itself, if nothing else changes; ``None`` when it does not."""


@dataclass(slots=True)
class Moment:
    """What the rules look at."""

    state: TenantState
    configuration: TenantConfiguration
    now: Instant
    queues: Mapping[QueueId, QueueConfiguration]
    people: Mapping[AgentId, AgentConfiguration]
    members: Mapping[QueueId, frozenset[AgentId]]
    waiting: Mapping[QueueId, int]

    @classmethod
    def of(cls, state: TenantState, waits: Sequence[Waiting], now: Instant) -> Moment:
        """Return a moment of a tenant that has a configuration."""
        configuration = state.configuration
        assert configuration is not None  # noqa: S101 - who waits waits in a queue of one
        waiting: dict[QueueId, int] = {queue.id: 0 for queue in configuration.queues}
        for wait in waits:
            assert wait.queue is not None  # noqa: S101 - only who waits in one is given
            waiting[wait.queue] += 1
        return cls(
            state=state,
            configuration=configuration,
            now=now,
            queues={queue.id: queue for queue in configuration.queues},
            people={agent.id: agent for agent in configuration.agents},
            members={queue.id: frozenset(queue.agents) for queue in configuration.queues},
            waiting=waiting,
        )


def judge(moment: Moment, agent: Agent, wait: Waiting) -> Finding:
    """Return the first rule that keeps a wait from an agent, or that there is none."""
    person = moment.people[agent.id]
    for rule in (_presence_at_work, _hold, _ring, _room, _presence):
        found = rule(moment, agent, person, wait)
        if found is not None:
            return found
    return Finding(Rule.ELIGIBLE)


# ---------------------------------------------------------------------------- is he there
def _presence_at_work(
    moment: Moment, agent: Agent, person: AgentConfiguration, wait: Waiting
) -> Finding | None:
    del moment, person, wait
    if agent.state is AgentState.NOT_READY:
        if agent.deadline is not None:
            return Finding(Rule.BACK_OFF, f"he is left alone: {agent.reason}", agent.deadline)
        if agent.reason == NotReadyReason.SIGNED_OUT:
            return Finding(Rule.NOT_SIGNED_IN, "he is not signed in")
        return Finding(Rule.NOT_READY, f"he is not ready: {agent.reason}")
    if agent.intended_reason is not None:
        return Finding(Rule.LEAVING, f"he is not ready after this: {agent.intended_reason}")
    return None


def _is_signed_in(agent: Agent | None) -> bool:
    return agent is not None and (
        agent.state is not AgentState.NOT_READY or agent.deadline is not None
    )


# ------------------------------------------------------------------------ is it kept for others
def _hold(
    moment: Moment, agent: Agent, person: AgentConfiguration, wait: Waiting
) -> Finding | None:
    held = held_for(moment, wait)
    if not held or agent.id in held:
        return None
    until = Instant(_since(wait) + (wait.wish.hold_for_ms if wait.wish else 0) * MILLISECOND)
    names = ", ".join(held)
    return Finding(Rule.HELD_FOR_OTHERS, f"it is kept for {names}", until)


def held_for(moment: Moment, wait: Waiting) -> tuple[AgentId, ...]:
    """Return for whom alone a wait is kept now; nobody when it is for all."""
    wish = wait.wish
    if wish is None or not wish.agents:
        return ()
    if moment.now >= _since(wait) + wish.hold_for_ms * MILLISECOND:
        return ()
    wanted = [name for name in wish.agents if name in moment.people]
    if wish.kind is not WishKind.NAMED:
        last = Duration(max(_moments(moment, wait), default=0))
        wanted = [name for name in wanted if _ring_problem(moment, name, wait, last) is None]
    if not any(_is_signed_in(moment.state.agents.get(name)) for name in wanted):
        return ()
    return tuple(wanted)


# ------------------------------------------------------------- does a wait of this age come to him
def _ring(
    moment: Moment, agent: Agent, person: AgentConfiguration, wait: Waiting
) -> Finding | None:
    if held_for(moment, wait):
        return None
    age = Duration(max(0, moment.now - _since(wait)))
    problem = _ring_problem(moment, agent.id, wait, age)
    if problem is None:
        return None
    borrowed = _borrow_problem(moment, person, wait, age)
    if borrowed is None:
        return None
    later = (at for at in sorted(_moments(moment, wait)) if at > age)
    opens = next((at for at in later if not _ring_problem(moment, agent.id, wait, at)), None)
    until = None if opens is None else Instant(_since(wait) + opens)
    shown = borrowed if problem.rule is Rule.NOT_OF_QUEUE and borrowed.text else problem
    return Finding(shown.rule, shown.text, until)


def _ring_problem(moment: Moment, name: AgentId, wait: Waiting, age: Duration) -> Finding | None:
    """Return why a wait of an age does not come to somebody, ``None`` when it does."""
    queue = _queue(moment, wait)
    problem = _joining_problem(moment, name, queue, age)
    return problem or _skill_problem(moment.people[name], queue, wait, age)


def _joining_problem(
    moment: Moment, name: AgentId, queue: QueueConfiguration, age: Duration
) -> Finding | None:
    delay_ms = _delay_ms(moment, name, queue)
    if delay_ms is not None and delay_ms * MILLISECOND <= age:
        return None
    for step in queue.matching.relaxation:
        helps = any(name in moment.members[other] for other in step.queues)
        if helps and step.after_ms * MILLISECOND <= age:
            return None
    is_expert = name in queue.matching.experts
    if is_expert and queue.matching.experts_after_ms * MILLISECOND <= age:
        return None
    if delay_ms is not None:
        text = f"what has waited {_seconds(delay_ms * MILLISECOND)} in {queue.id} comes to him"
        return Finding(Rule.QUEUE_DELAY, text)
    if is_expert:
        after = _seconds(queue.matching.experts_after_ms * MILLISECOND)
        return Finding(Rule.QUEUE_DELAY, f"experts help after {after}")
    return Finding(Rule.NOT_OF_QUEUE, f"he is not of {queue.id}")


def _skill_problem(
    person: AgentConfiguration, queue: QueueConfiguration, wait: Waiting, age: Duration
) -> Finding | None:
    needs, requirements = asked_for(queue, wait, age)
    for skill, level in sorted(needs.items()):
        has = person.skills.get(skill, 0)
        if has < level:
            return Finding(Rule.LACKS_SKILL, f"he lacks {skill} at level {level}, he has {has}")
    for requirement in requirements:
        if not meets(person, requirement):
            return Finding(Rule.REQUIREMENT, "he does not meet what is required")
    return None


def asked_for(
    queue: QueueConfiguration, wait: Waiting, age: Duration
) -> tuple[dict[str, int], list[Requirement]]:
    """Return the levels of skills and the requirements that a wait of an age asks for."""
    needs = dict(queue.skills)
    for skill, level in wait.skills.items():
        needs[skill] = max(level, needs.get(skill, 0))
    own = wait.wish.requires if wait.wish is not None else None
    requirements = [one for one in (queue.matching.requires, own) if one is not None]
    for step in queue.matching.relaxation:
        if step.after_ms * MILLISECOND > age:
            break
        for skill in step.drops:
            needs.pop(skill, None)
        needs = {skill: max(1, level - step.lower_by) for skill, level in needs.items()}
        if step.waives_requirement:
            requirements = []
    return needs, requirements


def _borrow_problem(
    moment: Moment, person: AgentConfiguration, wait: Waiting, age: Duration
) -> Finding | None:
    """Return why somebody is not borrowed; ``None`` when he is, no words when he never could."""
    queue, could = _queue(moment, wait), False
    for rule in queue.matching.borrowing:
        if not any(person.id in moment.members[other] for other in rule.queues):
            continue
        could = True
        if _rule_holds(moment, queue, rule):
            return _skill_problem(person, queue, wait, age)
    text = f"{queue.id} borrows nobody now" if could else ""
    return Finding(Rule.NOT_BORROWED, text)


def _rule_holds(moment: Moment, queue: QueueConfiguration, rule: BorrowRule) -> bool:
    limit_ms, mean = rule.predicted_wait_over_ms, moment.state.handling.get(queue.id)
    if limit_ms is not None and mean is not None:
        agents = (moment.state.agents.get(name) for name in queue.agents)
        staff = sum(1 for one in agents if one and one.state is not AgentState.NOT_READY)
        if moment.waiting[queue.id] * mean > staff * limit_ms * MILLISECOND:
            return True
    recent = moment.state.memory.recent.get(queue.id)
    least = rule.service_level_below_percent
    return least is not None and recent is not None and recent.level_percent < least


def _moments(moment: Moment, wait: Waiting) -> set[Duration]:
    """Return the ages at which a wait may come to somebody new."""
    queue = _queue(moment, wait)
    found = {0, queue.matching.experts_after_ms * MILLISECOND}
    found.update(step.after_ms * MILLISECOND for step in queue.matching.relaxation)
    delays = (_delay_ms(moment, name, queue) for name in queue.agents)
    found.update(delay * MILLISECOND for delay in delays if delay is not None)
    return {Duration(age) for age in found}


def _delay_ms(moment: Moment, name: AgentId, queue: QueueConfiguration) -> int | None:
    if name not in moment.members[queue.id]:
        return None
    terms = moment.people[name].queues.get(queue.id)
    return terms.delay_ms if terms is not None else 0


# -------------------------------------------------------------------------------- has he room
def _room(
    moment: Moment, agent: Agent, person: AgentConfiguration, wait: Waiting
) -> Finding | None:
    if agent.state is not AgentState.READY and (wait.channel is Channel.VOICE or not agent.engaged):
        until = agent.deadline if agent.state is AgentState.WRAP_UP else None
        return Finding(Rule.BUSY, _BUSY[agent.state], until)
    capacity = person.capacity
    rule = capacity.rule(wait.channel)
    beside = [one for one in agent.engaged if one.channel not in rule.interrupts]
    exclusive = [one for one in beside if capacity.rule(one.channel).is_exclusive]
    if exclusive or (beside and rule.is_exclusive):
        what = (exclusive or beside)[0].channel
        return Finding(Rule.EXCLUSIVE, f"he has {what}, which goes with nothing else")
    if sum(one.channel is wait.channel for one in agent.engaged) >= rule.most:
        return Finding(Rule.CHANNEL_FULL, f"he takes {rule.most} of {wait.channel} at once")
    if sum(one.is_offer for one in agent.engaged) >= capacity.most_offers:
        return Finding(Rule.OFFERS_OPEN, "he is being asked already")
    used = sum(capacity.rule(one.channel).cost for one in beside)
    if used + rule.cost > capacity.total:
        return Finding(
            Rule.AT_CAPACITY, f"{used} of {capacity.total} used, this takes {rule.cost} more"
        )
    return None


_BUSY = {
    AgentState.RESERVED: "he is being rung",
    AgentState.CONNECTED: "he talks to a customer",
    AgentState.CONSULTING: "a colleague asks him about a customer",
    AgentState.WRAP_UP: "he wraps up",
}


# ------------------------------------------------------------------------------------ presence
def _presence(
    moment: Moment, agent: Agent, person: AgentConfiguration, wait: Waiting
) -> Finding | None:
    matching = _queue(moment, wait).matching
    rules = matching.expert_presence if person.is_expert else matching.presence
    presence = agent.presence
    most_age = rules.most_age_ms * MILLISECOND
    is_old = presence is not None and moment.now - presence.at > most_age
    verdict = verdict_of(rules, kind_of(None if is_old else presence, agent.idle_since))
    if verdict is not Verdict.NEVER:
        return None
    if presence is None:
        return Finding(Rule.PRESENCE, "nothing is known of his presence")
    age = _seconds(presence.age(moment.now))
    said = " ".join(part for part in (presence.availability, presence.activity) if part)
    told = f"{presence.source} said {said} {age} ago"
    if is_old:
        return Finding(Rule.PRESENCE, f"his presence is too old: {told}")
    ends = Instant(presence.at + most_age + 1)
    can_end = verdict_of(rules, kind_of(None, agent.idle_since)) is not Verdict.NEVER
    return Finding(Rule.PRESENCE, told, ends if can_end else None)


def _queue(moment: Moment, wait: Waiting) -> QueueConfiguration:
    assert wait.queue is not None  # noqa: S101 - only who waits in one is asked about
    return moment.queues[wait.queue]


def _since(wait: Waiting) -> int:
    return wait.enqueued_at or 0


def _seconds(length: int) -> str:
    return f"{length / SECOND:g} s"
