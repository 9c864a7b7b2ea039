# SPDX-License-Identifier: Apache-2.0
"""What a call through a queue costs the whole product, and how fast agents are rung.

Real processes (voice, one media worker, exchange with its journal, edge with the status
page), the far side in a process of its own: callers over UDP, agents as Teams users over
mutual TLS with SRTP. The flow is one queue node, nothing is recorded, as in the published
figures of the peer. What a call is made of: both SIP legs, answered, keys agreed, music to
the caller until the agent has answered, both ways of audio passed on and decrypted or
encrypted on the agent's side, the end of both legs, and every decision in the journal on
the disk. CPU is that of all processes of the product from the first call to the end of the
last; what they use when nothing happens is in it, and stands beside it as its floor. The
runs with 100 and with 1,000 members take turns, so that both see the same machine. A run in
which a call is lost is void.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measurement import Measurement
from centralino.bootstrap.children import start_product
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.supervisor import Supervisor
from centralino.core.flows.document import Catalogue, Flow, PublishedFlow
from centralino.core.flows.nodes import HangUpNode, MusicStep, QueueNode
from centralino.core.kernel.ids import AgentId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.simulators.scenario import save_scenario
from tests.wire.product.stage import (
    NUMBER,
    QUEUE,
    TEAMS_TRUNK,
    TENANT,
    Plot,
    caller,
    free_ports,
    scenario_for,
    settings_for,
    user,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PREFIX = "exchange.queue_"
CALLS, PER_S = 60, 10.0
"""Of one slice."""
SLICES = 3
WAITING = 100
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROCESSES = ("voice", "media-0", "exchange", "edge")


@dataclass(frozen=True)
class Seen:
    """What the far side saw of some calls."""

    answered: int
    failed: int
    set_up_ms: list[float]
    gaps_ms: list[float]
    cpu_s: dict[str, float]
    """By process of the product."""
    idle_cpu_s: float
    """What all of them use in the same time when nothing happens."""

    @property
    def calls(self) -> int:
        """How many there were."""
        return self.answered + self.failed

    def cpu_ms_per_call(self, *names: str) -> float:
        """Return what these processes used per call."""
        return sum(self.cpu_s[name] for name in names) * 1000 / self.calls

    def with_more(self, more: Seen) -> Seen:
        """Return both slices as one."""
        return Seen(
            self.answered + more.answered,
            self.failed + more.failed,
            self.set_up_ms + more.set_up_ms,
            self.gaps_ms + more.gaps_ms,
            {name: used + more.cpu_s[name] for name, used in self.cpu_s.items()},
            self.idle_cpu_s + more.idle_cpu_s,
        )


@dataclass
class Rig:
    """The running product and the far side's process."""

    supervisor: Supervisor
    far_side: asyncio.subprocess.Process

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds of each process of the product so far."""
        used = {}
        for name in _PROCESSES:
            stat = Path(f"/proc/{self.supervisor.children[name].pid}/stat").read_text()
            fields = stat.rpartition(")")[2].split()
            used[name] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        return used

    async def share(self, seconds: float) -> float:
        """Return the share of a core that they use from now on, of all together."""
        before = sum(self.cpu_s().values())
        await asyncio.sleep(seconds)
        return (sum(self.cpu_s().values()) - before) / seconds

    async def tell(self, **script: object) -> dict[str, Any]:
        """Give the far side an order and return what it says when it is done."""
        assert self.far_side.stdin is not None
        self.far_side.stdin.write(json.dumps(script).encode() + b"\n")
        return await self.read()

    async def read(self) -> dict[str, Any]:
        """Return the far side's next line."""
        assert self.far_side.stdout is not None
        line = await self.far_side.stdout.readline()
        if not line:
            message = "the far side ended by itself"
            raise RuntimeError(message)
        found: dict[str, Any] = json.loads(line)
        return found

    async def run(self, idle_share: float, **script: object) -> Seen:
        """Place calls, wait for their end, and add up."""
        loop = asyncio.get_running_loop()
        started, before = loop.time(), self.cpu_s()
        told = await self.tell(**script)
        used = {name: now - before[name] for name, now in self.cpu_s().items()}
        return Seen(**told, cpu_s=used, idle_cpu_s=idle_share * (loop.time() - started))


