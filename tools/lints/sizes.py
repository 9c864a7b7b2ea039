# SPDX-License-Identifier: Apache-2.0
"""How large a file, a class or a function may grow before it is more than one secret.

The hard limits fail; between the aim and the limit a place is only listed, by
``python -m tools.lints --sizes``. Lines are counted without blank ones, comments and docstrings: to
explain something never makes it too long.
"""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_LINES_AIM, FILE_LINES_LIMIT = 300, 450
FUNCTION_LINES_AIM, FUNCTION_LINES_LIMIT = 40, 60
PUBLIC_METHODS_AIM, PUBLIC_METHODS_LIMIT = 15, 40

_SILENT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef


def check(repository: Repository) -> Iterator[Finding]:
    """Find what is over its hard limit."""
    yield from measure(repository, FILE_LINES_LIMIT, FUNCTION_LINES_LIMIT, PUBLIC_METHODS_LIMIT)


def report(repository: Repository) -> Iterator[Finding]:
    """List what is over its aim: each a place to ask whether it is still one secret."""
    yield from measure(repository, FILE_LINES_AIM, FUNCTION_LINES_AIM, PUBLIC_METHODS_AIM)


def measure(
    repository: Repository, file_lines: int, function_lines: int, public_methods: int
) -> Iterator[Finding]:
    """Find files, functions and classes over the given limits."""
    for source in repository.sources("src/", "tools/", "bench/"):
        code = code_lines(source)
        if len(source.lines) > file_lines:
            yield Finding(source.path, 0, f"{len(source.lines)} lines, at most {file_lines}")
        for node in ast.walk(source.tree):
            if isinstance(node, _Definition):
                length = len(code.intersection(range(node.lineno, (node.end_lineno or 0) + 1)))
                if length > function_lines:
                    message = f"{node.name} has {length} lines of code, at most {function_lines}"
                    yield Finding(source.path, node.lineno, message)
            elif isinstance(node, ast.ClassDef):
                count = sum(map(_is_public_method, node.body))
                if count > public_methods:
                    message = f"{node.name} has {count} public methods, at most {public_methods}"
                    yield Finding(source.path, node.lineno, message)


def code_lines(source: Source) -> frozenset[int]:
    """Return the numbers of the lines that hold code."""
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type not in _SILENT:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(found)


def _is_public_method(node: ast.stmt) -> bool:
    return isinstance(node, _Definition) and not node.name.startswith("_")
