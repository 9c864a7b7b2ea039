# SPDX-License-Identifier: Apache-2.0
"""What the explanations name in backquotes is there.

Pages under ``docs/explanation`` walk through the sources. Three kinds of names are checked: a
path that ends in ``.py`` (relative to the package or the repository), ``owner.name`` where the
owner is a module or a class, and a class alone. Anything else in backquotes is left alone: a
command, a setting, a word of SIP.
"""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = "docs/explanation/"
PACKAGE_ROOT = "src/centralino/"
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w/]+\.py")
_DOTTED = re.compile(r"(\w+)\.(\w+)")
_CLASS = re.compile(r"[A-Z][A-Za-z]*[a-z][A-Za-z]*")
_FENCE = "```"

Names = dict[str, set[str]]


def check(repository: Repository) -> Iterator[Finding]:
    """Find names in the explanations that nothing in the tree has."""
    pages = [p for p in repository.paths if p.startswith(PAGES) and p.endswith(".md")]
    if not pages:
        return
    paths = set(repository.paths)
    owners = owned_names(repository.sources())
    for page in pages:
        for line, quoted in quoted_words(repository.text(page) or ""):
            if not _is_there(quoted, paths, owners):
                yield Finding(page, line, f"there is no `{quoted}`")


def quoted_words(page: str) -> Iterator[tuple[int, str]]:
    """Yield each word in backquotes with its line; blocks of code are left out."""
    is_block = False
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith(_FENCE):
            is_block = not is_block
        elif not is_block:
            for found in _QUOTED.finditer(line):
                yield number, found[1]


def owned_names(sources: list[Source]) -> Names:
    """Return what modules (by file name) and classes own: functions, classes, attributes."""
    owners: Names = {}
    for source in sources:
        stem = PurePosixPath(source.path).stem
        owners.setdefault(stem, set()).update(_defined(source.tree.body))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                owners.setdefault(node.name, set()).update(_defined(node.body))
    return owners


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_there(quoted: str, paths: set[str], owners: Names) -> bool:
    if _PATH.fullmatch(quoted):
        return quoted in paths or f"{PACKAGE_ROOT}{quoted}" in paths
    if dotted := _DOTTED.fullmatch(quoted):
        owner, name = dotted.groups()
        return name in owners.get(owner, ())
    if _CLASS.fullmatch(quoted):
        return quoted in owners
    return True
