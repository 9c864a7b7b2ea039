# SPDX-License-Identifier: Apache-2.0
"""What people in charge may ask about queues, those who wait in them, and callbacks.

Each is legal to repeat: what is so already changes nothing. Who gets somebody by hand is
decided by compare-and-set, so that a customer never has two agents.
"""

from __future__ import annotations

import msgspec

from centralino.core.interactions.limits import QueueAction
from centralino.core.kernel.ids import AgentId, CallbackId, InteractionId, QueueId
from centralino.core.kernel.instant import Instant


class SupervisionCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all these commands are."""


class CloseQueue(SupervisionCommand, frozen=True, tag="close-queue"):
    """Nobody enters a queue from now on; those who wait are treated like those who come."""

    queue: QueueId
    reason: str
    """A code such as ``evacuation``."""
    action: QueueAction = QueueAction()
    keeps_waiting: bool = False
    """Those who wait already may stay."""


class OpenQueue(SupervisionCommand, frozen=True, tag="open-queue"):
    """A closed queue takes customers again."""

    queue: QueueId


class RerankInteraction(SupervisionCommand, frozen=True, tag="rerank-interaction"):
    """Give somebody who waits another priority; since when he waits stays as it is."""

    interaction: InteractionId
    priority: int
    """Smaller is served first; 0 to 9."""


class RequeueInteraction(SupervisionCommand, frozen=True, tag="requeue-interaction"):
    """Let somebody who waits wait in another queue, with the place he has."""

    interaction: InteractionId
    queue: QueueId
    priority: int | None = None
    """The new queue's own when left out."""


class AssignInteraction(SupervisionCommand, frozen=True, tag="assign-interaction"):
    """Offer somebody who waits to one agent who is free, whatever his queues and skills.

    Whoever else is being asked for him is let go.
    """

    interaction: InteractionId
    agent: AgentId


class PickInteraction(SupervisionCommand, frozen=True, tag="pick-interaction"):
    """An agent who is free takes somebody who waits, unless he is being offered already."""

    interaction: InteractionId
    agent: AgentId


class BookCallback(SupervisionCommand, frozen=True, tag="book-callback"):
    """Promise to call somebody back, now or at a time."""

    queue: QueueId
    number: str
    """E.164 with ``+``."""
    at: Instant | None = None
    """Not before; ``None`` is as soon as it is his turn."""
    priority: int | None = None
    skills: dict[str, int] = {}


class CancelCallback(SupervisionCommand, frozen=True, tag="cancel-callback"):
    """Call a callback off, in whatever state it is."""

    callback: CallbackId


AnySupervisionCommand = (
    CloseQueue
    | OpenQueue
    | RerankInteraction
    | RequeueInteraction
    | AssignInteraction
    | PickInteraction
    | BookCallback
    | CancelCallback
)
"""Every command of people in charge."""
