# SPDX-License-Identifier: Apache-2.0
"""What contradicts itself in how a configuration matches; found before it comes into force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from centralino.core.agents.capacity import MOST_CAPACITY
from centralino.core.agents.requirement import require_sensible
from centralino.core.kernel.errors import InvalidInput
from centralino.core.routing.matching.policy import HELPER_RANK, MOST_OFFERS_AT_ONCE

if TYPE_CHECKING:
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )

MOST_RULES = 8
"""Borrowing rules of a queue."""
MOST_MS = 366 * 24 * 3_600_000
"""Longest length of time that is meant."""
_PERCENT = range(101)


def require_matching(configuration: TenantConfiguration) -> None:
    """Check names and ranges of everything about matching.

    Raises:
        InvalidInput: the first contradiction; ``details['path']`` says where.
    """
    for queue in configuration.queues:
        if queue.matching.requires is not None:
            require_sensible(queue.matching.requires, f"queues.{queue.id}.matching.requires")
    queues = frozenset(queue.id for queue in configuration.queues)
    agents = frozenset(agent.id for agent in configuration.agents)
    for queue in configuration.queues:
        for path, reason in _of_queue(queue, queues, agents):
            _refuse(f"queues.{queue.id}.matching.{path}", reason)
    for agent in configuration.agents:
        for path, reason in _of_agent(agent, queues):
            _refuse(f"agents.{agent.id}.{path}", reason)
    for pool, share in configuration.pool_shares.items():
        if share < 0:
            _refuse(f"pool_shares.{pool}", "a share is not negative")


def _refuse(path: str, reason: str) -> None:
    raise InvalidInput(f"{path}: {reason}", details={"path": path})


def _of_queue(
    queue: QueueConfiguration, queues: frozenset[str], agents: frozenset[str]
) -> Iterator[tuple[str, str]]:
    matching = queue.matching
    if not 1 <= matching.offers_at_once <= MOST_OFFERS_AT_ONCE:
        yield "offers_at_once", f"from 1 to {MOST_OFFERS_AT_ONCE}"
    if matching.hold_out_percent not in _PERCENT:
        yield "hold_out_percent", "from 0 to 100"
    if matching.share < 0:
        yield "share", "a share is not negative"
    for name in ("ageing_ms", "experts_after_ms", "service_target_ms", "last_agent_hold_ms"):
        if not 0 <= getattr(matching, name) <= MOST_MS:
            yield name, "from 0 to a year"
    yield from _of_relaxation(queue, queues)
    yield from _of_helpers(queue, queues, agents)


def _of_helpers(
    queue: QueueConfiguration, queues: frozenset[str], agents: frozenset[str]
) -> Iterator[tuple[str, str]]:
    matching = queue.matching
    for expert in matching.experts:
        if expert not in agents:
            yield "experts", f"there is no agent {expert}"
    if len(matching.borrowing) > MOST_RULES:
        yield "borrowing", f"at most {MOST_RULES} rules"
    for rule in matching.borrowing:
        for other in rule.queues:
            if other not in queues or other == queue.id:
                yield "borrowing.queues", f"there is no other queue {other}"


def _of_relaxation(queue: QueueConfiguration, queues: frozenset[str]) -> Iterator[tuple[str, str]]:
    steps = queue.matching.relaxation
    if any(not 0 < step.after_ms <= MOST_MS or step.lower_by < 0 for step in steps):
        yield "relaxation", "after more than 0 and at most a year, lower by 0 or more"
    if any(early.after_ms >= late.after_ms for early, late in pairwise(steps)):
        yield "relaxation", "steps come one after the other"
    for step in steps:
        for other in step.queues:
            if other not in queues:
                yield "relaxation.queues", f"there is no queue {other}"


def _of_agent(agent: AgentConfiguration, queues: frozenset[str]) -> Iterator[tuple[str, str]]:
    for queue, terms in agent.queues.items():
        if queue not in queues:
            yield f"queues.{queue}", "there is no such queue"
        if not 1 <= terms.rank < HELPER_RANK or terms.weight < 0:
            yield f"queues.{queue}", f"rank from 1 to {HELPER_RANK - 1}, weight 0 or more"
        if not 0 <= terms.delay_ms <= MOST_MS:
            yield f"queues.{queue}.delay_ms", "from 0 to a year"
    capacity = agent.capacity
    if not 1 <= capacity.total <= MOST_CAPACITY or capacity.most_offers < 1:
        yield "capacity", f"total from 1 to {MOST_CAPACITY}, most_offers 1 or more"
    for channel, rule in capacity.channels.items():
        if not 0 <= rule.cost <= MOST_CAPACITY or rule.most < 1:
            yield f"capacity.channels.{channel}", "cost 0 or more, most 1 or more"
