# SPDX-License-Identifier: Apache-2.0
"""Ruff bans what the house bans, everywhere but in the places that are for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]

BANNED = """\
# SPDX-License-Identifier: Apache-2.0
\"\"\"Reads the clock in each of the ways that are not allowed.\"\"\"

import asyncio
import datetime as dt
import os
import random
import time
import uuid
from datetime import datetime

time.time()
time.monotonic()
time.monotonic_ns()
time.sleep
datetime.now(tz=dt.UTC)
dt.datetime.now(tz=dt.UTC)
uuid.uuid4()
random.random()
os.environ
os.getenv("HOME")
asyncio.sleep
asyncio.create_task
"""


def _banned_lines(path: str) -> set[int]:
    """Return the lines that TID251 finds when the text stands at `path`."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--select=TID251"),
            *("--output-format=concise", "--stdin-filename", path, "-"),
        ],
        cwd=REPOSITORY,
        input=BANNED,
        capture_output=True,
        text=True,
        check=False,
    )
    return {int(line.split(":")[1]) for line in done.stdout.splitlines() if "TID251" in line}


@pytest.mark.parametrize(
    "path", ["src/centralino/core/a.py", "src/centralino/adapters/voice/a.py", "tests/unit/a.py"]
)
def test_every_banned_use_is_found(path: str) -> None:
    expected = range(BANNED.splitlines().index("time.time()") + 1, len(BANNED.splitlines()) + 1)
    assert _banned_lines(path) >= set(expected)


@pytest.mark.parametrize(
    "path", ["src/centralino/adapters/clock.py", "src/centralino/bootstrap/a.py"]
)
def test_the_shell_may(path: str) -> None:
    assert not _banned_lines(path)
