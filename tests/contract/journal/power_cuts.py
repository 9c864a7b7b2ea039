# SPDX-License-Identifier: Apache-2.0
"""One run of the journal on a recorded disk, and the judge of each disk it may leave behind."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

from centralino.adapters.journal import sqlite
from centralino.adapters.journal.sqlite import SqliteJournal
from tests.contract.journal.journal_cases import ACME, record
from tests.kit.power import Tape, recorded_disk

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from centralino.exchange.ports import JournalRecord

PAGES_PER_CHECKPOINT = 24
"""So few that checkpoints, in which the main file is written, happen all the time."""


def record_of(number: int) -> JournalRecord:
    """Return a record whose size differs from its neighbours'."""
    return record(number, key=f"k{number}", size=number * 37 % 3000)


def run_recorded(folder: Path, records: int) -> Tape:
    """Append records from several callers and note when each was acknowledged."""
    usual, sqlite.CHECKPOINT_PAGES = sqlite.CHECKPOINT_PAGES, PAGES_PER_CHECKPOINT
    try:
        with recorded_disk() as tape:
            journal = SqliteJournal(folder / "journal.sqlite3")

            async def append(number: int) -> None:
                await journal.append([record_of(number)])
                tape.acknowledged(number)

            async def append_all() -> None:
                number = 1
                while number <= records:
                    count = min(1 + number % 4, records + 1 - number)
                    await asyncio.gather(*(append(number + n) for n in range(count)))
                    number += count

            asyncio.run(append_all())
            moment = len(tape.steps)
            journal.close()
            del tape.steps[moment:]
    finally:
        sqlite.CHECKPOINT_PAGES = usual
    return tape


def judge(folder: Path, tape: Tape, moment: int, chance: random.Random | None) -> int:
    """Cut the power at a moment and open the journal on what is left.

    Returns the number of records that are there and were not acknowledged yet.

    Raises:
        AssertionError: something acknowledged is lost, or something is there that is not whole.
    """
    disk = folder / f"disk-{moment}"
    disk.mkdir(parents=True)
    for name, data in tape.disk_at(moment, chance).items():
        (disk / name).write_bytes(data)
    acknowledged = tape.acknowledged_before(moment)
    with closing(SqliteJournal(disk / "journal.sqlite3")) as journal:
        kept = list(journal.read(ACME))
        assert kept == [record_of(number) for number in range(1, len(kept) + 1)]
        assert len(kept) >= acknowledged, f"{acknowledged} acknowledged, {len(kept)} there"
        asyncio.run(journal.append([record_of(len(kept) + 1)]))
    shutil.rmtree(disk)
    return len(kept) - acknowledged
