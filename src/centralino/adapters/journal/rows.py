# SPDX-License-Identifier: Apache-2.0
"""A journal record as a row of a table: inputs and events as JSON text, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import TenantId
from centralino.exchange.ports import JournalRecord

Row = tuple[str, int, int, int, str, str, str]
"""Tenant, sequence, at, configuration, key, input, events."""

_events = msgspec.json.Decoder(list[msgspec.Raw])


def to_row(record: JournalRecord) -> Row:
    """Return a record as a row."""
    return (
        record.tenant,
        record.sequence,
        record.at,
        record.configuration,
        record.key,
        record.input.decode(),
        (b"[" + b",".join(record.events) + b"]").decode(),
    )


def to_record(row: Sequence[Any]) -> JournalRecord:
    """Return a row as a record.

    Raises:
        StorageError: its events are cut or damaged.
    """
    tenant, sequence, at, configuration, key, command, events = row
    try:
        parts = tuple(bytes(event) for event in _events.decode(events))
    except msgspec.MsgspecError as error:
        raise StorageError(
            f"record {sequence} of {tenant} is damaged: {error}; restore the journal from a backup"
        ) from error
    return JournalRecord(
        tenant=TenantId(tenant),
        sequence=sequence,
        at=at,
        configuration=configuration,
        key=key,
        input=command.encode(),
        events=parts,
    )
