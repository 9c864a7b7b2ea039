# SPDX-License-Identifier: Apache-2.0
"""Where a caller is in his flow: all that must survive to go on, and nothing else.

A position is plain data for the journal and for a hash. It names the version of every
flow the call may reach, taken when the call began, so that a later publishing never
changes a call in progress.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from centralino.core.flows.document import Value
from centralino.core.kernel.instant import Instant


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about the call when its flow begins."""

    called_number: str
    """E.164 with ``+``."""
    caller_number: str = ""
    """E.164 with ``+``; empty when anonymous."""
    caller_name: str = ""
    language: str = ""
    """The number's language; the flow's first one when empty or not spoken by the flow."""


class Frame(msgspec.Struct, frozen=True):
    """One flow of those that are nested; the innermost is the last."""

    flow: str
    node: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the present node is; each node type uses it in its own way."""

    stage: str = ""
    attempt: int = 1
    step: int = 0
    """Index into a queue's steps."""
    digits: str = ""
    entered_at: Instant = Instant(0)
    queue_ask: str = ""
    """The ask that the queue answers when the caller leaves it."""
    keys_ask: str = ""
    """The ask of the keys that leave the queue."""
    leaving: str = ""
    """The edge that follows when the queue confirms that the caller has left it."""


class FlowPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's position."""

    facts: CallFacts
    began_at: Instant
    frames: tuple[Frame, ...]
    versions: dict[str, int]
    """Flow to the version this call uses."""
    language: str
    variables: dict[str, Value]
    progress: Progress = Progress()
    asks: int = 0
    """Actions with an ``ask`` so far."""
    expects: tuple[str, ...] = ()
    """The asks whose answers count."""
    deadline: Instant | None = None
    """When ``Deadline`` is due; ``None`` only when the flow is over."""
    entered: int = 0
    """Nodes and queue steps of the whole call."""
    burst_at: Instant = Instant(0)
    burst: int = 0
    """Nodes entered since ``burst_at``: the guard against loops in which no time passes."""
    has_tried_operator: bool = False
    end: Literal["", "connected", "hung-up", "gone"] = ""
    """How the flow ended; empty while it runs. ``connected`` hands the caller over to an agent
    or the party of a transfer."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the flow."""
        return self.end != ""
