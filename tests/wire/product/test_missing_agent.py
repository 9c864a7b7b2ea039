# SPDX-License-Identifier: Apache-2.0
"""An agent who does not exist in Teams: noticed at the first call, passed over, named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.core.kernel.ids import AgentId
from centralino.core.routing.configuration import AgentConfiguration
from tests.wire.product.stage import TEAMS_TRUNK, Plot, caller, stage, until, user
from tests.wire.product.test_flows import tenant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

GHOST = AgentId("a-ghost")
"""Comes before everybody else among those who are idle as long."""


def test_the_customer_reaches_the_next_agent_and_the_ghost_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        agent = user(1)
        line = caller(1, talk_for_ms=3000)
        plain = tenant((agent,))
        (queue,) = plain.queues
        ghost = AgentConfiguration(
            id=GHOST, name="Ghost Example", trunk=TEAMS_TRUNK, target="+390288800199"
        )
        haunted = msgspec.structs.replace(
            plain,
            agents=(ghost, *plain.agents),
            queues=(msgspec.structs.replace(queue, agents=(GHOST, *queue.agents)),),
        )
        async with stage(tmp_path, Plot(users=(agent,), callers=(line,), tenant=haunted)) as s:
            s.carrier.call(line)
            await s.report.wait_for("user.heard", tone_hz=line.tone_hz, timeout_s=40)
            text = s.journal_text()
            assert '"reason":"phone-not-found"' in text
            assert text.index('"offer.failed"') < text.index('"offer.accepted"')
            await until(lambda: "interaction.ended" in s.journal_text(), timeout_s=40)

    asyncio.run(run())
