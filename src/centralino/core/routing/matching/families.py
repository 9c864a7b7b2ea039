# SPDX-License-Identifier: Apache-2.0
"""Families: waits of one queue that ask for the same, and the rings they widen through.

What a wait may be offered to changes only at certain ages: those of the queue's relaxation
steps, of its agents' delays, and of its experts' ring. At each such age that adds somebody
the family has a signature of its own, which everybody of the earlier ones is in as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.kernel.instant import MILLISECOND
from centralino.core.routing.matching.match import PRIORITY_POINTS
from centralino.core.routing.matching.policy import HELPER_RANK, Strategy
from centralino.core.routing.matching.signatures import FAR, Signature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.agents.requirement import Requirement
    from centralino.core.kernel.ids import AgentId, QueueId
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )
    from centralino.core.routing.matching.presence import PresenceTable
    from centralino.core.routing.matching.roster import Roster, Rows

MEMBER, HELPER, BORROWED, EXPERT = range(4)
"""The rings of a queue, those who are asked first first."""


@dataclass(slots=True, eq=False)
class QueueTerms:
    """One queue as matching needs it."""

    number: int
    configuration: QueueConfiguration
    members: Rows
    delays: NDArray[np.int64]
    """Of the members, nanoseconds."""
    helpers: tuple[tuple[int, Rows], ...]
    """Age in nanoseconds and whose help begins then."""
    lenders: tuple[Rows, ...]
    """Per borrowing rule who helps while it holds."""
    experts: Rows
    experts_after: int
    slope: int
    presence: int
    rings: NDArray[np.int8] | None
    """Everybody's ring; ``None`` where all are members."""
    is_plain: bool
    """All are members, and the one idle longest is asked."""
    lending: int = 0
    """The borrowing rules that hold now, by bit."""
    waiting: int = 0
    families: list[Family] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Family:
    """Waits of one queue and channel that ask for the same."""

    terms: QueueTerms
    channel: int
    skills: Mapping[str, int]
    """What is asked for at first, the queue's own included."""
    requires: tuple[Requirement, ...]
    ages: list[int] = field(default_factory=list)
    """Nanoseconds; from which age each signature holds."""
    signatures: list[Signature] = field(default_factory=list)
    waits: int = 0

    def stage_at(self, age: int) -> int:
        """Return the number of the signature that holds at an age."""
        return max(0, bisect_right(self.ages, age) - 1)

    def changes_after(self, stage: int) -> int:
        """Return the age at which the next signature holds, ``FAR`` after the last."""
        return self.ages[stage + 1] if stage + 1 < len(self.ages) else FAR


def queue_terms(
    configuration: TenantConfiguration, roster: Roster, table: PresenceTable
) -> list[QueueTerms]:
    """Return all queues of a configuration."""
    rows = {queue.id: roster.rows_of(queue.agents) for queue in configuration.queues}
    return [
        _terms(number, queue, rows, roster, table)
        for number, queue in enumerate(configuration.queues)
    ]


def _terms(
    number: int,
    queue: QueueConfiguration,
    rows: Mapping[QueueId, Rows],
    roster: Roster,
    table: PresenceTable,
) -> QueueTerms:
    matching = queue.matching
    members = rows[queue.id]
    helpers = tuple(
        (step.after_ms * MILLISECOND, rows[other])
        for step in matching.relaxation
        for other in step.queues
    )
    lenders = tuple(_union([rows[other] for other in rule.queues]) for rule in matching.borrowing)
    experts = roster.rows_of(matching.experts)
    rings = None
    if helpers or lenders or experts.size:
        rings = np.full(len(roster.agents), BORROWED, np.int8)
        rings[experts] = EXPERT
        for _, some in helpers:
            rings[some] = HELPER
        rings[members] = MEMBER
    return QueueTerms(
        number=number,
        configuration=queue,
        members=members,
        delays=_delays(queue.id, members, roster),
        helpers=helpers,
        lenders=lenders,
        experts=experts,
        experts_after=matching.experts_after_ms * MILLISECOND,
        slope=PRIORITY_POINTS // matching.ageing_ms if matching.ageing_ms else 0,
        presence=table.number(matching.presence, matching.expert_presence),
        rings=rings,
        is_plain=rings is None
        and matching.strategy is Strategy.LONGEST_IDLE
        and matching.offers_at_once == 1,
    )


