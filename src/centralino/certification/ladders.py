# SPDX-License-Identifier: Apache-2.0
"""Message ladders as text: one row per message, grouped by Call-ID, keys masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.certification.exchanged import Exchanged

WIDTH = 40
MOST_ROWS = 60
MOST_CALLS = 12


def draw(messages: Sequence[Exchanged]) -> dict[str, str]:
    """Return a ladder per Call-ID; OPTIONS of all dialogs share one."""
    groups: dict[str, list[Exchanged]] = {}
    for item in messages:
        name = "OPTIONS" if item.method == "OPTIONS" else item.call_id
        groups.setdefault(name, []).append(item)
    calls = list(groups.items())[:MOST_CALLS]
    start = messages[0].at if messages else 0.0
    return {name: _ladder(rows, start) for name, rows in calls}


def _ladder(rows: Sequence[Exchanged], start: float) -> str:
    lines = [f"{'':>9}  {'product':<{WIDTH}}  far side"]
    for item in rows[:MOST_ROWS]:
        text = f" {item.label[2:]} ({item.cseq[0]}) ".center(WIDTH, "-")
        arrow = f"|{text}>|" if item.is_from_product else f"|<{text}|"
        where = f" {item.address}" if item.address else f" {item.part}"
        lines.append(f"{(item.at - start) * 1000:7.0f}ms  {arrow}{where}")
    if len(rows) > MOST_ROWS:
        lines.append(f"{'':>9}  ... {len(rows) - MOST_ROWS} more")
    return "\n".join(lines)
