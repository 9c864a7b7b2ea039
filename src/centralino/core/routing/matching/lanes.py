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

from centralino.core.agents.lifecycle import AgentState
from centralino.core.routing.matching.ordered import Key, OrderedNames

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import AgentId, InteractionId, QueueId
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )
    from centralino.core.routing.matching.match import Waiting


@dataclass(slots=True)
class Lane:
    """One lane of one queue."""

    name: str
    waiting: OrderedNames[InteractionId] = field(default_factory=OrderedNames)
    free: OrderedNames[AgentId] = field(default_factory=OrderedNames)
    ready: set[AgentId] = field(default_factory=set)
    """Eligible agents who may take one now or after their present one."""
    signed_in: set[AgentId] = field(default_factory=set)
    """Those, and the ones in a pause that ends by itself."""

    def note(self, agent: Agent) -> None:
        """Bring the lane in line with an eligible agent."""
        if agent.state is AgentState.READY:
            self.free.put(agent.id, (agent.idle_since,))
        else:
            self.free.drop(agent.id)
        is_ready = agent.state is not AgentState.NOT_READY
        _hold(self.ready, agent.id, is_in=is_ready)
        _hold(self.signed_in, agent.id, is_in=is_ready or agent.deadline is not None)

    def forget(self, agent: AgentId) -> None:
        """Remove an agent."""
        self.free.drop(agent)
        self.ready.discard(agent)
        self.signed_in.discard(agent)


class Lanes:
    """All lanes of a tenant."""

    def __init__(self) -> None:
        self.by_name: dict[str, Lane] = {}
        self.dirty: set[str] = set()
        """Lanes that have gained work or a free agent since they were last matched."""
        self._queues: dict[QueueId, QueueConfiguration] = {}
        self._agents: dict[AgentId, AgentConfiguration] = {}
        self._of_agent: dict[AgentId, list[Lane]] = {}
        self._known: dict[AgentId, Agent] = {}

    def configure(self, configuration: TenantConfiguration) -> None:
        """Begin anew; all agents and interactions must be noted again."""
        self._queues = {queue.id: queue for queue in configuration.queues}
        self._agents = {agent.id: agent for agent in configuration.agents}
        self._of_agent = {agent.id: [] for agent in configuration.agents}
        self._known = {}
        self.by_name = {}
        self.dirty = set()
        for queue in configuration.queues:
            self._open(queue.id, {})

    def enter(self, interaction: Waiting) -> None:
        """Let an interaction wait."""
        lane = self._lane_of(interaction)
        lane.waiting.put(interaction.id, place_of(interaction))
        self.dirty.add(lane.name)

    def leave(self, interaction: Waiting) -> None:
        """Let an interaction wait no longer."""
        self._lane_of(interaction).waiting.drop(interaction.id)

    def note_agent(self, agent: Agent) -> None:
        """Bring the lanes in line with an agent who has changed."""
        self._known[agent.id] = agent
        for lane in self._of_agent.get(agent.id, ()):
            lane.note(agent)
            if agent.state is AgentState.READY:
                self.dirty.add(lane.name)

    def forget_agent(self, agent: AgentId) -> None:
        """Remove an agent."""
        self._known.pop(agent, None)
        for lane in self._of_agent.get(agent, ()):
            lane.forget(agent)

    def lane(self, queue: QueueId, skills: Mapping[str, int]) -> Lane:
        """Return the lane of those who ask for ``skills`` in ``queue``."""
        return self.by_name.get(_name(queue, skills)) or self._open(queue, skills)

    def _lane_of(self, interaction: Waiting) -> Lane:
        assert interaction.queue is not None  # noqa: S101 - only who waits in one comes here
        return self.lane(interaction.queue, interaction.skills)

    def _open(self, queue: QueueId, skills: Mapping[str, int]) -> Lane:
        lane = self.by_name[_name(queue, skills)] = Lane(_name(queue, skills))
        required = required_skills(self._queues[queue], skills)
        for agent in self._queues[queue].agents:
            if has_skills(self._agents[agent], required):
                self._of_agent[agent].append(lane)
                if agent in self._known:
                    lane.note(self._known[agent])
        return lane


def _hold(names: set[AgentId], name: AgentId, *, is_in: bool) -> None:
    if is_in:
        names.add(name)
    else:
        names.discard(name)


def place_of(interaction: Waiting) -> Key:
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
