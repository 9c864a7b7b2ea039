# SPDX-License-Identifier: Apache-2.0
"""Everything one tenant's engine knows.

:class:`TenantState` is what a replay must reproduce bit for bit; :class:`Index` is
derived from it and only makes decisions fast. Only ``evolve`` changes either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.agents.state import Agent
from centralino.core.flows.document import Catalogue
from centralino.core.flows.library import FlowLibrary
from centralino.core.interactions.callback_lifecycle import CallbackState
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.limits import Closure, LimitKind
from centralino.core.interactions.state import (
    Callback,
    Consult,
    Interaction,
    LeftPlace,
    Offer,
    Recording,
    Voicemail,
)
from centralino.core.kernel.ids import (
    AgentId,
    CallbackId,
    ConsultId,
    InteractionId,
    LegId,
    OfferId,
    QueueId,
    RecordingId,
    TenantId,
)
from centralino.core.kernel.instant import SECOND, Duration
from centralino.core.metrics.estimated_wait import WaitRecord
from centralino.core.routing.configuration import TenantConfiguration
from centralino.core.routing.matching.match import place_of
from centralino.core.routing.matching.matching import Matching
from centralino.core.routing.matching.memory import MatchingMemory, ScoreSet
from centralino.core.routing.matching.ordered import OrderedNames

if TYPE_CHECKING:
    from centralino.core.flows.menu import MenuFlow
    from centralino.core.routing.configuration import (
        AgentConfiguration,
        NumberConfiguration,
        QueueConfiguration,
    )


_QUEUED = InteractionState.QUEUED
SCORES = "scores "
"""What names of leases begin with that are scores."""
_KEEPS_PLACE = frozenset({InteractionState.OFFERED, InteractionState.DIALLING})
"""Nobody is looked for, but the place counts."""
_WAITING = frozenset({InteractionState.QUEUED, InteractionState.OFFERED})


class TenantState(msgspec.Struct):
    """The facts; dictionaries are in order of insertion, which a replay repeats.

    Snapshots keep it as JSON, so every type below it is one that msgspec reads back.
    """

    tenant: TenantId
    sequence: int = 0
    """Of the last decision that changed or ordered anything."""
    configuration_version: int = 0
    configuration: TenantConfiguration | None = None
    arrivals: int = 0
    """Interactions so far."""
    interactions: dict[InteractionId, Interaction] = {}
    """Those that have not ended."""
    offers: dict[OfferId, Offer] = {}
    """Those that are open."""
    agents: dict[AgentId, Agent] = {}
    recordings: dict[RecordingId, Recording] = {}
    """Those of conversations that are not on disk yet."""
    voicemails: dict[RecordingId, Voicemail] = {}
    """Those that are being left, or wait to be mailed."""
    callbacks: dict[CallbackId, Callback] = {}
    """Those that are promised, until they reached somebody or were given up."""
    consults: dict[ConsultId, Consult] = {}
    """Colleagues who are being asked, or whose phones are not quiet yet."""
    closures: dict[QueueId, Closure] = {}
    """Queues that somebody in charge has closed."""
    left_places: dict[str, LeftPlace] = {}
    """Places of those who gave up waiting, by queue and number, oldest first."""
    handling: dict[QueueId, Duration] = {}
    """How long a conversation of a queue takes with its wrap-up: a moving average."""
    waits: dict[QueueId, WaitRecord] = {}
    """What is known of the waits of each queue."""
    memory: MatchingMemory = msgspec.field(default_factory=MatchingMemory)
    """What strategies know of the past."""


class Index:
    """What is derived from the state."""

    def __init__(self) -> None:
        self.matching = Matching()
        self.queued: dict[QueueId, dict[InteractionId, tuple[int, int, int]]] = {}
        """Who waits in a queue or is just being offered, with his place."""
        self.leavers: dict[InteractionId, QueueId] = {}
        """Those of them who leave when nobody is at work for them any more."""
        self.interaction_deadlines: OrderedNames[InteractionId] = OrderedNames()
        self.agent_deadlines: OrderedNames[AgentId] = OrderedNames()
        self.leases: OrderedNames[str] = OrderedNames()
        """Ends of offers on channels without a telephone, and of whatever else has an id."""
        self.waiting_callbacks: set[CallbackId] = set()
        self.wait_limits: OrderedNames[InteractionId] = OrderedNames()
        """When those are led away whose queue limits the wait."""
        self._wait_limit_of: dict[QueueId, int] = {}
        self.leaving: set[AgentId] = set()
        """Agents whom the configuration has no longer and who have something to finish."""
        self.customer_legs: dict[LegId, InteractionId] = {}
        self.agent_legs: dict[LegId, AgentId] = {}
        self.party_legs: dict[LegId, InteractionId] = {}
        """Legs of transfers."""
        self.consult_legs: dict[LegId, ConsultId] = {}
        """Legs of colleagues who are asked."""
        self.queues: dict[QueueId, QueueConfiguration] = {}
        self.agent_configurations: dict[AgentId, AgentConfiguration] = {}
        self.skills: frozenset[str] = frozenset()
        """Every skill that an agent has."""
        self.queues_of: dict[AgentId, tuple[QueueId, ...]] = {}
        self.shared_queues: frozenset[QueueId] = frozenset()
        """Those some of whose agents have other queues too."""
        self.numbers: dict[str, NumberConfiguration] = {}
        self.flow_of: dict[str, MenuFlow] = {}
        """Called number to its menu, for numbers without a flow of the catalogue."""
        self.library = FlowLibrary(Catalogue())

    def configure(self, configuration: TenantConfiguration, state: TenantState) -> None:
        """Take over names; all agents and interactions must be noted again."""
        self.queues = {queue.id: queue for queue in configuration.queues}
        self.agent_configurations = {agent.id: agent for agent in configuration.agents}
        self.skills = frozenset(skill for person in configuration.agents for skill in person.skills)
        self.numbers = {number.number: number for number in configuration.numbers}
        self.library = FlowLibrary(configuration.catalogue, self.library)
        menus = {flow.name: flow for flow in configuration.flows}
        self.flow_of = {
            number.number: menus[number.flow]
            for number in configuration.numbers
            if self.library.newest_version(number.flow) is None
        }
        queues_of: dict[AgentId, list[QueueId]] = {agent.id: [] for agent in configuration.agents}
        for queue in configuration.queues:
            for agent in queue.agents:
                queues_of[agent].append(queue.id)
        self.queues_of = {agent: tuple(queues) for agent, queues in queues_of.items()}
        self.shared_queues = frozenset(
            queue for queues in queues_of.values() if len(queues) > 1 for queue in queues
        )
        self.queued = {queue.id: {} for queue in configuration.queues}
        self.leavers = {}
        self.wait_limits = OrderedNames()
        self._wait_limit_of = {
            queue.id: limit.threshold
            for queue in configuration.queues
            for limit in reversed(queue.limits)
            if limit.on is LimitKind.WAIT
        }
        self.matching.configure(configuration, state.memory, state.handling)

    def rebuild(self, state: TenantState) -> None:
        """Derive everything from a state that was not reached event by event."""
        if state.configuration is not None:
            self.configure(state.configuration, state)
        for agent in state.agents.values():
            self.note_agent(agent)
            offer = state.offers.get(agent.offer) if agent.offer is not None else None
            if agent.leg is not None and not (offer is not None and offer.is_reserved):
                self.agent_legs[agent.leg] = agent.id
        for interaction in state.interactions.values():
            self.note_interaction(interaction)
            if interaction.state is not InteractionState.WRAP_UP and interaction.leg:
                self.customer_legs[interaction.leg] = interaction.id
            if interaction.transfer is not None:
                self.party_legs[interaction.transfer.leg] = interaction.id
        self._rebuild_leases(state)

    def _rebuild_leases(self, state: TenantState) -> None:
        for offer in state.offers.values():
            if offer.channel is not Channel.VOICE and offer.deadline is not None:
                self.leases.put(offer.id, offer.deadline)
        for callback in state.callbacks.values():
            self.note_callback(callback)
        for consult in state.consults.values():
            self.note_consult(consult)
        for signature, scores in state.memory.scores.items():
            self.note_scores(signature, scores)
        for recording in state.recordings.values():
            self.leases.put(recording.id, recording.deadline)

    def note_interaction(self, interaction: Interaction) -> None:
        """Bring the index in line with an interaction that has changed."""
        self.interaction_deadlines.put(interaction.id, interaction.deadline)
        queue = interaction.queue
        if queue is None:
            return
        if self._wait_limit_of:
            self._note_wait(interaction, queue)
        state = interaction.state
        if state is _QUEUED:
            self._keep_place(interaction, queue)
            self.matching.enter(interaction)
        elif state in _KEEPS_PLACE:
            self._keep_place(interaction, queue)
            self.matching.leave(interaction)
        elif self.queued[queue].pop(interaction.id, None) is not None:
            self.leavers.pop(interaction.id, None)
            self.matching.leave(interaction)

    def _keep_place(self, interaction: Interaction, queue: QueueId) -> None:
        """Give a place to somebody who has none; it does not change while he has it."""
        if interaction.id in self.queued[queue]:
            return
        ageing_ms = self.queues[queue].matching.ageing_ms
        self.queued[queue][interaction.id] = place_of(interaction, ageing_ms)
        if interaction.leaves_unattended:
            self.leavers[interaction.id] = queue

    def _note_wait(self, interaction: Interaction, queue: QueueId) -> None:
        """Note when somebody is led away because he has waited long enough."""
        limit_s = self._wait_limit_of.get(queue)
        since = interaction.enqueued_at
        is_waiting = interaction.state in _WAITING and interaction.callback is None
        if limit_s is None or since is None or not is_waiting:
            self.wait_limits.drop(interaction.id)
        else:
            began = max(since, interaction.arrived_at)
            self.wait_limits.put(interaction.id, began + limit_s * SECOND)

    def note_callback(self, callback: Callback) -> None:
        """Bring the index in line with a callback that has changed."""
        self.leases.put(callback.id, callback.deadline)
        if callback.state is CallbackState.WAITING:
            self.waiting_callbacks.add(callback.id)
        else:
            self.waiting_callbacks.discard(callback.id)

    def forget_callback(self, name: CallbackId) -> None:
        """Remove a callback that has ended."""
        self.leases.drop(name)
        self.waiting_callbacks.discard(name)

    def note_consult(self, consult: Consult) -> None:
        """Bring the index in line with a consult that has begun or changed."""
        self.consult_legs[consult.leg] = consult.id
        self.leases.put(consult.id, consult.deadline)

    def forget_consult(self, consult: Consult) -> None:
        """Remove a consult that has ended."""
        self.consult_legs.pop(consult.leg, None)
        self.leases.drop(consult.id)

    def note_scores(self, signature: str, known: ScoreSet | None) -> None:
        """Bring the index in line with scores that were learned or are too old."""
        if known is None:
            self.leases.drop(SCORES + signature)
        else:
            self.leases.put(SCORES + signature, known.until)

    def forget_interaction(self, interaction: Interaction) -> None:
        """Remove an interaction that has ended."""
        self.interaction_deadlines.drop(interaction.id)
        self.customer_legs.pop(interaction.leg, None)
        if interaction.transfer is not None:
            self.party_legs.pop(interaction.transfer.leg, None)
        self.leave_queue(interaction)

    def leave_queue(self, interaction: Interaction) -> None:
        """Let an interaction wait no longer."""
        if interaction.queue is not None:
            self.queued[interaction.queue].pop(interaction.id, None)
            self.leavers.pop(interaction.id, None)
            self.matching.leave(interaction)
            self.wait_limits.drop(interaction.id)

    def note_agent(self, agent: Agent) -> None:
        """Bring the index in line with an agent who has changed."""
        self.agent_deadlines.put(agent.id, agent.deadline)
        if agent.id not in self.agent_configurations:
            self.leaving.add(agent.id)
        elif self.leaving:
            self.leaving.discard(agent.id)
        self.matching.note_agent(agent)

    def forget_agent(self, agent: Agent) -> None:
        """Remove an agent whom the configuration has no longer."""
        self.agent_deadlines.drop(agent.id)
        self.leaving.discard(agent.id)
        self.matching.forget_agent(agent.id)
