# SPDX-License-Identifier: Apache-2.0
"""The door of matching: who waits and who is free come in, the next match comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from centralino.core.routing.matching.lanes import Lanes
from centralino.core.routing.matching.match import Match
from centralino.core.routing.matching.selection import select_match

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.kernel.ids import AgentId, QueueId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.matching.match import Waiting


class Matching:
    """Those who wait and those who may take them, in one tenant."""

    def __init__(self) -> None:
        self._lanes = Lanes()

    def configure(self, configuration: TenantConfiguration) -> None:
        """Begin anew; all agents and all who wait must be noted again."""
        self._lanes.configure(configuration)

    def enter(self, waiting: Waiting) -> None:
        """Let somebody wait; entering again with the same values changes nothing."""
        self._lanes.enter(waiting)

    def leave(self, waiting: Waiting) -> None:
        """Let somebody wait no longer; who does not wait is ignored."""
        self._lanes.leave(waiting)

    def note_agent(self, agent: Agent) -> None:
        """Take in an agent who has changed."""
        self._lanes.note_agent(agent)

    def forget_agent(self, agent: AgentId) -> None:
        """Remove an agent."""
        self._lanes.forget_agent(agent)

    def advance(self, now: Instant) -> None:
        """Do what time alone changes; before anything else at ``now``."""

    def next_deadline(self) -> Instant | None:
        """Return when time alone next changes who may take what."""
        return None

    def next_match(self, now: Instant) -> Match | None:
        """Return who is to be offered to whom, ``None`` when no one waits whom one may take.

        The caller makes the offers (and says so by ``leave`` and ``note_agent``) before it
        asks again.
        """
        found = select_match(self._lanes)
        return found and Match(found[0], (found[1],), "longest-idle")

    def ready_agents(self, queue: QueueId, skills: Mapping[str, int]) -> int:
        """Count the eligible agents who may take one now or after their present one."""
        return len(self._lanes.lane(queue, skills).ready)

    def signed_in_agents(self, queue: QueueId, skills: Mapping[str, int]) -> int:
        """Count those and the ones in a pause that ends by itself."""
        return len(self._lanes.lane(queue, skills).signed_in)

    def has_free_agent(self, queue: QueueId, skills: Mapping[str, int]) -> bool:
        """Tell whether one who asks for this would be offered to somebody at once."""
        lane = self._lanes.lane(queue, skills)
        return lane.waiting.first() is None and lane.free.first() is not None

    def waiting_count(self) -> int:
        """Count all who wait."""
        return sum(len(lane.waiting) for lane in self._lanes.by_name.values())
