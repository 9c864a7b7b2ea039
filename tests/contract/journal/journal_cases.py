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
from centralino.exchange.recovery import recover

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


async def own(journal: JournalPort, *tenants: TenantId) -> None:
    """Become the writer of some tenants."""
    for tenant in tenants or (ACME,):
        await journal.own(tenant)


async def write(journal: JournalPort, *records: JournalRecord) -> None:
    """Become the writer of the records' tenants and append them."""
    await own(journal, *dict.fromkeys(one.tenant for one in records))
    await journal.append(records)


class JournalCases(ABC):
    """The cases; a subclass opens its journal."""

    @abstractmethod
    def open(
        self, directory: Path, *, is_small: bool = False
    ) -> AbstractContextManager[JournalPort]:
        """Open the journal kept in ``directory``; a small one is full after some records."""

    def test_what_was_appended_is_read_back_in_order(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1), record(2, key="k")))
            asyncio.run(write(journal, record(1, BETA), record(3)))
            assert list(journal.read(ACME)) == [record(1), record(2, key="k"), record(3)]
            assert list(journal.read(ACME, after=2)) == [record(3)]
            assert list(journal.read(BETA)) == [record(1, BETA)]
            assert journal.last_sequence(ACME) == 3
            assert journal.last_sequence(TenantId("nobody")) == 0

    def test_a_sequence_that_is_taken_is_refused_and_nothing_of_it_stored(
        self, tmp_path: Path
    ) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1)))
            for batch in ([record(1)], [record(2), record(2)], [record(3)], [record(2), record(4)]):
                with pytest.raises(VersionConflict):
                    asyncio.run(journal.append(batch))
            assert journal.last_sequence(ACME) == 1

    def test_an_input_is_stored_once(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(own(journal, ACME, BETA))
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
            await own(journal, *tenants)
            async with asyncio.TaskGroup() as group:
                for tenant in tenants:
                    group.create_task(write(journal, tenant))

        with self.open(tmp_path) as journal:
            asyncio.run(write_all(journal))
            assert [journal.last_sequence(tenant) for tenant in tenants] == [25] * 20

    def test_one_batch_of_several_tenants_is_stored_whole_or_not_at_all(
        self, tmp_path: Path
    ) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1), record(1, BETA)))
            with pytest.raises(VersionConflict):
                asyncio.run(journal.append([record(2), record(7, BETA)]))
            asyncio.run(journal.append([record(2), record(2, BETA), record(3)]))
            assert (journal.last_sequence(ACME), journal.last_sequence(BETA)) == (3, 2)

    def test_a_key_that_is_taken_harms_nobody_else_in_the_same_group(self, tmp_path: Path) -> None:
        async def append_all(journal: JournalPort) -> Sequence[BaseException | None]:
            await write(journal, record(1, key="k"), record(1, BETA))
            return await asyncio.gather(
                journal.append([record(2, key="k")]),
                journal.append([record(2, BETA, key="k")]),
                journal.append([record(3, BETA)]),
                return_exceptions=True,
            )

        with self.open(tmp_path) as journal:
            results = asyncio.run(append_all(journal))
            assert isinstance(results[0], VersionConflict)
            assert results[1:] == [None, None]
            assert (journal.last_sequence(ACME), journal.last_sequence(BETA)) == (1, 3)

    def test_nobody_takes_over_from_who_is_alone(self, tmp_path: Path) -> None:
        async def wait(journal: JournalPort) -> None:
            await own(journal)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await journal.guard()

        with self.open(tmp_path) as journal:
            asyncio.run(wait(journal))

    def test_a_conflict_harms_nobody_else_in_the_same_group(self, tmp_path: Path) -> None:
        async def append_all(journal: JournalPort) -> Sequence[BaseException | None]:
            await own(journal, ACME, BETA, TenantId("gamma"))
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
            await own(journal)
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


class StoredJournalCases(JournalCases):
    """What else must hold where records are rows that somebody may have damaged."""

    @abstractmethod
    def alter(self, directory: Path, sql: str) -> None:
        """Run a statement on the tables behind the journal's back, while it is closed."""

    @abstractmethod
    def make_newer(self, directory: Path) -> None:
        """Let the tables say that a newer release has changed them."""

    def test_it_is_all_there_after_it_was_closed(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1), record(2, key="k", size=300)))
        with self.open(tmp_path) as journal:
            assert list(journal.read(ACME)) == [record(1), record(2, key="k", size=300)]
            asyncio.run(write(journal, record(3)))
            assert journal.last_sequence(ACME) == 3

    @pytest.mark.parametrize("cut", ["[", '[{"n":3},{"te', '[{"n":3}', "", "null"])
    def test_a_record_cut_in_mid_event_is_said_and_nothing_is_made_of_it(
        self, tmp_path: Path, cut: str
    ) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, *(record(n) for n in range(1, 6))))
        self.alter(tmp_path, f"UPDATE record SET events = '{cut}' WHERE sequence = 3")
        with self.open(tmp_path) as journal:
            kept = journal.read(ACME)
            assert [next(iter(kept)).sequence, next(iter(kept)).sequence] == [1, 2]
            with pytest.raises(StorageError, match=r"record 3 of acme is damaged.*backup"):
                next(iter(kept))
            assert journal.last_sequence(ACME) == 5

    def test_a_record_that_is_missing_in_between_is_said(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, *(record(n) for n in range(1, 6))))
        self.alter(tmp_path, "DELETE FROM record WHERE sequence = 3")
        with (
            self.open(tmp_path) as journal,
            pytest.raises(StorageError, match="record 3 of acme is missing"),
        ):
            list(journal.read(ACME))

    def test_tables_of_a_newer_release_are_refused_with_the_mend(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1)))
        self.make_newer(tmp_path)
        with (
            pytest.raises(StorageError, match=r"newer release.*run that release or a later one"),
            self.open(tmp_path),
        ):
            pass

    def test_a_history_of_events_of_a_newer_release_is_refused(self, tmp_path: Path) -> None:
        newer = '[{"type":"agent.added","v":99,"agent":"anna"}]'
        with self.open(tmp_path) as journal:
            asyncio.run(write(journal, record(1)))
        self.alter(tmp_path, f"UPDATE record SET events = '{newer}'")
        with (
            self.open(tmp_path) as journal,
            pytest.raises(StorageError, match=r"record 1 of acme: agent\.added version 99"),
        ):
            recover(ACME, journal)
