# SPDX-License-Identifier: Apache-2.0
"""The JSON of the API: what a replica holds, in the words and types of the documentation.

Instants are ISO 8601 in UTC with milliseconds, lengths carry their unit in the name, ids
are opaque text. Screens count seconds by themselves from ``*_at`` and ``since``, against
the ``at`` of the message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from centralino.core.kernel.instant import MILLISECOND, Instant, to_iso
from centralino.exchange.control import (
    AgentView,
    AlarmView,
    CallbackView,
    ConsultView,
    EventView,
    Health,
    InteractionView,
    PresenceView,
    QueueView,
    TrunkView,
)
from centralino.exchange.replica import TenantReplica

WAITING = frozenset({"queued", "offered", "dialling"})
"""States in which a customer waits for an agent."""
TALKING = "connected"
_CALLBACK_WAITS = frozenset({"waiting", "dialling"})


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What all answers share: immutable, all fields named."""


class Queue(Shown, frozen=True, kw_only=True):
    """A queue, its waiting customers and its agents."""

    id: str
    name: str
    waiting: int
    """Customers who wait, also while an agent's phone rings."""
    talking: int
    longest_wait_ms: int
    """Of those who wait now; 0 when nobody does."""
    waiting_since: str | None
    """Since when the one who waits longest has been waiting."""
    agents_by_state: dict[str, int]
    """State to number of the queue's agents in it."""
    agents: tuple[str, ...]
    """Ids of the queue's agents."""
    callbacks: int
    """Customers among those who wait whom we call, and who are not on the line."""
    closed_for: str
    """Why somebody in charge has closed it; empty when it takes customers."""
    closed_since: str | None


class Presence(Shown, frozen=True, kw_only=True):
    """What Teams last said of an agent; a hint, his own state decides."""

    availability: str
    activity: str
    is_out_of_office: bool
    source: str
    at: str
    """When it was so: its age is since then."""


class Callback(Shown, frozen=True, kw_only=True):
    """A customer who is to be called back."""

    id: str
    state: str
    """``booked``, ``waiting`` or ``dialling``."""
    queue: str
    number: str
    since: str
    """The place it keeps."""
    due_at: str | None
    """When it is called or looked at again; null when people work it off."""
    attempts: int
    last_result: str
    interaction: str | None


class Agent(Shown, frozen=True, kw_only=True):
    """An agent."""

    id: str
    name: str
    state: str
    reason: str
    """Why not ready; empty otherwise."""
    since: str | None
    """Since when in this state; null when that was before the exchange started."""
    until: str | None
    """When the state ends by itself."""
    interaction: str | None
    queues: tuple[str, ...]
    presence: Presence | None
    """Null when nobody has said anything."""
    work: tuple[str, ...]
    """Interactions that take his capacity."""


class Consult(Shown, frozen=True, kw_only=True):
    """A colleague whom an agent asks about his customer, who hears music."""

    state: str
    """``requested``, ``ringing`` or ``talking``."""
    since: str
    colleague: str | None
    """Null when somebody is asked by number."""
    number: str


class Interaction(Shown, frozen=True, kw_only=True):
    """An interaction that has not ended."""

    id: str
    state: str
    since: str
    arrived_at: str
    enqueued_at: str | None
    queue: str | None
    agent: str | None
    """Who is rung, talks, or wraps up."""
    trunk: str
    called_number: str
    caller_number: str | None
    """Null when the caller withheld it."""
    missed_offers: int
    asked: tuple[str, ...]
    """Agents who are being asked."""
    priority: int
    """Smaller is served first."""
    channel: str
    callback: str | None
    """The promise he is called back for."""
    consult: Consult | None
    """Null when no colleague is asked."""


class Trunk(Shown, frozen=True, kw_only=True):
    """A trunk's health."""

    id: str
    state: str
    """``unknown``, ``active``, ``one-way``, ``degraded``, ``down``."""
    reason: str
    since: str | None


class Alarm(Shown, frozen=True, kw_only=True):
    """An alarm in force."""

    code: str
    about: str
    """A trunk, your organisation, or empty for the whole server."""
    text: str
    since: str


class Event(Shown, frozen=True, kw_only=True):
    """Something that happened."""

    sequence: int
    """Of the journal record."""
    at: str
    type: str
    interaction: str | None
    agent: str | None
    queue: str | None
    reason: str


class ExchangeHealth(Shown, frozen=True, kw_only=True):
    """How the exchange is."""

    is_exchange_linked: bool
    is_journal_writable: bool
    is_voice_attached: bool


class LiveState(Shown, frozen=True, kw_only=True):
    """Everything live of one organisation."""

    at: str
    """The server's time."""
    tenant: str
    name: str
    generation: int
    """Of the exchange process; a sequence means something only within one."""
    sequence: int
    health: ExchangeHealth
    queues: tuple[Queue, ...]
    agents: tuple[Agent, ...]
    interactions: tuple[Interaction, ...]
    callbacks: tuple[Callback, ...]
    trunks: tuple[Trunk, ...]
    alarms: tuple[Alarm, ...]
    events: tuple[Event, ...]
    """The last ones, oldest first."""


