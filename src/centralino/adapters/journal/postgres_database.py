# SPDX-License-Identifier: Apache-2.0
"""The way to a PostgreSQL server: a thread with a loop of its own, and errors in our words.

The journal's connections live on that thread, so that signs of life go out while the
exchange is busy, and so that a journal can be read from anywhere without waiting for a loop.
The connection string is a secret: it is never shown, and neither is an error that may
quote it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from centralino.core.kernel.errors import AppError, ConfigError, StorageError
from centralino.exchange.link.stream import pause

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import AsyncIterator

    from asyncpg import Connection

T = TypeVar("T")

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    OSError,
    TimeoutError,
)
"""The connection is gone, and with it what it was doing: that may have been done or not."""
_WRONG = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the journal's tables are."""

    dsn: str = field(repr=False)
    """Connection string; a secret."""
    schema: str = "centralino"
    timeout_s: float = 5.0
    """To connect, and for one statement."""


class ConnectionLost(StorageError):
    """The database went away while something was asked; whether it was done is not known."""


class Database:
    """Runs what is asked of a server on its own thread; ``close`` ends it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="journal", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the thread and wait for it; not from the thread itself."""
        return self.start(work).result()

    async def reach(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the thread and await it on the caller's loop."""
        return await asyncio.wrap_future(self.start(work))

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Begin something on the thread and do not wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call something on the thread and do not wait."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """End the thread. Idempotent."""
        if self._thread.is_alive():
            self.run(_close_what_is_dropped())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def connect(self) -> Connection:
        """Open a connection; on the thread.

        Raises:
            ConfigError: the server is there and does not let us in, or the string is none.
            StorageError: the server cannot be reached.
        """
        place = self.place
        try:
            return await asyncpg.connect(
                place.dsn,
                timeout=place.timeout_s,
                command_timeout=place.timeout_s,
                server_settings={
                    "application_name": "centralino",
                    "search_path": place.schema,
                    "synchronous_commit": "on",
                    "lock_timeout": f"{int(place.timeout_s * 1000)}ms",
                },
            )
        except _WRONG as error:
            raise ConfigError("journal", _plain(error), "see docs/how-to/postgresql.md") from None
        except (asyncpg.PostgresError, *_LOST) as error:
            raise told(error) from None


def told(error: BaseException) -> AppError:
    """Return an error of the database as one of ours, with what to do."""
    match error:
        case AppError():
            return error
        case asyncpg.DiskFullError():
            problem = "its disk is full; make room there"
        case asyncpg.ReadOnlySQLTransactionError():
            problem = (
                "it is a standby that may not write; let the connection string name the primary"
            )
        case asyncpg.InsufficientPrivilegeError() | asyncpg.InvalidSchemaNameError():
            problem = f"{_plain(error)}; see docs/how-to/postgresql.md"
        case asyncpg.LockNotAvailableError():
            problem = "another exchange holds a lock; it is tried again"
        case _ if isinstance(error, _LOST):
            return ConnectionLost(
                f"PostgreSQL does not answer ({_plain(error)}); start it or mend the way to it"
            )
        case _:
            problem = _plain(error)
    return StorageError(f"PostgreSQL cannot write or read the journal: {problem}")


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Turn errors of the database inside the block into ours."""
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise
    except (asyncpg.PostgresError, *_LOST) as error:
        raise told(error) from error


async def _close_what_is_dropped() -> None:
    """Let the loop come round twice, which closes the sockets of dropped connections."""
    for _ in range(2):
        await pause(0)


async def drop(connection: Connection | None) -> None:
    """Let go of a connection without waiting for the server."""
    if connection is not None:
        with suppress(Exception):
            connection.terminate()


def _plain(error: BaseException) -> str:
    """Return an error in words that cannot hold the connection string."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"the connection was closed ({type(error).__name__})"
