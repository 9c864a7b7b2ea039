# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of each process while people talk: who is still there, and how long it was silent.

The gap is measured where it counts, between two packets at the far ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.wire.product.stage import Plot, Stage, caller, stage, until, user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from centralino.simulators.party.party import Party
    from centralino.simulators.scenario import Caller

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

CALLS = 6
LONGEST_GAP_MS = 1000.0


async def talking(s: Stage, lines: tuple[Caller, ...]) -> list[Party]:
    """Bring all callers to an agent whom they hear; return everybody's ears."""
    for line in lines:
        s.carrier.call(line)
    for line in lines:
        await s.report.wait_for("call.heard", number=line.number, timeout_s=40)
        await s.report.wait_for("user.heard", tone_hz=line.tone_hz, timeout_s=40)
    parties = [call.party for call in s.carrier.caller_calls()]
    return parties + [call.party for call in s.teams.user_calls() if call.party is not None]


def heard_ms(party: Party) -> int:
    """Return how long all watched tones were heard."""
    return sum(party.ear.heard_ms.values())


@pytest.mark.parametrize("victim", ["media-0", "voice", "exchange"])
def test_calls_outlive_their_process(
    tmp_path: Path, victim: str, record_property: Callable[[str, object], None]
) -> None:
    async def run() -> None:
        users = tuple(user(i) for i in range(CALLS))
        lines = tuple(caller(i, talk_for_ms=600_000) for i in range(CALLS))
        async with stage(tmp_path, Plot(users=users, callers=lines)) as s:
            parties = await talking(s, lines)
            assert len(parties) == 2 * CALLS
            for party in parties:
                party.figures.longest_gap_ms = 0.0
            await s.kill_and_wait(victim)
            before = [heard_ms(party) for party in parties]
            await until(
                lambda: all(
                    heard_ms(party) >= start + 600
                    for party, start in zip(parties, before, strict=True)
                )
            )
            gaps = [party.figures.longest_gap_ms for party in parties]
            record_property("longest_gap_ms", max(gaps))
            assert s.report.of("call.ended") == []
            assert s.report.of("user.ended") == []
            assert max(gaps) < LONGEST_GAP_MS, gaps
            # The calls can still be ended, and the other side is told.
            for call in s.carrier.caller_calls():
                call.hang_up()
            for agent in users:
                ended = await s.report.wait_for("user.ended", number=agent.number)
                assert ended["how"] == "bye-received"

    asyncio.run(run())