def _delays(queue: QueueId, members: Rows, roster: Roster) -> NDArray[np.int64]:
    delays = [
        terms.delay_ms * MILLISECOND
        if (terms := roster.agents[row].queues.get(queue)) is not None
        else 0
        for row in members
    ]
    return np.array(delays, np.int64)


def ranks_of(configuration: TenantConfiguration, roster: Roster) -> NDArray[np.uint8] | None:
    """Return row and queue to the rank, ``None`` where all ranks are alike."""
    is_plain = all(
        terms.rank == 1 for agent in configuration.agents for terms in agent.queues.values()
    ) and not any(
        queue.matching.experts
        or queue.matching.borrowing
        or any(step.queues for step in queue.matching.relaxation)
        for queue in configuration.queues
    )
    if is_plain:
        return None
    ranks = np.full((len(roster.agents), len(configuration.queues)), HELPER_RANK, np.uint8)
    for number, queue in enumerate(configuration.queues):
        for agent in queue.agents:
            row = roster.rows[agent]
            terms = roster.agents[row].queues.get(queue.id)
            ranks[row, number] = 1 if terms is None else terms.rank
    return ranks


def build(family: Family, roster: Roster) -> None:
    """Give a family its signatures; their slots are given by the table."""
    terms = family.terms
    ages = {0, terms.experts_after if terms.experts.size else 0}
    ages.update(int(delay) for delay in np.unique(terms.delays))
    ages.update(step.after_ms * MILLISECOND for step in terms.configuration.matching.relaxation)
    may = np.zeros(len(roster.agents), np.bool_)
    lent = np.zeros(len(roster.agents), np.uint8)
    eligible: Rows | None = None
    for age in sorted(ages):
        known = (np.count_nonzero(may), int(lent.astype(np.int64).sum()))
        _widen(family, roster, age, may, lent)
        is_wider = known != (np.count_nonzero(may), int(lent.astype(np.int64).sum()))
        if eligible is None or is_wider:
            eligible = np.flatnonzero(may).astype(np.int32)
            borrowed = np.flatnonzero((lent != 0) & ~may).astype(np.int32)
            family.ages.append(age)
            family.signatures.append(Signature(-1, family, eligible, borrowed, lent[borrowed]))


def _widen(
    family: Family, roster: Roster, age: int, may: NDArray[np.bool_], lent: NDArray[np.uint8]
) -> None:
    """Add who may take waits of an age that he could not take before."""
    terms = family.terms
    skills, requires = asked_at(family, age)
    masks = [roster.meeting(one) for one in requires]

    def able(rows: Rows) -> Rows:
        rows = roster.skilled(rows, skills)
        for mask in masks:
            rows = rows[mask[rows]]
        return rows

    may[able(terms.members[terms.delays <= age])] = True
    for after, rows in terms.helpers:
        if after <= age:
            may[able(rows)] = True
    if terms.experts.size and terms.experts_after <= age:
        may[able(terms.experts)] = True
    for bit, rows in enumerate(terms.lenders):
        lent[able(rows)] |= 1 << bit


def asked_at(family: Family, age: int) -> tuple[Mapping[str, int], tuple[Requirement, ...]]:
    """Return the skills and the requirements that hold at an age."""
    skills, requires = dict(family.skills), family.requires
    for step in family.terms.configuration.matching.relaxation:
        if step.after_ms * MILLISECOND > age:
            break
        skills = {
            skill: max(1, level - step.lower_by)
            for skill, level in skills.items()
            if skill not in step.drops
        }
        if step.waives_requirement:
            requires = ()
    return skills, requires


def required_skills(queue: QueueConfiguration, skills: Mapping[str, int]) -> dict[str, int]:
    """Return what an agent needs for a wait that asks for ``skills`` in ``queue``."""
    names = {*queue.skills, *skills}
    return {name: max(queue.skills.get(name, 0), skills.get(name, 0)) for name in names}


def has_skills(agent: AgentConfiguration, required: Mapping[str, int]) -> bool:
    """Tell whether an agent has every skill at least at its level."""
    return all(agent.skills.get(name, 0) >= level for name, level in required.items())


def _union(parts: list[Rows]) -> Rows:
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int32)


def listing_of(queue: QueueConfiguration, rows: Mapping[AgentId, int]) -> Mapping[int, int]:
    """Return row to the place in which a queue lists its agents."""
    return {rows[agent]: place for place, agent in enumerate(queue.agents)}
