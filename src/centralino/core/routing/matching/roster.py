# SPDX-License-Identifier: Apache-2.0
"""The agents of a tenant as vectors: who is free since when, who is good at what.

An agent is a row: his place among the agents in the order of their ids, so that the first of
those who tie is the one with the smallest id. A change of an agent is a few stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.agents.capacity import Capacity, may_take, used_capacity
from centralino.core.agents.lifecycle import AgentState
from centralino.core.agents.requirement import (
    AllOf,
    AnyOf,
    AttributeBetween,
    AttributeIs,
    AttributeValue,
    HasSkill,
    NoneOf,
    Requirement,
    key_of,
)
from centralino.core.interactions.channel import Channel
from centralino.core.routing.matching.presence import KINDS, PresenceTable, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import AgentId
    from centralino.core.routing.configuration import AgentConfiguration

    Rows = NDArray[np.int32]
    Mask = NDArray[np.bool_]

FAR = 1 << 62
"""Later than any instant: not free."""
CHANNELS = {channel: number for number, channel in enumerate(Channel)}
_MOST_MASKS = 256


class Roster:
    """All agents of one configuration."""

    def __init__(self, agents: Iterable[AgentConfiguration], table: PresenceTable) -> None:
        self.agents = sorted(agents, key=lambda agent: agent.id)
        self.rows = {agent.id: row for row, agent in enumerate(self.agents)}
        count = len(self.agents)
        self.free: NDArray[np.int64] = np.full((len(CHANNELS), count), FAR)
        """Channel and row to since when he is idle; ``FAR`` when he may not take one."""
        self.ready: Mask = np.zeros(count, np.bool_)
        """May take one now or after his present one."""
        self.signed_in: Mask = np.zeros(count, np.bool_)
        """Those, and the ones in a pause that ends by itself."""
        self.is_wholly_free = [False] * count
        """May take work of every channel."""
        self.load: NDArray[np.float64] = np.zeros(count)
        """Part of his capacity in use, of those who may take something."""
        self.column: NDArray[np.int8] = np.zeros(count, np.int8)
        self.seen_at: NDArray[np.int64] = np.zeros(count, np.int64)
        self.is_marked: Mask = np.zeros(count, np.bool_)
        """His presence means something to some queue."""
        self.marked = 0
        pools = sorted({agent.pool for agent in self.agents})
        self.pools = {pool: number for number, pool in enumerate(pools)}
        self.pool: NDArray[np.int32] = np.array(
            [self.pools[agent.pool] for agent in self.agents], np.int32
        )
        self.idle = np.zeros((len(CHANNELS), len(pools)), np.int64)
        """Channel and pool to how many of it may take one."""
        self._table = table
        self._offset = [KINDS if agent.is_expert else 0 for agent in self.agents]
        self._room = [
            tuple(may_take(agent.capacity, (), channel) for channel in Channel)
            for agent in self.agents
        ]
        self._takes_one = [_takes_one(agent.capacity) for agent in self.agents]
        self._room_of = [_NO_ROOM] * count
        self._standing = [_AWAY] * count
        self._has_presence = [False] * count
        self._has_pools = len(pools) > 1
        self._levels = _levels(self.agents)
        self._none: NDArray[np.int8] = np.zeros(count, np.int8)
        self._attributes = {
            name: _Column(name, self.agents)
            for name in sorted({name for agent in self.agents for name in agent.attributes})
        }
        self._masks: dict[bytes, Mask] = {}
        for row in range(count):
            self._note_presence(row, None, self.agents[row].id)

    def rows_of(self, agents: Iterable[AgentId]) -> Rows:
        """Return the rows of agents, in ascending order."""
        return np.array(sorted(self.rows[agent] for agent in agents), np.int32)

    def note(self, row: int, agent: Agent) -> bool:
        """Take in an agent who has changed; tells whether he may take anything.

        What is as before is not stored again: an agent changes more often than what he may take.
        """
        state = agent.state
        if state is not _NOT_READY:
            standing = _AT_WORK
        else:
            standing = _AWAY if agent.deadline is None else _PAUSING
        if standing is not self._standing[row]:
            self._standing[row] = standing
            self.ready[row], self.signed_in[row] = standing
        if agent.presence is not None or self._has_presence[row]:
            self._note_presence(row, agent, agent.id)
        if state is _READY and not agent.engaged and agent.intended_reason is None:
            self.load[row] = 0
            self._set_free(row, self._room[row], agent.idle_since)
            return True
        if self._takes_one[row]:
            if self._room_of[row] is not _NO_ROOM:
                self._set_free(row, _NO_ROOM, 0)
            return False
        capacity = self.agents[row].capacity
        self.load[row] = used_capacity(capacity, agent.engaged) / max(1, capacity.total)
        room = room_of(agent, self.agents[row])
        self._set_free(row, room, agent.idle_since)
        return True in room

    def forget(self, row: int) -> None:
        """Let an agent be away."""
        self.ready[row] = self.signed_in[row] = False
        self._standing[row] = _AWAY
        self._set_free(row, _NO_ROOM, 0)

    def _set_free(self, row: int, room: tuple[bool, ...], since: int) -> None:
        if self._has_pools:
            pool = self.pool[row]
            self.idle[:, pool] += np.array(room, np.int64) - (self.free[:, row] != FAR)
        self._room_of[row] = room
        is_whole = room == _ALL_ROOM
        self.is_wholly_free[row] = is_whole
        if is_whole:
            self.free[:, row] = since
        elif room is _NO_ROOM:
            self.free[:, row] = FAR
        else:
            self.free[:, row] = [since if one else FAR for one in room]

    def _note_presence(self, row: int, agent: Agent | None, name: AgentId) -> None:
        presence = agent.presence if agent is not None else None
        self._has_presence[row] = presence is not None
        if presence is None:
            kind, at = _UNKNOWN, 0
        else:
            assert agent is not None  # noqa: S101 - whose presence it is
            kind, at = int(kind_of(presence, agent.idle_since)), presence.at
        column = self._offset[row] + kind
        is_marked = self._table.matters[column]
        if is_marked or self.column[row] != column:
            self.marked += is_marked - int(self.is_marked[row])
            self.column[row] = column
            self.is_marked[row] = is_marked
            self.seen_at[row] = at

    def levels(self, skill: str) -> NDArray[np.int8]:
        """Return everybody's level of a skill."""
        return self._levels.get(skill, self._none)

    def skilled(self, rows: Rows, skills: Mapping[str, int]) -> Rows:
        """Return those of ``rows`` who have every skill at least at its level."""
        for skill, level in skills.items():
            if level > 0:
                rows = rows[self.levels(skill)[rows] >= level]
        return rows

    def meeting(self, requirement: Requirement) -> Mask:
        """Return who meets a requirement."""
        key = key_of(requirement)
        mask = self._masks.get(key)
        if mask is None:
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            mask = self._masks[key] = self._evaluate(requirement)
        return mask

    def _evaluate(self, requirement: Requirement) -> Mask:
        mask: Mask
        match requirement:
            case HasSkill():
                levels = self.levels(requirement.skill)
                return (levels >= requirement.at_least) & (levels <= requirement.at_most)
            case AttributeIs() | AttributeBetween():
                column = self._attributes.get(requirement.attribute)
                return self._none > 0 if column is None else column.meeting(requirement)
            case AllOf():
                mask = np.all(self._parts(requirement), axis=0)
                return mask
            case AnyOf():
                mask = np.any(self._parts(requirement), axis=0)
                return mask
            case NoneOf():
                mask = ~np.any(self._parts(requirement), axis=0)
                return mask

    def _parts(self, requirement: AllOf | AnyOf | NoneOf) -> Mask:
        """Return a row for each part and a column for each agent."""
        parts = [self._evaluate(part) for part in requirement.of]
        return np.array(parts, np.bool_).reshape(len(parts), len(self.agents))


