# SPDX-License-Identifier: Apache-2.0
"""No file names a package registry's host or a path of somebody's machine.

Locks are written without an index, configuration with paths relative to something; whatever
names one machine works only there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

# Spelled in pieces, so that this file does not name what it looks for.
_REGISTRIES = (
    r"https?://[^ \"']*/simple\b",
    r"index" + r"-url\s*=",
    r"pypi" + r"\.org/simple",
    r"files\." + r"pythonhosted",
    r"registry\." + r"npmjs",
    r"\"resolved\":\s*\"http",
)
_MACHINE_PATHS = (
    r"(?:^|[^\w.])/(?:" + r"home/\w|root/|Users/\w|work/|farm/|opt/pypi)",
    r"(?:^|[^\w.])/tmp/" + r"(?:contracts|bash)",
)
_PATTERNS = (
    (re.compile("|".join(_REGISTRIES)), "names a package registry"),
    (re.compile("|".join(_MACHINE_PATHS)), "names a path of one machine"),
)


def check(repository: Repository) -> Iterator[Finding]:
    """Find registry hosts and machine paths in every text file."""
    for path in repository.paths:
        text = repository.text(path)
        for number, line in enumerate((text or "").splitlines(), start=1):
            for pattern, message in _PATTERNS:
                if pattern.search(line):
                    yield Finding(path, number, message)
