# SPDX-License-Identifier: Apache-2.0
"""The journal in SQLite, and what only a file can suffer."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from centralino.adapters.journal.sqlite import FORMAT, JournalReader, SqliteJournal
from centralino.core.kernel.errors import Conflict, StorageError
from tests.contract.journal.journal_cases import ACME, StoredJournalCases, record

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from centralino.exchange.ports import JournalPort

pytestmark = pytest.mark.contract

WRITER = """
import asyncio, sys
from pathlib import Path
from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.exchange.ports import JournalRecord

async def main():
    journal = SqliteJournal(Path(sys.argv[1]), prepared_bytes=1 << 20)
    sequence = journal.last_sequence("acme")
    while True:
        sequence += 1
        await journal.append([JournalRecord(tenant="acme", sequence=sequence, at=sequence,
            configuration=1, key=str(sequence), input=b"{}", events=(b'{"n":%d}' % sequence,))])
        sys.stdout.write(f"{sequence}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


class DiskClock:
    """Read at the begin and the end of each commit: they take as long, and are as far apart."""

    def __init__(self, took_ms: int, idle_ms: int) -> None:
        self._steps = itertools.cycle((idle_ms * 1_000_000, took_ms * 1_000_000))
        self._now = 1_000_000_000

    def now(self) -> int:
        self._now += next(self._steps)
        return self._now

    def utc(self) -> int:
        return self._now


def asked(journal: SqliteJournal, sequence: int) -> asyncio.Future[None] | None:
    """Ask for a commit; return what is to be waited for, None when it is made already."""
    asking = journal.append([record(sequence)])
    try:
        waits: asyncio.Future[None] = asking.send(None)
    except StopIteration:
        return None
    return waits


@pytest.mark.parametrize(
    ("took_ms", "idle_ms", "is_made_at_once"),
    [(1, 20, True), (4, 20, True), (4, 2, False), (40, 400, False)],
    ids=["quick and seldom", "half as busy as may be", "busy", "slow"],
)
def test_a_commit_is_made_where_it_is_asked_for_while_the_disk_keeps_up(
    tmp_path: Path, took_ms: int, idle_ms: int, *, is_made_at_once: bool
) -> None:
    async def story() -> bool:
        path, clock = tmp_path / "journal.sqlite3", DiskClock(took_ms, idle_ms)
        with closing(SqliteJournal(path, clock=clock)) as journal:
            for sequence in range(1, 50):
                waits = asked(journal, sequence)
                if waits is not None:
                    await asyncio.wait([waits])
            assert journal.last_sequence(ACME) == 49
            last = asked(journal, 50)
            if last is not None:
                await asyncio.wait([last])
            return last is None

    assert asyncio.run(story()) is is_made_at_once


class TestSqliteJournal(StoredJournalCases):
    @staticmethod
    def clock() -> DiskClock:
        return DiskClock(took_ms=1, idle_ms=50)

    @override
    def open(
        self, directory: Path, *, is_small: bool = False
    ) -> AbstractContextManager[JournalPort]:
        most_pages = 40 if is_small else None
        path = directory / "journal.sqlite3"
        return closing(SqliteJournal(path, most_pages=most_pages, clock=self.clock()))

    @override
    def alter(self, directory: Path, sql: str) -> None:
        with closing(sqlite3.connect(directory / "journal.sqlite3")) as connection, connection:
            connection.execute(sql)

    @override
    def make_newer(self, directory: Path) -> None:
        self.alter(directory, f"PRAGMA user_version={FORMAT + 1}")

    def test_a_second_writer_is_refused_and_readers_are_not(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(journal.append([record(1)]))
            with pytest.raises(Conflict, match="another process writes"):
                SqliteJournal(tmp_path / "journal.sqlite3")
            assert JournalReader(tmp_path / "journal.sqlite3").last_sequence(ACME) == 1

    def test_a_file_that_is_no_journal_is_said_to_be_none(self, tmp_path: Path) -> None:
        (tmp_path / "journal.sqlite3").write_bytes(b"not a database, " * 1000)
        with pytest.raises(StorageError, match=r"cannot open journal\.sqlite3"):
            SqliteJournal(tmp_path / "journal.sqlite3")

    def test_a_cut_tail_loses_whole_records_only(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite3"
        journal = SqliteJournal(path)
        for sequence in range(1, 101):
            asyncio.run(journal.append([record(sequence)]))
        wal = (tmp_path / "journal.sqlite3-wal").read_bytes()
        main = path.read_bytes()
        journal.close()
        generator = random.Random(7)
        lasts = set()
        for cut in range(12):
            copy = tmp_path / f"cut-{cut}"
            copy.mkdir()
            (copy / "journal.sqlite3").write_bytes(main)
            (copy / "journal.sqlite3-wal").write_bytes(wal[: generator.randrange(len(wal))])
            with closing(SqliteJournal(copy / "journal.sqlite3")) as survivor:
                last = survivor.last_sequence(ACME)
                assert list(survivor.read(ACME)) == [record(n) for n in range(1, last + 1)]
                asyncio.run(survivor.append([record(last + 1)]))
                lasts.add(last)
            shutil.rmtree(copy)
        assert len(lasts) > 3, "the cuts were not spread over the file"

    def test_room_ahead_in_the_log_is_no_record(self, tmp_path: Path) -> None:
        path, ahead = tmp_path / "journal.sqlite3", tmp_path / "journal.sqlite3-wal"
        for sequence in (1, 2, 3):
            with closing(SqliteJournal(path, prepared_bytes=1 << 18)) as journal:
                assert ahead.stat().st_size >= 1 << 18
                asyncio.run(journal.append([record(sequence)]))
                cut = tmp_path / f"cut{sequence}"
                cut.mkdir()
                for file in (path, ahead):
                    shutil.copy(file, cut / file.name)
            with closing(SqliteJournal(cut / path.name, prepared_bytes=1 << 18)) as left:
                assert [one.sequence for one in left.read(ACME)] == list(range(1, sequence + 1))
                asyncio.run(left.append([record(sequence + 1)]))

    def test_kill_9_in_the_middle_loses_nothing_that_was_acknowledged(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite3"
        acknowledged = 0
        for wanted in (3, 17, 40):
            with subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
            ) as writer:
                assert writer.stdout is not None
                for _ in range(wanted):
                    acknowledged = int(writer.stdout.readline())
                writer.kill()
                rest = writer.stdout.read().split("\n")
            acknowledged = max([acknowledged, *(int(line) for line in rest[:-1] if line)])
            kept = [kept.sequence for kept in JournalReader(path).read(ACME)]
            assert kept == list(range(1, len(kept) + 1))
            assert acknowledged <= len(kept) <= acknowledged + 1


class TestSqliteJournalOfASlowDisk(TestSqliteJournal):
    """The same, when a thread makes the commits."""

    @override
    @staticmethod
    def clock() -> DiskClock:
        return DiskClock(took_ms=200, idle_ms=1)
