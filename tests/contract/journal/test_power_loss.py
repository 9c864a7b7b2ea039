# SPDX-License-Identifier: Apache-2.0
"""The power goes at any moment: everything acknowledged is there, whole and in order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.errors import StorageError
from tests.contract.journal.power_cuts import judge, run_recorded
from tests.kit.power import Step, Tape

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.contract

RECORDS = 60
MOMENTS = 60


def test_what_was_acknowledged_survives_the_loss_of_power(tmp_path: Path) -> None:
    tape = run_recorded(tmp_path, RECORDS)
    whats = {(step.what, step.name) for step in tape.steps}
    for name in ("journal.sqlite3", "journal.sqlite3-wal"):
        assert {("write", name), ("sync", name)} <= whats, f"{name} was not exercised"
    assert tape.acknowledged_before(len(tape.steps)) == RECORDS
    generator = random.Random(11)
    first = next(n for n, step in enumerate(tape.steps) if step.what == "acknowledged")
    moments = generator.sample(range(first, len(tape.steps) + 1), MOMENTS)
    extra = 0
    for number, moment in enumerate(sorted(moments)):
        torn = random.Random(moment) if number % 3 else None
        extra += judge(tmp_path, tape, moment, torn)
    assert extra > 0, "no cut fell between a commit and its acknowledgement"


def test_a_disk_that_does_not_sync_is_caught(tmp_path: Path) -> None:
    """The judge has teeth: without the log's syncs acknowledged records are missing."""
    tape = run_recorded(tmp_path, RECORDS)
    wal = "journal.sqlite3-wal"
    lazy = Tape([step for step in tape.steps if (step.what, step.name) != ("sync", wal)])
    moment = max(n for n, step in enumerate(lazy.steps) if step.what == "acknowledged")
    with pytest.raises((AssertionError, StorageError)):
        judge(tmp_path, lazy, moment + 1, None)


def test_a_disk_keeps_what_was_synced_and_may_tear_the_rest() -> None:
    old, new = b"a" * 1024, b"b" * 1024
    tape = Tape([Step("write", "f", 0, old), Step("sync", "f"), Step("write", "f", 0, new)])
    assert tape.disk_at(1, None) == {}
    assert tape.disk_at(3, None) == {"f": old}
    torn = {tape.disk_at(3, random.Random(seed))["f"] for seed in range(40)}
    assert torn == {old, new, old[:512] + new[:512], new[:512] + old[:512]}
    cut = Tape([*tape.steps[:2], Step("truncate", "f", 100), Step("sync", "f")])
    assert cut.disk_at(4, None) == {"f": old[:100]}
