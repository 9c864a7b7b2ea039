# SPDX-License-Identifier: Apache-2.0
"""The page of settings: every key of the typed tree, with type, default and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tools.pages.discovery import cell, fields, first_paragraph, modules_below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PATH = "reference/settings.md"

_INTRODUCTION = """\
# Settings

This page is made from the typed tree that reads the settings. An unknown key is an error, and
secrets are named by file or environment, never written into settings. A key without a default
must be given.
"""
_PACKAGES = ("centralino.adapters", "centralino.bootstrap")


def setting_classes(module: ModuleType) -> list[type[msgspec.Struct]]:
    """Return the structs that a module of settings defines, bases without fields left out."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and value.__module__ == module.__name__
        and fields(value)
    ]


def render() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_parts()])


def _parts() -> Iterator[str]:
    for package in _PACKAGES:
        for module in modules_below(package, defining=r"^class \w*Settings\b"):
            yield f"## `{module.__name__}`\n\n{first_paragraph(module)}\n"
            yield from map(_section, setting_classes(module))


def _section(settings: type[msgspec.Struct]) -> str:
    lines = [f"### {settings.__name__}\n", f"{cell(first_paragraph(settings))}\n"]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in fields(settings):
        default = f"`{cell(field.default)}`" if field.default else "required"
        row = f"`{field.name}` | `{cell(field.annotation)}` | {default} | {cell(field.note)}"
        lines.append(f"| {row} |")
    return "\n".join(lines) + "\n"
