# SPDX-License-Identifier: Apache-2.0
"""Who writes a tenant: a row with an owner and an epoch that only ever grows.

Whoever takes a tenant raises its epoch, and a record is only stored under the present epoch,
so a writer that was frozen, cut off or thought dead can never add anything behind its
successor's back. The clock of a lease is the database's. An owner is known to be dead when
its session is gone, which the server shows by giving its advisory lock to somebody else;
one that lives but gives no sign of life loses its lease by time.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.journal.postgres_database import asking, drop
from centralino.core.kernel.errors import AppError, Conflict
from centralino.exchange.link.stream import pause

if TYPE_CHECKING:
    from asyncpg import Connection

    from centralino.adapters.journal.postgres_database import Database
    from centralino.core.kernel.ids import TenantId

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.2
"""How often a tenant that another has is looked at while waiting for it."""
BEATS_PER_LEASE = 4

_TAKE = """
    INSERT INTO lease AS l (tenant, epoch, owner, node, expires_at)
    VALUES ($1, 1, $2, $3, clock_timestamp() + $4::float8 * interval '1 second')
    ON CONFLICT (tenant) DO UPDATE SET epoch = l.epoch + 1, owner = excluded.owner,
        node = excluded.node, expires_at = excluded.expires_at
    WHERE l.owner IS NULL OR l.owner = $2 OR l.owner = $5 OR l.expires_at < clock_timestamp()
    RETURNING epoch
"""
_BEAT = """
    UPDATE lease SET expires_at = clock_timestamp() + $2::float8 * interval '1 second'
    WHERE owner = $1 RETURNING tenant, epoch
"""
_RELEASE = "UPDATE lease SET owner = NULL, expires_at = clock_timestamp() WHERE owner = $1"
_WHO = "SELECT owner, node, epoch FROM lease WHERE tenant = $1"


class LeaseKeeper:
    """Takes tenants and gives signs of life for them, on a connection of its own."""

    def __init__(
        self, database: Database, lease_s: float, on_lost: Callable[[TenantId], None]
    ) -> None:
        self.owner = secrets.randbits(62)
        """This process's name in the table, and the number of its advisory lock."""
        self.epochs: dict[TenantId, int] = {}
        """What is ours, as far as we know."""
        self.node = f"{socket.gethostname()}/{os.getpid()}"
        self._database = database
        self._lease_s = lease_s
        self._on_lost = on_lost
        self._connection: Connection | None = None
        self._session: int | None = None
        """The server's number of our last connection."""
        self._turn = asyncio.Lock()

    async def take(self, tenant: TenantId, wait_s: float) -> int:
        """Become a tenant's writer; return the epoch.

        Raises:
            Conflict: another exchange has it and lives.
            StorageError: the database cannot be reached.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + wait_s
        while True:
            async with self._turn, asking():
                connection = await self._connected()
                epoch = await self._try_to_take(connection, tenant)
                who = None if epoch else await connection.fetchrow(_WHO, tenant)
            if epoch:
                self.epochs[tenant] = epoch
                log.info("lease.taken", tenant=tenant, epoch=epoch)
                return epoch
            if loop.time() >= give_up_at:
                node = who["node"] if who else "another exchange"
                raise Conflict(
                    f"the tenant {tenant} is written by {node}; it is taken over when that one "
                    "has stopped or given no sign of life for its lease"
                )
            await pause(LOOK_EVERY_S)

    async def beat(self) -> None:
        """Give signs of life until cancelled; tell of tenants that are no longer ours."""
        while True:
            await pause(self._lease_s / BEATS_PER_LEASE)
            try:
                async with self._turn, asking():
                    connection = await self._connected()
                    rows = await connection.fetch(_BEAT, self.owner, self._lease_s)
            except AppError as error:
                log.warning("lease.no_sign_of_life", reason=error.message)
                await self._disconnect()
                continue
            held = {row["tenant"]: row["epoch"] for row in rows}
            for tenant, epoch in list(self.epochs.items()):
                if held.get(tenant) != epoch:
                    self.lose(tenant)

    def lose(self, tenant: TenantId) -> None:
        """Learn that a tenant is another's now."""
        if self.epochs.pop(tenant, None) is not None:
            log.error("lease.lost", tenant=tenant)
            self._on_lost(tenant)

    async def release(self) -> None:
        """Let the next one have the tenants at once; a server that is away needs no word."""
        try:
            async with self._turn, asking():
                if self.epochs and self._connection is not None:
                    await self._connection.execute(_RELEASE, self.owner)
        except AppError as error:
            log.warning("lease.not_released", reason=error.message)
        self.epochs.clear()
        await self._disconnect()

    async def _try_to_take(self, connection: Connection, tenant: TenantId) -> int | None:
        values = (tenant, self.owner, self.node, self._lease_s)
        epoch: int | None = await connection.fetchval(_TAKE, *values, None)
        if epoch is not None:
            return epoch
        owner = await connection.fetchval("SELECT owner FROM lease WHERE tenant = $1", tenant)
        if owner is None or not await connection.fetchval("SELECT pg_try_advisory_lock($1)", owner):
            return None
        try:
            epoch = await connection.fetchval(_TAKE, *values, owner)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", owner)
        return epoch

    async def _connected(self) -> Connection:
        """Return the connection whose session shows that we live."""
        if self._connection is None or self._connection.is_closed():
            connection = await self._database.connect()
            try:
                if self._session is not None:
                    # The server may not have seen yet that our last connection is gone.
                    await connection.execute("SELECT pg_terminate_backend($1)", self._session)
                await connection.execute("SELECT pg_advisory_lock($1)", self.owner)
            except BaseException:
                await drop(connection)
                raise
            self._session = connection.get_server_pid()
            self._connection = connection
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        await drop(connection)
