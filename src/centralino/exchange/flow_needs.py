# SPDX-License-Identifier: Apache-2.0
"""Compares what flows need of a call with what the models of their numbers can do.

A flow on two numbers of different models must fit both. What a model does in another way
(``emulated``) counts as done; what it lacks is refused when the flow is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.flows import nodes
from centralino.core.flows.needs import needed_capabilities
from centralino.exchange.capabilities import CAPABILITIES, Capability, Cell, Model, Profile, Support

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from centralino.core.flows.document import Flow
    from centralino.core.flows.surroundings import Line

Table = Mapping[tuple[Model, Profile], Mapping[Capability, Cell]]
"""What each model and profile can do."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something a flow needs and a number cannot do."""

    number: str
    flow: str
    node: str
    """The first node that needs it; empty when the number itself is wrong."""
    reason: str


def lacks(
    flows: Mapping[str, Flow], lines: Iterable[Line], table: Table = CAPABILITIES
) -> Iterator[Lack]:
    """Return what is lacking, for each number and all flows it may reach."""
    for line in lines:
        cells = _cells(line, table)
        if cells is None:
            reason = f"there is no model {line.model} with the profile {line.profile}"
            yield Lack(line.number, line.flow, "", reason)
            continue
        for flow in _reached(flows, line.flow):
            for wanted, node in needed_capabilities(flow).items():
                cell = cells[Capability(wanted)]
                if cell.support is Support.ABSENT:
                    note = f": {cell.note}" if cell.note else ""
                    reason = f"{line.model} ({line.profile}) cannot do {wanted}{note}"
                    yield Lack(line.number, flow.flow, node, reason)


def _cells(line: Line, table: Table) -> Mapping[Capability, Cell] | None:
    try:
        return table.get((Model(line.model), Profile(line.profile)))
    except ValueError:
        return None


def _reached(flows: Mapping[str, Flow], name: str) -> list[Flow]:
    found: dict[str, Flow] = {}
    todo = [name]
    while todo:
        flow = flows.get(todo.pop())
        if flow is None or flow.flow in found:
            continue
        found[flow.flow] = flow
        todo += [node.flow for node in flow.nodes.values() if isinstance(node, nodes.FlowNode)]
    return list(found.values())
