# SPDX-License-Identifier: Apache-2.0
"""The journal in one SQLite file: WAL, ``synchronous=FULL``, one commit at a time.

While the disk keeps up easily, a commit is made where it is asked for: to wake a thread for it
and to be woken by it costs the processor as much as the commit. When commits fill the time a
thread makes them: whatever waits when it comes round is committed as one group, so the cost of
the disk is shared, and a slow disk holds nothing else up. ``append`` returns after the commit,
which survives a power loss. A lock file keeps a second writer out; readers may open the file at
any time. Inputs and events are JSON, readable with any SQLite tool. Source: SQLite
documentation, "Write-Ahead Logging" and "PRAGMA synchronous".
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from typing_extensions import override

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.rows import Row, to_record, to_row
from centralino.adapters.journal.snapshot_files import sync_folder
from centralino.core.kernel.errors import AppError, Conflict, StorageError, VersionConflict
from centralino.core.kernel.ids import TenantId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from centralino.exchange.ports import ClockPort, JournalRecord

log = structlog.get_logger(__name__)

MOST_BATCHES_PER_COMMIT = 256
CHECKPOINT_PAGES = 4000
LOG_BYTES = 16 << 20
"""About what the write-ahead log grows to until its pages go into the file."""
FORMAT = 1
"""Of the tables; kept in the file's ``user_version``."""

_ZEROS_BYTES = 1 << 20
_QUICK_NS = 5_000_000
_LONGEST_NS = 100_000_000
_WEIGHT = 8

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    tenant TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    configuration INTEGER NOT NULL,
    key TEXT NOT NULL,
    input TEXT NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (tenant, sequence)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS record_key ON record (tenant, key) WHERE key <> '';
