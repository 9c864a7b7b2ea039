# SPDX-License-Identifier: Apache-2.0
"""What the demo shows, built from the journal alone: a projection, read as it grows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.journal.sqlite import JournalReader
from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.instant import Instant
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import events_of
from centralino.exchange.summary import CallStory, StoryBook

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.events import Event
    from centralino.core.routing.state import TenantState

RECENT = 40


class LiveProjection:
    """Follows a tenant's journal."""

    def __init__(
        self, journal: Path, tenant: TenantId, *, utc: Callable[[], int] = time.time_ns
    ) -> None:
        """Follow ``journal``; ``utc`` gives nanoseconds since the Unix epoch."""
        self._reader = JournalReader(journal)
        self._tenant = tenant
        self._utc = utc
        self._engine = TenantEngine(tenant)
        self._since: dict[str, tuple[str, Instant]] = {}
        self.book = StoryBook()
        self.recent: deque[tuple[Instant, Event]] = deque(maxlen=RECENT)
        self.event_count = 0
        self.now = Instant(0)
        """When it was last refreshed."""

    @property
    def state(self) -> TenantState:
        """What the tenant's engine knows, as far as the journal was read."""
        return self._engine.state

    def since(self, name: str) -> Instant:
        """Return since when an agent or an interaction is in its present state."""
        return self._since.get(name, ("", self.now))[1]

    def refresh(self) -> list[CallStory]:
        """Read what is new; return the stories that ended since the last time."""
        ended = []
        try:
            records = list(self._reader.read(self._tenant, self._engine.state.sequence))
        except StorageError:
            return []
        for record in records:
            at = Instant(record.at)
            events = events_of(record)
            self._engine.restore(record.sequence, at, events)
            for event in events:
                self.event_count += 1
                self.recent.append((at, event))
                story = self.book.take(event, at)
                if story is not None and story.ended_at == at:
                    ended.append(story)
            self._note_states(at)
        self.now = Instant(self._utc())
        return ended

    def _note_states(self, at: Instant) -> None:
        states = {str(one.id): one.state.value for one in self.state.agents.values()}
        states |= {str(one.id): one.state.value for one in self.state.interactions.values()}
        for name, state in states.items():
            if self._since.get(name, ("", at))[0] != state:
                self._since[name] = (state, at)
        for name in self._since.keys() - states.keys():
            del self._since[name]
