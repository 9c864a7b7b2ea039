# SPDX-License-Identifier: Apache-2.0
"""Which nodes and edges of flows a set of calls has taken.

Only edges that somebody wrote count; what stands in for one that was left out is not a
branch of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.flows.edges import edges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.core.flows.document import Flow
    from centralino.core.flows.turn import LogEntry


@dataclass(frozen=True, slots=True)
class NodeCoverage:
    """One node: how often it was entered, and each of its edges taken."""

    node: str
    entered: int
    taken: dict[str, int]
    """Written edge to how often; 0 for those nobody took."""


@dataclass(slots=True)
class Coverage:
    """Counts the steps of many calls."""

    _entered: dict[tuple[str, str], int] = field(default_factory=dict)
    _taken: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(self, entries: Iterable[LogEntry]) -> None:
        """Count the steps of one call."""
        for entry in entries:
            taken = (entry.flow, entry.node, entry.edge)
            self._taken[taken] = self._taken.get(taken, 0) + 1
            if entry.to:
                entered = (entry.flow, entry.to)
                self._entered[entered] = self._entered.get(entered, 0) + 1

    def of(self, flow: Flow) -> list[NodeCoverage]:
        """Return every node of a flow, in its order."""
        name = flow.flow
        return [
            NodeCoverage(
                node=node_name,
                entered=self._entered.get((name, node_name), 0),
                taken={
                    edge.label: self._taken.get((name, node_name, edge.label), 0)
                    for edge in edges(node)
                    if edge.is_written
                },
            )
            for node_name, node in flow.nodes.items()
        ]


def ratio(covered: Iterable[NodeCoverage]) -> tuple[int, int]:
    """Return how many nodes and edges were taken, and how many there are."""
    taken = total = 0
    for one in covered:
        counts = (one.entered, *one.taken.values())
        taken += sum(count > 0 for count in counts)
        total += len(counts)
    return taken, total