class _Column:
    """One attribute of everybody: a code for each value, and the numbers as they are."""

    def __init__(self, name: str, agents: list[AgentConfiguration]) -> None:
        self._codes: dict[tuple[type, AttributeValue], int] = {}
        codes, numbers = [], []
        for agent in agents:
            value = agent.attributes.get(name)
            is_number = type(value) is int
            key = (type(value), value) if value is not None else None
            codes.append(self._codes.setdefault(key, len(self._codes)) if key else -1)
            numbers.append(value if is_number and isinstance(value, int) else None)
        self._code: NDArray[np.int32] = np.array(codes, np.int32)
        self._is_number: Mask = np.array([one is not None for one in numbers], np.bool_)
        self._number: NDArray[np.int64] = np.array([one or 0 for one in numbers], np.int64)

    def meeting(self, part: AttributeIs | AttributeBetween) -> Mask:
        """Return who meets a requirement about this attribute."""
        if isinstance(part, AttributeIs):
            wanted = [self._codes.get((type(one), one), -2) for one in part.any_of]
            return np.isin(self._code, wanted)
        mask = self._is_number.copy()
        if part.at_least is not None:
            mask &= self._number >= part.at_least
        if part.at_most is not None:
            mask &= self._number <= part.at_most
        return mask


_NO_ROOM = (False,) * len(CHANNELS)
_ALL_ROOM = (True,) * len(CHANNELS)
_AT_WORK, _PAUSING, _AWAY = (True, True), (False, True), (False, False)
"""Whether he is ready, and signed in."""
_READY, _NOT_READY = AgentState.READY, AgentState.NOT_READY
_UNKNOWN = 7


def room_of(agent: Agent, configuration: AgentConfiguration) -> tuple[bool, ...]:
    """Return for each channel whether an agent may be offered work of it."""
    if agent.state is AgentState.NOT_READY or agent.intended_reason is not None:
        return _NO_ROOM
    is_free = agent.state is AgentState.READY
    if not is_free and not agent.engaged:
        return _NO_ROOM
    return tuple(
        (is_free or channel is not Channel.VOICE)
        and may_take(configuration.capacity, agent.engaged, channel)
        for channel in Channel
    )


def _takes_one(capacity: Capacity) -> bool:
    """Tell whether an agent takes one piece of work at once, whatever it is."""
    rules = [capacity.rule(channel) for channel in Channel]
    return capacity.total == 1 and all(rule.cost == 1 and not rule.interrupts for rule in rules)


def _levels(agents: list[AgentConfiguration]) -> dict[str, NDArray[np.int8]]:
    levels: dict[str, NDArray[np.int8]] = {}
    for row, agent in enumerate(agents):
        for skill, level in agent.skills.items():
            known = levels.get(skill)
            if known is None:
                known = levels[skill] = np.zeros(len(agents), np.int8)
            known[row] = level
    return levels