def measure() -> Iterator[Measurement]:
    """Measure cost, delay, gaps and waiting."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = asyncio.run(_both_sizes(Path(folder) / "sizes"))
        gaps, waiting = asyncio.run(_busy(Path(folder) / "busy"))
    is_valid = few.failed == 0 and few.answered == SLICES * CALLS
    note = f"{few.calls} calls at {PER_S:.0f}/s, {few.failed} failed"
    yield Measurement(
        name="exchange.queue_cpu_per_call",
        value=few.cpu_ms_per_call(*_PROCESSES),
        unit="ms",
        floor=few.idle_cpu_s * 1000 / few.calls,
        goal=10.0,
        is_valid=is_valid,
        note=f"{note}; 100 agents free",
    )
    for name in _PROCESSES:
        yield Measurement(
            name=f"exchange.queue_cpu_{name.partition('-')[0]}",
            value=few.cpu_ms_per_call(name),
            unit="ms",
            is_valid=is_valid,
            note="its part of the above",
        )
    for share, goal in ((0.5, 10.0), (0.99, 40.0)):
        yield Measurement(
            name=f"exchange.queue_invite_to_invite_p{share * 100:.0f}",
            value=_percentile(few.set_up_ms, share),
            unit="ms",
            goal=goal,
            is_valid=is_valid,
            note=note,
        )
    yield Measurement(
        name="exchange.queue_idle_gap_p99",
        value=_percentile(gaps.gaps_ms, 0.99),
        unit="ms",
        goal=50.0,
        is_valid=len(gaps.gaps_ms) >= WAITING,
        note=f"{len(gaps.gaps_ms)} gaps, {WAITING} callers wait, 100 agents, "
        f"mean {sum(gaps.gaps_ms) / max(1, len(gaps.gaps_ms)):.0f} ms",
    )
    yield Measurement(
        name="exchange.queue_cpu_1000_agents",
        value=many.cpu_ms_per_call(*_PROCESSES) / few.cpu_ms_per_call(*_PROCESSES),
        unit="ratio",
        goal=1.05,
        is_valid=is_valid and many.failed == 0,
        note="CPU per call with 1,000 members against 100",
    )
    yield Measurement(
        name="exchange.queue_cpu_per_waiting",
        value=waiting * 100,
        unit="% core",
        goal=0.2,
        note=f"{WAITING} callers wait with music",
    )


async def _both_sizes(folder: Path) -> tuple[Seen, Seen]:
    """Place the same calls with 100 and with 1,000 members, in turns."""
    async with _rig(folder / "few", 100) as few, _rig(folder / "many", 1000, number=1) as many:
        idle, seen = [], []
        for rig in (few, many):
            await rig.tell(calls=10, per_s=10, talk_ms=200)
            idle.append(await rig.share(4.0))
        for _ in range(SLICES):
            for rig, share in zip((few, many), idle, strict=True):
                seen.append(await rig.run(share, calls=CALLS, per_s=PER_S, talk_ms=300))
    small, large = seen[0], seen[1]
    for one, other in zip(seen[2::2], seen[3::2], strict=True):
        small, large = small.with_more(one), large.with_more(other)
    return small, large


async def _busy(folder: Path) -> tuple[Seen, float]:
    """Let callers wait for agents who are freed, and for nobody."""
    async with _rig(folder / "gaps", 100) as rig:
        await rig.tell(calls=10, per_s=10, talk_ms=200)
        gaps = await rig.run(0.0, calls=2 * WAITING, per_s=50, talk_ms=6000)
    async with _rig(folder / "waiting", 1, is_absent=True) as rig:
        idle = await rig.share(4.0)
        await rig.tell(calls=WAITING, per_s=25, keep=True)
        busy = await rig.share(8.0)
        await rig.tell(hang_up=True)
    return gaps, (busy - idle) / WAITING


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _tenant(agents: int, *, is_absent: bool) -> TenantConfiguration:
    people = [user(index) for index in range(agents)]
    flow = Flow(
        flow="main",
        languages=("en",),
        start="wait",
        nodes={
            "wait": QueueNode(
                queue=QUEUE, steps=(MusicStep(prompts=("music",)),), no_agents_for="nobody"
            ),
            "end": HangUpNode(),
        },
        fallback="end",
    )
    return TenantConfiguration(
        tenant=TENANT,
        name="Bench",
        numbers=(NumberConfiguration(number=NUMBER, flow="main"),),
        flows=(),
        queues=(
            QueueConfiguration(
                id=QUEUE,
                name="Service",
                agents=tuple(AgentId(u.upn) for u in people),
                music=("music",),
                ring_for_ms=10_000,
                wrap_up_for_ms=0,
                is_recorded=False,
            ),
        ),
        agents=tuple(
            AgentConfiguration(
                id=AgentId(u.upn),
                name=u.name,
                trunk=TEAMS_TRUNK,
                target=u.number,
                is_ready_at_start=not is_absent,
            )
            for u in people
        ),
        catalogue=Catalogue(flows=(PublishedFlow(version=1, flow=flow),), prompts={"music": ("",)}),
    )


@asynccontextmanager
async def _rig(
    folder: Path, agents: int, *, number: int = 0, is_absent: bool = False
) -> AsyncIterator[Rig]:
    """Start the product and the far side; two rigs at a time have different numbers."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - a moment, before anything runs
    users = tuple(
        user(index, tone_hz=2090, answer_after_ms=60, endpoints=[{"name": "d", "ring_ms": 20}])
        for index in range(agents)
    )
    plot = Plot(
        users=users,
        callers=(caller(1),),
        listen_for_hz=(2090,),
        tenant=_tenant(agents, is_absent=is_absent),
        media_ports=range(20_000 + 2_000 * number, 22_000 + 2_000 * number),
        far_media_ports=range(40_000 + 2_000 * number, 42_000 + 2_000 * number),
    )
    ports = free_ports()
    settings = settings_for(folder, plot, ports)
    save_scenario(scenario_for(folder, plot, ports), folder / "scenario.yaml")
    layout = Layout.of(settings)
    layout.logs.mkdir(parents=True)
    far_side = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.exchange_far_side", str(folder / "scenario.yaml")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        async with Supervisor(log_dir=layout.logs) as supervisor:
            await start_product(supervisor, settings, layout)
            rig = Rig(supervisor, far_side)
            await rig.read()
            await asyncio.sleep(1.0)
            yield rig
    finally:
        far_side.kill()
        await far_side.wait()
