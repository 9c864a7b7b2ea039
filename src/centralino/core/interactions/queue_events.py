# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: TC001 - msgspec reads the annotations
"""What happened to queues by order, and to those who wait in them by hand."""

from __future__ import annotations

import msgspec

from centralino.core.interactions.events import InteractionEvent
from centralino.core.interactions.limits import QueueAction
from centralino.core.kernel.ids import QueueId
from centralino.core.kernel.instant import Instant


class QueueEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events about a queue carry."""

    queue: QueueId


class QueueClosed(QueueEvent, frozen=True, tag="queue.closed"):
    """Nobody enters it from here."""

    reason: str
    action: QueueAction


class QueueOpened(QueueEvent, frozen=True, tag="queue.opened"):
    """It takes customers again."""


class InteractionReranked(InteractionEvent, frozen=True, tag="interaction.reranked"):
    """Somebody who waits has another priority; since when he waits has not changed."""

    priority: int


class InteractionRequeued(InteractionEvent, frozen=True, tag="interaction.requeued"):
    """Somebody who waits waits in another queue, with the place he had."""

    queue: QueueId
    from_queue: QueueId
    priority: int
    reason: str
    """``moved`` by hand, or the limit or closure that led him on."""


class InteractionDismissed(InteractionEvent, frozen=True, tag="interaction.dismissed"):
    """Somebody hears why he is let go; then his call is ended."""

    queue: QueueId
    reason: str
    play: str
    deadline: Instant


AnyQueueEvent = (
    QueueClosed | QueueOpened | InteractionReranked | InteractionRequeued | InteractionDismissed
)
"""Every event about queues and by hand."""
