# SPDX-License-Identifier: Apache-2.0
"""Single keys from a terminal while a picture is drawn on it. Linux: ``termios(3)``."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MOST = 32


@contextmanager
def keys_of_terminal(take: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Take keys at once and unseen; yields what must be called once the loop runs.

    Without a terminal there are no keys, and nothing is changed.
    """
    if not sys.stdin.isatty():
        yield lambda: None
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    changed = termios.tcgetattr(terminal)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(terminal, termios.TCSADRAIN, changed)

    def read() -> None:
        for key in os.read(terminal, _MOST).decode("utf-8", "ignore"):
            take(key)

    try:
        yield lambda: asyncio.get_running_loop().add_reader(terminal, read)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
