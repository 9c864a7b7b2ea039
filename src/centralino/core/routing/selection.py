# SPDX-License-Identifier: Apache-2.0
"""Which interaction goes to which agent next: longest waiting first, longest idle first.

Ties break by (priority, enqueued_at, id) among interactions and (idle_since, id) among
agents. Only queues that gained work or a free agent are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.core.kernel.ids import AgentId, InteractionId
    from centralino.core.routing.state import Index


def select_match(index: Index) -> tuple[InteractionId, AgentId] | None:
    """Return the next interaction and its agent, ``None`` when no queue has both.

    Queues that have not both leave ``index.dirty``. Cost: O(dirty queues).
    """
    best: tuple[tuple[int, ...], InteractionId, AgentId] | None = None
    for queue in sorted(index.dirty):
        work = index.waiting[queue].first_entry() if queue in index.waiting else None
        agent = index.free[queue].first() if queue in index.free else None
        if work is None or agent is None:
            index.dirty.discard(queue)
            continue
        key, interaction = work
        if best is None or (key, interaction) < best[:2]:
            best = (key, interaction, agent)
    return (best[1], best[2]) if best else None