"""
_INSERT = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ = "SELECT * FROM record WHERE tenant = ? AND sequence > ? ORDER BY sequence"
_LAST = "SELECT coalesce(max(sequence), 0) FROM record WHERE tenant = ?"
_TENANTS = "SELECT DISTINCT tenant FROM record ORDER BY tenant"


@dataclass(slots=True)
class _Batch:
    """What one ``append`` wants, and what became of it."""

    records: Sequence[JournalRecord]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    error: AppError | None = None

    def finish(self) -> None:
        """Tell the caller; on its loop."""
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self.error)


def _tell(batches: Iterable[_Batch]) -> None:
    """Wake the callers, each loop once; a loop that is closed has nobody to tell."""
    of_loop: dict[asyncio.AbstractEventLoop, list[_Batch]] = {}
    for batch in batches:
        of_loop.setdefault(batch.loop, []).append(batch)
    for loop, mine in of_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_finish_all, mine)


def _finish_all(batches: Iterable[_Batch]) -> None:
    for batch in batches:
        batch.finish()


class CommitPace:
    """How busy the disk is with commits: means over about the last ``_WEIGHT`` of them."""

    def __init__(self, clock: ClockPort) -> None:
        self._clock = clock
        self._began = 0
        self._took_ns = 0
        self._interval_ns = 0

    @property
    def is_easy(self) -> bool:
        """Whether commits are quick, and fill less than half of the time."""
        return self._took_ns <= min(_QUICK_NS, self._interval_ns // 2)

    def begin(self) -> None:
        """Note that a commit begins."""
        began, self._began = self._began, self._clock.now()
        interval = min(self._began - began, _LONGEST_NS)
        self._interval_ns += (interval - self._interval_ns) // _WEIGHT

    def end(self) -> None:
        """Note that it is over."""
        took = self._clock.now() - self._began
        self._took_ns += (took - self._took_ns) // _WEIGHT


class JournalReader:
    """Reads a journal file, also while another process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, tenant: TenantId, after: int = 0) -> Iterator[JournalRecord]:
        """Yield the records of a tenant in order, from ``after`` + 1.

        Raises:
            StorageError: the file is damaged or missing, or a record is missing in between.
        """
        expected = after
        for row in self._query(_READ, (tenant, after)):
            expected += 1
            if row[1] != expected:
                raise StorageError(f"{self._path.name}: record {expected} of {tenant} is missing")
            yield to_record(row)

    def last_sequence(self, tenant: TenantId) -> int:
        """Return the highest sequence of a tenant, 0 when there is none."""
        return int(next(iter(self._query(_LAST, (tenant,))))[0])

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have records, in order."""
        return [TenantId(row[0]) for row in self._query(_TENANTS, ())]

    def close(self) -> None:
        """Let go; nothing is held between two readings."""

    def _query(self, sql: str, values: tuple[object, ...]) -> Iterator[Row]:
        try:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                _require_known_format(connection, self._path)
                yield from connection.execute(sql, values)
        except sqlite3.Error as error:
            raise StorageError(f"cannot read {self._path.name}: {error}") from error


class SqliteJournal(JournalReader):
    """Implements ``JournalPort`` on a file that it alone writes.

    Raises:
        Conflict: another process writes this journal.
        StorageError: the file cannot be opened or is no journal.
    """

    def __init__(
        self,
        path: Path,
        *,
        most_pages: int | None = None,
        prepared_bytes: int = 0,
        clock: ClockPort | None = None,
    ) -> None:
        """Open the journal, or make one.

        Args:
            path: the file.
            most_pages: what it may grow to, for tests of a full disk.
            prepared_bytes: room to write for the log ahead (see ``_prepare_log``).
            clock: times commits; the machine's when None.
        """
        super().__init__(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_name(path.name + ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise Conflict(f"another process writes {path.name}") from None
        try:
            self._connection = self._open(most_pages)
            _prepare_log(path, prepared_bytes)
        except sqlite3.Error as error:
            self._lock.close()
            raise StorageError(f"cannot open {path.name}: {error}") from error
        except StorageError:
            self._lock.close()
            raise
        self._last: dict[str, int] = {}
        """Tenant to its last sequence, as far as it is known; nobody else writes."""
        self._pace = CommitPace(clock or SystemClock())
        self._writing = threading.Lock()
        """Held by whoever uses the connection."""
        self._handed = self._taken_back = 0
        """Batches given to the thread, and those of them that are done."""
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    async def own(self, tenant: TenantId) -> None:
        """Become the writer of a tenant; whoever has the file's lock is that of all."""

    async def guard(self) -> None:
        """Wait for ever: nobody takes a file over while its lock is held."""
        await asyncio.Event().wait()

    async def append(self, records: Sequence[JournalRecord]) -> None:
        """Make records durable, all or none.

        Raises:
            StorageError: the disk is full or broken; none of them is stored.
            VersionConflict: a sequence or key is taken already, or one is left out.
        """
        loop = asyncio.get_running_loop()
        batch = _Batch(records, loop, loop.create_future())
        if self._commit_here(batch):
            batch.finish()
        else:
            self._handed += 1
            self._batches.put(batch)
        await batch.done

    def _commit_here(self, batch: _Batch) -> bool:
        """Commit a batch at once when the disk keeps up and nobody is before it."""
        if self._handed != self._taken_back or not self._pace.is_easy:
            return False
        if not self._writing.acquire(blocking=False):
            return False
        try:
            self._commit([batch])
        finally:
            self._writing.release()
        return True

    @override
    def close(self) -> None:
        """Write what waits, then let go of the file. Idempotent."""
        if self._thread.is_alive():
            self._batches.put(None)
            self._thread.join()
            self._connection.close()
            self._lock.close()

    def _open(self, most_pages: int | None) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            _require_known_format(connection, self._path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            if most_pages is not None:
                connection.execute(f"PRAGMA max_page_count={most_pages}")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version={FORMAT}")
        except BaseException:
            connection.close()
            raise
        sync_folder(self._path.parent)
        return connection

    def _write(self) -> None:
        while (first := self._batches.get()) is not None:
            batches = [first]
            is_last = False
            while len(batches) < MOST_BATCHES_PER_COMMIT:
                try:
                    more = self._batches.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    is_last = True
                    break
                batches.append(more)
            with self._writing:
                self._commit(batches)
            self._taken_back += len(batches)
            _tell(batches)
            if is_last:
                return

    def _commit(self, batches: list[_Batch]) -> None:
        """Store batches with one commit, and note in each what became of it."""
        self._pace.begin()
        expected = dict(self._last)
        ready: list[_Batch] = []
        try:
            for batch in batches:
                batch.error = self._conflict_of(batch, expected)
                if batch.error is None:
                    ready.append(batch)
            self._store(ready)
        except sqlite3.IntegrityError:
            for batch in ready:
                self._store_alone(batch)
        except sqlite3.Error as error:
            self._fail(ready, error)
        self._pace.end()

    def _conflict_of(self, batch: _Batch, expected: dict[str, int]) -> VersionConflict | None:
        """Return why a batch does not follow what is stored, and what is expected after it."""
        proposed: dict[str, int] = {}
        for record in batch.records:
            tenant = record.tenant
            last = proposed.get(tenant, expected.get(tenant, -1))
            if last < 0:
                last = self._connection.execute(_LAST, (tenant,)).fetchone()[0]
            if record.sequence != last + 1:
                return VersionConflict(
                    f"record {record.sequence} of {tenant} does not follow {last}"
                )
            proposed[tenant] = record.sequence
        expected.update(proposed)
        return None

    def _store(self, batches: list[_Batch]) -> None:
        rows = [to_row(record) for batch in batches for record in batch.records]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_INSERT, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        for row in rows:
            self._last[row[0]] = row[1]

    def _store_alone(self, batch: _Batch) -> None:
        """Store one batch of a group in which an input was there already."""
        try:
            batch.error = self._conflict_of(batch, dict(self._last))
            if batch.error is None:
                self._store([batch])
        except sqlite3.IntegrityError:
            batch.error = VersionConflict("an input is in the journal already")
        except sqlite3.Error as error:
            self._fail([batch], error)

    def _fail(self, batches: list[_Batch], error: sqlite3.Error) -> None:
        self._last.clear()
        for batch in batches:
            batch.error = StorageError(f"cannot write {self._path.name}: {error}")


def _prepare_log(path: Path, size: int) -> None:
    """Write zeros behind the write-ahead log until it is so long.

    A commit into a part of the file that is there already need not wait for the file system to
    note a new length: at the 99th percentile 1 ms instead of 4. SQLite takes nothing for a frame
    whose checksum is wrong (SQLite documentation, "WAL-mode File Format"), and writes on where
    it was. Without room on the disk the log grows as it would have.
    """
    ahead = path.with_name(path.name + "-wal")
    if not ahead.exists():
        return
    with ahead.open("r+b", buffering=0) as file:
        present = file.seek(0, os.SEEK_END)
        try:
            for at in range(present, size, _ZEROS_BYTES):
                file.write(bytes(min(_ZEROS_BYTES, size - at)))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(present)


def _require_known_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file whose tables a newer release has changed.

    Raises:
        StorageError: it is one.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise StorageError(
            f"{path.name} has format {found}, this release knows {FORMAT}: a newer release wrote "
            "it; run that release or a later one"
        )
