# SPDX-License-Identifier: Apache-2.0
"""Decide a journal again from its inputs, and compare every event and the final state.

The configuration is one of the inputs, so a journal is all that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import AppError
from centralino.core.kernel.instant import Instant
from centralino.core.routing.engine import TenantEngine
from centralino.core.routing.events import TenantConfigured
from centralino.exchange.codec import command_of, decode_event, events_of

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.events import Event
    from centralino.exchange.ports import JournalReadPort, JournalRecord


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found."""

    tenant: TenantId
    records: int
    events: int
    is_identical: bool
    """Every decision gave the same events, and both ways give the same state."""
    state_hash: str
    first_difference: int | None = None
    """Sequence of the first record that was decided otherwise."""


def replay(journal: JournalReadPort, tenant: TenantId) -> ReplayReport:
    """Replay the journal of a tenant.

    Raises:
        StorageError: the journal cannot be read.
    """
    deciding, folding = TenantEngine(tenant), TenantEngine(tenant)
    records = count = 0
    difference: int | None = None
    for record in journal.read(tenant):
        records += 1
        count += len(record.events)
        if difference is None and not _agrees(deciding, folding, record):
            difference = record.sequence
    same = difference is None and deciding.state_hash() == folding.state_hash()
    return ReplayReport(
        tenant=tenant,
        records=records,
        events=count,
        is_identical=same,
        state_hash=folding.state_hash(),
        first_difference=difference,
    )


def _agrees(deciding: TenantEngine, folding: TenantEngine, record: JournalRecord) -> bool:
    """Take one record both ways; tell whether the decision is the one it holds.

    Events are compared as they are read, so that a field that a later release added counts
    as its default in what an earlier one wrote.
    """
    at = Instant(record.at)
    try:
        held = events_of(record)
        folding.restore(record.sequence, at, held)
        decision = deciding.apply(command_of(record), at)
    except (AppError, LookupError):
        return False
    return list(decision.events) == held and decision.sequence == record.sequence


def last_configuration(journal: JournalReadPort, tenant: TenantId) -> TenantConfiguration | None:
    """Return the configuration that is in force, ``None`` when the tenant has none."""
    found = None
    for record in journal.read(tenant):
        for event in record.events:
            if b'"tenant.configured"' in event[:64]:
                decoded = decode_event(event)
                found = decoded.configuration if isinstance(decoded, TenantConfigured) else found
    return found


def read_events(journal: JournalReadPort, tenant: TenantId) -> list[tuple[Instant, Event]]:
    """Return every event of a tenant with its instant, oldest first."""
    return [
        (Instant(record.at), event)
        for record in journal.read(tenant)
        for event in events_of(record)
    ]
