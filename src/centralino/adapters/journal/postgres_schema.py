# SPDX-License-Identifier: Apache-2.0
"""The tables of the PostgreSQL journal, as numbered steps that are each done once.

A step is never changed after a release; what is new is a step more. A database that has
more steps than we know was made by a newer release and is refused. ADR 0013 says why these
few lines and no migration tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.errors import StorageError

if TYPE_CHECKING:
    from asyncpg import Connection

MIGRATING = 0x43_45_4E_54_52_41_4C
"""Advisory lock of whoever changes tables."""

STEPS = (
    """
    CREATE TABLE record (
        tenant text NOT NULL,
        sequence bigint NOT NULL,
        at bigint NOT NULL,
        configuration bigint NOT NULL,
        key text NOT NULL,
        input text NOT NULL,
        events text NOT NULL,
        epoch bigint NOT NULL,
        PRIMARY KEY (tenant, sequence)
    );
    CREATE UNIQUE INDEX record_key ON record (tenant, key) WHERE key <> '';
    CREATE TABLE lease (
        tenant text PRIMARY KEY,
        epoch bigint NOT NULL,
        owner bigint,
        node text NOT NULL,
        expires_at timestamptz NOT NULL
    );
    """,
    """
    CREATE TABLE snapshot (
        tenant text NOT NULL,
        sequence bigint NOT NULL,
        header text NOT NULL,
        state bytea NOT NULL,
        PRIMARY KEY (tenant, sequence)
    );
    ALTER TABLE snapshot ALTER COLUMN state SET STORAGE EXTERNAL;
    """,
)


async def migrate(connection: Connection, schema: str) -> None:
    """Bring the tables up to date; several may try at once.

    Raises:
        StorageError: a newer release made them.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATING)
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (step integer PRIMARY KEY, "
            "at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        done = await steps_done(connection)
        for number, step in enumerate(STEPS[done:], start=done + 1):
            await connection.execute(step)
            await connection.execute("INSERT INTO migration (step) VALUES ($1)", number)


async def steps_done(connection: Connection) -> int:
    """Return how many steps the tables have; 0 when there are none.

    Raises:
        StorageError: a newer release made them.
    """
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return 0
    done = await connection.fetchval("SELECT coalesce(max(step), 0) FROM migration")
    if done > len(STEPS):
        raise StorageError(
            f"a newer release made the journal's tables (step {done}, this one knows "
            f"{len(STEPS)}); run that release or a later one"
        )
    return int(done)
