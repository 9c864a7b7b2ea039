# SPDX-License-Identifier: Apache-2.0
"""The ladder finds a caller's messages on both sides, as they come, and only his."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from centralino.bootstrap.demo.ladder import MOST_DIALOGS, MessageLog, draw_ladder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

ADA, BEA = "+393335500001", "+393335500002"


def _line(at: float, part: str, call_id: str, what: str, caller: str = ADA) -> str:
    is_from_product = (part == "carrier") == what.isdigit()
    raw = f'{what} x SIP/2.0\r\nFrom: "A" <sip:{caller}@127.0.0.1;user=phone>;tag=1\r\n\r\n'
    fields = {"ts": at, "part": part, "call_id": call_id, "what": what, "cseq": "1 INVITE"}
    return json.dumps(fields | {"dir": "in" if is_from_product else "out", "raw": raw}) + "\n"


def test_both_sides_of_a_call_are_one_ladder(tmp_path: Path) -> None:
    carrier, teams = tmp_path / "carrier", tmp_path / "teams"
    log = MessageLog((carrier, teams))
    log.refresh()
    carrier.write_text(
        _line(1.0, "carrier", "a", "INVITE")
        + _line(1.1, "carrier", "b", "INVITE", BEA)
        + _line(1.2, "carrier", "a", "200")
    )
    log.refresh()
    teams.write_text(_line(1.5, "direct-routing", "c", "INVITE"))
    log.refresh()
    rungs = log.rungs(ADA)
    assert [(one.part, one.what) for one in rungs] == [
        ("carrier", "INVITE"),
        ("carrier", "200"),
        ("direct-routing", "INVITE"),
    ]
    drawn = draw_ladder(rungs)
    assert "- INVITE -" in drawn[1]
    assert drawn[1].rstrip().endswith("|")
    assert "|<------ 200 INVITE ------|" in drawn[2]
    assert "500  |" in drawn[3]
    assert "- INVITE -------->|" in drawn[3]
    assert all(len(line) < 80 for line in drawn)
    assert draw_ladder(rungs, most=1)[1:] == drawn[3:]
    assert draw_ladder([]) == []


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "carrier"
    whole = _line(1.0, "carrier", "a", "INVITE")
    path.write_text(whole[:50])
    log = MessageLog((path,))
    log.refresh()
    assert log.rungs(ADA) == []
    path.write_text(whole)
    log.refresh()
    assert len(log.rungs(ADA)) == 1


def test_the_oldest_calls_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "carrier"
    lines = [_line(n, "carrier", str(n), "INVITE", f"+39{n:04}") for n in range(MOST_DIALOGS + 2)]
    path.write_text("".join(lines))
    log = MessageLog((path,))
    log.refresh()
    assert [bool(log.rungs(f"+39{n:04}")) for n in (0, 1, 2)] == [False, False, True]
