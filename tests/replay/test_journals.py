# SPDX-License-Identifier: Apache-2.0
"""Committed journals must be decided again as they were.

A journal here is one line of JSON per input: instant, command, events. A change of the
core that decides otherwise fails here; if it is meant, the journal gets a new name and
the old one stays as long as its version is supported. ``python -m
tests.replay.write_journal`` writes one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from centralino.adapters.journal.memory import InMemoryJournal
from centralino.core.kernel.ids import TenantId
from centralino.exchange.ports import JournalRecord
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import count_calls, read_stories

pytestmark = pytest.mark.replay

JOURNALS = Path(__file__).parent / "journals"
TENANT = TenantId("acme")


def _load(path: Path) -> InMemoryJournal:
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
    journal = _load(path)
    report = replay(journal, TENANT)
    assert report.first_difference is None
    assert report.is_identical
    assert count_calls(read_stories(read_events(journal, TENANT))).lost == 0


def test_there_is_a_journal_with_every_kind_of_end() -> None:
    journal = _load(JOURNALS / "busy-hour-1.jsonl")
    counts = count_calls(read_stories(read_events(journal, TENANT)))
    assert min(counts.answered, counts.abandoned) > 0


def test_there_is_a_journal_of_flows() -> None:
    journal = _load(JOURNALS / "flow-hour-1.jsonl")
    counts = count_calls(read_stories(read_events(journal, TENANT)))
    assert min(counts.answered, counts.transferred, counts.voicemails, counts.missed) > 0
