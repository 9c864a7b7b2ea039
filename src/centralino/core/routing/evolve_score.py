# SPDX-License-Identifier: Apache-2.0
"""How each event about scores changes the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from centralino.core.routing import score_events
from centralino.core.routing.matching.memory import ScoreSet

if TYPE_CHECKING:
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState


def _learned(
    state: TenantState, index: Index, event: score_events.ScoresLearned, at: Instant
) -> None:
    found = ScoreSet(event.queue, dict(event.scores), event.source, event.learned_at, event.until)
    index.matching.past.learn_scores(event.signature, found)
    index.note_scores(event.signature, found)


def _expired(
    state: TenantState, index: Index, event: score_events.ScoresExpired, at: Instant
) -> None:
    index.matching.past.learn_scores(event.signature, None)
    index.note_scores(event.signature, None)


SCORE_EVOLVERS: dict[Any, Callable[[TenantState, Index, Any, Instant], None]] = {
    score_events.ScoresLearned: _learned,
    score_events.ScoresExpired: _expired,
}
"""Every event about scores."""
