# SPDX-License-Identifier: Apache-2.0
"""A stream for log lines that never fails.

A log may lie on a disk that is full, go to a collector that has died, or be closed by whoever
gave it. None is a reason to end calls: what cannot be written is lost, and what comes later is
written again.
"""

from __future__ import annotations

import contextlib
import io
from typing import TextIO, cast

from typing_extensions import override

_FAILURES = (OSError, ValueError)
"""A closed stream raises ValueError."""


def lasting(target: TextIO) -> TextIO:
    """Return a stream that passes text on to ``target`` and never fails."""
    return cast("TextIO", _LastingStream(target))


class _LastingStream(io.TextIOBase):
    """Passes text on, and survives when that fails."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    @override
    def write(self, text: str) -> int:
        """Write, or lose it."""
        with contextlib.suppress(*_FAILURES):
            self._target.write(text)
        return len(text)

    @override
    def flush(self) -> None:
        """Flush, or not."""
        with contextlib.suppress(*_FAILURES):
            self._target.flush()

    @override
    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._target.isatty()
