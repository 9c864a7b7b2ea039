# SPDX-License-Identifier: Apache-2.0
"""A tenant's live state outside the exchange: changes folded in, differences read out.

Each thing remembers the sequence of its last change, so that a reader of any age is
brought up to date by what changed since, however many changes that were: nothing is queued
per reader. What is gone is remembered for ``MOST_GONE`` departures; a reader who missed
more, or who read from another exchange process, begins anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from centralino.exchange.control import (
    MOST_RECENT_EVENTS,
    AgentView,
    AlarmView,
    CallbackView,
    Changes,
    EventView,
    InteractionView,
    QueueView,
    TrunkView,
)

if TYPE_CHECKING:
    from centralino.core.kernel.ids import (
        AgentId,
        CallbackId,
        InteractionId,
        QueueId,
        TenantId,
        TrunkId,
    )

MOST_GONE = 5000

Name = TypeVar("Name", bound=str)
Thing = TypeVar("Thing", bound=msgspec.Struct)


class Shelf(Generic[Name, Thing]):
    """Things of one kind by name, in order of arrival, each with its last change."""

    def __init__(self) -> None:
        self._things: dict[Name, tuple[int, Thing]] = {}
        self._gone: deque[tuple[int, Name]] = deque(maxlen=MOST_GONE)
        self.forgotten = 0
        """Departures up to this sequence may be forgotten."""

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[Thing]:
        return (thing for _, thing in self._things.values())

    def get(self, name: Name) -> Thing | None:
        """Return a thing, ``None`` when there is none of that name."""
        found = self._things.get(name)
        return found[1] if found else None

    def put(self, sequence: int, things: Iterable[tuple[Name, Thing]]) -> None:
        """Take things as they are from ``sequence`` on."""
        for name, thing in things:
            self._things[name] = (sequence, thing)

    def drop(self, sequence: int, names: Iterable[Name]) -> None:
        """Forget things from ``sequence`` on."""
        for name in names:
            if self._things.pop(name, None) is not None:
                if len(self._gone) == MOST_GONE:
                    self.forgotten = self._gone[0][0]
                self._gone.append((sequence, name))

    def changed(self, after: int) -> list[Thing]:
        """Return what has changed after a sequence."""
        return [thing for sequence, thing in self._things.values() if sequence > after]

    def gone(self, after: int) -> list[Name]:
        """Return the names of what has gone after a sequence and not come back."""
        names = {name: None for sequence, name in self._gone if sequence > after}
        return [name for name in names if name not in self._things]


class TenantReplica:
    """What is known of one tenant; read it at any time."""

    def __init__(self, tenant: TenantId) -> None:
        self.tenant = tenant
        self.name = ""
        self.generation = 0
        """Of the exchange process whose sequence this is."""
        self.sequence = -1
        self.first_sequence = 0
        """Readers who are older than this begin anew."""
        self.queues: Shelf[QueueId, QueueView] = Shelf()
        self.agents: Shelf[AgentId, AgentView] = Shelf()
        self.interactions: Shelf[InteractionId, InteractionView] = Shelf()
        self.callbacks: Shelf[CallbackId, CallbackView] = Shelf()
        self.trunks: Shelf[TrunkId, TrunkView] = Shelf()
        self.alarms: Shelf[str, AlarmView] = Shelf()
        self.events: deque[tuple[int, EventView]] = deque(maxlen=MOST_RECENT_EVENTS)
        """The last ones, oldest first, each with the sequence it came in."""
        self._changed = asyncio.Event()

    def take(self, changes: Changes) -> None:
        """Fold changes in and wake who waits."""
        at = self.sequence = changes.sequence
        self.name = changes.name or self.name
        _put_whole(self.queues, at, changes.queues, lambda queue: queue.id)
        _put_whole(self.trunks, at, changes.trunks, lambda trunk: trunk.id)
        _put_whole(self.alarms, at, changes.alarms, lambda alarm: f"{alarm.code}/{alarm.about}")
        self.agents.put(at, ((agent.id, agent) for agent in changes.agents))
        self.agents.drop(at, changes.gone_agents)
        self.interactions.put(at, ((one.id, one) for one in changes.interactions))
        self.interactions.drop(at, changes.gone_interactions)
        self.callbacks.put(at, ((one.id, one) for one in changes.callbacks))
        self.callbacks.drop(at, changes.gone_callbacks)
        self.events.extend((at, event) for event in changes.events)
        self.wake()

    def can_resume(self, generation: int, after: int) -> bool:
        """Tell whether a reader who knows ``after`` of ``generation`` can be brought up to date."""
        shelves = (
            self.queues,
            self.agents,
            self.interactions,
            self.callbacks,
            self.trunks,
            self.alarms,
        )
        oldest = max(self.first_sequence, *(shelf.forgotten for shelf in shelves))
        return generation == self.generation and oldest <= after <= self.sequence

    async def wait_change(self) -> None:
        """Return at the next change, or when something else may have changed."""
        await self._changed.wait()

    def supersede(self) -> None:
        """Wake everybody: another replica has taken this one's place."""
        self.generation = -1
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again: something beside the sequence has changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _put_whole(
    shelf: Shelf[Name, Thing],
    at: int,
    things: tuple[Thing, ...] | None,
    name_of: Callable[[Thing], Name],
) -> None:
    if things is None:
        return
    named = {name_of(thing): thing for thing in things}
    shelf.put(at, ((name, thing) for name, thing in named.items() if shelf.get(name) != thing))
    shelf.drop(at, [name_of(known) for known in shelf if name_of(known) not in named])
