# SPDX-License-Identifier: Apache-2.0
"""The journal in PostgreSQL: group commit, one writer per tenant, fenced by the database.

Whatever waits when the writer comes round is stored by one statement, which inserts only
under leases that are ours at the present epoch (``postgres_lease``). When the connection is
cut meanwhile, the records are in doubt: they are looked for by tenant, sequence and key
before they are stored again. Sources: PostgreSQL documentation, "Explicit Locking",
"Transaction Isolation" (READ COMMITTED), "Asynchronous Commit".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
import structlog
from typing_extensions import override

from centralino.adapters.journal.postgres_database import (
    ConnectionLost,
    Database,
    Place,
    asking,
    drop,
)
from centralino.adapters.journal.postgres_lease import LeaseKeeper
from centralino.adapters.journal.postgres_schema import STEPS, migrate, steps_done
from centralino.adapters.journal.rows import Row, to_record, to_row
from centralino.core.kernel.errors import (
    AppError,
    ConfigError,
    NotFound,
    StorageError,
    VersionConflict,
)
from centralino.core.kernel.ids import TenantId

if TYPE_CHECKING:
    from asyncpg import Connection

    from centralino.exchange.ports import JournalRecord

log = structlog.get_logger(__name__)

MOST_BATCHES_PER_COMMIT = 256
ROWS_PER_PAGE = 2000

_STORE = """
    WITH ours AS (
        SELECT l.tenant, l.epoch FROM lease l
        JOIN unnest($1::text[], $2::bigint[]) AS mine(tenant, epoch) USING (tenant, epoch)
        WHERE l.owner = $3
        FOR SHARE OF l
    ), stored AS (
        INSERT INTO record (tenant, sequence, at, configuration, key, input, events, epoch)
        SELECT b.tenant, b.sequence, b.at, b.configuration, b.key, b.input, b.events, ours.epoch
        FROM unnest($4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
                    $9::text[], $10::text[])
             AS b(tenant, sequence, at, configuration, key, input, events)
        JOIN ours USING (tenant)
        WHERE (SELECT count(*) FROM ours) >= $11
        RETURNING tenant
    )
    SELECT DISTINCT tenant FROM stored
"""
_PAGE = """
    SELECT tenant, sequence, at, configuration, key, input, events FROM record
    WHERE tenant = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
"""
_BETWEEN = """
    SELECT tenant, sequence, at, configuration, key, input, events, epoch FROM record
    WHERE tenant = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence
"""
_LAST = "SELECT coalesce(max(sequence), 0) FROM record WHERE tenant = $1"
_TENANTS = (
    "SELECT tenant FROM lease WHERE EXISTS (SELECT FROM record WHERE record.tenant = lease.tenant)"
)


class PostgresReader:
    """Reads a journal, also while another process writes it.

    Raises:
        ConfigError: the server does not let us in.
        StorageError: it cannot be reached, or a newer release made its tables.
    """

    def __init__(self, place: Place) -> None:
        self._database = Database(place)
        self._reading: Connection | None = None
        try:
            self._database.run(self._open())
        except BaseException:
            self._let_go()
            raise

    def read(self, tenant: TenantId, after: int = 0) -> Iterator[JournalRecord]:
        """Yield the records of a tenant in order, from ``after`` + 1.

        Raises:
            StorageError: the database cannot be read, a record is damaged, or one is missing.
        """
        while True:
            rows = self._database.run(self._fetch(_PAGE, tenant, after, ROWS_PER_PAGE))
            for row in rows:
                after += 1
                if row["sequence"] != after:
                    raise StorageError(f"record {after} of {tenant} is missing in the database")
                yield to_record(tuple(row))
            if len(rows) < ROWS_PER_PAGE:
                return

    def last_sequence(self, tenant: TenantId) -> int:
        """Return the highest sequence of a tenant, 0 when there is none."""
        return int(self._database.run(self._fetch(_LAST, tenant))[0][0])

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have records, in order."""
        rows = self._database.run(self._fetch(f"{_TENANTS} ORDER BY tenant"))
        return [TenantId(row[0]) for row in rows]

    def close(self) -> None:
        """Let go of the server. Idempotent."""
        self._let_go()

    def _let_go(self) -> None:
        if self._database.is_open:
            self._database.run(drop(self._reading))
            self._database.close()

    async def _open(self) -> None:
        connection = self._reading = await self._database.connect()
        async with asking():
            if await steps_done(connection) < len(STEPS):
                raise NotFound("the database holds no journal yet")

    async def _fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        async with asking():
            if self._reading is None or self._reading.is_closed():
                self._reading = await self._database.connect()
            try:
                found: list[asyncpg.Record] = await self._reading.fetch(sql, *values)
            except BaseException:
                await drop(self._reading)
                raise
        return found


