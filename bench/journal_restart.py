# SPDX-License-Identifier: Apache-2.0
"""A restart with 100,000 who wait and 10,000 agents: the newest snapshot, then what came after.

The floor is to read the same bytes: the snapshot's file and the rows behind it. What is left is
the work of a program that must have the state in memory again. Also what an explanation costs
at a realistic size, cold (a snapshot and half an interval of records) and warm.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from centralino.adapters.journal.snapshot_files import SnapshotFiles
from centralino.adapters.journal.sqlite import JournalReader, SqliteJournal
from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.flows.menu import MenuFlow
from centralino.core.interactions.commands import QueueInteraction
from centralino.core.kernel.ids import AgentId, LegId, QueueId, TenantId, TrunkId
from centralino.core.kernel.instant import MILLISECOND, SECOND, Instant
from centralino.core.routing.commands import ConfigureTenant
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import encode
from centralino.exchange.explaining import Explainer
from centralino.exchange.ports import JournalRecord
from centralino.exchange.recovery import recover, take_snapshot
from centralino.exchange.snapshot import Snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.core.routing.commands import Command

PREFIX = "exchange.journal_restart"
TENANT = TenantId("acme")
START = Instant(1_800_000_000 * SECOND)
AGENTS, QUEUES, WAITING, TAIL = 10_000, 500, 100_000, 2_000
SKILLS = 20
TRIES = 3


def measure() -> Iterator[Measurement]:
    """Write the journal, then start again from it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        snapshots = Snapshots(SnapshotFiles(place / "snapshots"), "bench")
        path = place / "journal.sqlite3"
        write_day(path, snapshots, agents=AGENTS, queues=QUEUES, waiting=WAITING, tail=TAIL)
        reader = JournalReader(path)
        found, _ = recover(TENANT, reader, snapshots)
        seconds: list[float] = []
        floors: list[float] = []
        for _ in range(TRIES):
            floors.append(_read(place, reader))
            began = time.perf_counter()
            found, _ = recover(TENANT, reader, snapshots)
            seconds.append(time.perf_counter() - began)
        (file,) = place.rglob("*.snapshot")
        size_mb = file.stat().st_size / 1e6
    waiting = len(found.engine.state.interactions)
    yield Measurement(
        name="exchange.journal_restart",
        value=min(seconds),
        unit="s",
        floor=min(floors),
        goal=3.0,
        is_valid=waiting == WAITING and found.since > 0,
        note=f"{waiting:,} wait, {AGENTS:,} agents, snapshot {size_mb:.0f} MB and {found.records} "
        "records; the floor reads the same bytes",
    )


def write_day(
    path: Path, snapshots: Snapshots, *, agents: int, queues: int, waiting: int, tail: int
) -> None:
    """Write a journal in which so many wait, a snapshot, and some records after it."""
    engine, records = TenantEngine(TENANT), []
    now = START
    gc.disable()  # so many objects that all stay

    def decide(command: Command) -> None:
        nonlocal now
        now = Instant(now + MILLISECOND)
        decision = engine.apply(command, now)
        if not decision.is_empty:
            records.append(
                JournalRecord(
                    tenant=TENANT,
                    sequence=decision.sequence,
                    at=decision.at,
                    configuration=1,
                    key=f"fact/voice/1/{decision.sequence}",
                    input=encode(command),
                    events=tuple(encode(event) for event in decision.events),
                )
            )

    decide(ConfigureTenant(configuration=tenant_of(agents, queues)))
    for number in range(waiting):
        decide(
            QueueInteraction(
                leg=LegId(f"in-{number}"),
                queue=QueueId(f"queue-{number % queues}"),
                trunk=TrunkId("carrier"),
                called_number="+390200000001",
                caller_number="+39333111222",
            )
        )
    with closing(SqliteJournal(path)) as journal:
        asyncio.run(_append(journal, records))
        take_snapshot(TENANT, journal, snapshots)
        records.clear()
        for number in range(tail):
            agent = AgentId(f"agent-{number % agents // 2:05}")
            ready = MakeAgentNotReady(agent=agent, reason=f"reason {number % 9}")
            decide(ready)
        asyncio.run(_append(journal, records))
    gc.enable()


async def _append(journal: SqliteJournal, records: list[JournalRecord]) -> None:
    for start in range(0, len(records), 5000):
        await journal.append(records[start : start + 5000])


def tenant_of(agents: int, queues: int) -> TenantConfiguration:
    """Return a tenant whose agents are of three queues each, and away."""
    names = [QueueId(f"queue-{n}") for n in range(queues)]
    people = [AgentId(f"agent-{n:05}") for n in range(agents)]
    members: dict[QueueId, list[AgentId]] = {name: [] for name in names}
    for number, agent in enumerate(people):
        for step in (0, 7, 31):
            members[names[(number + step) % queues]].append(agent)
    return TenantConfiguration(
        tenant=TENANT,
        name="Acme",
        numbers=(NumberConfiguration(number="+390200000001", flow="main"),),
        flows=(
            MenuFlow(
                name="main",
                greeting=("greeting.en",),
                menu=("menu.en",),
                keys=(),
                default_queue=names[0],
            ),
        ),
        queues=tuple(
            QueueConfiguration(
                id=name,
                name=name,
                agents=tuple(dict.fromkeys(members[name])),
                music=("music",),
                skills={f"skill-{number % SKILLS}": 3},
            )
            for number, name in enumerate(names)
        ),
        agents=tuple(
            AgentConfiguration(
                id=agent,
                name=agent,
                trunk=TrunkId("teams"),
                target=f"+3902{number:08}",
                is_ready_at_start=False,
                skills={f"skill-{(number + n) % SKILLS}": 1 + (number + n) % 9 for n in range(5)},
            )
            for number, agent in enumerate(people)
        ),
        most_interactions=1_000_000,
    )


def explain_times(agents: int, queues: int, waiting: int, tail: int) -> tuple[float, float]:
    """Return what an explanation takes in ms, cold and warm; the best of some."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        snapshots = Snapshots(SnapshotFiles(place / "snapshots"), "bench")
        path = place / "journal.sqlite3"
        write_day(path, snapshots, agents=agents, queues=queues, waiting=waiting, tail=tail)
        reader = JournalReader(path)
        state = recover(TENANT, reader, snapshots)[0].engine.state
        names = list(state.interactions)[:: max(1, waiting // 5)]
        now = Instant(START + 10**6 * SECOND)
        cold: list[float] = []
        warm: list[float] = []
        for _ in range(TRIES):
            explainer = Explainer(reader, snapshots)
            for times, name in ((cold, names[0]), *((warm, one) for one in names[1:])):
                began = time.perf_counter()
                explainer.explain(TENANT, name, None, now)
                times.append((time.perf_counter() - began) * 1000)
    return min(cold), sorted(warm)[len(warm) // 2]


def _read(place: Path, reader: JournalReader) -> float:
    """Return the seconds that reading the snapshot's bytes and the rows behind it takes."""
    (file,) = place.rglob("*.snapshot")
    began = time.perf_counter()
    file.read_bytes()
    after = int(file.stem)
    for _ in reader._query(
        "SELECT * FROM record WHERE tenant = ? AND sequence > ?", (TENANT, after)
    ):
        pass
    return time.perf_counter() - began
