# SPDX-License-Identifier: Apache-2.0
"""The catalogue of events: what the journal holds, each with its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.routing.history import EVENT_HISTORY, EVENTS
from tools.pages.discovery import cell, fields, first_paragraph, modules_below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PATH = "reference/events.md"

_INTRODUCTION = """\
# Events

Everything that happened is an event in the journal; every screen, report and figure is made of
them and can be made again. This page is made from the classes. The journal record around the
events of one decision says when it was taken, from which input and under which configuration.

A version is raised when a change is more than a new field with a default; what the journal
holds in an earlier version is turned into the present one when it is read.
"""


def event_classes() -> Iterator[tuple[ModuleType, list[type[msgspec.Struct]]]]:
    """Yield each module of events with its classes, in the order of the file."""
    for module in modules_below("centralino.core", defining=r"tag=\"[a-z_]+\.[a-z_]+\""):
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, msgspec.Struct)
            and value.__module__ == module.__name__
            and wire_name(value)
        ]
        if classes and module.__name__.endswith(("_events", ".events")):
            yield module, classes


def wire_name(event: type[msgspec.Struct]) -> str:
    """Return the name under which the journal holds the event, empty for a base class."""
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) and "." in tag else ""


def render() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for module, classes in event_classes():
        parts.append(f"## {_title(module)}\n")
        parts.append(f"{first_paragraph(module)} Module `{module.__name__}`.\n")
        parts.extend(map(_section, classes))
    return "\n".join(parts)


def _title(module: ModuleType) -> str:
    package, name = module.__name__.split(".")[-2:]
    about = name.removesuffix("events").rstrip("_")
    return f"{package.capitalize()}: {about}s" if about else package.capitalize()


def _section(event: type[msgspec.Struct]) -> str:
    name = wire_name(event)
    lines = [f"### `{name}`\n", f"{cell(first_paragraph(event))}\n"]
    lines.append(f"Version {EVENTS.versions[name]}.\n")
    lines += [
        f"- {version} to {version + 1}: {cell(first_paragraph(upcaster))}"
        for version, upcaster in enumerate(EVENT_HISTORY.get(name, ()), start=1)
    ]
    lines += ["| field | type | meaning |", "|---|---|---|"]
    for field in fields(event):
        lines.append(f"| `{field.name}` | `{cell(field.annotation)}` | {cell(field.note)} |")
    return "\n".join(lines) + "\n"
