# SPDX-License-Identifier: Apache-2.0
"""The shape of a flow as a graph: what is reached, what ends, what goes round in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from centralino.core.flows import nodes
from centralino.core.flows.edges import Edge, edges

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow

Graph = Mapping[str, frozenset[str]]
"""Node to the nodes that may follow it."""
_INSTANT = nodes.HoursNode | nodes.BranchNode | nodes.SetNode
_ENDS = (
    nodes.OperatorNode
    | nodes.DirectoryNode
    | nodes.QueueNode
    | nodes.TransferNode
    | nodes.ReturnNode
    | nodes.HangUpNode
)


def graph(flow: Flow, is_taken: Callable[[nodes.AnyNode, Edge], bool]) -> Graph:
    """Return the flow with those edges that are taken; edges that lead nowhere are left out."""
    found = {}
    for name, node in flow.nodes.items():
        targets = {
            edge.to or flow.fallback
            for edge in edges(node)
            if is_taken(node, edge) and not (edge.to is None and name == flow.fallback)
        }
        found[name] = frozenset(to for to in targets if to is not None and to in flow.nodes)
    return found


def every_edge(node: nodes.AnyNode, edge: Edge) -> bool:
    """Take all edges."""
    return True


def silent_edge(node: nodes.AnyNode, edge: Edge) -> bool:
    """Take the edges of a caller who presses nothing, waits, and whom nobody answers."""
    match node:
        case nodes.QueueNode():
            return edge.label == "timeout"
        case nodes.TransferNode():
            return edge.label == "no-answer"
        case nodes.MenuNode() | nodes.CollectNode() | nodes.DirectoryNode():
            return edge.label == "timeout"
        case nodes.CallbackNode():
            return edge.label == "declined"
        case _:
            return True


def instant_edge(node: nodes.AnyNode, edge: Edge) -> bool:
    """Take the edges of nodes in which no time passes."""
    return isinstance(node, _INSTANT)


def may_end(flow: Flow, name: str, *, is_silent: bool) -> bool:
    """Say whether a call may end in a node itself, or leave the flow there."""
    node = flow.nodes[name]
    leads_nowhere = any(
        edge.to is None and (flow.fallback is None or name == flow.fallback)
        for edge in edges(node)
        if not is_silent or silent_edge(node, edge)
    )
    match node:
        case nodes.DirectoryNode() | nodes.OperatorNode() | nodes.TransferNode() if is_silent:
            ends = False
        case nodes.QueueNode() if is_silent:
            ends = False
        case nodes.MenuNode():
            ends = node.direct_dial and not is_silent
        case nodes.VoicemailNode() | nodes.FlowNode():
            ends = node.next is None
        case nodes.CallbackNode():
            ends = node.next is None and not is_silent
        case _:
            ends = isinstance(node, _ENDS)
    return ends or leads_nowhere


def reached_from(shape: Graph, starts: Iterable[str]) -> frozenset[str]:
    """Return all nodes that can be reached, the starts included."""
    found: set[str] = set()
    todo = [name for name in starts if name in shape]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(shape[name] - found)
    return frozenset(found)


def reaching(shape: Graph, ends: Iterable[str]) -> frozenset[str]:
    """Return all nodes from which one of ``ends`` can be reached, those included."""
    backwards: dict[str, set[str]] = {name: set() for name in shape}
    for name, targets in shape.items():
        for target in targets:
            backwards[target].add(name)
    return reached_from({name: frozenset(one) for name, one in backwards.items()}, ends)


def circles(shape: Graph) -> list[tuple[str, ...]]:
    """Return the nodes of each group that can go round for ever, in the order of the graph."""
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for name in shape:
        if name in seen:
            continue
        after = reached_from(shape, shape[name])
        if name in after:
            group = tuple(
                other
                for other in shape
                if other in after and name in reached_from(shape, shape[other])
            )
            seen.update(group)
            found.append(group)
    return found
