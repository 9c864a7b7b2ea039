# SPDX-License-Identifier: Apache-2.0
"""Everything one tenant's engine knows.

:class:`TenantState` is what a replay must reproduce bit for bit; :class:`Index` is
derived from it and only makes decisions fast. Only ``evolve`` changes either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.routing.index import OrderedNames

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.flows.menu import MenuFlow
    from centralino.core.interactions.state import Interaction, Offer
    from centralino.core.kernel.ids import (
        AgentId,
        InteractionId,
        LegId,
        OfferId,
        QueueId,
        RecordingId,
        TenantId,
    )
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        QueueConfiguration,
        TenantConfiguration,
    )


@dataclass(slots=True)
class TenantState:
    """The facts; dictionaries are in order of insertion, which a replay repeats."""

    tenant: TenantId
    sequence: int = 0
    """Of the last decision that changed or ordered anything."""
    configuration_version: int = 0
    configuration: TenantConfiguration | None = None
    interactions: dict[InteractionId, Interaction] = field(default_factory=dict)
    """Those that have not ended."""
    offers: dict[OfferId, Offer] = field(default_factory=dict)
    """Those that are open."""
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    recordings: dict[RecordingId, InteractionId] = field(default_factory=dict)
    """Those that are not on disk yet."""


class Index:
    """What is derived from the state."""

    def __init__(self) -> None:
        self.waiting: dict[QueueId, OrderedNames[InteractionId]] = {}
        self.free: dict[QueueId, OrderedNames[AgentId]] = {}
        self.interaction_deadlines: OrderedNames[InteractionId] = OrderedNames()
        self.agent_deadlines: OrderedNames[AgentId] = OrderedNames()
        self.customer_legs: dict[LegId, InteractionId] = {}
        self.agent_legs: dict[LegId, AgentId] = {}
        self.queues: dict[QueueId, QueueConfiguration] = {}
        self.agent_configurations: dict[AgentId, AgentConfiguration] = {}
        self.queues_of: dict[AgentId, tuple[QueueId, ...]] = {}
        self.flow_of: dict[str, MenuFlow] = {}
        """Called number to its flow."""
        self.dirty: set[QueueId] = set()
        """Queues that have gained work or a free agent since they were last matched."""

    def configure(self, configuration: TenantConfiguration) -> None:
        """Take over names from a configuration."""
        self.queues = {queue.id: queue for queue in configuration.queues}
        self.agent_configurations = {agent.id: agent for agent in configuration.agents}
        flows = {flow.name: flow for flow in configuration.flows}
        self.flow_of = {number.number: flows[number.flow] for number in configuration.numbers}
        queues_of: dict[AgentId, list[QueueId]] = {agent.id: [] for agent in configuration.agents}
        for queue in configuration.queues:
            for agent in queue.agents:
                queues_of[agent].append(queue.id)
        self.queues_of = {agent: tuple(queues) for agent, queues in queues_of.items()}
        self.free = {queue.id: OrderedNames() for queue in configuration.queues}
        for queue in configuration.queues:
            self.waiting.setdefault(queue.id, OrderedNames())
        self.dirty.update(self.queues)

    def note_interaction(self, interaction: Interaction) -> None:
        """Bring the index in line with an interaction that has changed."""
        if interaction.deadline is None:
            self.interaction_deadlines.drop(interaction.id)
        else:
            self.interaction_deadlines.put(interaction.id, (interaction.deadline,))
        if interaction.queue is None:
            return
        waiting = self.waiting[interaction.queue]
        if interaction.state is InteractionState.QUEUED:
            waiting.put(interaction.id, (interaction.priority, interaction.enqueued_at or 0))
            self.dirty.add(interaction.queue)
        else:
            waiting.drop(interaction.id)

    def forget_interaction(self, interaction: Interaction) -> None:
        """Remove an interaction that has ended."""
        self.interaction_deadlines.drop(interaction.id)
        self.customer_legs.pop(interaction.leg, None)
        if interaction.queue is not None:
            self.waiting[interaction.queue].drop(interaction.id)

    def note_agent(self, agent: Agent) -> None:
        """Bring the index in line with an agent who has changed."""
        if agent.deadline is None:
            self.agent_deadlines.drop(agent.id)
        else:
            self.agent_deadlines.put(agent.id, (agent.deadline,))
        is_free = agent.state is AgentState.READY
        for queue in self.queues_of.get(agent.id, ()):
            if is_free:
                self.free[queue].put(agent.id, (agent.idle_since,))
                self.dirty.add(queue)
            else:
                self.free[queue].drop(agent.id)

    def forget_agent(self, agent: Agent) -> None:
        """Remove an agent whom the configuration has no longer."""
        self.agent_deadlines.drop(agent.id)
        for names in self.free.values():
            names.drop(agent.id)
