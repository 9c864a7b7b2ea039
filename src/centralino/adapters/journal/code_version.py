# SPDX-License-Identifier: Apache-2.0
"""The fingerprint of the code that turns events into state.

It covers every file of the core and of the third parties that the core may use, because a
change in any of them may fold the same events into another state.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import centralino.core

_LIBRARIES = ("msgspec", "cel-expr-python", "holidays", "phonenumbers", "tzdata", "numpy")


@cache
def code_fingerprint() -> str:
    """Return the release and a hash of what decides. Cost: reads the core once, a few ms."""
    digest = hashlib.sha256()
    (root,) = centralino.core.__path__
    for path in sorted(Path(root).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    return f"{version('centralino')}+{digest.hexdigest()[:16]}"


def _version(library: str) -> str:
    try:
        return version(library)
    except ModuleNotFoundError:
        return "absent"