@dataclass(slots=True)
class _Batch:
    """What one ``append`` wants, and whom to tell."""

    records: Sequence[JournalRecord]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    rows: list[Row] = field(default_factory=list)
    error: AppError | None = None

    def tell(self) -> None:
        """Wake the caller; a loop that is closed has nobody to tell."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self.error)


class PostgresJournal(PostgresReader):
    """Implements ``JournalPort``; writes the tenants that it owns.

    Raises:
        ConfigError: the server does not let us in, or would lose what it has acknowledged.
        StorageError: it cannot be reached, or a newer release made its tables.
    """

    def __init__(self, place: Place, *, lease_s: float = 5.0, take_over_s: float = 20.0) -> None:
        super().__init__(place)
        self._take_over_s = take_over_s
        self._leases = LeaseKeeper(self._database, lease_s, self._note_lost)
        self._lost: dict[TenantId, None] = {}
        self._last: dict[TenantId, int] = {}
        self._doubtful: set[TenantId] = set()
        self._writing: Connection | None = None
        self._batches: asyncio.Queue[_Batch | None] = asyncio.Queue()
        self._watchers: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[TenantId]]] = []
        self._is_open = self._is_writing = True
        self._work = self._database.start(self._run())

    async def own(self, tenant: TenantId) -> None:
        """Become the one writer of a tenant.

        Raises:
            Conflict: another exchange writes it, and lives.
            StorageError: the database cannot be reached.
        """
        await self._database.reach(self._own(tenant))

    async def append(self, records: Sequence[JournalRecord]) -> None:
        """Make records durable, all or none; see ``JournalPort``."""
        loop = asyncio.get_running_loop()
        batch = _Batch(records, loop, loop.create_future(), [to_row(one) for one in records])
        try:
            self._database.call(self._put, batch)
        except RuntimeError:
            raise StorageError("the journal is closed") from None
        await batch.done

    async def guard(self) -> None:
        """Wait until a tenant is another's, which nobody here may overlook.

        Raises:
            VersionConflict: always, then.
        """
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[TenantId] = loop.create_future()
        self._database.call(self._watch, loop, lost)
        raise _fenced(await lost)

    @override
    def close(self) -> None:
        """Write what waits, give the tenants back, let go. Idempotent."""
        if self._is_open:
            self._is_open = False
            self._database.call(self._batches.put_nowait, None)
            with suppress(AppError):
                self._work.result()
            super().close()

    # ------------------------------------------------- everything below runs on the thread
    @override
    async def _open(self) -> None:
        connection = self._reading = await self._database.connect()
        async with asking():
            if await connection.fetchval("SHOW fsync") != "on":
                raise ConfigError(
                    "journal", "the server runs with fsync off and loses what it acknowledged"
                )
            await migrate(connection, self._database.place.schema)

    def _put(self, batch: _Batch) -> None:
        if self._is_writing:
            self._batches.put_nowait(batch)
        else:
            batch.error = StorageError("the journal is closed")
            batch.tell()

    async def _run(self) -> None:
        """Write and give signs of life; when one of them fails, nobody waits in vain."""
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(self._leases.beat())
                await self._write()
                beating.cancel()
        except BaseException:
            log.exception("journal.writer_failed")
            raise
        finally:
            self._is_writing = False
            while not self._batches.empty():
                left = self._batches.get_nowait()
                if left is not None:
                    left.error = StorageError("the journal is closed")
                    left.tell()
            for tenant in list(self._leases.epochs) if self._is_open else ():
                self._note_lost(tenant)
            await self._leases.release()
            await drop(self._writing)

    def _watch(self, loop: asyncio.AbstractEventLoop, lost: asyncio.Future[TenantId]) -> None:
        self._watchers.append((loop, lost))
        for tenant in self._lost:
            self._wake(tenant)

    def _note_lost(self, tenant: TenantId) -> None:
        self._lost[tenant] = None
        self._wake(tenant)

    def _wake(self, tenant: TenantId) -> None:
        for loop, lost in self._watchers:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, lost, tenant)
        self._watchers.clear()

    async def _own(self, tenant: TenantId) -> None:
        await self._leases.take(tenant, self._take_over_s)
        self._lost.pop(tenant, None)
        self._doubtful.discard(tenant)
        self._last[tenant] = (await self._fetch(_LAST, tenant))[0][0]

    async def _write(self) -> None:
        while (first := await self._batches.get()) is not None:
            batches, is_last = [first], False
            while len(batches) < MOST_BATCHES_PER_COMMIT and not self._batches.empty():
                more = self._batches.get_nowait()
                if more is None:
                    is_last = True
                    break
                batches.append(more)
            await self._commit(batches)
            for batch in batches:
                batch.tell()
            if is_last:
                return

    async def _commit(self, batches: list[_Batch]) -> None:
        """Store batches and note in each what became of it."""
        ready: list[_Batch] = []
        expected = dict(self._last)
        for batch in batches:
            try:
                await self._settle_doubt(batch, expected)
                self._require_next(batch, expected)
            except AppError as error:
                batch.error = error
            else:
                if batch.rows:
                    ready.append(batch)
        try:
            await self._store(ready)
        except asyncpg.UniqueViolationError:
            for batch in ready:
                await self._store_alone(batch)
        except AppError as error:
            self._fail(ready, error)

    async def _settle_doubt(self, batch: _Batch, expected: dict[TenantId, int]) -> None:
        """Find out about records that a cut connection left in doubt, if these are they."""
        for tenant in {TenantId(row[0]) for row in batch.rows} & self._doubtful:
            if await self._are_stored(tenant, batch.rows):
                mine = [row for row in batch.rows if row[0] == tenant]
                self._last[tenant] = expected[tenant] = mine[-1][1]
                batch.rows = [row for row in batch.rows if row[0] != tenant]
                log.warning("journal.doubt_settled", tenant=tenant, sequence=mine[-1][1])
            self._doubtful.discard(tenant)

    async def _are_stored(self, tenant: TenantId | str, rows: list[Row]) -> bool:
        mine = [row for row in rows if row[0] == tenant]
        found = await self._fetch(_BETWEEN, tenant, mine[0][1], mine[-1][1])
        epoch = self._leases.epochs.get(TenantId(tenant))
        is_ours = all(row["epoch"] == epoch for row in found)
        return is_ours and [tuple(row)[:-1] for row in found] == mine

    def _require_next(self, batch: _Batch, expected: dict[TenantId, int]) -> None:
        proposed: dict[TenantId, int] = {}
        for row in batch.rows:
            tenant = TenantId(row[0])
            if tenant not in self._leases.epochs:
                raise _fenced(tenant)
            last = proposed.get(tenant, expected.get(tenant, 0))
            if row[1] != last + 1:
                raise VersionConflict(f"record {row[1]} of {tenant} does not follow {last}")
            proposed[tenant] = last + 1
        expected.update(proposed)

    async def _store(self, batches: list[_Batch]) -> None:
        """Store batches, each of them whole or not at all.

        Raises:
            UniqueViolationError: a sequence or key is taken; nothing is stored.
            StorageError: nothing is stored, or, when ``ConnectionLost``, it is in doubt.
        """
        of_one = [batch for batch in batches if len({row[0] for row in batch.rows}) == 1]
        await self._insert(of_one, least=0)
        for batch in batches:
            if batch not in of_one:
                await self._insert([batch], least=len({row[0] for row in batch.rows}))

    async def _insert(self, batches: list[_Batch], *, least: int) -> None:
        """Insert with one statement what is under leases of ours, if ``least`` of them hold."""
        rows = [row for batch in batches for row in batch.rows]
        if not rows:
            return
        owned = {row[0]: self._leases.epochs.get(TenantId(row[0]), 0) for row in rows}
        columns = [list(column) for column in zip(*rows, strict=True)]
        mine = (list(owned), list(owned.values()), self._leases.owner)
        async with asking():
            if self._writing is None or self._writing.is_closed():
                self._writing = await self._database.connect()
            try:
                stored = await self._writing.fetch(_STORE, *mine, *columns, least)
            except asyncpg.UniqueViolationError:
                raise
            except BaseException:
                await drop(self._writing)
                raise
        accepted = {row[0] for row in stored}
        for batch in batches:
            for row in batch.rows:
                tenant = TenantId(row[0])
                if tenant in accepted:
                    self._last[tenant] = row[1]
                else:
                    batch.error = _fenced(tenant)
        for lost in owned.keys() - accepted if not least else ():
            self._leases.lose(TenantId(lost))

    async def _store_alone(self, batch: _Batch) -> None:
        """Store one batch of a group in which a sequence or key was taken."""
        try:
            expected = dict(self._last)
            self._require_next(batch, expected)
            await self._store([batch])
        except asyncpg.UniqueViolationError:
            batch.error = await self._explain_taken(batch)
        except AppError as error:
            self._fail([batch], error)

    async def _explain_taken(self, batch: _Batch) -> AppError | None:
        """Return why a batch is refused; ``None`` when a cut connection had stored it after all."""
        try:
            for tenant in dict.fromkeys(row[0] for row in batch.rows):
                if not await self._are_stored(tenant, batch.rows):
                    return VersionConflict("a sequence or an input is in the journal already")
        except AppError as error:
            return error
        for row in batch.rows:
            self._last[TenantId(row[0])] = row[1]
        return None

    def _fail(self, batches: list[_Batch], error: AppError) -> None:
        for batch in batches:
            batch.error = error
            if isinstance(error, ConnectionLost):
                self._doubtful.update(TenantId(row[0]) for row in batch.rows)


def _resolve(lost: asyncio.Future[TenantId], tenant: TenantId) -> None:
    if not lost.done():
        lost.set_result(tenant)


def _fenced(tenant: TenantId) -> VersionConflict:
    return VersionConflict(
        f"another exchange writes the tenant {tenant} now; this one stops, and may be started "
        "again to stand by"
    )
