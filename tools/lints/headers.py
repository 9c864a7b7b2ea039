# SPDX-License-Identifier: Apache-2.0
"""Every source says its licence in its first line and its secret in a docstring.

The shell's first line may be the interpreter's. A package's empty ``__init__.py`` needs no
docstring only in tests, where folders are no more than folders.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

SPDX = "# SPDX-License-Identifier: Apache-2.0"
DOCSTRING_LINES = range(1, 41)
"""How many lines a module's docstring may have. Three to fifteen is usual, a page is the end."""


def check(repository: Repository) -> Iterator[Finding]:
    """Find sources without the SPDX line, and modules without a docstring of sane length."""
    for source in repository.sources():
        if not source.text.strip():
            if source.path.startswith("src/"):
                yield Finding(source.path, 0, "an empty file says nothing: give it a docstring")
            continue
        if SPDX not in source.lines[:2]:
            yield Finding(source.path, 1, f"the first line is not {SPDX!r}")
        yield from _docstring(source)
    for path in repository.paths:
        if path.endswith(".sh") and SPDX not in (repository.text(path) or "").splitlines()[:2]:
            yield Finding(path, 2, f"the second line is not {SPDX!r}")


def _docstring(source: Source) -> Iterator[Finding]:
    docstring = ast.get_docstring(source.tree)
    if docstring is None:
        if not source.path.startswith("tests/") or not source.path.endswith("__init__.py"):
            yield Finding(source.path, 1, "the module has no docstring")
    elif len(docstring.splitlines()) not in DOCSTRING_LINES:
        yield Finding(source.path, 1, f"the docstring is longer than {DOCSTRING_LINES.stop - 1}")
