# SPDX-License-Identifier: Apache-2.0
"""One decision in the making: what is known, the instant, and what came of it so far.

Deciders read ``state`` and ``index``, ``emit`` events (which are applied at once, so the
next line already sees them) and ``order`` effects. Nothing else changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.kernel.ids import Ids, SequentialIds
from centralino.core.kernel.instant import Duration, Instant, after, milliseconds
from centralino.core.routing.evolve import evolve

if TYPE_CHECKING:
    from centralino.core.interactions.effects import Effect
    from centralino.core.routing.configuration import TenantConfiguration
    from centralino.core.routing.events import Event
    from centralino.core.routing.state import Index, TenantState


@dataclass(frozen=True, slots=True)
class Decision:
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


@dataclass(slots=True)
class Turn:
    """Collects what one input leads to."""

    state: TenantState
    index: Index
    now: Instant
    ids: Ids = field(init=False)
    events: list[Event] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = SequentialIds(f"{self.state.tenant}.{self.state.sequence + 1}.")

    @property
    def configuration(self) -> TenantConfiguration:
        """The configuration in force."""
        assert self.state.configuration is not None  # noqa: S101 - the engine checks it first
        return self.state.configuration

    def emit(self, event: Event) -> None:
        """Let an event happen."""
        evolve(self.state, self.index, event, self.now)
        self.events.append(event)

    def order(self, effect: Effect) -> None:
        """Ask something of the outside."""
        self.effects.append(effect)

    def within(self, length: Duration) -> Instant:
        """Return the instant ``length`` from now."""
        return after(self.now, length)

    def within_ms(self, count: int) -> Instant:
        """Return the instant ``count`` milliseconds from now."""
        return after(self.now, milliseconds(count))
