# SPDX-License-Identifier: Apache-2.0
"""What every journal must do; each implementation runs these cases."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.errors import StorageError, VersionConflict
from centralino.core.kernel.ids import TenantId
from centralino.exchange.ports import JournalPort, JournalRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

ACME, BETA = TenantId("acme"), TenantId("beta")


def record(
    sequence: int, tenant: TenantId = ACME, *, key: str = "", size: int = 0
) -> JournalRecord:
    """Return a record with two events."""
    return JournalRecord(
        tenant=tenant,
        sequence=sequence,
        at=1_700_000_000_000_000_000 + sequence,
        configuration=1,
        key=key,
        input=b'{"type":"tick"}',
        events=(b'{"n":%d}' % sequence, b'{"text":"%s"}' % (b"\xc3\xa0, [" + b"x" * size)),
    )


class JournalCases(ABC):
    """The cases; a subclass opens its journal."""

    @abstractmethod
    def open(
        self, directory: Path, *, is_small: bool = False
    ) -> AbstractContextManager[JournalPort]:
        """Open the journal kept in ``directory``; a small one is full after some records."""

    def test_what_was_appended_is_read_back_in_order(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(journal.append([record(1), record(2, key="k")]))
            asyncio.run(journal.append([record(1, BETA), record(3)]))
            assert list(journal.read(ACME)) == [record(1), record(2, key="k"), record(3)]
            assert list(journal.read(ACME, after=2)) == [record(3)]
            assert list(journal.read(BETA)) == [record(1, BETA)]
            assert journal.last_sequence(ACME) == 3
            assert journal.last_sequence(TenantId("nobody")) == 0

    def test_a_sequence_that_is_taken_is_refused_and_nothing_of_it_stored(
        self, tmp_path: Path
    ) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(journal.append([record(1)]))
            for batch in ([record(1)], [record(2), record(2)], [record(3)], [record(2), record(4)]):
                with pytest.raises(VersionConflict):
                    asyncio.run(journal.append(batch))
            assert journal.last_sequence(ACME) == 1

    def test_an_input_is_stored_once(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(journal.append([record(1, key="voice/1/7")]))
            with pytest.raises(VersionConflict):
                asyncio.run(journal.append([record(2, key="voice/1/7")]))
            asyncio.run(journal.append([record(1, BETA, key="voice/1/7"), record(2), record(3)]))
            assert journal.last_sequence(ACME) == 3

    def test_many_writers_of_many_tenants_are_all_stored(self, tmp_path: Path) -> None:
        tenants = [TenantId(f"t{n}") for n in range(20)]

        async def write(journal: JournalPort, tenant: TenantId) -> None:
            for sequence in range(1, 26):
                await journal.append([record(sequence, tenant)])

        async def write_all(journal: JournalPort) -> None:
            async with asyncio.TaskGroup() as group:
                for tenant in tenants:
                    group.create_task(write(journal, tenant))

        with self.open(tmp_path) as journal:
            asyncio.run(write_all(journal))
            assert [journal.last_sequence(tenant) for tenant in tenants] == [25] * 20

    def test_a_conflict_harms_nobody_else_in_the_same_group(self, tmp_path: Path) -> None:
        async def append_all(journal: JournalPort) -> Sequence[BaseException | None]:
            return await asyncio.gather(
                journal.append([record(1)]),
                journal.append([record(7, BETA)]),
                journal.append([record(1, TenantId("gamma"))]),
                return_exceptions=True,
            )

        with self.open(tmp_path) as journal:
            results = asyncio.run(append_all(journal))
            assert results[0] is None
            assert isinstance(results[1], VersionConflict)
            assert results[2] is None
            assert journal.last_sequence(BETA) == 0

    def test_a_full_disk_is_said_and_what_was_stored_stays(self, tmp_path: Path) -> None:
        async def fill(journal: JournalPort) -> int:
            sequence = 0
            while sequence < 10_000:
                await journal.append([record(sequence + 1, size=2000)])
                sequence += 1
            return sequence

        with self.open(tmp_path, is_small=True) as journal:
            with pytest.raises(StorageError):
                asyncio.run(fill(journal))
            last = journal.last_sequence(ACME)
            assert last > 0
            assert [kept.sequence for kept in journal.read(ACME)] == list(range(1, last + 1))
            with pytest.raises(StorageError):
                asyncio.run(journal.append([record(last + 1, size=20_000)]))
            assert journal.last_sequence(ACME) == last
