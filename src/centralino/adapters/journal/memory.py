# SPDX-License-Identifier: Apache-2.0
"""A journal in memory: the model that the others are compared with; durable for nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import StorageError, VersionConflict
from centralino.exchange.snapshot import one_too_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.ports import JournalRecord
    from centralino.exchange.snapshot import Snapshot, SnapshotHeader


class InMemoryJournal:
    """Implements ``JournalPort``; refuses records past ``most_records`` as a full disk would."""

    def __init__(self, most_records: int | None = None) -> None:
        self.most_records = most_records
        self._records: dict[TenantId, list[JournalRecord]] = {}
        self._keys: set[tuple[TenantId, str]] = set()

    async def own(self, tenant: TenantId) -> None:
        """Become the writer of a tenant; in memory there is no other."""

    async def guard(self) -> None:
        """Wait for ever: nobody takes it over."""
        await asyncio.Event().wait()

    async def append(self, records: Sequence[JournalRecord]) -> None:
        """Keep records, all or none; raises as the port says."""
        self.keep(records)

    def keep(self, records: Sequence[JournalRecord]) -> None:
        """Keep records at once; what ``append`` does."""
        count = sum(len(kept) for kept in self._records.values())
        if self.most_records is not None and count + len(records) > self.most_records:
            raise StorageError("the journal is full")
        expected: dict[TenantId, int] = {}
        keys: set[tuple[TenantId, str]] = set()
        for record in records:
            last = expected.get(record.tenant, self.last_sequence(record.tenant))
            key = (record.tenant, record.key)
            if record.sequence != last + 1:
                raise VersionConflict(f"record {record.sequence} does not follow {last}")
            if record.key and (key in self._keys or key in keys):
                raise VersionConflict(f"the input {record.key} is in the journal already")
            expected[record.tenant] = record.sequence
            keys.add(key)
        for record in records:
            self._records.setdefault(record.tenant, []).append(record)
        self._keys |= keys

    def read(self, tenant: TenantId, after: int = 0) -> Iterable[JournalRecord]:
        """Yield the records of a tenant in order, from ``after`` + 1."""
        return iter(self._records.get(tenant, [])[after:])

    def last_sequence(self, tenant: TenantId) -> int:
        """Return the highest sequence of a tenant, 0 when there is none."""
        return len(self._records.get(tenant, ()))

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have records, in order."""
        return sorted(self._records)


class InMemorySnapshots:
    """Implements ``SnapshotPort``; keeps ``most`` per tenant."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._kept: dict[TenantId, dict[int, Snapshot]] = {}

    def headers(self, tenant: TenantId) -> list[SnapshotHeader]:
        """Return what there is of a tenant, newest first."""
        kept = self._kept.get(tenant, {})
        return [kept[sequence].header for sequence in sorted(kept, reverse=True)]

    def load(self, header: SnapshotHeader) -> Snapshot:
        """Return a snapshot."""
        try:
            return self._kept[header.tenant][header.sequence]
        except KeyError:
            raise StorageError("the snapshot is gone") from None

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot and drop one that is too many."""
        kept = self._kept.setdefault(snapshot.header.tenant, {})
        kept[snapshot.header.sequence] = snapshot
        while (extra := one_too_many(list(kept), self._most)) is not None:
            del kept[extra]
