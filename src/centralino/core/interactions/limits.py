# SPDX-License-Identifier: Apache-2.0
"""When a queue does not take or keep a customer, and what becomes of him instead.

A closure is the same by somebody's order: an emergency. Whatever becomes of him, he is told
or led on; nobody is dropped without a word unless the tenant wants it so.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.kernel.ids import QueueId
from centralino.core.kernel.instant import Instant


class LimitKind(StrEnum):
    """What is limited."""

    LENGTH = "length"
    """So many wait already."""
    WAIT = "wait"
    """He has waited so long, in seconds."""
    NO_AGENTS = "no-agents"
    """Fewer eligible agents than this are signed in."""
    CLOSED = "closed"
    """The calendar is not open."""
    ESTIMATED_WAIT = "estimated-wait"
    """He would wait so long, in seconds; unknown is no limit."""


class ActionKind(StrEnum):
    """What becomes of a customer."""

    LEAVE = "leave"
    """His flow goes on where the queue node says; without a flow he is let go."""
    QUEUE = "queue"
    """He waits in another queue, with the place he has."""
    END = "end"
    """He hears the prompts, then his call is ended."""


class QueueAction(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a customer whom a queue does not take or keep."""

    kind: ActionKind = ActionKind.LEAVE
    queue: QueueId = QueueId("")
    prompts: tuple[str, ...] = ()


class QueueLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a queue; the first that holds counts."""

    on: LimitKind
    threshold: int = 1
    calendar: str = ""
    """Of the catalogue, for ``closed``."""
    action: QueueAction = QueueAction()


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that somebody in charge has closed."""

    reason: str
    """A code such as ``evacuation``; no free text."""
    since: Instant
    action: QueueAction
