# SPDX-License-Identifier: Apache-2.0
"""The words between matching and the rest of the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from centralino.core.kernel.ids import AgentId, InteractionId
from centralino.core.kernel.instant import MILLISECOND

if TYPE_CHECKING:
    from centralino.core.interactions.channel import Channel
    from centralino.core.interactions.wish import Wish
    from centralino.core.kernel.ids import QueueId
    from centralino.core.kernel.instant import Instant


class Waiting(Protocol):
    """Whoever waits in a queue, live or virtual: a customer, or a callback that keeps a place.

    Must not change while it waits; to change its place, let it leave and enter again.
    """

    @property
    def id(self) -> InteractionId:
        """Names it, among all that wait in the tenant."""
        ...

    @property
    def queue(self) -> QueueId | None:
        """Where it waits."""
        ...

    @property
    def priority(self) -> int:
        """Smaller is served first; 0 to 9."""
        ...

    @property
    def enqueued_at(self) -> Instant | None:
        """Since when its wait counts."""
        ...

    @property
    def number(self) -> int:
        """Orders those who came at the same instant."""
        ...

    @property
    def skills(self) -> Mapping[str, int]:
        """Skill to the lowest level that it asks for beside what its queue asks."""
        ...

    @property
    def channel(self) -> Channel:
        """What it comes by."""
        ...

    @property
    def wish(self) -> Wish | None:
        """Whom it asks for, ``None`` when anybody of the queue will do."""
        ...


class Match(msgspec.Struct, frozen=True):
    """An interaction and the agents that it is to be offered to."""

    interaction: InteractionId
    agents: tuple[AgentId, ...]
    """At least one; more than one are rung at once, and the first who accepts has it."""
    rule: str
    """What chose them, such as ``longest-idle``."""


PRIORITY_POINTS = 1_000_000_000
"""What one step of priority is worth where waiting counts in points as well."""


def place_of(waiting: Waiting, ageing_ms: int) -> tuple[int, int, int]:
    """Return what orders those who wait in one queue: smaller is served first.

    Where waiting counts as priority, whoever came earlier is ahead by what he waited longer;
    that never changes with time, so places are told truly.
    """
    since = waiting.enqueued_at or 0
    points = waiting.priority
    if ageing_ms:
        points = points * PRIORITY_POINTS + PRIORITY_POINTS // ageing_ms * (since // MILLISECOND)
    return (points, since, waiting.number)
