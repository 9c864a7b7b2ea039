# SPDX-License-Identifier: Apache-2.0
"""How queues find agents and what agents take at once, as a tenant's file writes it.

What each field means is said in ``docs/explanation/routing.md``. Lengths of time are seconds
here, because people write them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from centralino.core.agents.capacity import MOST_CAPACITY, Capacity, ChannelRule
from centralino.core.agents.requirement import (
    AttributeBetween,
    AttributeIs,
    HasSkill,
    Requirement,
    parts_of,
    require_sensible,
)
from centralino.core.flows.nodes import Name
from centralino.core.interactions.channel import Channel
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.routing.matching.policy import (
    MOST_OFFERS_AT_ONCE,
    BorrowRule,
    PresenceRules,
    QueueMatching,
    RelaxationStep,
    Strategy,
    Terms,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from centralino.core.flows.reading import Path

Seconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Share = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Units = Annotated[int, msgspec.Meta(ge=0, le=MOST_CAPACITY)]
Some = Annotated[int, msgspec.Meta(ge=1, le=1000)]


@dataclass(frozen=True)
class Known:
    """The names that a tenant has."""

    queues: Collection[str]
    skills: Collection[str]
    attributes: Collection[str]
    experts: Collection[str]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share."""


class RelaxationPart(_Part, frozen=True, kw_only=True):
    """What is asked no longer after a wait; steps add up."""

    after_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    lower_by: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    """All levels are lower by so much, but not below 1."""
    drops: tuple[Name, ...] = ()
    """Skills that are asked for no longer."""
    waives_requirement: bool = False
    queues: tuple[Name, ...] = ()
    """Agents of these queues may help."""


class PresencePart(_Part, frozen=True, kw_only=True):
    """What Teams' word on an agent means: ``route``, ``last`` or ``never``."""

    available: Verdict = Verdict.ROUTE
    busy: Verdict = Verdict.ROUTE
    in_call: Verdict = Verdict.ROUTE
    in_meeting: Verdict = Verdict.ROUTE
    away: Verdict = Verdict.ROUTE
    do_not_disturb: Verdict = Verdict.NEVER
    offline: Verdict = Verdict.ROUTE
    unknown: Verdict = Verdict.ROUTE
    most_age_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 3600

    def rules(self) -> PresenceRules:
        """Return the rules."""
        verdicts = {
            name: getattr(self, name) for name in self.__struct_fields__ if name != "most_age_s"
        }
        return PresenceRules(**verdicts, most_age_ms=self.most_age_s * 1000)


class ExpertsPart(_Part, frozen=True, kw_only=True):
    """The last ring: people who are no agents by trade; each has ``expert: true``."""

    agents: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    after_s: Seconds = 0
    presence: PresencePart | None = None
    """Left out, only those whom Teams calls available."""


class BorrowPart(_Part, frozen=True, kw_only=True):
    """When agents of other queues help; one condition suffices."""

    queues: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    predicted_wait_over_s: Seconds | None = None
    service_level_below_percent: Percent | None = None


class LastAgentPart(_Part, frozen=True, kw_only=True):
    """A customer who comes again is kept for a while for the agent who talked to him."""

    hold_s: Annotated[int, msgspec.Meta(ge=1, le=3600)]
    within_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7


class MatchingPart(_Part, frozen=True, kw_only=True):
    """How one queue finds agents."""

    strategy: Strategy = Strategy.LONGEST_IDLE
    offers_at_once: Annotated[int, msgspec.Meta(ge=1, le=MOST_OFFERS_AT_ONCE)] = 1
    requires: Requirement | None = None
    relaxation: Annotated[tuple[RelaxationPart, ...], msgspec.Meta(max_length=16)] = ()
    ageing_s: Seconds = 0
    """Waiting so long counts as one step of priority; 0 never."""
    presence: PresencePart = PresencePart()
    experts: ExpertsPart | None = None
    borrowing: Annotated[tuple[BorrowPart, ...], msgspec.Meta(max_length=8)] = ()
    service_target_s: Seconds = 20
    last_agent: LastAgentPart | None = None
    share: Share = 1
    hold_out_percent: Percent = 0


class TermsPart(_Part, frozen=True, kw_only=True):
    """What differs from the usual between an agent and one of his queues."""

    rank: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1
    delay_s: Seconds = 0
    weight: Share = 1


class ChannelPart(_Part, frozen=True, kw_only=True):
    """What work of one channel asks of an agent."""

    cost: Units = 1
    most: Some = 1
    exclusive: bool = False
    interrupts: tuple[Channel, ...] = ()


