# SPDX-License-Identifier: Apache-2.0
"""Tests never sleep: they wait for the fact, or let virtual time pass.

Ruff's banned-api rule sees `time.sleep` and `asyncio.sleep`; this one also sees other ways
to wait for a length of time, and mocks that are patched in by a string path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lints.repository import Finding, Repository, dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPS = frozenset({"sleep", "usleep", "nanosleep"})
PATCHES = frozenset({"mock.patch", "patch", "mocker.patch"})


def check(repository: Repository) -> Iterator[Finding]:
    """Find calls in tests that sleep, or that patch by a string."""
    for source in repository.sources("tests/"):
        for call in source.calls():
            name = dotted_name(call.func)
            if name.rsplit(".", 1)[-1] in SLEEPS:
                yield Finding(source.path, call.lineno, f"a test sleeps: {name}")
            if name in PATCHES or name.endswith(".mock.patch"):
                yield Finding(source.path, call.lineno, "a test patches by path: inject a fake")
