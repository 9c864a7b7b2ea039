# SPDX-License-Identifier: Apache-2.0
"""What the rules look at: the tracked and the new files of the repository, parsed once.

A rule sees what git would see: ignored files do not exist for it. Sources that do not parse
are another tool's finding, so here they are an error.
"""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from typing_extensions import override


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    """Relative to the repository."""
    line: int
    """From 1; 0 where the whole file is meant."""
    message: str

    @override
    def __str__(self) -> str:
        """Lay the finding out the way editors can follow."""
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file without their ends."""
        return self.text.splitlines()

    def calls(self) -> list[ast.Call]:
        """Every call in the file."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]


class Repository:
    """The files of one work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def paths(self) -> list[str]:
        """Every file that is tracked, or new and not ignored, relative to the root; sorted."""
        listed = subprocess.run(
            ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),  # noqa: S607 - git is where the developer has it
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        return sorted({path for path in listed if path and (self.root / path).is_file()})

    def sources(self, *folders: str) -> list[Source]:
        """Return the Python files below `folders`, all of them when none is given."""
        return [
            self._source(path)
            for path in self.paths
            if path.endswith(".py") and (not folders or path.startswith(folders))
        ]

    def text(self, path: str) -> str | None:
        """Return the content of a text file, or None for one that is not UTF-8 text."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None

    @cache  # noqa: B019 - one repository lives as long as the process
    def _source(self, path: str) -> Source:
        return Source(path, (self.root / path).read_text(encoding="utf-8"))


def dotted_name(node: ast.expr) -> str:
    """Spell an attribute chain (`a.b.c`), or an empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted_name(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
