# SPDX-License-Identifier: Apache-2.0
"""A voice process on the loopback between two carriers that sipp plays."""

from __future__ import annotations

import asyncio
import csv
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice.process import VoiceProcess
from centralino.adapters.voice.settings import (
    ListenerSettings,
    MatchRule,
    OptionsSettings,
    ProxySettings,
    TraceSettings,
    TrunkLimits,
    TrunkSettings,
    VoiceSettings,
)
from centralino.core.kernel.ids import TenantId, TrunkId
from tests.kit.ports import free_port
from tests.kit.processes import Child, running
from tests.kit.requirements import require_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from centralino.adapters.voice.call_settings import CallSettings
    from centralino.adapters.voice.edge import RestorableMedia

HERE = Path(__file__).parent
CALLER, CALLEE = TrunkId("caller"), TrunkId("callee")
CALLER_ADDRESS, CALLEE_ADDRESS = "127.0.0.2", "127.0.0.3"


def trunk(name: TrunkId, address: str, port: int) -> TrunkSettings:
    """A carrier at one address of the loopback."""
    return TrunkSettings(
        trunk=name,
        tenant=TenantId("acme"),
        profile="carrier",
        transport="udp",
        proxies=(ProxySettings(host=address, port=port),),
        match=MatchRule(networks=(f"{address}/32",)),
        contact_host="127.0.0.1",
        options=OptionsSettings(enabled=False),
        limits=TrunkLimits(max_calls=5000, calls_per_s=1000, burst=1000),
        session_timer=False,
        is_lab=True,
    )


def voice_settings(folder: Path, own: int, caller: int, callee: int) -> VoiceSettings:
    """A voice process that listens on ``own`` between carriers at two ports."""
    return VoiceSettings(
        listeners=(ListenerSettings(transport="udp", port=own),),
        trunks=(trunk(CALLER, CALLER_ADDRESS, caller), trunk(CALLEE, CALLEE_ADDRESS, callee)),
        data_dir=str(folder / "data"),
        recording_dir=str(folder / "recordings"),
        run_dir=str(folder),
        calls_per_s=2000,
        max_calls=10000,
        trace=TraceSettings(enabled=False),
    )


@dataclass
class Rig:
    """The ports, and the process if it is one of ours."""

    folder: Path
    own: int
    caller: int
    callee: int
    voice: VoiceProcess | None = None

    @asynccontextmanager
    async def sipp(
        self, scenario: str, address: str, port: int, *more: str
    ) -> AsyncIterator[Child]:
        """Run sipp with a scenario of ours."""
        arguments = [
            require_program("sipp"), f"127.0.0.1:{self.own}", "-sf", str(HERE / scenario),
            "-i", address, "-p", str(port), "-nostdin", "-trace_stat", "-fd", "1",
            "-stf", str(self.folder / f"{scenario}.csv"), *more,
        ]  # fmt: skip
        async with running(*arguments, folder=self.folder) as child:
            yield child

    async def call(self, calls: int, rate: int, *more: str) -> dict[str, str]:
        """Let the caller make calls to the callee; returns the caller's last figures."""
        async with self.sipp("callee.xml", CALLEE_ADDRESS, self.callee) as callee:
            del callee
            async with self.sipp(
                "caller.xml", CALLER_ADDRESS, self.caller,
                "-m", str(calls), "-r", str(rate), "-l", "2000", "-d", "200", *more,
            ) as caller:  # fmt: skip
                status = await caller.wait(timeout_s=40)
                assert status == 0, caller.output
        return last_figures(self.folder / "caller.xml.csv")


def last_figures(path: Path) -> dict[str, str]:
    """Return the last row of a sipp statistics file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))[-1]


@asynccontextmanager
async def rig(
    folder: Path, calls: CallSettings, media: RestorableMedia, *, like: Rig | None = None
) -> AsyncIterator[Rig]:
    """Run a voice process for two carriers while the block is open.

    `like` names one whose ports and files are used again. The exchange connects to `v.sock`.
    """
    own, caller, callee = free_port(), free_port(), free_port()
    if like is not None:
        own, caller, callee = like.own, like.caller, like.callee
    settings = voice_settings(folder, own, caller, callee)
    voice = VoiceProcess(settings, calls, media, SystemClock())
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run(folder / "v.sock", ready.set))
        async with asyncio.timeout(10):
            await ready.wait()
        try:
            yield Rig(folder, own, caller, callee, voice)
        finally:
            task.cancel()
