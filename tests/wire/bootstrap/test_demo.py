# SPDX-License-Identifier: Apache-2.0
"""The whole product in its real processes, judged by what each party heard.

The first run also loses its exchange in the middle; the second has a mute agent and must
not pass.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(150)]

SEED = "370"
"""Of the five callers of its first seconds two want sales, two support, and one the guide."""
KEYS = {
    "calls": {
        *("offered", "answered", "abandoned", "missed", "overflowed", "transferred", "failed"),
    },
    "audio": {"checked", "both_ways"},
    "recordings": {"made", "both_channels"},
    "journal": {"events", "replay_identical"},
}


def _demo(directory: Path, *options: str, kills: str = "") -> tuple[int, dict[str, Any], str]:
    """Run a demo; kill the process ``kills`` when the first call is over."""
    out = directory / "summary.json"
    command = [
        *(sys.executable, "-m", "centralino.cli.main", "demo", "--headless"),
        *("--seed", SEED, "--data", str(directory / "data"), "--json", str(out)),
        *options,
    ]
    said = []
    pid = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            said.append(line)
            ready = re.match(rf"\s+{kills} is ready \(process (\d+)\)", line)
            if kills and ready:
                pid = int(ready[1])
            if pid and line.startswith("- "):
                os.kill(pid, signal.SIGKILL)
                pid = 0
    text = "".join(said)
    assert out.is_file(), text
    return demo.returncode, json.loads(out.read_text(encoding="utf-8")), text


def test_every_answered_call_is_heard_both_ways_also_when_the_exchange_is_killed(
    tmp_path: Path,
) -> None:
    code, summary, text = _demo(tmp_path, "--seconds", "7", kills="exchange")
    answered = summary["calls"]["answered"]
    assert "exchange ended (signal SIGKILL), starting it again" in text
    assert {part: set(summary[part]) for part in KEYS} == KEYS
    assert set(summary) == {*KEYS, "lost"}
    assert answered >= 2, text
    assert summary["calls"]["transferred"] >= 1, text
    assert summary["audio"] == {"checked": answered, "both_ways": answered}, text
    assert summary["recordings"] == {"made": answered, "both_channels": answered}, text
    assert summary["journal"]["replay_identical"]
    assert (code, summary["lost"], summary["calls"]["failed"]) == (0, 0, 0), text


def test_a_planted_mute_makes_it_fail(tmp_path: Path) -> None:
    code, summary, text = _demo(tmp_path, "--seconds", "3", "--plant", "mute")
    assert code == 1
    assert summary["audio"]["both_ways"] < summary["audio"]["checked"], text
    assert summary["recordings"]["both_channels"] < summary["recordings"]["made"], text
    assert summary["lost"] == 0
