# SPDX-License-Identifier: Apache-2.0
"""A tenant's engine as of some record: the newest trusted snapshot before it, and the rest.

The result is the same with and without snapshots; they only make it come sooner.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from centralino.core.kernel.errors import AppError, StorageError
from centralino.core.kernel.instant import Instant
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import events_of
from centralino.exchange.cursor import KeyDigest
from centralino.exchange.snapshot import Snapshot, SnapshotHeader, Snapshots, anchor_of

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.ports import JournalReadPort, JournalRecord

log = structlog.get_logger(__name__)


_BEFORE_ALL = Instant(0)


@dataclass(slots=True)
class Recovered:
    """An engine and where it stands."""

    engine: TenantEngine
    at: Instant = _BEFORE_ALL
    """Of the last record."""
    anchor: str = ""
    """Fingerprint of the last record."""
    since: int = 0
    """Sequence of the snapshot it began with, 0 without one."""
    records: int = 0
    """Records that were read behind the snapshot."""


def recover(
    tenant: TenantId,
    journal: JournalReadPort,
    snapshots: Snapshots | None = None,
    *,
    until: Instant | None = None,
) -> tuple[Recovered, KeyDigest]:
    """Return a tenant's engine as the journal has it, and the keys of its inputs.

    Args:
        tenant: whose.
        journal: where its records are.
        snapshots: where to begin; all records are read without them.
        until: the last instant that counts; everything by default.

    Raises:
        StorageError: the journal cannot be read, is damaged, or is of a newer release.
    """
    with _collector_resting():
        found, keys, rest = _begin(tenant, journal, snapshots, until)
        _fold(found, keys, rest, until)
    return found, keys


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Make many objects that all stay without looking through them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def advance(
    found: Recovered, tenant: TenantId, journal: JournalReadPort, *, until: Instant
) -> None:
    """Bring an engine that was recovered to a later instant.

    Raises:
        StorageError: the journal cannot be read, is damaged, or is of a newer release.
    """
    _fold(found, KeyDigest(), journal.read(tenant, found.engine.state.sequence), until)


def _fold(
    found: Recovered, keys: KeyDigest, records: Iterable[JournalRecord], until: Instant | None
) -> None:
    last: JournalRecord | None = None
    for record in records:
        if until is not None and record.at > until:
            break
        last = record
        found.at = Instant(record.at)
        try:
            found.engine.restore(record.sequence, found.at, events_of(record))
        except StorageError:
            raise
        except (AppError, LookupError) as error:
            raise StorageError(
                f"record {record.sequence} of {record.tenant} does not follow from those before "
                f"it: {error}; restore the journal from a backup"
            ) from error
        found.records += 1
        keys.add(record.key)
    if last is not None:
        found.anchor = anchor_of(last)


def _begin(
    tenant: TenantId,
    journal: JournalReadPort,
    snapshots: Snapshots | None,
    until: Instant | None,
) -> tuple[Recovered, KeyDigest, Iterator[JournalRecord]]:
    for header in snapshots.store.headers(tenant) if snapshots else ():
        if snapshots is None or header.code != snapshots.code:
            continue
        if until is not None and header.at > until:
            continue
        rest = iter(journal.read(tenant, header.sequence - 1))
        anchor = next(rest, None)
        if anchor is None or anchor_of(anchor) != header.anchor:
            log.warning("snapshot.of_another_journal", tenant=tenant, sequence=header.sequence)
            continue
        engine = _revive(snapshots, header)
        if engine is not None:
            found = Recovered(engine, Instant(header.at), header.anchor, header.sequence)
            return found, KeyDigest(header.keys), rest
    return Recovered(TenantEngine(tenant)), KeyDigest(), iter(journal.read(tenant))


def _revive(snapshots: Snapshots, header: SnapshotHeader) -> TenantEngine | None:
    try:
        engine = TenantEngine.revive(snapshots.store.load(header).state)
    except (StorageError, msgspec.MsgspecError, LookupError) as error:
        log.warning("snapshot.unusable", tenant=header.tenant, reason=str(error))
        return None
    is_it = engine.state.tenant == header.tenant and engine.state.sequence == header.sequence
    return engine if is_it else None


def take_snapshot(
    tenant: TenantId, journal: JournalReadPort, snapshots: Snapshots, *, least_records: int = 1
) -> SnapshotHeader | None:
    """Keep a snapshot of a tenant as it is now; ``None`` when there is too little news.

    Raises:
        StorageError: the journal cannot be read, or the snapshot not be kept.
    """
    found, keys = recover(tenant, journal, snapshots)
    if found.records < max(1, least_records):
        return None
    engine = found.engine
    state = engine.state_bytes()
    header = SnapshotHeader(
        tenant=tenant,
        sequence=engine.state.sequence,
        at=found.at,
        configuration=engine.state.configuration_version,
        code=snapshots.code,
        anchor=found.anchor,
        keys=keys.keys(),
        state_hash=engine.state_hash(),
    )
    snapshots.store.keep(Snapshot(header, state))
    return header
