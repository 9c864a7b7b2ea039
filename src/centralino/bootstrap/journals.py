# SPDX-License-Identifier: Apache-2.0
"""The journal that the settings ask for, and the process that makes its snapshots.

``python -m centralino.bootstrap.journals --config FILE --tenant T`` makes one snapshot of
one tenant from the journal and prints its sequence. The exchange starts it when a snapshot
is due; an administrator may run it with a new release before he switches to it, so that the
new release finds a snapshot of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from centralino.adapters.journal.code_version import code_fingerprint
from centralino.adapters.journal.postgres import PostgresJournal, PostgresReader
from centralino.adapters.journal.postgres_database import Place
from centralino.adapters.journal.postgres_snapshots import PostgresSnapshots
from centralino.adapters.journal.settings import DSN_VARIABLE
from centralino.adapters.journal.snapshot_files import SnapshotFiles
from centralino.adapters.journal.sqlite import LOG_BYTES, JournalReader, SqliteJournal
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import Settings
from centralino.bootstrap.sources import load_settings
from centralino.core.kernel.errors import AppError, ConfigError, NotFound, StorageError
from centralino.core.kernel.ids import TenantId
from centralino.exchange.ports import JournalPort, JournalReadPort
from centralino.exchange.recovery import take_snapshot
from centralino.exchange.snapshot import SnapshotPort, Snapshots
from centralino.exchange.snapshotting import Rhythm

if TYPE_CHECKING:
    from centralino.adapters.journal.settings import JournalSettings

MAKE_WITHIN_S = 1800.0
_NICE = 10


class OpenJournal(JournalPort, Protocol):
    """A journal that is let go of by ``close``."""

    def close(self) -> None:
        """Write what waits, then let go. Idempotent."""
        ...


class OpenReader(JournalReadPort, Protocol):
    """A journal for reading that is let go of by ``close``."""

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have records, in order."""
        ...

    def close(self) -> None:
        """Let go. Idempotent."""
        ...


def open_journal(settings: JournalSettings, layout: Layout) -> OpenJournal:
    """Open the journal for writing.

    Raises:
        Conflict: another process writes it.
        ConfigError: the settings of the database are wrong.
        StorageError: it cannot be opened.
    """
    if settings.kind == "postgresql":
        place = _place(settings)
        return PostgresJournal(place, lease_s=settings.lease_s, take_over_s=settings.take_over_s)
    return SqliteJournal(layout.journal, prepared_bytes=LOG_BYTES)


def open_reader(settings: JournalSettings, layout: Layout) -> OpenReader:
    """Open the journal for reading.

    Raises:
        NotFound: there is none yet.
        ConfigError: the settings of the database are wrong.
        StorageError: it cannot be opened.
    """
    if settings.kind == "postgresql":
        return PostgresReader(_place(settings))
    if not layout.journal.is_file():
        raise NotFound(f"there is no journal {layout.journal}")
    return JournalReader(layout.journal)


def open_configured_reader(config: Path) -> OpenReader:
    """Open for reading the journal that a settings file names; see ``open_reader``."""
    settings = load_settings(config, os.environ)
    return open_reader(settings.journal, data_layout(settings))


def configured_snapshots(journal: Path | None, config: Path | None) -> Snapshots | None:
    """Return the snapshots of a journal that is named by its path, or by settings."""
    if journal is not None:
        folder = journal if journal.is_dir() else journal.parent
        store = SnapshotFiles(Layout(folder, folder).snapshots)
        return Snapshots(store, code_fingerprint())
    if config is None:
        return None
    settings = load_settings(config, os.environ)
    return open_snapshots(settings.journal, data_layout(settings))


def data_layout(settings: Settings) -> Layout:
    """Return where data lies; without sockets, for commands beside a running product."""
    folder = Path(settings.data_dir).absolute()
    return Layout(folder, Path(settings.run_dir or folder))


def open_snapshots(settings: JournalSettings, layout: Layout) -> Snapshots:
    """Return where the journal's snapshots are."""
    store: SnapshotPort
    if settings.kind == "postgresql":
        store = PostgresSnapshots(_place(settings), settings.snapshots)
    else:
        store = SnapshotFiles(layout.snapshots, settings.snapshots)
    return Snapshots(store, code_fingerprint())


def _place(settings: JournalSettings) -> Place:
    """Return where PostgreSQL is.

    Raises:
        ConfigError: there is no connection string.
    """
    if settings.dsn_file:
        try:
            dsn = Path(settings.dsn_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            hint = "a file that only our user can read"
            raise ConfigError("journal.dsn_file", "cannot be read", hint) from None
    else:
        dsn = os.environ.get(DSN_VARIABLE, "")
    if not dsn:
        hint = f"name a file in journal.dsn_file, or set {DSN_VARIABLE}"
        raise ConfigError("journal", "PostgreSQL has no connection string", hint)
    return Place(dsn, settings.schema, settings.timeout_s)


def rhythm_of(settings: JournalSettings) -> Rhythm:
    """Return how often snapshots are made."""
    return Rhythm(settings.snapshot_records, settings.snapshot_pause_s)


class ProcessSnapshotMaker:
    """Implements ``SnapshotMakerPort`` with a process of low priority per snapshot."""

    def __init__(self, config: Path) -> None:
        self._config = config

    async def make(self, tenant: TenantId) -> int:
        """Make a snapshot; return its sequence.

        Raises:
            StorageError: the process failed or took too long.
        """
        arguments = ("-m", "centralino.bootstrap.journals", "--config", str(self._config))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(*arguments, "--tenant", tenant),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(MAKE_WITHIN_S):
                said, _ = await process.communicate()
        except TimeoutError:
            raise StorageError("making a snapshot took too long") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        text = said.decode().strip()
        if process.returncode != 0 or not text.isdigit():
            raise StorageError(text or "the process that makes snapshots failed")
        return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one snapshot; return the exit status."""
    parser = argparse.ArgumentParser(prog="centralino.bootstrap.journals")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--tenant", required=True)
    chosen = parser.parse_args(arguments)
    settings = msgspec.json.decode(chosen.config.read_bytes(), type=Settings)
    set_up_logging(settings.log, "snapshots")
    os.nice(_NICE)
    try:
        said, status = str(_make(settings, TenantId(chosen.tenant))), 0
    except AppError as error:
        said, status = error.message, 1
    sys.stdout.write(f"{said}\n")
    return status


def _make(settings: Settings, tenant: TenantId) -> int:
    layout = Layout.of(settings)
    snapshots = open_snapshots(settings.journal, layout)
    with closing(open_reader(settings.journal, layout)) as reader:
        made = take_snapshot(tenant, reader, snapshots)
    if made is not None:
        return made.sequence
    newest = snapshots.store.headers(tenant)
    return newest[0].sequence if newest else 0


if __name__ == "__main__":
    sys.exit(main())
