# SPDX-License-Identifier: Apache-2.0
"""One decision in the making: what is known, the instant, and what came of it so far.

Deciders read ``state`` and ``index``, ``emit`` events (which are applied at once, so the
next line already sees them) and ``order`` effects. Nothing else changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.core.interactions.effects import Effect
from centralino.core.kernel.instant import MILLISECOND, Duration, Instant
from centralino.core.routing.events import Event
from centralino.core.routing.evolve import EVOLVERS

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.state import Index, TenantState


class Decision(msgspec.Struct, frozen=True):
    """What one input led to."""

    sequence: int
    """Of the tenant; the same as before when nothing came of it."""
    at: Instant
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing came of it: it need not be kept."""
        return not self.events and not self.effects


class Turn:
    """Collects what one input leads to. Written out, because each input makes one."""

    __slots__ = ("_ids", "effects", "events", "index", "now", "state")

    def __init__(self, state: TenantState, index: Index, now: Instant) -> None:
        self.state = state
        self.index = index
        self.now = now
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self._ids = 0

    def new_id(self, kind: str) -> str:
        """Return a new identifier ``<kind>-<tenant>.<sequence>.<n>``, which a replay makes again.

        ``n`` counts from 1 in each decision, all kinds together.
        """
        self._ids += 1
        return f"{kind}-{self.state.tenant}.{self.state.sequence + 1}.{self._ids}"

    @property
    def configuration(self) -> TenantConfiguration:
        """The configuration in force."""
        assert self.state.configuration is not None  # noqa: S101 - the engine checks it first
        return self.state.configuration

    def emit(self, event: Event) -> None:
        """Let an event happen."""
        EVOLVERS[type(event)](self.state, self.index, event, self.now)
        self.events.append(event)

    def order(self, effect: Effect) -> None:
        """Ask something of the outside."""
        self.effects.append(effect)

    def within(self, length: Duration) -> Instant:
        """Return the instant ``length`` from now."""
        return Instant(self.now + length)

    def within_ms(self, count: int) -> Instant:
        """Return the instant ``count`` milliseconds from now."""
        return Instant(self.now + count * MILLISECOND)
