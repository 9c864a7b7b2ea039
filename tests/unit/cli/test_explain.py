# SPDX-License-Identifier: Apache-2.0
"""``centralino explain`` on a journal: now, at a moment, and what comes of wrong questions."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from centralino.adapters.journal.code_version import code_fingerprint
from centralino.adapters.journal.snapshot_files import SnapshotFiles
from centralino.adapters.journal.sqlite import JournalReader, SqliteJournal
from centralino.cli.explain import moment_of
from centralino.cli.main import app
from centralino.core.interactions.events import InteractionEnded, InteractionQueued
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import Instant, to_iso
from centralino.exchange.explaining import Explainer
from centralino.exchange.recovery import recover, take_snapshot
from centralino.exchange.replay import read_events
from centralino.exchange.snapshot import Snapshots
from tests.replay.test_journals import JOURNALS, TENANT, load

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.adapters.journal.memory import InMemoryJournal
    from centralino.core.kernel.ids import InteractionId

pytestmark = pytest.mark.unit

BUSY = JOURNALS / "busy-hour-1.jsonl"


def waits(journal: InMemoryJournal) -> list[tuple[InteractionId, Instant]]:
    """Return the interactions that waited for more than an instant, each with one of them."""
    queued: dict[InteractionId, Instant] = {}
    found = []
    for at, event in read_events(journal, TENANT):
        if isinstance(event, InteractionQueued):
            queued[event.interaction] = at
        elif isinstance(event, InteractionEnded) and event.interaction in queued:
            found.append((event.interaction, Instant((queued[event.interaction] + at) // 2)))
    return found


def store(journal: InMemoryJournal, folder: Path) -> None:
    with closing(SqliteJournal(folder / "journal.sqlite3")) as stored:
        asyncio.run(stored.append(list(journal.read(TENANT))))


def test_it_says_why_at_a_moment_and_writes_it(tmp_path: Path) -> None:
    journal = load(BUSY)
    store(journal, tmp_path)
    name, moment = waits(journal)[-1]
    out = tmp_path / "out.json"
    arguments = ["explain", name, "--journal", str(tmp_path), "--at", to_iso(moment)]
    done = CliRunner().invoke(app, [*arguments, "--json", str(out)])
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert told["interaction"] == name
    assert told["text"] in " ".join(done.output.split())
    assert {one["agent"] for one in told["agents"]} <= {"anna", "bruno", "carla"}


def test_it_is_the_same_with_and_without_snapshots(tmp_path: Path) -> None:
    journal = load(BUSY)
    store(journal, tmp_path)
    reader = JournalReader(tmp_path / "journal.sqlite3")
    snapshots = Snapshots(SnapshotFiles(tmp_path / "snapshots"), code_fingerprint())
    take_snapshot(TENANT, reader, snapshots)
    quick, plain = Explainer(reader, snapshots), Explainer(reader)
    now = recover(TENANT, reader)[0].at
    for name, moment in [*waits(journal), *reversed(waits(journal))]:
        found = quick.explain(TENANT, name, moment, now)
        assert found == plain.explain(TENANT, name, moment, now)
        assert found.at == moment


def test_an_interaction_that_is_over_is_not_there_and_that_is_said(tmp_path: Path) -> None:
    journal = load(BUSY)
    store(journal, tmp_path)
    name, _ = waits(journal)[0]
    done = CliRunner().invoke(app, ["explain", name, "--journal", str(tmp_path)])
    assert "came later or had ended" in str(done.exception)


def test_a_moment_without_an_offset_is_utc() -> None:
    text = "2026-11-29T10:15:00"
    assert moment_of(text) == moment_of(f"{text}Z") == moment_of("2026-11-29T11:15:00+01:00")
    with pytest.raises(InvalidInput, match="write it as"):
        moment_of("at noon")


def test_no_journal_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["explain", "i-1"]).exit_code == 2
