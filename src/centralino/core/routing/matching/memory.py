# SPDX-License-Identifier: Apache-2.0

"""What matching remembers of the past: part of a tenant's state, changed by events only."""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.kernel.instant import Duration, Instant

RECENT_WAITS = 60
"""So many waits make the service level that rules look at."""
MOST_LAST_AGENTS = 100_000
"""Customers whose last agent is known; who was there longest ago is forgotten."""
HANDLING_WEIGHT = 8
"""A conversation counts for one part in so many in a moving average."""


class RecentWaits(msgspec.Struct):
    """The last waits that ended in one queue, newest in the lowest bit."""

    count: int = 0
    met: int = 0
    """Bit set: answered within the target."""

    def add(self, *, is_met: bool) -> None:
        """Take in one wait."""
        self.met = ((self.met << 1) | is_met) & ((1 << RECENT_WAITS) - 1)
        self.count = min(self.count + 1, RECENT_WAITS)

    @property
    def level_percent(self) -> int:
        """The share of those answered in time, rounded down; 100 before any."""
        return self.met.bit_count() * 100 // self.count if self.count else 100


class LastAgent(msgspec.Struct, frozen=True):
    """Who talked to a customer last, and when that began."""

    agent: AgentId
    at: Instant


class ScoreSet(msgspec.Struct, frozen=True):
    """How well agents suit waits that ask for the same, as something else has learned."""

    queue: QueueId
    scores: dict[AgentId, int]
    """Larger is better; who is left out counts as 0."""
    source: str
    learned_at: Instant
    until: Instant
    """When they are too old."""


class MatchingMemory(msgspec.Struct):
    """What strategies and rules know of the past."""

    last_offered: dict[QueueId, AgentId] = {}
    """Who was last offered something of a queue."""
    taken: dict[AgentId, int] = {}
    """Accepted since signing in."""
    handling: dict[QueueId, dict[AgentId, Duration]] = {}
    """Mean handling per queue and agent: a moving average."""
    recent: dict[QueueId, RecentWaits] = {}
    scores: dict[str, ScoreSet] = {}
    """Learned elsewhere, by the name of the waits that they are for."""
    last_agents: dict[str, LastAgent] = {}
    """By the customer's number, longest ago first."""

    def note_offered(self, queue: QueueId, agent: AgentId) -> None:
        """An agent was offered something of a queue."""
        self.last_offered[queue] = agent

    def note_taken(self, agent: AgentId) -> None:
        """An agent accepted something."""
        self.taken[agent] = self.taken.get(agent, 0) + 1

    def note_talked(self, number: str, agent: AgentId, at: Instant) -> None:
        """An agent talks to a customer."""
        self.last_agents.pop(number, None)
        self.last_agents[number] = LastAgent(agent, at)
        if len(self.last_agents) > MOST_LAST_AGENTS:
            del self.last_agents[next(iter(self.last_agents))]

    def note_signed_out(self, agent: AgentId) -> None:
        """An agent's day is over."""
        self.taken.pop(agent, None)

    def note_handled(self, queue: QueueId, agent: AgentId, took: Duration) -> None:
        """An agent has finished something of a queue."""
        known = self.handling.setdefault(queue, {})
        mean = known.get(agent, took)
        known[agent] = Duration(mean + (took - mean) // HANDLING_WEIGHT)

    def note_wait(self, queue: QueueId, *, is_met: bool) -> None:
        """A wait has ended: answered in time, or not."""
        self.recent.setdefault(queue, RecentWaits()).add(is_met=is_met)

    def learn_scores(self, signature: str, learned: ScoreSet | None) -> None:
        """Take scores in the place of those known, or know none."""
        if learned is None:
            self.scores.pop(signature, None)
        else:
            self.scores[signature] = learned

    def forget(self, agent: AgentId) -> None:
        """Forget an agent whom the configuration has no longer."""
        self.taken.pop(agent, None)
        for means in self.handling.values():
            means.pop(agent, None)
        for known in self.scores.values():
            known.scores.pop(agent, None)
