# SPDX-License-Identifier: Apache-2.0

"""What happened to scores that were learned elsewhere, for waits that ask for the same."""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.kernel.instant import Instant


class ScoreEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all these events carry."""

    signature: str
    """The waits that they are for: the queue, and what is asked for beside it."""
    queue: QueueId


class ScoresLearned(ScoreEvent, frozen=True, tag="scores.learned"):
    """Scores are in force, in the place of earlier ones."""

    scores: dict[AgentId, int]
    source: str
    learned_at: Instant
    until: Instant
    """When they are too old."""


class ScoresExpired(ScoreEvent, frozen=True, tag="scores.expired"):
    """Scores are too old: the one idle longest is asked again."""

    source: str
    learned_at: Instant


AnyScoreEvent = ScoresLearned | ScoresExpired
"""Every event about scores."""
