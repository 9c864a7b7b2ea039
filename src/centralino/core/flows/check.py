# SPDX-License-Identifier: Apache-2.0
"""Judges flows before they are published: every problem with its line and in plain words.

Errors keep a flow from being published: a name that does not exist, an expression that is
wrong, a caller who is never let out. Advice does not. Names are only checked when the
company's surroundings are known; without them a flow is judged for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.calendars.hours import require_valid, time_zone
from centralino.core.flows import nodes, shape
from centralino.core.flows.check_names import NameCheck, unknown
from centralino.core.flows.check_nodes import node_problems
from centralino.core.flows.edges import edges, variables_set_by
from centralino.core.flows.library import compile_flow
from centralino.core.flows.reading import Marks, Problem
from centralino.core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow
    from centralino.core.flows.surroundings import Surroundings


@dataclass(frozen=True)
class Judged:
    """One flow and what it is judged by."""

    flow: Flow
    marks: Marks = field(default_factory=Marks)
    surroundings: Surroundings | None = None
    others: Mapping[str, Flow] = field(default_factory=dict)
    """All flows that are published with it, by name; itself may be among them."""

    def error(self, reason: str, node: str = "", *path: str) -> Problem:
        """Return a problem that keeps the flow from being published."""
        return Problem(self._line(node, path), node, reason)

    def advice(self, reason: str, node: str = "", *path: str) -> Problem:
        """Return a problem that does not."""
        return Problem(self._line(node, path), node, reason, is_error=False)

    def _line(self, node: str, path: tuple[str, ...]) -> int:
        return self.marks.line(*(("nodes", node, *path) if node else path))


def check_flow(judged: Judged) -> tuple[Problem, ...]:
    """Return all problems of a flow, in the order of its lines."""
    found = [
        *_document_problems(judged),
        *_edge_problems(judged),
        *_expression_problems(judged),
        *_variable_problems(judged),
        *_nesting_problems(judged),
    ]
    for name, node in judged.flow.nodes.items():
        found += [
            judged.error(reason, name, *path) if is_error else judged.advice(reason, name, *path)
            for path, reason, is_error in node_problems(node)
        ]
    if not any(problem.is_error for problem in found):
        found += _shape_problems(judged)
    if judged.surroundings is not None:
        check = NameCheck(judged.flow, judged.surroundings, judged.others)
        found += [
            judged.error(one.reason, one.node, *one.path)
            if one.is_error
            else judged.advice(one.reason, one.node, *one.path)
            for one in check.findings()
        ]
    return tuple(sorted(set(found)))


def check_surroundings(surroundings: Surroundings, marks: Marks) -> tuple[Problem, ...]:
    """Return what is wrong with a company's names themselves."""
    found = []
    for number, calendar in enumerate(surroundings.calendars):
        try:
            require_valid(calendar)
        except InvalidInput as error:
            line = marks.line("calendars", str(number))
            found.append(Problem(line, "", f"calendar {calendar.name}: {error.message}"))
    extensions: dict[str, str] = {}
    for number, person in enumerate(surroundings.directory):
        other = extensions.setdefault(person.extension, person.name) if person.extension else ""
        if other and other != person.name:
            line = marks.line("directory", str(number), "extension")
            reason = f"{other} and {person.name} both have the extension {person.extension}"
            found.append(Problem(line, "", reason))
    return tuple(found)


def _document_problems(judged: Judged) -> Iterator[Problem]:
    flow = judged.flow
    if flow.start not in flow.nodes:
        yield judged.error(unknown("node", flow.start, flow.nodes), "", "start")
    if flow.fallback is not None and flow.fallback not in flow.nodes:
        yield judged.error(unknown("node", flow.fallback, flow.nodes), "", "fallback")
    try:
        time_zone(flow.zone)
    except InvalidInput as error:
        yield judged.error(error.message, "", "zone")


