# SPDX-License-Identifier: Apache-2.0
"""What a program that learns may tell of who suits whom.

A queue with the strategy ``predicted`` asks the agent with the highest score.
"""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.kernel.instant import Instant


class LearnScores(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="learn-scores"):
    """Take scores of agents in the place of those known for the same waits."""

    queue: QueueId
    scores: dict[AgentId, int]
    """Larger is better, from -1,000,000 to 1,000,000; an agent left out counts as 0."""
    at: Instant
    """When they were learned: scores that are older than those known are refused."""
    skills: dict[str, int] = {}
    """Only for waits that ask for exactly these levels beside what the queue asks for; left out
    they hold for every wait of the queue that has none of its own."""
    good_for_ms: int = 7 * 24 * 3_600_000
    """Counted from ``at``; afterwards the one idle longest is asked again. One second to ninety
    days."""
    source: str = ""
    """What learned them, such as the version of a model."""
