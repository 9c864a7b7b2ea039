# SPDX-License-Identifier: Apache-2.0
"""A tenant's journal as a twin's recording: who came, how long he talked, how patient all are."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.journal.sqlite import SqliteJournal
from centralino.bootstrap.twin.loading import load_twin
from centralino.bootstrap.twin.plan import plan_of
from centralino.core.interactions.commands import EndLeg
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import COMPLETED
from centralino.exchange.codec import encode
from centralino.exchange.ports import JournalRecord
from tests.unit.core.company import TENANT, Desk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

_TWIN = """
twin: Yesterday
queues: [{id: sales}, {id: support}]
agents: [{count: 2, queues: [sales]}, {count: 2, queues: [support]}]
recorded: {file: journal.sqlite3}
"""


def _day() -> Desk:
    """Two are answered, the third gives up after 40 seconds."""
    desk = Desk()
    rings = [desk.connect_call(f"in-{number}") for number in range(2)]
    desk.queue_call("in-2")
    desk.do(EndLeg(leg=LegId("in-2"), outcome=COMPLETED, by_far_end=True), after_s=40)
    for ring in rings:
        desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True), after_s=50)
    return desk


def _write(path: Path, desk: Desk) -> None:
    records = [
        JournalRecord(
            tenant=TENANT,
            sequence=decision.sequence,
            at=decision.at,
            configuration=1,
            key="",
            input=encode(command),
            events=tuple(encode(event) for event in decision.events),
        )
        for (command, _), decision in zip(desk.inputs, desk.decisions, strict=True)
        if not decision.is_empty
    ]
    with closing(SqliteJournal(path)) as journal:
        asyncio.run(journal.append(records))


def test_a_journal_is_run_again(tmp_path: Path) -> None:
    _write(tmp_path / "journal.sqlite3", _day())
    (tmp_path / "twin.yaml").write_text(_TWIN)
    loaded = load_twin(tmp_path / "twin.yaml")
    assert loaded.file is not None, loaded.problems
    assert loaded.recording is not None
    at_s, handle_s, patience_s = loaded.recording.calls["sales"]
    assert at_s.tolist() == [0.0, 0.0, 0.0]
    assert handle_s.tolist()[:2] == [90.0, 140.0]
    assert loaded.recording.patience_s == {"sales": 40.0}
    plan = plan_of(loaded.file, recording=loaded.recording)
    assert plan.queues[0].patience[0].mean_s == 40.0
    assert not plan.queues[1].patience
    assert patience_s.size == 3


def test_a_tenant_that_is_not_there_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "journal.sqlite3", _day())
    (tmp_path / "twin.yaml").write_text(_TWIN.replace("sqlite3}", "sqlite3, tenant: other}"))
    (problem,) = load_twin(tmp_path / "twin.yaml").problems
    assert "there is no tenant other; there are: acme" in problem.reason
