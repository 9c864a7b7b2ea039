# SPDX-License-Identifier: Apache-2.0
"""Commands and events as JSON, the form in which the journal keeps them.

The ``type`` field names what it is; ``core/routing/history.py`` knows the versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from centralino.core.kernel.errors import StorageError
from centralino.core.routing.history import COMMANDS, EVENTS

if TYPE_CHECKING:
    from centralino.core.kernel.schema import Schema
    from centralino.core.routing.commands import Command
    from centralino.core.routing.events import Event
    from centralino.exchange.ports import JournalRecord

decode_command = COMMANDS.decode
"""Return the command of some JSON, of this or an earlier version."""
decode_event = EVENTS.decode
"""Return the event of some JSON, of this or an earlier version."""


def encode(message: Command | Event) -> bytes:
    """Return the JSON of a command or event; equal ones give equal bytes."""
    schema: Schema[Any] = EVENTS if EVENTS.has(message) else COMMANDS
    return schema.encode(message)


def events_of(record: JournalRecord) -> list[Event]:
    """Return the events of a journal record.

    Raises:
        StorageError: the record is damaged or of a newer release; the message says which.
    """
    try:
        return [decode_event(event) for event in record.events]
    except (StorageError, msgspec.MsgspecError) as error:
        raise StorageError(f"{_place(record)}: {error}") from error


def command_of(record: JournalRecord) -> Command:
    """Return the input of a journal record.

    Raises:
        StorageError: the record is damaged or of a newer release; the message says which.
    """
    try:
        return decode_command(record.input)
    except (StorageError, msgspec.MsgspecError) as error:
        raise StorageError(f"{_place(record)}: {error}") from error


def _place(record: JournalRecord) -> str:
    return f"record {record.sequence} of {record.tenant}"
