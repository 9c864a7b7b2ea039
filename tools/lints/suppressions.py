# SPDX-License-Identifier: Apache-2.0
"""A suppressed finding has a code and a reason, and there are few of them.

``# type: ignore[code]  # reason`` and ``# noqa: CODE - reason``; in tests a code is enough for the
latter. The budget of type ignores is counted over `src`, per thousand lines. Tests are not skipped
or expected to fail where they stand: a missing program is for `tests.kit.requirements`.
"""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

IGNORES_PER_1000_LINES = 0.5
_TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[\w, -]+\])?(?P<reason>\s*#\s*\S+)?")
_NOQA = re.compile(
    r"#\s*noqa(?P<code>:\s*[A-Z]+\d+(?:[, ]+[A-Z]+\d+)*)?(?P<reason>\s+(?:[-:#]+\s*)?\w+)?"
)
_LEFT_OPEN = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_SKIPPED = re.compile(r"@?pytest\.mark\.(?:skip|xfail)")


def check(repository: Repository) -> Iterator[Finding]:
    """Find suppressions without code or reason, too many of them, and work left open."""
    ignores = lines = 0
    for source in repository.sources():
        if source.path.startswith("src/"):
            lines += len(source.lines)
            ignores += source.text.count("# type: " + "ignore")
        yield from _comments(source)
        if source.path.startswith("tests/"):
            for number, line in enumerate(source.lines, start=1):
                if _SKIPPED.search(line):
                    yield Finding(source.path, number, "a test is switched off where it stands")
    budget = max(lines / 1000 * IGNORES_PER_1000_LINES, 1)
    if ignores > budget:
        yield Finding("src", 0, f"{ignores} type ignores in {lines} lines, at most {budget:.0f}")


def _comments(source: Source) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        for pattern in (_TYPE_IGNORE, _NOQA):
            found = pattern.search(token.string)
            is_told = pattern is _NOQA and source.path.startswith("tests/")
            if found and not (found["code"] and (found["reason"] or is_told)):
                yield Finding(source.path, token.start[0], "a suppression needs code and reason")
        if _LEFT_OPEN.search(token.string):
            yield Finding(source.path, token.start[0], "work left open: finish it or file an issue")
