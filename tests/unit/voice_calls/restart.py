# SPDX-License-Identifier: Apache-2.0
"""Killing the driver of a world and starting the next one on the same files."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.unit.voice_calls.world import InMemoryEdge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.voice_calls.world import World


@asynccontextmanager
async def restarted(world: World) -> AsyncIterator[None]:
    """Kill the driver and its endpoint, start the next one on the same files."""
    await world.settle()
    for task in world.running:
        task.cancel()
    await asyncio.wait(world.running)
    world.edge.close()
    world.inbox.close()
    world.store.close()
    world.generation += 1
    world.edge = InMemoryEdge(world)
    world.start_driver()
    world.media.claimed.clear()
    await world.driver.restore(world.media)
    world.media.release_unclaimed()
    world.edge.flush()
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(world.driver.run()), tasks.create_task(world.read_facts())]
        await world.settle(0.001)
        try:
            yield
        finally:
            for task in running:
                task.cancel()
