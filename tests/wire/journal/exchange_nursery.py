# SPDX-License-Identifier: Apache-2.0
"""Exchanges that are killed one after the other, each in a process of its own.

``python -m tests.wire.journal.exchange_nursery FOLDER`` loads the product once and forks an
exchange for each line ``start`` on its standard input, so that a start costs milliseconds. It
answers with the process number; for ``wait`` it waits for the end of the last one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.snapshot_files import SnapshotFiles
from centralino.adapters.journal.sqlite import JournalReader, SqliteJournal
from centralino.exchange.driver import LinkedDriver
from centralino.exchange.exchange import Exchange, Keeping
from centralino.exchange.recovery import take_snapshot
from centralino.exchange.snapshot import Snapshots
from centralino.exchange.snapshotting import Rhythm, SnapshotKeeper
from tests.unit.core.company import TENANT, company

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

JOURNAL, SOCKET, SNAPSHOTS = "journal.sqlite3", "voice.sock", "snapshots"
WRAP_UP_MS = 20


class ThreadMaker:
    """Implements ``SnapshotMakerPort`` on a thread, so that a kill may meet it at work."""

    def __init__(self, folder: Path, snapshots: Snapshots) -> None:
        self._folder = folder
        self._snapshots = snapshots

    async def make(self, tenant: TenantId) -> int:
        """Make a snapshot."""
        reader = JournalReader(self._folder / JOURNAL)
        made = await asyncio.to_thread(take_snapshot, tenant, reader, self._snapshots)
        return made.sequence if made is not None else 0


async def run_exchange(folder: Path) -> None:
    """Run an exchange on the journal of a folder until it is killed."""
    clock = SystemClock()
    snapshots = Snapshots(SnapshotFiles(folder / SNAPSHOTS), "nursery")
    keeper = SnapshotKeeper(ThreadMaker(folder, snapshots), clock, Rhythm(200, 0.2))
    exchange = Exchange(
        driver=LinkedDriver("voice", folder / SOCKET, os.getpid()),
        driver_name="voice",
        journal=SqliteJournal(folder / JOURNAL),
        clock=clock,
        keeping=Keeping(snapshots, keeper),
    )
    await exchange.run({TENANT: company(wrap_up_for_ms=WRAP_UP_MS)})


def main(folder: Path) -> None:
    """Do what standard input says."""
    pid = 0
    for line in sys.stdin:
        if line.strip() == "start":
            pid = os.fork()
            if pid == 0:
                os.dup2(2, 1)
                asyncio.run(run_exchange(folder))
                os._exit(0)
            _say(str(pid))
        else:
            os.waitpid(pid, 0)
            _say("ended")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
