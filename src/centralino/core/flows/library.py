# SPDX-License-Identifier: Apache-2.0
"""A catalogue made ready to run: flows by version, compiled expressions, indexed names.

Built once per publishing and never changed. What a broken expression would do in a call is
decided here: nothing is refused, the node that has it fails over its own edge; refusing
is the work of ``check``, before something is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.flows import nodes
from centralino.core.flows.actions import Clip
from centralino.core.flows.edges import ExpressionUse, expression_uses
from centralino.core.flows.expressions import Environment, ExpressionError, Program, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.core.calendars.calendar import Calendar
    from centralino.core.flows.document import Catalogue, Flow, Person


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """An expression that cannot be used."""

    node: str
    path: tuple[str, ...]
    source: str
    reason: str
    column: int


@dataclass(frozen=True, slots=True)
class CompiledFlow:
    """One version of a flow, ready to run."""

    flow: Flow
    version: int
    programs: dict[tuple[str, Scope, str], Program]
    problems: tuple[ExpressionProblem, ...]
    calls: frozenset[str]
    """Flows it may run inside itself."""

    def program(self, source: str, scope: Scope, wanted: str) -> Program | None:
        """Return a compiled expression, ``None`` when it is broken."""
        return self.programs.get((source, scope, wanted))

    def type_of(self, variable: str) -> str:
        """Return the type of a variable; ``string`` for one that is not declared."""
        declared = self.flow.variables.get(variable)
        return "string" if declared is None else declared.type


def compile_flow(flow: Flow, version: int) -> CompiledFlow:
    """Compile every expression of a flow."""
    environment = Environment(flow)
    programs: dict[tuple[str, Scope, str], Program] = {}
    problems: list[ExpressionProblem] = []
    for name, node in flow.nodes.items():
        for use in _uses(name, node, problems):
            wanted = wanted_type(flow, use.wanted)
            key = (use.source, use.scope, wanted)
            if key in programs:
                continue
            try:
                programs[key] = environment.compile(use.source, use.scope, wanted)
            except ExpressionError as error:
                problem = ExpressionProblem(name, use.path, use.source, str(error), error.column)
                problems.append(problem)
    calls = frozenset(one.flow for one in flow.nodes.values() if isinstance(one, nodes.FlowNode))
    return CompiledFlow(flow, version, programs, tuple(problems), calls)


def wanted_type(flow: Flow, wanted: str) -> str:
    """Return the type behind ``var:<name>``; other types are themselves."""
    if not wanted.startswith("var:"):
        return wanted
    declared = flow.variables.get(wanted.removeprefix("var:"))
    return "text" if declared is None else declared.type


class FlowLibrary:
    """All that flows of one tenant need while they run."""

    def __init__(self, catalogue: Catalogue, previous: FlowLibrary | None = None) -> None:
        self.catalogue = catalogue
        self._flows: dict[tuple[str, int], CompiledFlow] = {}
        self._newest: dict[str, int] = {}
        for published in catalogue.flows:
            key = (published.flow.flow, published.version)
            known = None if previous is None else previous.flow(*key)
            if known is None or known.flow != published.flow:
                known = compile_flow(published.flow, published.version)
            self._flows[key] = known
            self._newest[key[0]] = max(key[1], self._newest.get(key[0], 0))
        self._calendars = {calendar.name: calendar for calendar in catalogue.calendars}

    def flow(self, name: str, version: int) -> CompiledFlow | None:
        """Return a version of a flow."""
        return self._flows.get((name, version))

    def newest_version(self, name: str) -> int | None:
        """Return the version that new calls get."""
        return self._newest.get(name)

    def pin(self, name: str) -> dict[str, int]:
        """Return the versions of a flow and of all flows it may reach, as they are now."""
        pinned: dict[str, int] = {}
        open_names = [name]
        while open_names:
            version = self._newest.get(current := open_names.pop())
            if version is not None and current not in pinned:
                pinned[current] = version
                open_names.extend(sorted(self._flows[current, version].calls))
        return pinned

    def calendar(self, name: str) -> Calendar | None:
        """Return a calendar by its name."""
        return self._calendars.get(name)

    def clip(self, prompt: str, languages: tuple[str, ...]) -> Clip | None:
        """Return a recording of ``prompt`` in the first language there is."""
        recorded = self.catalogue.prompts.get(prompt, ())
        for language in languages:
            if language in recorded:
                return Clip(f"{prompt}.{language}")
        return Clip(prompt) if "" in recorded else None

    def people(self, groups: tuple[str, ...], except_groups: tuple[str, ...]) -> Iterator[Person]:
        """Return those of the directory whom a node may dial."""
        wanted, unwanted = frozenset(groups), frozenset(except_groups)
        for person in self.catalogue.directory:
            if (not wanted or wanted & set(person.groups)) and not unwanted & set(person.groups):
                yield person


def _uses(
    name: str, node: nodes.AnyNode, problems: list[ExpressionProblem]
) -> Iterator[ExpressionUse]:
    try:
        yield from expression_uses(node)
    except ExpressionError as error:
        problems.append(ExpressionProblem(name, (), "", str(error), error.column))
