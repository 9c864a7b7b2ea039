# SPDX-License-Identifier: Apache-2.0
"""What became of the calls, counted from events.

Definitions: *offered* is every interaction that arrived; *answered* was connected to an
agent; *abandoned* was left by its customer before that; *failed* ended before that in any
other way; *lost* has no end at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.interactions import events as calls
from centralino.core.kernel.outcome import Outcome, OutcomeReason

if TYPE_CHECKING:
    from centralino.core.kernel.ids import AgentId, InteractionId, LegId, RecordingId
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.events import Event


@dataclass(slots=True)
class CallStory:
    """What became of one interaction."""

    interaction: InteractionId
    leg: LegId
    arrived_at: Instant
    caller_number: str | None
    called_number: str
    queue: str = ""
    agent: AgentId | None = None
    agent_leg: LegId | None = None
    missed: int = 0
    """Offers that did not lead to a conversation."""
    answered_at: Instant | None = None
    released_at: Instant | None = None
    ended_at: Instant | None = None
    outcome: Outcome | None = None
    recording: RecordingId | None = None
    recording_path: str = ""
    recording_channels: int = 0
    is_recording_complete: bool = False
    _legs: dict[str, LegId] = field(default_factory=dict)

    @property
    def is_abandoned(self) -> bool:
        """Whether the customer left before an agent was there."""
        return (
            self.agent is None
            and self.outcome is not None
            and self.outcome.reason is OutcomeReason.ABANDONED
        )

    def take(self, event: calls.AnyInteractionEvent, at: Instant) -> None:
        """Add what an event tells."""
        match event:
            case calls.InteractionQueued():
                self.queue = event.queue
            case calls.OfferMade():
                self._legs[event.offer] = event.leg
            case calls.OfferAccepted():
                self.agent = event.agent
                self.agent_leg = self._legs.get(event.offer)
                self.answered_at = at
                self.recording = event.recording
            case calls.OfferMissed() | calls.OfferDeclined() | calls.OfferFailed():
                self.missed += 1
            case calls.InteractionReleased():
                self.released_at = at
            case calls.InteractionEnded():
                self.ended_at = at
                self.outcome = event.outcome
            case calls.RecordingCompleted():
                self.recording_path = event.path
                self.recording_channels = event.channels
                self.is_recording_complete = event.is_complete
            case _:
                pass


@dataclass(frozen=True, slots=True)
class CallCounts:
    """The figures of a summary."""

    offered: int
    answered: int
    abandoned: int
    failed: int
    lost: int


class StoryBook:
    """Stories that grow with the events."""

    def __init__(self) -> None:
        self.stories: dict[InteractionId, CallStory] = {}
        """In order of arrival."""

    def take(self, event: Event, at: Instant) -> CallStory | None:
        """Add an event; return the story it belongs to."""
        if not isinstance(event, calls.InteractionEvent):
            return None
        if isinstance(event, calls.InteractionArrived):
            self.stories[event.interaction] = CallStory(
                interaction=event.interaction,
                leg=event.leg,
                arrived_at=at,
                caller_number=event.caller_number,
                called_number=event.called_number,
            )
        story = self.stories[event.interaction]
        story.take(event, at)
        return story


def read_stories(events: Iterable[tuple[Instant, Event]]) -> list[CallStory]:
    """Return one story per interaction, in order of arrival."""
    book = StoryBook()
    for at, event in events:
        book.take(event, at)
    return list(book.stories.values())


def count_calls(stories: Iterable[CallStory]) -> CallCounts:
    """Return the figures of a list of stories."""
    listed = list(stories)
    ended = [story for story in listed if story.ended_at is not None]
    answered = sum(1 for story in listed if story.agent is not None)
    abandoned = sum(1 for story in ended if story.is_abandoned)
    failed = sum(1 for story in ended if story.agent is None and not story.is_abandoned)
    return CallCounts(
        offered=len(listed),
        answered=answered,
        abandoned=abandoned,
        failed=failed,
        lost=len(listed) - len(ended),
    )
