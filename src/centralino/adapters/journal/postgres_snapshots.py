# SPDX-License-Identifier: Apache-2.0
"""Snapshots in the database of the journal, so that whoever takes over finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from centralino.adapters.journal.postgres_database import Database, Place, asking
from centralino.core.kernel.errors import StorageError
from centralino.exchange.snapshot import (
    Snapshot,
    SnapshotHeader,
    decode_header,
    decode_snapshot,
    encode_header,
    one_too_many,
)

if TYPE_CHECKING:
    from asyncpg import Connection

    from centralino.core.kernel.ids import TenantId

log = structlog.get_logger(__name__)

_HEADERS = "SELECT sequence, header FROM snapshot WHERE tenant = $1 ORDER BY sequence DESC"
_LOAD = "SELECT header, state FROM snapshot WHERE tenant = $1 AND sequence = $2"
_KEEP = """
    INSERT INTO snapshot (tenant, sequence, header, state) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant, sequence) DO UPDATE SET header = excluded.header, state = excluded.state
"""
_SEQUENCES = "SELECT sequence FROM snapshot WHERE tenant = $1"
_DROP = "DELETE FROM snapshot WHERE tenant = $1 AND sequence = $2"


class PostgresSnapshots:
    """Implements ``SnapshotPort``; keeps ``most`` per tenant. Connects for each request."""

    def __init__(self, place: Place, most: int) -> None:
        self._place = place
        self._most = most

    def headers(self, tenant: TenantId) -> list[SnapshotHeader]:
        """Return what there is of a tenant, newest first; damaged ones are left out.

        Raises:
            StorageError: the database cannot be read.
        """
        found = []
        for sequence, text in self._ask(_HEADERS, tenant):
            try:
                header = decode_header(text.encode())
            except StorageError as error:
                log.warning("snapshot.unusable", tenant=tenant, reason=error.message)
            else:
                if (header.tenant, header.sequence) == (tenant, sequence):
                    found.append(header)
        return found

    def load(self, header: SnapshotHeader) -> Snapshot:
        """Return a snapshot.

        Raises:
            StorageError: it is damaged or gone, or the database cannot be read.
        """
        rows = self._ask(_LOAD, header.tenant, header.sequence)
        if not rows:
            raise StorageError("the snapshot is gone")
        return decode_snapshot(rows[0][0].encode() + b"\n" + rows[0][1])

    def keep(self, snapshot: Snapshot) -> None:
        """Make a snapshot durable and drop those that are too many.

        Raises:
            StorageError: it cannot be written.
        """
        database = Database(self._place)
        try:
            database.run(self._keep(database, snapshot))
        finally:
            database.close()

    async def _keep(self, database: Database, snapshot: Snapshot) -> None:
        connection: Connection = await database.connect()
        header = snapshot.header
        async with asking(), connection.transaction():
            await connection.execute(
                _KEEP, header.tenant, header.sequence, encode_header(header), snapshot.state
            )
            rows = await connection.fetch(_SEQUENCES, header.tenant)
            kept = [row[0] for row in rows]
            while (extra := one_too_many(kept, self._most)) is not None:
                kept.remove(extra)
                await connection.execute(_DROP, header.tenant, extra)
        await connection.close()

    def _ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        async def ask() -> list[tuple[Any, ...]]:
            connection = await database.connect()
            async with asking():
                rows = await connection.fetch(sql, *values)
            await connection.close()
            return [tuple(row) for row in rows]

        database = Database(self._place)
        try:
            return database.run(ask())
        finally:
            database.close()
