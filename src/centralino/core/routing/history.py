# SPDX-License-Identifier: Apache-2.0
"""How events and commands were written by earlier releases, and what they are called today.

Each entry is a type with its upcasters, oldest first; the docstring of an upcaster says
what has changed. See ``core/kernel/schema.py`` for when a change needs one. A change that
needs one also needs a journal of the version before in ``tests/replay/histories``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.kernel.schema import Schema
from centralino.core.routing.commands import Command
from centralino.core.routing.events import Event

if TYPE_CHECKING:
    from centralino.core.kernel.schema import History

EVENT_HISTORY: History = {}
COMMAND_HISTORY: History = {}

EVENTS: Schema[Event] = Schema(Event, EVENT_HISTORY)
"""Every event as the journal holds it."""
COMMANDS: Schema[Command] = Schema(Command, COMMAND_HISTORY)
"""Every input as the journal holds it."""
