# SPDX-License-Identifier: Apache-2.0
"""A proxy that takes connections and never answers an INVITE (INB-18), before the product."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.settings import TEAMS_PROXIES
from centralino.simulators.scenario import Fault
from tests.wire.product.stage import Plot, caller, stage, user

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]


def test_the_agent_is_reached_by_the_second_proxy(tmp_path: Path) -> None:
    async def run() -> None:
        anna, line = user(1), caller(1, patience_ms=20_000, talk_for_ms=6500)
        silent = Fault(when="invite", do="drop", proxy=TEAMS_PROXIES[0])
        async with stage(tmp_path, Plot(users=(anna,), callers=(line,), faults=(silent,))) as s:
            s.carrier.call(line)
            await s.report.wait_for("call.key", timeout_s=20)
            async with asyncio.timeout(7):
                await s.report.wait_for("user.called")
            ended = await s.report.wait_for("user.ended", timeout_s=20)
            assert ended["tones_heard"] == [line.tone_hz]
            assert len(s.report.of("user.called")) == 1
            told = (s.folder / "data" / "log" / "voice.log").read_text()
            assert '"cause": "timeout"' in told

    asyncio.run(run())
