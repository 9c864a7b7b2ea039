# SPDX-License-Identifier: Apache-2.0
"""The two files of the voice process: facts not yet acknowledged, and checkpoints."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.checkpoint import CheckpointLog
from centralino.adapters.voice.inbox import PATIENCE_S, Inbox, next_generation
from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED
from centralino.exchange.facts import AnyFact, Dtmf, Ended
from centralino.exchange.link.stream import pause
from tests.kit.virtual_time import run_virtual, running_clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.unit


def key(n: int) -> Dtmf:
    return Dtmf(leg=LegId("a"), digit=str(n % 10))


def end(n: int) -> Ended:
    return Ended(leg=LegId(f"leg{n}"), outcome=COMPLETED)


def open_inbox(folder: Path, generation: int = 1, limit: int = 100) -> Inbox:
    return Inbox(folder / "inbox", "connect", generation, running_clock(), limit)


def test_starts_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "new" / "generation"
    assert [next_generation(file) for _ in range(3)] == [1, 2, 3]
    file.write_text("garbage")
    assert next_generation(file) == 1
    (tmp_path / "blocked").write_text("")
    with pytest.raises(StorageError):
        next_generation(tmp_path / "blocked" / "generation")


def test_a_fact_that_nobody_decides_about_waits_for_one_that_somebody_does(tmp_path: Path) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        inbox = open_inbox(tmp_path)
        asked_at = loop.time()
        waiting = asyncio.ensure_future(inbox.next_facts())
        await asyncio.wait([waiting], timeout=0)
        inbox.put(key(1))
        assert [f.fact for f in await waiting] == [1]
        assert loop.time() - asked_at == pytest.approx(PATIENCE_S)
        waiting = asyncio.ensure_future(inbox.next_facts())
        await asyncio.wait([waiting], timeout=0)
        inbox.put(key(2))
        inbox.put(end(3))
        assert [f.fact for f in await waiting] == [2, 3]
        assert loop.time() - asked_at == pytest.approx(PATIENCE_S)
        inbox.close()

    run_virtual(story())


def test_a_reader_is_told_once_per_turn_of_what_is_in_the_file(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path)
        told: list[tuple[list[int], int]] = []

        def read(facts: Sequence[AnyFact]) -> None:
            told.append(([f.fact for f in facts], (tmp_path / "inbox").stat().st_size))

        inbox.put(end(1))
        inbox.hand_to(read)
        inbox.put(key(2))
        inbox.put(end(3))
        assert told == [], "it is told at the end of the turn"
        await pause(0)
        ((numbers, size),) = told
        assert numbers == [1, 2, 3]
        assert size > 0
        inbox.put(key(4))
        await pause(PATIENCE_S / 2)
        assert len(told) == 1, "nobody decides about a key"
        await pause(PATIENCE_S)
        assert told[1][0] == [4]
        assert told[1][1] > size
        inbox.rewind()
        await pause(0)
        assert told[2][0] == [1, 2, 3, 4]
        inbox.hand_to(None)
        inbox.put(end(5))
        assert [f.fact for f in await inbox.next_facts()] == [5]
        assert len(told) == 3
        inbox.close()

    run_virtual(story())


def test_facts_are_numbered_delivered_and_acknowledged(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path)
        for n in range(3):
            inbox.put(key(n))
        facts = await inbox.next_facts()
        assert [(f.driver, f.generation, f.fact) for f in facts] == [
            ("connect", 1, 1), ("connect", 1, 2), ("connect", 1, 3)
        ]  # fmt: skip
        inbox.acknowledge(1, 2)
        assert [f.fact for f in inbox.waiting] == [3]
        inbox.put(key(9))
        assert [f.fact for f in await inbox.next_facts()] == [4]
        inbox.rewind()
        assert [f.fact for f in await inbox.next_facts()] == [3, 4]
        inbox.close()

    run_virtual(story())


def test_a_later_process_hands_out_what_was_left(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path)
        inbox.put(end(1))
        inbox.close()
        again = open_inbox(tmp_path, 2)
        again.put(end(2))
        facts = await again.next_facts()
        assert [(f.generation, f.fact) for f in facts] == [(1, 1), (2, 1)]
        again.acknowledge(2, 1)
        assert again.waiting == ()
        again.close()

    run_virtual(story())


def test_a_torn_file_loses_only_its_end(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path)
        inbox.put(end(1))
        inbox.put(end(2))
        inbox.close()
        file = tmp_path / "inbox"
        file.write_bytes(file.read_bytes()[:-3])
        assert [f.leg for f in open_inbox(tmp_path).waiting] == ["leg1"]
        file.write_bytes(b"\xff" * 64)
        assert open_inbox(tmp_path).waiting == ()

    run_virtual(story())


def test_when_it_is_full_only_news_that_inform_are_dropped(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path, limit=10)
        for n in range(10):
            inbox.put(key(n))
        assert inbox.is_full
        for n in range(10):
            inbox.put(end(n))
        assert {type(f) for f in inbox.waiting} == {Ended}
        inbox.put(key(1))
        assert len(inbox.waiting) == 10
        for n in range(5):
            inbox.put(end(10 + n))
        assert len(inbox.waiting) == 11
        assert inbox.dropped_count > 0
        inbox.close()

    run_virtual(story())


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = open_inbox(tmp_path, limit=100_000)
        for n in range(30_000):
            inbox.put(key(n))
        inbox.flush()
        assert (tmp_path / "inbox").stat().st_size > 1 << 20
        inbox.acknowledge(1, 29_990)
        assert (tmp_path / "inbox").stat().st_size < 10_000
        inbox.put(key(1))
        inbox.flush()
        inbox.close()
        assert len(open_inbox(tmp_path).waiting) == 11

    run_virtual(story())


# ---- checkpoints


def test_the_newest_entry_counts(tmp_path: Path) -> None:
    async def story() -> None:
        log = CheckpointLog(tmp_path / "calls")
        log.put("leg:a", lambda: b"1")
        log.flush()
        log.put("leg:a", lambda: b"2")
        log.put("leg:b", lambda: b"3")
        log.put("relay:c", lambda: b"4")
        log.flush()
        log.remove("leg:b")
        log.close()
        again = CheckpointLog(tmp_path / "calls")
        assert again.entries("leg:") == [("leg:a", b"2")]
        assert again.entries("relay:") == [("relay:c", b"4")]
        again.close()

    run_virtual(story())


def test_one_turn_of_the_loop_encodes_once(tmp_path: Path) -> None:
    async def story() -> None:
        log = CheckpointLog(tmp_path / "calls")
        encoded: list[int] = []

        def encode(number: int) -> bytes:
            encoded.append(number)
            return b"x"

        for n in range(5):
            log.put("leg:a", partial(encode, n))
        turned = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, turned.set)
        await turned.wait()
        assert encoded == [4]
        log.put("leg:b", lambda: b"x")
        log.remove("leg:b")
        log.close()
        again = CheckpointLog(tmp_path / "calls")
        assert [name for name, _ in again.entries("")] == ["leg:a"]
        again.close()

    run_virtual(story())


def test_a_torn_entry_loses_nothing_before_it(tmp_path: Path) -> None:
    async def story() -> None:
        log = CheckpointLog(tmp_path / "calls")
        for name in ("leg:a", "leg:b"):
            log.put(name, lambda: b"value")
        log.close()
        file = tmp_path / "calls"
        whole = file.read_bytes()
        for cut in range(1, len(whole) // 2):
            file.write_bytes(whole[:-cut])
            again = CheckpointLog(file)
            assert [name for name, _ in again.entries("")] == ["leg:a"]
            again.close()
        flipped = bytearray(whole)
        flipped[-1] ^= 1
        file.write_bytes(flipped)
        assert len(CheckpointLog(file).entries("")) == 1

    run_virtual(story())


def test_history_is_compacted_and_the_file_is_ours_alone(tmp_path: Path) -> None:
    async def story() -> None:
        log = CheckpointLog(tmp_path / "calls")
        for n in range(3000):
            log.put("leg:a", partial(b"%08d%s".__mod__, (n, b"x" * 1000)))
            log.flush()
        file = tmp_path / "calls"
        assert file.stat().st_size < 2 << 20
        assert file.stat().st_mode & 0o777 == 0o600
        log.close()
        assert CheckpointLog(file).entries("leg:")[0][1].startswith(b"00002999")

    run_virtual(story())
