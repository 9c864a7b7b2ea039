# SPDX-License-Identifier: Apache-2.0
"""The voice driver keeps the contract of call control."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tests.contract.voice.call_control_cases import CallControlCases, Stage
from tests.unit.voice_calls.world import TEAMS, TENANT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

pytestmark = pytest.mark.contract


class TestVoiceDriver(CallControlCases):
    @override
    def stage(self, folder: Path) -> AbstractAsyncContextManager[Stage]:
        return _stage(folder)


@asynccontextmanager
async def _stage(folder: Path) -> AsyncIterator[Stage]:
    world = World(folder)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(world.driver.run())
        await world.settle(0.001)
        yield Stage(world.driver, TENANT, TEAMS, world.carrier.call)
        task.cancel()
        world.edge.close()
        for peer in world.peers.values():
            peer.close()
        world.inbox.close()
        world.store.close()
