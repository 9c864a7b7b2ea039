# SPDX-License-Identifier: Apache-2.0
"""Snapshots make a restart shorter and never different; an odd one is ignored."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.journal.code_version import code_fingerprint
from centralino.adapters.journal.memory import InMemoryJournal, InMemorySnapshots
from centralino.adapters.journal.snapshot_files import SnapshotFiles
from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import Instant
from centralino.exchange.cursor import MOST_KEYS, KeyDigest
from centralino.exchange.link.stream import pause
from centralino.exchange.recovery import recover, take_snapshot
from centralino.exchange.snapshot import Snapshot, SnapshotPort, Snapshots, one_too_many
from centralino.exchange.snapshotting import Rhythm, SnapshotKeeper
from tests.kit.virtual_time import run_virtual, running_clock
from tests.replay.test_journals import JOURNALS, TENANT, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.exchange.snapshot import SnapshotHeader

pytestmark = pytest.mark.unit

FLOWS = JOURNALS / "flow-hour-2.jsonl"


def part_of(journal: InMemoryJournal, count: int) -> InMemoryJournal:
    """Return the first records of a journal."""
    part = InMemoryJournal()
    part.keep([record for record in journal.read(TENANT) if record.sequence <= count])
    return part


def stores(folder: Path) -> list[SnapshotPort]:
    return [InMemorySnapshots(), SnapshotFiles(folder)]


@pytest.mark.parametrize("kind", [0, 1])
def test_snapshot_and_tail_are_the_full_replay(tmp_path: Path, kind: int) -> None:
    journal = load(FLOWS)
    last = journal.last_sequence(TENANT)
    full, keys = recover(TENANT, journal)
    snapshots = Snapshots(stores(tmp_path)[kind], "code-1")
    for count in (1, 7, last // 2, last - 1, last):
        taken = take_snapshot(TENANT, part_of(journal, count), snapshots)
        assert taken is not None
        assert taken.sequence == count
        found, found_keys = recover(TENANT, journal, snapshots)
        assert (found.since, found.records) == (count, last - count)
        assert found.engine.state_hash() == full.engine.state_hash()
        assert (found.at, found.anchor) == (full.at, full.anchor)
        assert found_keys.keys() == keys.keys()
    assert take_snapshot(TENANT, journal, snapshots) is None, "nothing has happened since"


def test_the_state_at_a_moment_is_that_of_the_records_up_to_it() -> None:
    journal = load(FLOWS)
    snapshots = Snapshots(InMemorySnapshots(9), "code-1")
    records = list(journal.read(TENANT))
    for count in (20, 60):
        take_snapshot(TENANT, part_of(journal, count), snapshots)
    for number in (5, 20, 41, 60, len(records)):
        until = Instant(records[number - 1].at)
        same = [record.sequence for record in records if record.at <= until]
        plain, _ = recover(TENANT, journal, until=until)
        quick, _ = recover(TENANT, journal, snapshots, until=until)
        assert plain.engine.state.sequence == quick.engine.state.sequence == same[-1]
        assert plain.engine.state_hash() == quick.engine.state_hash()


def _of_other_code(header: SnapshotHeader, state: bytes) -> Snapshot:
    return Snapshot(msgspec.structs.replace(header, code="code-2"), state)


def _of_another_journal(header: SnapshotHeader, state: bytes) -> Snapshot:
    return Snapshot(msgspec.structs.replace(header, anchor="0" * 64), state)


def _ahead(header: SnapshotHeader, state: bytes) -> Snapshot:
    return Snapshot(msgspec.structs.replace(header, sequence=header.sequence + 500), state)


def _of_another_shape(header: SnapshotHeader, state: bytes) -> Snapshot:
    return Snapshot(header, b'{"tenant":5}')


def _of_another_sequence(header: SnapshotHeader, state: bytes) -> Snapshot:
    return Snapshot(header, state.replace(b'"sequence":40', b'"sequence":41', 1))


@pytest.mark.parametrize(
    "spoil",
    [_of_other_code, _of_another_journal, _ahead, _of_another_shape, _of_another_sequence],
)
def test_a_snapshot_that_is_not_ours_is_ignored(
    spoil: Callable[[SnapshotHeader, bytes], Snapshot],
) -> None:
    journal = load(FLOWS)
    store = InMemorySnapshots()
    header = take_snapshot(TENANT, part_of(journal, 40), Snapshots(store, "code-1"))
    assert header is not None
    spoilt = InMemorySnapshots()
    spoilt.keep(spoil(header, store.load(header).state))
    found, _ = recover(TENANT, journal, Snapshots(spoilt, "code-1"))
    assert found.since == 0
    assert found.engine.state_hash() == recover(TENANT, journal)[0].engine.state_hash()


def test_a_damaged_file_falls_back_to_the_one_before(tmp_path: Path) -> None:
    journal, files = load(FLOWS), SnapshotFiles(tmp_path)
    snapshots = Snapshots(files, "code-1")
    for count in (30, 60):
        take_snapshot(TENANT, part_of(journal, count), snapshots)
    newest = max(tmp_path.rglob("*.snapshot"))
    whole = newest.read_bytes()
    head = whole.index(b"\n")
    cuts = [0, head // 2, head + 1, len(whole) - 1]
    generator = random.Random(5)
    damaged = [whole[:cut] for cut in cuts]
    for _ in range(10):
        at = generator.randrange(head + 1, len(whole))
        damaged.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for data in damaged:
        newest.write_bytes(data)
        assert recover(TENANT, journal, snapshots)[0].since == 30
    newest.write_bytes(whole)
    assert recover(TENANT, journal, snapshots)[0].since == 60


def test_a_bounded_number_is_kept_spread_over_the_past(tmp_path: Path) -> None:
    journal, files = load(FLOWS), SnapshotFiles(tmp_path, most=4)
    for count in range(5, 65, 5):
        take_snapshot(TENANT, part_of(journal, count), Snapshots(files, "code-1"))
    kept = [header.sequence for header in files.headers(TENANT)]
    assert kept == sorted(kept, reverse=True)
    assert len(kept) == 4
    assert (kept[0], kept[1], kept[-1]) == (60, 55, 5)
    assert len(list(tmp_path.rglob("*"))) == 5, "nothing else is left behind"


def test_a_disk_that_cannot_keep_one_says_so(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("in the way", encoding="utf-8")
    files = SnapshotFiles(tmp_path)
    with pytest.raises(StorageError, match="cannot keep a snapshot"):
        take_snapshot(TENANT, load(FLOWS), Snapshots(files, "code-1"))
    assert files.headers(TENANT) == []


def test_names_of_tenants_stay_inside_the_folder(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path / "inside")
    assert files.headers(TenantId("../outside")) == []
    store = InMemorySnapshots()
    header = take_snapshot(TENANT, load(FLOWS), Snapshots(store, "code-1"))
    assert header is not None
    odd = msgspec.structs.replace(header, tenant=TenantId("../outside"))
    files.keep(Snapshot(odd, store.load(header).state))
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert files.headers(TenantId("../outside")) == [odd]


@pytest.mark.parametrize("most", [3, 4, 7])
def test_thinning_keeps_the_oldest_and_the_newest_two(most: int) -> None:
    kept: list[int] = []
    for sequence in range(10, 1000, 10):
        kept.append(sequence)
        while (extra := one_too_many(kept, most)) is not None:
            kept.remove(extra)
    assert kept[-2:] == [980, 990]
    assert len(kept) == most
    assert kept[0] == 10 or most == 3


def test_the_digest_of_keys_is_bounded_and_forgets_the_oldest() -> None:
    digest = KeyDigest()
    for number in range(MOST_KEYS + 50):
        digest.add(f"control/{number}/f/k")
        digest.add(f"fact/voice/7/{number}")
        digest.add("")
    keys = digest.keys()
    assert keys[0] == f"fact/voice/7/{MOST_KEYS + 49}"
    assert keys[1] == "control/50/f/k"
    assert len(keys) == MOST_KEYS + 1
    assert KeyDigest(keys).keys() == keys


def test_the_fingerprint_names_the_release_and_stays() -> None:
    assert code_fingerprint() == code_fingerprint()
    assert code_fingerprint().startswith("0.")


class Maker:
    """Counts what it is asked for; fails the first time."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, TenantId]] = []

    async def make(self, tenant: TenantId) -> int:
        await pause(2)
        self.asked.append((running_clock().now() // 10**9, tenant))
        if len(self.asked) == 1:
            raise StorageError("the disk is full")
        return 250


def test_snapshots_are_asked_for_in_a_rhythm() -> None:
    async def run() -> list[tuple[int, TenantId]]:
        maker = Maker()
        keeper = SnapshotKeeper(maker, running_clock(), Rhythm(records=100, pause_s=60))
        keeper.begin(TENANT, 50)
        running = asyncio.ensure_future(keeper.run())
        for sequence in range(50, 450):
            keeper.note(TENANT, sequence)
            await pause(1)
        running.cancel()
        return maker.asked

    asked = run_virtual(run())
    assert [tenant for _, tenant in asked] == [TENANT] * len(asked)
    assert [at for at, _ in asked] == [102, 162, 302, 362]
