# SPDX-License-Identifier: Apache-2.0
"""One tenant's live picture on the exchange's side: what has changed, and what was counted.

Fed with durable decisions, it notes only which agents and interactions they touched; views
are built from the engine's state when somebody follows, at most every ``FLUSH_MS``. So the
cost in the exchange's loop is bounded by the number of things touched, not of events, and
is next to nothing while nobody looks. A view may be some milliseconds ahead of the disk:
screens are no acknowledgement.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions import events as calls
from centralino.core.interactions.queue_events import QueueClosed, QueueOpened
from centralino.core.kernel.instant import SECOND
from centralino.core.kernel.outcome import OutcomeReason
from centralino.core.routing.events import TenantConfigured
from centralino.exchange.control import (
    MOST_RECENT_EVENTS,
    MOST_VIEWS_PER_MESSAGE,
    AgentView,
    AlarmView,
    CallbackView,
    CallFigures,
    Changes,
    ConsultView,
    EventView,
    Histogram,
    InteractionView,
    PresenceView,
    QueueView,
    TrunkView,
)

if TYPE_CHECKING:
    from centralino.core.agents.presence import Presence
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.state import Callback, Interaction
    from centralino.core.kernel.ids import AgentId, CallbackId, InteractionId, TenantId, TrunkId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.configuration import QueueConfiguration
    from centralino.core.routing.engine import TenantEngine
    from centralino.core.routing.events import Event
    from centralino.core.routing.turn import Decision
    from centralino.exchange.tenant import TenantWriter

_MISSED = (calls.OfferMissed, calls.OfferDeclined, calls.OfferFailed)
_COUNTED = frozenset(
    {calls.InteractionArrived, calls.OfferAccepted, calls.InteractionEnded, *_MISSED}
)

Item = TypeVar("Item")


class LengthCounter:
    """Counts lengths of time into classes; ``bounds_s`` ascend."""

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def note(self, length_ns: int) -> None:
        """Count one length."""
        length_s = length_ns / SECOND
        self._counts[bisect_left(self._bounds_s, length_s)] += 1
        self._sum_s += length_s

    def read(self) -> Histogram:
        """Return the counts so far."""
        return Histogram(
            bounds_s=self._bounds_s, counts=tuple(self._counts), sum_s=round(self._sum_s, 6)
        )


class CallCounter:
    """Counts a tenant's calls from its events, in bounded memory."""

    def __init__(self) -> None:
        self._offered = self._answered = self._abandoned = self._missed = self._ended = 0
        self._is_answered: set[InteractionId] = set()

    def take(self, event: Event) -> None:
        """Count an event."""
        if type(event) not in _COUNTED:
            return
        match event:
            case calls.InteractionArrived():
                self._offered += event.callback is None
            case calls.OfferAccepted():
                self._answered += event.interaction not in self._is_answered
                self._is_answered.add(event.interaction)
            case calls.InteractionEnded():
                self._ended += 1
                self._abandoned += event.outcome.reason is OutcomeReason.ABANDONED
                self._is_answered.discard(event.interaction)
            case _:
                self._missed += 1

    def read(self) -> CallFigures:
        """Return the counts so far."""
        return CallFigures(
            offered=self._offered,
            answered=self._answered,
            abandoned=self._abandoned,
            missed_offers=self._missed,
            ended=self._ended,
        )


