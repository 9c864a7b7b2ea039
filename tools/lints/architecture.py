# SPDX-License-Identifier: Apache-2.0
"""The architecture page and the folders say the same.

``docs/explanation/architecture.md`` has, in its table of folders, one row per package of
`src/centralino`, two levels deep, its path in backquotes in the first column. A package
without a row is undocumented; a row without a package is a promise that nobody kept.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "docs/explanation/architecture.md"
PACKAGE_ROOT = "src/centralino"
DEPTH = 2
_ROW = re.compile(r"^\| `([a-z_/]+)/` \|")


def check(repository: Repository) -> Iterator[Finding]:
    """Find packages that the page does not name, and the reverse."""
    page = repository.text(PAGE) if PAGE in repository.paths else None
    if page is None:
        yield Finding(PAGE, 0, "the page is missing")
        return
    rows = named_folders(page)
    packages = package_folders(repository.paths)
    for missing in sorted(packages - rows.keys()):
        yield Finding(PAGE, 0, f"the folder `{missing}/` has no row")
    for gone in sorted(rows.keys() - packages):
        yield Finding(PAGE, rows[gone], f"there is no folder `{gone}/`")


def named_folders(page: str) -> dict[str, int]:
    """Return the folders that the page's table names, each with its line."""
    found = ((_ROW.match(line), number) for number, line in enumerate(page.splitlines(), start=1))
    return {match.group(1): number for match, number in found if match}


def package_folders(paths: list[str]) -> set[str]:
    """Return the package folders below the root, `DEPTH` levels deep, relative to it."""
    folders: set[str] = set()
    for path in paths:
        if path.startswith(f"{PACKAGE_ROOT}/") and path.endswith(".py"):
            parts = PurePosixPath(path).relative_to(PACKAGE_ROOT).parts[:-1]
            folders.update(
                "/".join(parts[:depth]) for depth in range(1, min(len(parts), DEPTH) + 1)
            )
    return folders
