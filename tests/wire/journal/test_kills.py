# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of the exchange at random moments, under load: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.wire.journal.kill_rig import run_kills

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

KILLS = 10


def test_ten_kills_lose_nobody_and_do_nothing_twice(tmp_path: Path) -> None:
    found = asyncio.run(run_kills(tmp_path, KILLS, seed=4))
    assert found.twice == ()
    assert found.lost == 0
    assert found.arrived == found.callers
    assert found.is_identical
    assert found.answered > KILLS