class LiveFeed:
    """What followers of one tenant are told."""

    def __init__(self, tenant: TenantId, writer: TenantWriter, trunks: tuple[TrunkId, ...]) -> None:
        self.tenant = tenant
        self.sequence = 0
        self.counter = CallCounter()
        self._writer = writer
        self._trunks = {trunk: TrunkView(id=trunk) for trunk in trunks}
        self._alarms: dict[tuple[str, str], AlarmView] = {}
        self._agents: dict[AgentId, tuple[str, int | None]] = {}
        self._interactions: dict[InteractionId, tuple[str, int]] = {}
        self._missed: dict[InteractionId, int] = {}
        self._touched_agents: dict[AgentId, None] = {}
        self._touched_interactions: dict[InteractionId, None] = {}
        self._touched_callbacks: dict[CallbackId, None] = {}
        self._touched: set[str] = set()
        self._recent: deque[tuple[Event, Decision]] = deque(maxlen=MOST_RECENT_EVENTS)
        self._new_events = 0
        self._learn_state()

    # --------------------------------------------------------------------- feeding
    def take(self, decision: Decision) -> None:
        """Note what a durable decision touched."""
        for event in decision.events:
            self.counter.take(event)
            if isinstance(event, TenantConfigured | QueueClosed | QueueOpened):
                self._touched.add("queues")
            self._recent.append((event, decision))
            self._new_events += 1
            self._touch(event)
        self._note_states(decision.at)

    def take_trunk(self, view: TrunkView) -> None:
        """Note a trunk's health, if the trunk is this tenant's."""
        if view.id in self._trunks:
            self._trunks[view.id] = view
            self._touched.add("trunks")

    def take_alarm(self, view: AlarmView, *, is_cleared: bool) -> None:
        """Note an alarm, if it concerns this tenant."""
        if view.about and view.about != self.tenant and view.about not in self._trunks:
            return
        name = (view.code, view.about)
        if is_cleared:
            self._alarms.pop(name, None)
        else:
            self._alarms[name] = view
        self._touched.add("alarms")

    # --------------------------------------------------------------------- telling
    @property
    def has_news(self) -> bool:
        """Whether followers have not been told everything."""
        return bool(
            self._touched_agents
            or self._touched_interactions
            or self._touched_callbacks
            or self._touched
            or self._new_events
        )

    def changes(self) -> list[Changes]:
        """Return what has changed since the last call, in sequence."""
        state = self._engine.state
        agents = _parts(self._touched_agents)
        interactions = _parts(self._touched_interactions)
        callbacks = _parts(self._touched_callbacks)
        told: list[Changes] = []
        for number in range(max(len(agents), len(interactions), len(callbacks), 1)):
            promised = callbacks[number] if number < len(callbacks) else ()
            touched_agents = agents[number] if number < len(agents) else ()
            touched = interactions[number] if number < len(interactions) else ()
            self.sequence += 1
            told.append(
                Changes(
                    tenant=self.tenant,
                    sequence=self.sequence,
                    agents=tuple(
                        self._agent(state.agents[a]) for a in touched_agents if a in state.agents
                    ),
                    gone_agents=tuple(a for a in touched_agents if a not in state.agents),
                    interactions=tuple(
                        self._interaction(state.interactions[i])
                        for i in touched
                        if i in state.interactions
                    ),
                    gone_interactions=tuple(i for i in touched if i not in state.interactions),
                    callbacks=tuple(
                        _callback(state.callbacks[c]) for c in promised if c in state.callbacks
                    ),
                    gone_callbacks=tuple(c for c in promised if c not in state.callbacks),
                    queues=self._queues() if number == 0 and "queues" in self._touched else None,
                    trunks=self._all_trunks()
                    if number == 0 and "trunks" in self._touched
                    else None,
                    alarms=self._all_alarms()
                    if number == 0 and "alarms" in self._touched
                    else None,
                    events=self._unread_events() if number == 0 else (),
                )
            )
        self._touched_agents.clear()
        self._touched_interactions.clear()
        self._touched_callbacks.clear()
        self._touched.clear()
        self._new_events = 0
        return told

    def reset(self) -> Iterator[Changes]:
        """Yield everything there is, in parts; call ``changes`` first."""
        state = self._engine.state
        agents = _parts(state.agents)
        interactions = _parts(state.interactions)
        callbacks = _parts(state.callbacks)
        count = max(len(agents), len(interactions), len(callbacks), 1)
        for number in range(count):
            is_first = number == 0
            part = agents[number] if number < len(agents) else ()
            more = interactions[number] if number < len(interactions) else ()
            promised = callbacks[number] if number < len(callbacks) else ()
            yield Changes(
                tenant=self.tenant,
                sequence=self.sequence,
                is_reset=True,
                is_last=number == count - 1,
                name=state.configuration.name if state.configuration else "",
                queues=self._queues() if is_first else None,
                trunks=self._all_trunks() if is_first else None,
                alarms=self._all_alarms() if is_first else None,
                agents=tuple(self._agent(state.agents[a]) for a in part),
                interactions=tuple(self._interaction(state.interactions[i]) for i in more),
                callbacks=tuple(_callback(state.callbacks[c]) for c in promised),
                events=_event_views(self._recent) if is_first else (),
            )

    # ----------------------------------------------------------------------- views
    @property
    def _engine(self) -> TenantEngine:
        return self._writer.engine

    def _queues(self) -> tuple[QueueView, ...]:
        configuration = self._engine.state.configuration
        if configuration is None:
            return ()
        return tuple(self._queue(queue) for queue in configuration.queues)

    def _queue(self, queue: QueueConfiguration) -> QueueView:
        closure = self._engine.state.closures.get(queue.id)
        return QueueView(
            id=queue.id,
            name=queue.name,
            agents=queue.agents,
            priority=queue.priority,
            closed_for=closure.reason if closure else "",
            closed_since=closure.since if closure else None,
        )

    def _all_trunks(self) -> tuple[TrunkView, ...]:
        return tuple(self._trunks.values())

    def _all_alarms(self) -> tuple[AlarmView, ...]:
        return tuple(self._alarms.values())

    def _unread_events(self) -> tuple[EventView, ...]:
        first = max(0, len(self._recent) - self._new_events)
        return _event_views(islice(self._recent, first, None))

    def _agent(self, agent: Agent) -> AgentView:
        configuration = self._engine.index.agent_configurations.get(agent.id)
        return AgentView(
            id=agent.id,
            name=configuration.name if configuration else agent.id,
            state=agent.state.value,
            reason=agent.reason if agent.state is AgentState.NOT_READY else "",
            since=self._agents.get(agent.id, ("", None))[1],
            interaction=agent.interaction,
            until=agent.deadline,
            presence=_presence(agent.presence),
            work=tuple(one.interaction for one in agent.engaged),
            user=configuration.user if configuration else "",
        )

    def _interaction(self, one: Interaction) -> InteractionView:
        asked = tuple(self._engine.state.offers[name].agent for name in one.offers)
        return InteractionView(
            id=one.id,
            state=one.state.value,
            since=self._interactions.get(one.id, ("", one.enqueued_at or one.arrived_at))[1],
            arrived_at=one.arrived_at,
            enqueued_at=one.enqueued_at,
            queue=one.queue,
            agent=one.agent or (asked[0] if asked else None),
            asked=asked,
            trunk=one.trunk,
            called_number=one.called_number,
            caller_number=one.caller_number,
            missed_offers=self._missed.get(one.id, 0),
            priority=one.priority,
            channel=one.channel.value,
            callback=one.callback,
            consult=self._consult(one),
        )

    def _consult(self, one: Interaction) -> ConsultView | None:
        if one.consult is None:
            return None
        consult = self._engine.state.consults[one.consult]
        return ConsultView(
            state=consult.state.value,
            since=consult.requested_at,
            colleague=consult.colleague,
            number=consult.number,
        )

    # ----------------------------------------------------------------------- notes
    def _touch(self, event: Event) -> None:
        interaction: InteractionId | None = getattr(event, "interaction", None)
        agent: AgentId | None = getattr(event, "agent", None)
        if interaction is not None:
            self._touched_interactions[interaction] = None
        callback: CallbackId | None = getattr(event, "callback", None)
        colleague: AgentId | None = getattr(event, "colleague", None)
        if colleague is not None:
            self._touched_agents[colleague] = None
        if agent is not None:
            self._touched_agents[agent] = None
        if callback is not None:
            self._touched_callbacks[callback] = None
        if isinstance(event, _MISSED):
            self._missed[event.interaction] = self._missed.get(event.interaction, 0) + 1
        elif isinstance(event, calls.InteractionEnded):
            self._missed.pop(event.interaction, None)
        elif isinstance(event, TenantConfigured):
            self._touched_agents.update(dict.fromkeys(self._engine.state.agents))

    def _note_states(self, at: Instant) -> None:
        """Remember since when the touched things are in their states."""
        state = self._engine.state
        for agent_id in self._touched_agents:
            agent = state.agents.get(agent_id)
            if agent is None:
                self._agents.pop(agent_id, None)
            elif self._agents.get(agent_id, ("", 0))[0] != agent.state.value:
                self._agents[agent_id] = (agent.state.value, at)
        for interaction_id in self._touched_interactions:
            interaction = state.interactions.get(interaction_id)
            if interaction is None:
                self._interactions.pop(interaction_id, None)
            elif self._interactions.get(interaction_id, ("", 0))[0] != interaction.state.value:
                self._interactions[interaction_id] = (interaction.state.value, at)

    def _learn_state(self) -> None:
        """Say since when things are as they are, as far as the recovered state tells."""
        state = self._engine.state
        for agent in state.agents.values():
            since = agent.idle_since if agent.state is AgentState.READY else None
            if agent.offer is not None:
                since = state.offers[agent.offer].made_at
            self._agents[agent.id] = (agent.state.value, since)
        for one in state.interactions.values():
            self._interactions[one.id] = (one.state.value, one.enqueued_at or one.arrived_at)


