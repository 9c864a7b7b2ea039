# SPDX-License-Identifier: Apache-2.0
"""Commands and events as JSON, the form in which the journal keeps them.

The ``type`` field names what it is; unknown fields of a newer release are ignored, so
an additive change needs no new version.
"""

from __future__ import annotations

import msgspec

from centralino.core.routing.commands import Command
from centralino.core.routing.events import Event

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(message: Command | Event) -> bytes:
    """Return the JSON of a command or event; equal ones give equal bytes."""
    return _encoder.encode(message)


def decode_command(data: bytes) -> Command:
    """Return the command of ``data``.

    Raises:
        msgspec.ValidationError: it is none of ours.
    """
    return _commands.decode(data)


def decode_event(data: bytes) -> Event:
    """Return the event of ``data``.

    Raises:
        msgspec.ValidationError: it is none of ours.
    """
    return _events.decode(data)
