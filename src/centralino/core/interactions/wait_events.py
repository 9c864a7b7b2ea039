# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: TC001 - msgspec reads the annotations
"""What customers were told of their wait, and how long it really was."""

from __future__ import annotations

from centralino.core.interactions.events import InteractionEvent
from centralino.core.kernel.ids import QueueId
from centralino.core.metrics.estimated_wait import WaitEstimate, WaitMethod


class InteractionWaitEstimated(InteractionEvent, frozen=True, tag="interaction.wait-estimated"):
    """How long the customer waits was reckoned, for the first time in this wait."""

    queue: QueueId
    position: int
    """From 1."""
    agents: int
    """At work and able to take him."""
    estimate: WaitEstimate


class InteractionWaitJudged(InteractionEvent, frozen=True, tag="interaction.wait-judged"):
    """An agent answered whom an estimate had been made for: both figures, from the same moment."""

    queue: QueueId
    method: WaitMethod
    expected_ms: int
    actual_ms: int


AnyWaitEvent = InteractionWaitEstimated | InteractionWaitJudged
"""Every event about estimates."""