def _presence(known: Presence | None) -> PresenceView | None:
    if known is None:
        return None
    return PresenceView(
        availability=known.availability.value,
        activity=known.activity,
        is_out_of_office=known.is_out_of_office,
        source=known.source,
        at=known.at,
    )


def _callback(one: Callback) -> CallbackView:
    return CallbackView(
        id=one.id,
        state=one.state.value,
        queue=one.queue,
        number=one.number,
        since=one.since,
        due_at=one.deadline,
        attempts=one.attempts,
        last_result=one.last_result,
        interaction=one.interaction,
    )


def _event_views(recent: Iterable[tuple[Event, Decision]]) -> tuple[EventView, ...]:
    return tuple(_event_view(event, decision) for event, decision in recent)


def _event_view(event: Event, decision: Decision) -> EventView:
    reason = getattr(event, "reason", None)
    outcome = getattr(event, "outcome", None)
    return EventView(
        sequence=decision.sequence,
        at=decision.at,
        type=str(type(event).__struct_config__.tag),
        interaction=getattr(event, "interaction", None),
        agent=getattr(event, "agent", None),
        queue=getattr(event, "queue", None),
        reason=str(reason or (outcome.reason if outcome is not None else "")),
    )


def _parts(names: Iterable[Item]) -> list[tuple[Item, ...]]:
    listed = tuple(names)
    step = MOST_VIEWS_PER_MESSAGE
    return [listed[start : start + step] for start in range(0, len(listed), step)]