class CapacityPart(_Part, frozen=True, kw_only=True):
    """How much an agent takes at once."""

    total: Annotated[int, msgspec.Meta(ge=1, le=MOST_CAPACITY)] = 1
    channels: dict[Channel, ChannelPart] = {}
    most_offers: Some = 1


def matching_of(part: MatchingPart) -> QueueMatching:
    """Return how a queue finds agents."""
    experts, last = part.experts, part.last_agent
    matching = QueueMatching(
        strategy=part.strategy,
        offers_at_once=part.offers_at_once,
        requires=part.requires,
        relaxation=tuple(
            RelaxationStep(
                after_ms=step.after_s * 1000,
                lower_by=step.lower_by,
                drops=step.drops,
                waives_requirement=step.waives_requirement,
                queues=tuple(QueueId(queue) for queue in step.queues),
            )
            for step in part.relaxation
        ),
        ageing_ms=part.ageing_s * 1000,
        presence=part.presence.rules(),
        borrowing=tuple(_borrowing(rule) for rule in part.borrowing),
        service_target_ms=part.service_target_s * 1000,
        share=part.share,
        hold_out_percent=part.hold_out_percent,
    )
    if last is not None:
        matching = msgspec.structs.replace(
            matching,
            last_agent_hold_ms=last.hold_s * 1000,
            last_agent_within_ms=last.within_days * 86_400_000,
        )
    if experts is not None:
        presence = (
            matching.expert_presence if experts.presence is None else experts.presence.rules()
        )
        matching = msgspec.structs.replace(
            matching,
            experts=tuple(AgentId(agent) for agent in experts.agents),
            experts_after_ms=experts.after_s * 1000,
            expert_presence=presence,
        )
    return matching


def _borrowing(rule: BorrowPart) -> BorrowRule:
    over_s = rule.predicted_wait_over_s
    return BorrowRule(
        queues=tuple(QueueId(queue) for queue in rule.queues),
        predicted_wait_over_ms=None if over_s is None else over_s * 1000,
        service_level_below_percent=rule.service_level_below_percent,
    )


def capacity_of(part: CapacityPart) -> Capacity:
    """Return how much an agent takes at once."""
    return Capacity(
        total=part.total,
        channels={
            channel: ChannelRule(
                cost=one.cost,
                most=one.most,
                is_exclusive=one.exclusive,
                interrupts=one.interrupts,
            )
            for channel, one in part.channels.items()
        },
        most_offers=part.most_offers,
    )


def terms_of(part: TermsPart) -> Terms:
    """Return what holds between an agent and one of his queues."""
    return Terms(rank=part.rank, delay_ms=part.delay_s * 1000, weight=part.weight)


def contradictions(
    part: MatchingPart,
    queue: str,
    known: Known,
) -> Iterator[tuple[Path, str]]:
    """Yield what contradicts itself in how a queue finds agents, with the path within it."""
    after_s = 0
    for at, step in enumerate(part.relaxation):
        path = ("relaxation", str(at))
        if step.after_s <= after_s:
            yield (*path, "after_s"), "steps come one after the other"
        after_s = step.after_s
        yield from _unknown((*path, "drops"), "skill", step.drops, known.skills)
        yield from _unknown((*path, "queues"), "queue", step.queues, known.queues)
    if part.experts is not None:
        yield from _unknown(
            ("experts", "agents"), "agent with expert: true", part.experts.agents, known.experts
        )
    for at, rule in enumerate(part.borrowing):
        path = ("borrowing", str(at))
        yield from _unknown((*path, "queues"), "queue", rule.queues, known.queues)
        if queue in rule.queues:
            yield (*path, "queues"), "a queue does not borrow its own agents"
        if rule.predicted_wait_over_s is None and rule.service_level_below_percent is None:
            yield path, "there is no condition"
    if part.requires is not None:
        yield from requirement_problems(part.requires, known)


def requirement_problems(requirement: Requirement, known: Known) -> Iterator[tuple[Path, str]]:
    """Yield what a requirement names that is not there, and ranges nobody can be in."""
    try:
        require_sensible(requirement, "requires")
    except InvalidInput as problem:
        yield ("requires",), str(problem).removeprefix("requires: ")
    for one in parts_of(requirement):
        match one:
            case HasSkill() if one.skill not in known.skills:
                yield ("requires",), f"there is no skill {one.skill}"
            case AttributeIs() | AttributeBetween() if one.attribute not in known.attributes:
                yield ("requires",), f"no agent has an attribute {one.attribute}"
            case _:
                pass


def _unknown(
    path: Path, kind: str, names: tuple[str, ...], known: Collection[str]
) -> Iterator[tuple[Path, str]]:
    for at, name in enumerate(names):
        if name not in known:
            yield (*path, str(at)), f"there is no {kind} {name}"
