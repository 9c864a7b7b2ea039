# SPDX-License-Identifier: Apache-2.0
"""Committed journals must be decided again as they were.

A journal here is one line of JSON per input: instant, command, events. Those of ``journals``
must be decided again as they were: a change of the core that decides otherwise fails here, and
if it is meant the journal is written anew (``python -m tests.replay.write_journal``). Those of
``histories`` are never written anew: they are what earlier releases left behind, so each must
be read for ever, whatever the events are called today, and tell the story that it told.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.interactions.consult_events import (
    ConsultCompleted,
    ConsultEnded,
    InteractionForsaken,
)
from centralino.core.interactions.consult_lifecycle import CONSULT, ConsultState
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.instant import Instant
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.score_events import ScoresExpired, ScoresLearned
from centralino.exchange.codec import command_of, events_of
from centralino.exchange.ports import JournalRecord
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import CallCounts, count_calls, read_stories

pytestmark = pytest.mark.replay

JOURNALS = Path(__file__).parent / "journals"
HISTORIES = Path(__file__).parent / "histories"
TOLD = {
    "busy-hour-1": CallCounts(
        offered=12,
        answered=3,
        abandoned=9,
        failed=0,
        lost=0,
        missed=4,
        overflowed=0,
        transferred=0,
        voicemails=0,
    ),
    "flow-hour-1": CallCounts(
        offered=9,
        answered=5,
        abandoned=0,
        failed=0,
        lost=0,
        missed=2,
        overflowed=0,
        transferred=1,
        voicemails=3,
    ),
}
"""What each history told when it was written."""
TENANT = TenantId("acme")


def load(path: Path) -> InMemoryJournal:
    journal = InMemoryJournal()
    records = []
    for sequence, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        at, command, events = json.loads(line)
        records.append(
            JournalRecord(
                tenant=TENANT,
                sequence=sequence,
                at=at,
                configuration=1,
                key="",
                input=_compact(command),
                events=tuple(_compact(event) for event in events),
            )
        )
    journal.keep(records)
    return journal


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("path", sorted(JOURNALS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_committed_journal_is_decided_as_it_was(path: Path) -> None:
    journal = load(path)
    report = replay(journal, TENANT)
    assert report.first_difference is None
    assert report.is_identical
    assert count_calls(read_stories(read_events(journal, TENANT))).lost == 0


def test_there_is_a_journal_with_every_kind_of_end() -> None:
    journal = load(JOURNALS / "busy-hour-1.jsonl")
    counts = count_calls(read_stories(read_events(journal, TENANT)))
    assert min(counts.answered, counts.abandoned) > 0


def test_there_is_a_journal_of_flows() -> None:
    journal = load(JOURNALS / "flow-hour-2.jsonl")
    counts = count_calls(read_stories(read_events(journal, TENANT)))
    assert min(counts.answered, counts.transferred, counts.voicemails, counts.missed) > 0


def test_there_is_a_journal_of_consults_that_end_in_every_way() -> None:
    journal = load(JOURNALS / "consult-hour-1.jsonl")
    events = [event for _, event in read_events(journal, TENANT)]
    results = {event.result for event in events if isinstance(event, ConsultEnded)}
    if any(isinstance(event, ConsultCompleted) for event in events):
        results.add(ConsultState.COMPLETED)
    assert results == CONSULT.terminal - {ConsultState.FAILED}
    assert {type(event) for event in events} >= {InteractionForsaken, ScoresLearned, ScoresExpired}


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_what_an_earlier_release_wrote_is_read_and_tells_the_same(path: Path) -> None:
    journal = load(path)
    engine = TenantEngine(TENANT)
    for record in journal.read(TENANT):
        command_of(record)
        engine.restore(record.sequence, Instant(record.at), events_of(record))
    assert engine.state.configuration is not None
    assert TenantEngine.revive(engine.state_bytes()).state == engine.state
    counts = count_calls(read_stories(read_events(journal, TENANT)))
    assert counts == TOLD[path.stem]
