# SPDX-License-Identifier: Apache-2.0
"""What waits are called that ask for the same skills of the same queue, to people and programs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.core.routing.configuration import QueueConfiguration


def signature_name(queue: QueueConfiguration, asked: Mapping[str, int]) -> str:
    """Return the name of the waits of a queue that ask for ``asked``, what it asks for included.

    That of the queue itself for those who ask for nothing beside; ``sales es=3 vip=1`` for others.
    """
    if asked == queue.skills:
        return queue.id
    levels = " ".join(f"{skill}={level}" for skill, level in sorted(asked.items()))
    return f"{queue.id} {levels}"


def scored_name(
    known: Container[str], queue: QueueConfiguration, asked: Mapping[str, int]
) -> str | None:
    """Return which of ``known`` is for such waits: their own, else their queue's, else none."""
    own = signature_name(queue, asked)
    if own in known:
        return own
    return queue.id if queue.id in known else None