def _edge_problems(judged: Judged) -> Iterator[Problem]:
    flow = judged.flow
    operator = None if judged.surroundings is None else judged.surroundings.operator
    for name, node in flow.nodes.items():
        for edge in edges(node):
            if edge.to is not None and edge.to not in flow.nodes:
                where = ".".join(edge.path)
                reason = f"{where}: {unknown('node', edge.to, flow.nodes)}"
                yield judged.error(reason, name, *edge.path)
            elif edge.to is None and flow.fallback in {None, name}:
                what = f"{edge.path[0]} is left out and the flow has no fallback"
                if operator is not None:
                    yield judged.advice(f"{what}: such a caller goes to the operator", name)
                else:
                    yield judged.error(f"{what}: such a caller would be cut off", name)


def _expression_problems(judged: Judged) -> Iterator[Problem]:
    for one in compile_flow(judged.flow, 0).problems:
        where = ".".join(one.path)
        at = f" (at character {one.column})" if one.column > 1 else ""
        yield judged.error(f"{where}: {one.reason}{at}", one.node, *one.path)


def _variable_problems(judged: Judged) -> Iterator[Problem]:
    flow = judged.flow
    for name, node in flow.nodes.items():
        for path, variable in variables_set_by(node):
            declared = flow.variables.get(variable)
            if declared is None:
                reason = f"{'.'.join(path)}: {unknown('variable', variable, flow.variables)}"
                yield judged.error(reason, name, *path)
            elif isinstance(node, nodes.CollectNode) and declared.type != "string":
                yield judged.error("into: digits need a variable of type string", name, *path)
        if isinstance(node, nodes.SetNode) and node.language not in {"", *flow.languages}:
            reason = f"the flow does not speak {node.language}"
            yield judged.error(reason, name, "language")


def _nesting_problems(judged: Judged) -> Iterator[Problem]:
    """Find flows that run each other in a circle, and variables that two flows see differently."""
    flow, others = judged.flow, {**judged.others, judged.flow.flow: judged.flow}
    calls = {name: _calls(one) & others.keys() for name, one in others.items()}
    known = {name: frozenset(targets) for name, targets in calls.items()}
    below = shape.reached_from(known, known[flow.flow])
    for name, node in flow.nodes.items():
        if not isinstance(node, nodes.FlowNode):
            continue
        if flow.flow in shape.reached_from(known, [node.flow]):
            yield judged.error(f"flow: {node.flow} runs {flow.flow} again, in a circle", name)
    for other in sorted(below - {flow.flow}):
        for variable, declared in others[other].variables.items():
            ours = flow.variables.get(variable)
            if ours is not None and ours.type != declared.type:
                reason = f"{variable} is of type {declared.type} in the flow {other}"
                yield judged.error(reason, "", "variables", variable)


def _calls(flow: Flow) -> set[str]:
    return {node.flow for node in flow.nodes.values() if isinstance(node, nodes.FlowNode)}


def _shape_problems(judged: Judged) -> Iterator[Problem]:
    flow = judged.flow
    whole = shape.graph(flow, shape.every_edge)
    reached = shape.reached_from(whole, [flow.start])
    for name in flow.nodes:
        if name not in reached:
            yield judged.error("nothing leads here", name)
    yield from _endless(judged, whole, reached)
    for group in shape.circles(shape.graph(flow, shape.instant_edge)):
        yield judged.error(f"a loop in which no time passes: {_listed(group)}", group[0])


def _endless(judged: Judged, whole: shape.Graph, reached: frozenset[str]) -> Iterator[Problem]:
    """Find where a call cannot end, for anybody or for those who do nothing."""
    flow = judged.flow
    ends = [name for name in flow.nodes if shape.may_end(flow, name, is_silent=False)]
    lost = reached - shape.reaching(whole, ends)
    stuck = [name for name in flow.nodes if name in lost]
    if stuck:
        yield judged.error(f"a loop without an exit: {_listed(stuck)}", stuck[0])
        return
    silent = shape.graph(flow, shape.silent_edge)
    quiet = shape.reached_from(silent, [flow.start])
    ends = [name for name in flow.nodes if shape.may_end(flow, name, is_silent=True)]
    lost = quiet - shape.reaching(silent, ends)
    stuck = [name for name in flow.nodes if name in lost]
    if stuck:
        who = "a caller who does nothing is never let out of"
        yield judged.error(f"{who}: {_listed(stuck)}", stuck[0])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
