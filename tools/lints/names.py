# SPDX-License-Identifier: Apache-2.0
"""Names that say nothing: modules for leftovers, fakes called mocks, ports without their name.

A module named after what is left over attracts more of it; a fake that is called a mock
promises nothing; a protocol of ``exchange/ports.py`` is found by its ending.
"""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, Source, dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY_NAMES = frozenset(
    {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
)
PORTS = "src/centralino/exchange/ports.py"


def check(repository: Repository) -> Iterator[Finding]:
    """Find modules and classes whose names say nothing."""
    for source in repository.sources():
        parts = PurePosixPath(source.path).with_suffix("").parts
        for part in EMPTY_NAMES.intersection(parts):
            yield Finding(source.path, 0, f"{part!r} says nothing: name what it keeps")
        yield from _classes(source)


def _classes(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        if "Mock" in node.name:
            message = f"{node.name}: a fake is called InMemory... or Simulated..."
            yield Finding(source.path, node.lineno, message)
        is_protocol = "Protocol" in {dotted_name(base).rsplit(".", 1)[-1] for base in node.bases}
        if source.path == PORTS and is_protocol and not node.name.endswith("Port"):
            yield Finding(source.path, node.lineno, f"{node.name}: a port's name ends in Port")
