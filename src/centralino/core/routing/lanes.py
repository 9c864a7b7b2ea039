# SPDX-License-Identifier: Apache-2.0
"""Lanes: those who wait in one queue for the same skills, and who of the free may take them.

Most queues have one lane. A wait that asks for skills of its own opens another beside it,
with the agents who have them, so that finding the longest idle eligible agent never looks
at one who is not. Derived from the state; lanes exist as long as their configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.routing.index import Key, OrderedNames

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.ids import AgentId, InteractionId, QueueId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )


@dataclass(slots=True)
class Lane:
    """One lane of one queue."""

    name: str
    waiting: OrderedNames[InteractionId] = field(default_factory=OrderedNames)
    free: OrderedNames[AgentId] = field(default_factory=OrderedNames)


class Lanes:
    """All lanes of a tenant."""

    def __init__(self) -> None:
        self.by_name: dict[str, Lane] = {}
        self.dirty: set[str] = set()
        """Lanes that have gained work or a free agent since they were last matched."""
        self._queues: dict[QueueId, QueueConfiguration] = {}
        self._agents: dict[AgentId, AgentConfiguration] = {}
        self._of_agent: dict[AgentId, list[Lane]] = {}
        self._ready: dict[AgentId, Instant] = {}

    def configure(self, configuration: TenantConfiguration) -> None:
        """Begin anew; all agents and interactions must be noted again."""
        self._queues = {queue.id: queue for queue in configuration.queues}
        self._agents = {agent.id: agent for agent in configuration.agents}
        self._of_agent = {agent.id: [] for agent in configuration.agents}
        self._ready = {}
        self.by_name = {}
        self.dirty = set()
        for queue in configuration.queues:
            self._open(queue.id, {})

    def enter(self, interaction: Interaction) -> None:
        """Let an interaction wait."""
        lane = self._lane_of(interaction)
        lane.waiting.put(interaction.id, place_of(interaction))
        self.dirty.add(lane.name)

    def leave(self, interaction: Interaction) -> None:
        """Let an interaction wait no longer."""
        self._lane_of(interaction).waiting.drop(interaction.id)

    def free_agent(self, agent: Agent) -> None:
        """Let an agent be found."""
        self._ready[agent.id] = agent.idle_since
        for lane in self._of_agent.get(agent.id, ()):
            lane.free.put(agent.id, (agent.idle_since,))
            self.dirty.add(lane.name)

    def occupy_agent(self, agent: AgentId) -> None:
        """Let an agent be found no longer."""
        if self._ready.pop(agent, None) is not None:
            for lane in self._of_agent.get(agent, ()):
                lane.free.drop(agent)

    def _lane_of(self, interaction: Interaction) -> Lane:
        assert interaction.queue is not None  # noqa: S101 - only who waits in one comes here
        lane = self.by_name.get(_name(interaction.queue, interaction.skills))
        return lane or self._open(interaction.queue, interaction.skills)

    def _open(self, queue: QueueId, skills: Mapping[str, int]) -> Lane:
        lane = self.by_name[_name(queue, skills)] = Lane(_name(queue, skills))
        required = required_skills(self._queues[queue], skills)
        for agent in self._queues[queue].agents:
            if has_skills(self._agents[agent], required):
                self._of_agent[agent].append(lane)
                if agent in self._ready:
                    lane.free.put(agent, (self._ready[agent],))
        return lane


def place_of(interaction: Interaction) -> Key:
    """Return what orders those who wait: smaller is served first."""
    return (interaction.priority, interaction.enqueued_at or 0, interaction.number)


def required_skills(queue: QueueConfiguration, skills: Mapping[str, int]) -> dict[str, int]:
    """Return what an agent needs for a wait that asks for ``skills`` in ``queue``."""
    names = {*queue.skills, *skills}
    return {name: max(queue.skills.get(name, 0), skills.get(name, 0)) for name in names}


def has_skills(agent: AgentConfiguration, required: Mapping[str, int]) -> bool:
    """Tell whether an agent has every skill at least at its level."""
    return all(agent.skills.get(name, 0) >= level for name, level in required.items())


def _name(queue: QueueId, skills: Mapping[str, int]) -> str:
    if not skills:
        return queue
    return f"{queue} {sorted(skills.items())}"
