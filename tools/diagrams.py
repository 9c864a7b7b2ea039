# SPDX-License-Identifier: Apache-2.0
"""Lifecycle tables of the code, as diagrams and tables for people.

Two shapes are read: a `core.kernel.lifecycle.Lifecycle` under any name, and the SIP stack's
modules with `NAME`, `INITIAL`, `TERMINAL` and `TABLE`. Both become a `Diagram`; what is drawn
is what runs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.kernel.lifecycle import Lifecycle
from tools.pages.discovery import cell, first_paragraph, modules_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType


_DEFINITION = r"^TABLE\b|= Lifecycle\("


@dataclass(frozen=True, slots=True)
class Row:
    """One listed transition."""

    state: str
    event: str
    after: str
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagram:
    """One lifecycle, whatever its shape in the code."""

    name: str
    module: str
    about: str
    initial: str
    terminal: tuple[str, ...]
    rows: tuple[Row, ...]

    def mermaid(self) -> str:
        """Draw it as a Mermaid state diagram; events between the same two states share a line."""
        arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in self.rows:
            arrows[row.state, row.after].append(row.event)
        lines = ["stateDiagram-v2", f"    [*] --> {_node(self.initial)}"]
        for (state, after), events in arrows.items():
            label = ", ".join(sorted(events))
            lines.append(f"    {_node(state)} --> {_node(after)}: {label}")
        lines.extend(f"    {_node(state)} --> [*]" for state in self.terminal)
        return "\n".join(lines)

    def table(self) -> str:
        """Lay it out as a Markdown table, in the order of the code."""
        has_actions = any(row.actions for row in self.rows)
        head = ["state", "event", "next state"] + ["actions"] * has_actions
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for row in self.rows:
            cells = [row.state, row.event, row.after] + [", ".join(row.actions)] * has_actions
            lines.append(f"| {' | '.join(map(cell, cells))} |")
        return "\n".join(lines)


def diagrams() -> Iterator[Diagram]:
    """Yield every lifecycle of the product, the core's first."""
    for package in ("core", "exchange", "wire", "adapters", "simulators"):
        for module in modules_below(f"centralino.{package}", defining=_DEFINITION):
            yield from _core_diagrams(module)
            yield from _module_diagrams(module)


def _core_diagrams(module: ModuleType) -> Iterator[Diagram]:
    for value in vars(module).values():
        if isinstance(value, Lifecycle) and _is_home(module, value):
            yield Diagram(
                name=value.name,
                module=module.__name__,
                about=first_paragraph(module),
                initial=str(value.initial),
                terminal=tuple(sorted(map(str, value.terminal))),
                rows=tuple(
                    Row(str(state), str(event), str(after))
                    for (state, event), after in value.table.items()
                ),
            )


def _is_home(module: ModuleType, lifecycle: Lifecycle[object, object]) -> bool:  # type: ignore[type-var]  # any lifecycle
    """Tell whether `module` defines the lifecycle, rather than imports it."""
    return type(lifecycle.initial).__module__ == module.__name__


def _module_diagrams(module: ModuleType) -> Iterator[Diagram]:
    table = getattr(module, "TABLE", None)
    initial = getattr(module, "INITIAL", None)
    if not isinstance(table, dict) or initial is None:
        return
    if type(initial).__module__ != module.__name__:
        return
    yield Diagram(
        name=module.NAME,
        module=module.__name__,
        about=first_paragraph(module),
        initial=str(initial),
        terminal=tuple(sorted(map(str, module.TERMINAL))),
        rows=tuple(_module_rows(table)),
    )


def _module_rows(table: Mapping[tuple[object, object], object]) -> Iterator[Row]:
    for (state, event), step in table.items():
        after = getattr(step, "state", step)
        actions = tuple(map(str, getattr(step, "actions", ())))
        yield Row(str(state), str(event), str(after), actions)


def _node(state: str) -> str:
    """Spell a state so that Mermaid takes it as one word."""
    return state.replace("-", "_")
