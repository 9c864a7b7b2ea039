# SPDX-License-Identifier: Apache-2.0
"""Deliveries survive a restart, a cut record and a full disk; what is dealt with goes away."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.intake import log as intake_log
from centralino.adapters.intake.log import IntakeLog
from centralino.core.kernel.errors import StorageError
from centralino.exchange.intake import Delivered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.wire


def delivered(number: int, size: int = 10) -> Delivered:
    return Delivered("graph-notifications", number, f"{number}".encode().ljust(size, b"."))


async def waiting(intake: IntakeLog) -> list[int]:
    if not intake.waiting_count:
        return []
    async with asyncio.timeout(10):
        return [one.at for _, one in await intake.next()]


def kept(folder: Path, numbers: Sequence[int], *, acknowledged: int = 0) -> None:
    """Put deliveries into a log, deal with the first ones, and close it."""

    async def run() -> None:
        intake = IntakeLog(folder)
        await asyncio.gather(*(intake.put(delivered(number)) for number in numbers))
        if acknowledged:
            intake.acknowledge(acknowledged)
        intake.close()

    asyncio.run(run())


def found(folder: Path) -> list[int]:
    async def run() -> list[int]:
        intake = IntakeLog(folder)
        try:
            return await waiting(intake)
        finally:
            intake.close()

    return asyncio.run(run())


def segment_count(folder: Path) -> int:
    return len(list(folder.glob("*.log")))


def test_what_was_kept_comes_again_after_a_restart_in_order(tmp_path: Path) -> None:
    kept(tmp_path, range(1, 51))
    assert found(tmp_path) == list(range(1, 51))


def test_what_was_dealt_with_does_not_come_again(tmp_path: Path) -> None:
    kept(tmp_path, range(1, 51), acknowledged=20)
    assert found(tmp_path) == list(range(21, 51))
    kept(tmp_path, [51], acknowledged=50)
    assert found(tmp_path) == [51]


def test_each_is_handed_out_once(tmp_path: Path) -> None:
    async def run() -> tuple[list[int], list[int]]:
        intake = IntakeLog(tmp_path)
        await intake.put(delivered(1))
        first = await waiting(intake)
        await intake.put(delivered(2))
        second = await waiting(intake)
        intake.close()
        return first, second

    assert asyncio.run(run()) == ([1], [2])


@pytest.mark.parametrize("lost_bytes", [1, 5, 20, 30])
def test_a_record_that_was_cut_ends_the_log_and_the_next_ones_are_kept(
    tmp_path: Path, lost_bytes: int
) -> None:
    kept(tmp_path, [1, 2, 3])
    segment = next(iter(tmp_path.glob("*.log")))
    data = segment.read_bytes()
    segment.write_bytes(data[:-lost_bytes])
    assert found(tmp_path) == [1, 2]
    kept(tmp_path, [4])
    assert found(tmp_path) == [1, 2, 4]


def test_damage_in_the_middle_ends_the_log_there(tmp_path: Path) -> None:
    kept(tmp_path, [1, 2, 3])
    segment = next(iter(tmp_path.glob("*.log")))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(bytes(data))
    assert found(tmp_path) == [1]


def test_segments_that_are_dealt_with_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_log, "SEGMENT_BYTES", 200)

    async def run() -> int:
        intake = IntakeLog(tmp_path)
        for number in range(1, 41):
            await intake.put(delivered(number, 100))
        before = segment_count(tmp_path)
        intake.acknowledge(40)
        intake.close()
        return before

    assert asyncio.run(run()) > 10
    assert segment_count(tmp_path) == 1
    assert found(tmp_path) == []


def test_a_full_disk_refuses_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fdatasync
    is_full = False

    def fdatasync(file: int) -> None:
        if is_full:
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)

    async def run() -> None:
        nonlocal is_full
        intake = IntakeLog(tmp_path)
        await intake.put(delivered(1))
        is_full = True
        with pytest.raises(StorageError, match="No space left"):
            await intake.put(delivered(2))
        is_full = False
        await intake.put(delivered(3))
        intake.close()

    asyncio.run(run())
    assert found(tmp_path) == [1, 3]


def test_more_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_log, "MOST_WAITING_BYTES", 500)

    async def run() -> int:
        intake = IntakeLog(tmp_path)
        for number in range(1, 5):
            await intake.put(delivered(number, 50))
        with pytest.raises(StorageError, match="too many"):
            await asyncio.gather(*(intake.put(delivered(9, 50)) for _ in range(20)))
        count = intake.waiting_count
        intake.acknowledge(count)
        await intake.put(delivered(1000))
        intake.close()
        return count

    assert 3 < asyncio.run(run()) < 12
