# SPDX-License-Identifier: Apache-2.0
"""An engine that asks the naive oracle before each match, and keeps what they differed in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from centralino.core.agents.events import AgentReadied
from centralino.core.interactions.events import InteractionEnded, InteractionQueued, OfferMade
from centralino.core.interactions.flow_events import InteractionDequeued
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.routing.engine import TenantEngine
from tests.oracle.naive import NaiveOracle, Remembered, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.turn import Turn

Found = list[tuple[str, tuple[str, ...]]]


class JudgedEngine(TenantEngine):
    """Decides as ever; beside it the oracle says what it would have done.

    ``is_whole`` holds everybody free against everybody who waits. Without it only what has
    just changed is looked at, as nothing else can match: whoever has become free against all
    who wait, whoever has come against all agents of his queue. One agent is asked at a time,
    by telephone, and the strategies need no past.
    """

    def __init__(self, tenant: TenantId, *, is_whole: bool) -> None:
        super().__init__(tenant)
        self.is_whole = is_whole
        self.is_judging = True
        """Switched off, decisions are as fast as ever; who waits is still followed."""
        self.oracle: NaiveOracle | None = None
        self.waits: dict[str, Any] = {}
        self.judging_s = 0.0
        """Time of the thread that the last decision spent in the oracle."""
        self.judged = 0
        self.differences: list[tuple[Found, Found]] = []

    @override
    def _match(self, turn: Turn) -> None:
        began = time.thread_time()
        if self.oracle is None or self.oracle.configuration is not self.state.configuration:
            self._begin()
        self._note(turn.events)
        expected: Found = []
        if self.is_judging:
            expected = self._all(turn.now) if self.is_whole else self._changed(turn)
        self.judging_s = time.thread_time() - began
        before = len(turn.events)
        super()._match(turn)
        began = time.thread_time()
        made = [one for one in turn.events[before:] if isinstance(one, OfferMade)]
        found: Found = [(one.interaction, (one.agent,)) for one in made]
        self.judged += len(expected)
        if self.is_judging and found != expected:
            self.differences.append((found, expected))
        self._note(turn.events[before:])
        self.judging_s += time.thread_time() - began

    def _begin(self) -> None:
        assert self.state.configuration is not None
        self.oracle = NaiveOracle(self.state.configuration)
        self.waits = {
            name: one
            for name, one in self.state.interactions.items()
            if one.state is InteractionState.QUEUED
        }

    def _note(self, events: list[Any]) -> None:
        for event in events:
            name = getattr(event, "interaction", None)
            if isinstance(event, InteractionQueued):
                self.waits[event.interaction] = self.state.interactions[event.interaction]
            elif isinstance(event, OfferMade | InteractionEnded | InteractionDequeued):
                self.waits.pop(event.interaction, None)
            elif name in self.state.interactions:
                one = self.state.interactions[name]
                if one.state is InteractionState.QUEUED:
                    self.waits[name] = one

    def _world(self, now: int, agents: Mapping[Any, Any], waits: Mapping[Any, Any]) -> World:
        return World(agents, waits, Remembered(), now, self.state.sequence + 1)

    def _all(self, now: int) -> Found:
        assert self.oracle is not None
        agents: dict[str, Any] = {
            n: one for n, one in self.state.agents.items() if self.oracle.is_open(one)
        }
        waits = dict(self.waits)
        found: Found = []
        while (expected := self.oracle.next_match(self._world(now, agents, waits))) is not None:
            found.append((expected.interaction, expected.agents))
            del waits[expected.interaction]
            for name in expected.agents:
                del agents[name]
        return found

    def _changed(self, turn: Turn) -> Found:
        assert self.oracle is not None
        world = self._world(turn.now, self.state.agents, self.waits)
        freed = [one.agent for one in turn.events if isinstance(one, AgentReadied)]
        if freed:
            (name,) = freed
            wait = self.oracle.first_wait(world, name, self.waits.values())
            return [] if wait is None else [(wait.id, (name,))]
        came = [one.interaction for one in turn.events if isinstance(one, InteractionQueued)]
        if not came:
            return []
        wait = self.waits[came[0]]
        able = self.oracle.agents_for(world, wait, self.oracle.queues[wait.queue].agents)
        return [(wait.id, self.oracle.choose(world, wait, able).agents)] if able else []
