# SPDX-License-Identifier: Apache-2.0
"""sipp calls sipp through a relay route: a peer we did not write judges both dialogs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.call_settings import CallSettings, RelayRouteSettings
from tests.unit.voice_calls.world import InMemoryMedia
from tests.wire.voice_calls.rig import CALLEE, CALLER, rig

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("mode", ["signalling-only", "anchored"])
def test_every_call_gets_through(
    short_folder: Path, mode: Literal["signalling-only", "anchored"]
) -> None:
    async def story() -> None:
        route = RelayRouteSettings(name="r", from_trunk=CALLER, to_trunk=CALLEE, mode=mode)
        media = InMemoryMedia()
        async with rig(short_folder, CallSettings(routes=(route,)), media) as there:
            figures = await there.call(40, 20)
            assert figures["SuccessfulCall(C)"] == "40"
            assert figures["FailedCall(C)"] == "0"
            assert there.voice is not None
            assert there.voice.relay.live_count == 0
            assert there.voice.relay.placed_count == 40
            assert not media.open

    asyncio.run(story())
