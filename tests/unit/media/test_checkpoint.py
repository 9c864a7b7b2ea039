# SPDX-License-Identifier: Apache-2.0
"""Counters in a file: found again by the next process, damaged ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.adapters.media.checkpoint import NO_KEYS, Checkpoint, LegCounters, keys_digest
from centralino.adapters.media.outgoing import LinePosition
from centralino.core.kernel.ids import LegId

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

A, B = LegId("leg-a"), LegId("leg-b")


def counters(port: int = 20_000, index: int = 3 << 16 | 5) -> LegCounters:
    line = LinePosition(ssrc=0xFFFFFFFF, index=index, timestamp=0xFFFFFFFE, at=10**15)
    return LegCounters(port, keys_digest(b"k" * 30, b"r" * 30), line, 0xEEEEEEEE, 7 << 16, 12, 34)


def test_next_process_finds_what_was_written(tmp_path: Path) -> None:
    path = str(tmp_path / "ckpt")
    first = Checkpoint(path, 10)
    assert first.claim(A) is None
    first.claim(B)
    first.write(A, counters(index=1))
    first.write(A, counters())
    first.close()
    second = Checkpoint(path, 10)
    assert second.generation == first.generation + 1
    assert second.claim(A) == counters()
    assert second.claim(B) is None


def test_released_leg_is_forgotten(tmp_path: Path) -> None:
    path = str(tmp_path / "ckpt")
    first = Checkpoint(path, 10)
    first.claim(A)
    first.write(A, counters())
    first.release(A)
    first.close()
    assert Checkpoint(path, 10).claim(A) is None


@pytest.mark.parametrize("at", [64, 64 + 30, 64 + 68])
def test_half_a_store_is_no_record(tmp_path: Path, at: int) -> None:
    path = tmp_path / "ckpt"
    first = Checkpoint(str(path), 1)
    first.claim(A)
    first.write(A, counters())
    first.close()
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    assert Checkpoint(str(path), 1).claim(A) is None


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "ckpt")
    first = Checkpoint(path, 1)
    with pytest.raises(BlockingIOError):
        Checkpoint(path, 1)
    first.close()


def test_places_of_the_forgotten_are_used_again(tmp_path: Path) -> None:
    path = str(tmp_path / "ckpt")
    first = Checkpoint(path, 1)
    first.claim(A)
    first.write(A, counters())
    first.close()
    second = Checkpoint(path, 1)
    assert second.claim(B) is None
    with pytest.raises(IndexError):
        second.claim(A)


def test_keys_are_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ckpt"
    first = Checkpoint(str(path), 1)
    first.claim(A)
    first.write(A, counters())
    first.close()
    assert b"kkkk" not in path.read_bytes()
    assert (bytes(4), bytes(4)) == NO_KEYS
    assert keys_digest(b"a", b"b") != keys_digest(b"a", b"c")
