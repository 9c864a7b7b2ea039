# SPDX-License-Identifier: Apache-2.0
"""The page of settings: every key of the typed tree, with type, default and reason."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import inspect

from centralino.bootstrap.settings import Settings
from tools.pages.discovery import cell, fields, first_paragraph

PATH = "reference/settings.md"

_INTRODUCTION = """\
# Settings

This page is made from the typed tree that reads the settings: defaults, then a YAML file, then the
environment, where `CENTRALINO__voice__max_calls=100` sets `voice.max_calls` and list items are
given by their number. An unknown key is an error. Secrets are never settings; a key names the file
that holds one. `[]` stands for each item of a list, `<key>` for each
name of a table. Where one of several kinds may stand, its word decides which keys it has.
"""


_WORDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.NoneType: "null",
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One struct of the tree and where it hangs."""

    path: str
    """Empty for the root."""
    cls: type[msgspec.Struct]
    kinds: dict[str, str]
    """What a field takes, in words, by the field's name."""


def branches(root: type[msgspec.Struct]) -> list[Branch]:
    """Return the tree below `root`, each struct once at its shortest place, parents first."""
    paths: dict[type[msgspec.Struct], str] = {}
    waiting = deque([("", root)])
    while waiting:
        path, cls = waiting.popleft()
        if cls in paths:
            continue
        paths[cls] = path
        for name, kind in _fields(cls):
            waiting.extend(_structs(kind, f"{path}.{name}".lstrip(".")))
    found = [
        Branch(path, cls, {name: describe(kind, paths) for name, kind in _fields(cls)})
        for cls, path in paths.items()
    ]
    return sorted(found, key=lambda branch: branch.path)


def _fields(cls: type[msgspec.Struct]) -> list[tuple[str, inspect.Type]]:
    info = inspect.type_info(cls)
    if not isinstance(info, inspect.StructType):
        return []
    return [(field.name, field.type) for field in info.fields]


def describe(kind: inspect.Type, paths: dict[type[msgspec.Struct], str]) -> str:
    """Say in words what a value of `kind` may be; structs are referred to by their path."""
    match kind:
        case inspect.StructType():
            path = paths[kind.cls]
            return f"[`{path}`](#{_anchor(path)})"
        case inspect.UnionType():
            return " or ".join(_option(option, kind, paths) for option in kind.types)
        case inspect.VarTupleType() | inspect.ListType():
            return f"list of {describe(kind.item_type, paths)}"
        case inspect.DictType():
            return f"{describe(kind.value_type, paths)} by key"
        case inspect.LiteralType():
            return " or ".join(f"`{value}`" for value in kind.values)
        case inspect.IntType() | inspect.FloatType():
            word = "whole number" if isinstance(kind, inspect.IntType) else "number"
            return word + _range(kind)
        case _:
            return _WORDS.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


def _option(
    option: inspect.Type, union: inspect.UnionType, paths: dict[type[msgspec.Struct], str]
) -> str:
    """Describe one of several; a struct that only its tag tells from the others, by its tag."""
    if isinstance(option, inspect.StructType) and _is_tagged(union):
        return f"[{option.tag}](#{_anchor(paths[option.cls])})"
    return describe(option, paths)


def _is_tagged(union: inspect.UnionType) -> bool:
    structs = [one for one in union.types if isinstance(one, inspect.StructType)]
    return len(structs) > 1 and all(one.tag is not None for one in structs)


def _anchor(path: str) -> str:
    """Return what the documentation makes of a heading: its address within the page."""
    kept = re.sub(r"[^a-z0-9_\s-]", "", path.lower())
    return re.sub(r"[-\s]+", "-", kept)


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = (("from", kind.ge), ("above", kind.gt), ("to", kind.le), ("below", kind.lt))
    return "".join(f" {word} {value:g}" for word, value in bounds if value is not None)


def _structs(kind: inspect.Type, path: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    match kind:
        case inspect.StructType():
            yield path, kind.cls
        case inspect.UnionType():
            for option in kind.types:
                if isinstance(option, inspect.StructType) and _is_tagged(kind):
                    yield f"{path} {option.tag}", option.cls
                else:
                    yield from _structs(option, path)
        case inspect.VarTupleType() | inspect.ListType():
            yield from _structs(kind.item_type, f"{path}[]")
        case inspect.DictType():
            yield from _structs(kind.value_type, f"{path}.<key>")
        case _:
            pass


def render() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *map(_section, branches(Settings))])


def _default(code: str) -> str:
    if not code:
        return "required"
    return "its own" if code.endswith("()") else f"`{cell(code)}`"


def _section(branch: Branch) -> str:
    title = f"`{branch.path}`" if branch.path else "The root"
    lines = [f"## {title}\n", f"{cell(first_paragraph(branch.cls))}\n"]
    lines += ["| key | takes | default | meaning |", "|---|---|---|---|"]
    for field in fields(branch.cls):
        default = _default(field.default)
        kind = cell(branch.kinds.get(field.name, field.annotation))
        lines.append(f"| `{field.name}` | {kind} | {default} | {cell(field.note)} |")
    return "\n".join(lines) + "\n"
