# SPDX-License-Identifier: Apache-2.0
"""Which interaction goes to which agent next: longest waiting first, longest idle first.

Ties break by (priority, enqueued_at, arrival) among interactions and (idle_since, id) among
the eligible agents. Only lanes that gained work or a free agent are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.core.kernel.ids import AgentId, InteractionId
    from centralino.core.routing.matching.lanes import Lanes


def select_match(lanes: Lanes) -> tuple[InteractionId, AgentId] | None:
    """Return the next interaction and its agent, ``None`` when no lane has both.

    Lanes that have not both leave ``lanes.dirty``. Cost: O(dirty lanes).
    """
    best: tuple[tuple[int, ...], InteractionId, AgentId] | None = None
    for name in sorted(lanes.dirty):
        work = lanes.by_name[name].waiting.first_entry()
        agent = lanes.by_name[name].free.first()
        if work is None or agent is None:
            lanes.dirty.discard(name)
            continue
        key, interaction = work
        if best is None or (key, interaction) < best[:2]:
            best = (key, interaction, agent)
    return (best[1], best[2]) if best else None
