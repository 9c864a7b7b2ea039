# SPDX-License-Identifier: Apache-2.0
"""What the demo shows, built from the journal alone: a projection, read as it grows."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.journal.sqlite import JournalReader
from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.instant import Instant
from centralino.core.routing.engine import TenantEngine
from centralino.exchange.codec import decode_event
from centralino.exchange.summary import CallStory, StoryBook

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.core.routing.events import Event
    from centralino.core.routing.state import TenantState

RECENT = 12


class LiveProjection:
    """Follows a tenant's journal."""

    def __init__(self, journal: Path, tenant: TenantId) -> None:
        self._reader = JournalReader(journal)
        self._tenant = tenant
        self._engine = TenantEngine(tenant)
        self.book = StoryBook()
        self.recent: deque[tuple[Instant, Event]] = deque(maxlen=RECENT)
        self.event_count = 0

    @property
    def state(self) -> TenantState:
        """What the tenant's engine knows, as far as the journal was read."""
        return self._engine.state

    def refresh(self) -> list[CallStory]:
        """Read what is new; return the stories that ended since the last time."""
        ended = []
        try:
            records = list(self._reader.read(self._tenant, self._engine.state.sequence))
        except StorageError:
            return []
        for record in records:
            at = Instant(record.at)
            events = [decode_event(event) for event in record.events]
            self._engine.restore(record.sequence, at, events)
            for event in events:
                self.event_count += 1
                self.recent.append((at, event))
                story = self.book.take(event, at)
                if story is not None and story.ended_at == at:
                    ended.append(story)
        return ended
