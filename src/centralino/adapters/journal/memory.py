# SPDX-License-Identifier: Apache-2.0
"""A journal in memory: the model that the others are compared with; durable for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.errors import StorageError, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.ports import JournalRecord


class InMemoryJournal:
    """Implements ``JournalPort``; refuses records past ``most_records`` as a full disk would."""

    def __init__(self, most_records: int | None = None) -> None:
        self.most_records = most_records
        self._records: dict[TenantId, list[JournalRecord]] = {}
        self._keys: set[tuple[TenantId, str]] = set()

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