def live_state(replica: TenantReplica, health: Health | None, now: Instant) -> LiveState:
    """Return all of a replica."""
    membership = memberships(replica)
    return LiveState(
        at=to_iso(now),
        tenant=replica.tenant,
        name=replica.name,
        generation=replica.generation,
        sequence=replica.sequence,
        health=exchange_health(health),
        queues=queues(replica, now),
        agents=tuple(agent(one, membership) for one in replica.agents),
        interactions=tuple(interaction(one) for one in replica.interactions),
        callbacks=tuple(callback(one) for one in replica.callbacks),
        trunks=tuple(trunk(one) for one in replica.trunks),
        alarms=tuple(alarm(one) for one in replica.alarms),
        events=tuple(event(one) for _, one in replica.events),
    )


def exchange_health(health: Health | None) -> ExchangeHealth:
    """Return how the exchange is."""
    return ExchangeHealth(
        is_exchange_linked=health is not None,
        is_journal_writable=health is not None and health.is_journal_writable,
        is_voice_attached=health is not None and health.is_driver_attached,
    )


def queues(replica: TenantReplica, now: Instant) -> tuple[Queue, ...]:
    """Return every queue with what goes on in it. Cost: O(interactions + memberships)."""
    waiting: dict[str, list[int]] = {}
    talking: Counter[str] = Counter()
    for one in replica.interactions:
        if one.queue is None:
            continue
        if one.state in WAITING:
            waiting.setdefault(one.queue, []).append(one.enqueued_at or one.arrived_at)
        elif one.state == TALKING:
            talking[one.queue] += 1
    return tuple(
        _queue(view, replica, waiting.get(view.id, ()), talking[view.id], now)
        for view in replica.queues
    )


def _queue(
    view: QueueView, replica: TenantReplica, since: Iterable[int], talking: int, now: Instant
) -> Queue:
    times = list(since)
    oldest = min(times, default=None)
    states = Counter(
        known.state for name in view.agents if (known := replica.agents.get(name)) is not None
    )
    return Queue(
        id=view.id,
        name=view.name,
        waiting=len(times),
        talking=talking,
        longest_wait_ms=max(0, now - oldest) // MILLISECOND if oldest is not None else 0,
        waiting_since=_iso(oldest),
        agents_by_state=dict(sorted(states.items())),
        agents=view.agents,
        callbacks=sum(
            1 for one in replica.callbacks if one.queue == view.id and one.state in _CALLBACK_WAITS
        ),
        closed_for=view.closed_for,
        closed_since=_iso(view.closed_since),
    )


def memberships(replica: TenantReplica) -> dict[str, tuple[str, ...]]:
    """Return agent id to the ids of his queues."""
    found: dict[str, list[str]] = {}
    for queue in replica.queues:
        for name in queue.agents:
            found.setdefault(name, []).append(queue.id)
    return {name: tuple(listed) for name, listed in found.items()}


def agent(view: AgentView, membership: dict[str, tuple[str, ...]]) -> Agent:
    """Return an agent."""
    return Agent(
        id=view.id,
        name=view.name,
        state=view.state,
        reason=view.reason,
        since=_iso(view.since),
        until=_iso(view.until),
        interaction=view.interaction,
        queues=membership.get(view.id, ()),
        presence=_presence(view.presence),
        work=view.work,
    )


def _presence(view: PresenceView | None) -> Presence | None:
    if view is None:
        return None
    return Presence(
        availability=view.availability,
        activity=view.activity,
        is_out_of_office=view.is_out_of_office,
        source=view.source,
        at=to_iso(Instant(view.at)),
    )


def callback(view: CallbackView) -> Callback:
    """Return a callback."""
    return Callback(
        id=view.id,
        state=view.state,
        queue=view.queue,
        number=view.number,
        since=to_iso(Instant(view.since)),
        due_at=_iso(view.due_at),
        attempts=view.attempts,
        last_result=view.last_result,
        interaction=view.interaction,
    )


def interaction(view: InteractionView) -> Interaction:
    """Return an interaction."""
    return Interaction(
        id=view.id,
        state=view.state,
        since=to_iso(Instant(view.since)),
        arrived_at=to_iso(Instant(view.arrived_at)),
        enqueued_at=_iso(view.enqueued_at),
        queue=view.queue,
        agent=view.agent,
        trunk=view.trunk,
        called_number=view.called_number,
        caller_number=view.caller_number,
        missed_offers=view.missed_offers,
        asked=view.asked,
        priority=view.priority,
        channel=view.channel,
        callback=view.callback,
        consult=None if view.consult is None else consult(view.consult),
    )


def consult(view: ConsultView) -> Consult:
    """Return a consult."""
    return Consult(
        state=view.state,
        since=to_iso(Instant(view.since)),
        colleague=view.colleague,
        number=view.number,
    )


def trunk(view: TrunkView) -> Trunk:
    """Return a trunk."""
    return Trunk(id=view.id, state=view.state, reason=view.reason, since=_iso(view.since))


def alarm(view: AlarmView) -> Alarm:
    """Return an alarm."""
    since = to_iso(Instant(view.since))
    return Alarm(code=view.code, about=view.about, text=view.text, since=since)


def event(view: EventView) -> Event:
    """Return an event."""
    return Event(
        sequence=view.sequence,
        at=to_iso(Instant(view.at)),
        type=view.type,
        interaction=view.interaction,
        agent=view.agent,
        queue=view.queue,
        reason=view.reason,
    )


def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(Instant(instant))
