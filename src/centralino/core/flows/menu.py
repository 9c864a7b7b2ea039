# SPDX-License-Identifier: Apache-2.0
"""Greeting, then a menu in which one key chooses the queue.

A time-out or a key without meaning repeats the menu; after the last attempt the
default queue is taken, so that nobody who presses nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from centralino.core.kernel.ids import QueueId


class MenuKey(msgspec.Struct, frozen=True, kw_only=True):
    """One choice."""

    digit: str
    """One of 0-9, * and #."""
    queue: QueueId


class MenuFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A greeting and one menu."""

    name: str
    greeting: tuple[str, ...]
    """Prompt names, played in order."""
    menu: tuple[str, ...]
    keys: tuple[MenuKey, ...]
    default_queue: QueueId
    key_timeout_ms: int = 5000
    """Wait for a key after the menu's end; 1000 to 60000."""
    attempts: int = 2
    """How often the menu is played at most; at least 1."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Play the menu again."""


@dataclass(frozen=True, slots=True)
class Choose:
    """Wait in this queue."""

    queue: QueueId
    digit: str
    """Empty when nobody chose."""


def decide_choice(flow: MenuFlow, digits: str, attempt: int) -> Repeat | Choose:
    """Return what follows keys ``digits`` (empty for a time-out) in attempt ``attempt``.

    >>> flow = MenuFlow(
    ...     name="main", greeting=(), menu=(), default_queue=QueueId("all"),
    ...     keys=(MenuKey(digit="1", queue=QueueId("sales")),),
    ... )
    >>> decide_choice(flow, "1", attempt=1).queue
    'sales'
    >>> decide_choice(flow, "", attempt=1)
    Repeat()
    >>> decide_choice(flow, "", attempt=2).queue
    'all'
    """
    pressed = digits[:1]
    for key in flow.keys:
        if key.digit == pressed:
            return Choose(key.queue, pressed)
    if attempt < flow.attempts:
        return Repeat()
    return Choose(flow.default_queue, "")
