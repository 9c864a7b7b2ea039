# SPDX-License-Identifier: Apache-2.0
"""How the pages find what they show: modules of our package and the text beside fields.

Importing is safe: no module of ours does anything on import.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import itertools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def modules_below(package: str, *, defining: str) -> Iterator[ModuleType]:
    """Import and yield the modules below `package` whose text matches `defining`, sorted.

    Only those are imported, so that a page about tables never needs an optional codec.
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        return
    for root in map(Path, spec.submodule_search_locations or ()):
        for path in sorted(root.rglob("*.py")):
            if re.search(defining, path.read_text(encoding="utf-8"), re.MULTILINE):
                parts = path.relative_to(root).with_suffix("").parts
                yield importlib.import_module(".".join((package, *parts)))


def first_paragraph(documented: object) -> str:
    """Return the first paragraph of a docstring as one line, empty when there is none."""
    text = inspect.getdoc(documented) or ""
    return " ".join(text.split("\n\n")[0].split())


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class as it stands in the file."""

    name: str
    annotation: str
    default: str
    """Empty when the field must be given."""
    note: str
    """The string below the field, as one line; empty when there is none."""


def fields(owner: type) -> list[Field]:
    """Return the fields of a class of ours, those of its bases first."""
    found: dict[str, Field] = {}
    for cls in reversed(owner.__mro__):
        if cls.__module__.startswith("centralino."):
            body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
            found |= {field.name: field for field in _fields_of(body[0])}
    return list(found.values())


def _fields_of(definition: ast.stmt) -> Iterator[Field]:
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    for field, below in itertools.zip_longest(statements, statements[1:]):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        annotation = ast.unparse(field.annotation)
        if not annotation.startswith("ClassVar"):
            default = ast.unparse(field.value) if field.value else ""
            yield Field(field.target.id, annotation, default, _string(below))


def _string(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def cell(text: str) -> str:
    """Make `text` safe inside a Markdown table: no bars, and double backquotes made single."""
    return text.replace("``", "`").replace("|", "\\|")
