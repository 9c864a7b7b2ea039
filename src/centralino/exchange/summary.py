# SPDX-License-Identifier: Apache-2.0
"""What became of the calls, counted from events.

Definitions: *offered* is every interaction that arrived; *answered* was connected to an
agent; *transferred* was connected to somebody outside the queues; *abandoned* was left by its
customer before either; *failed* ended before either because something did not work; *missed*
is how many offers no agent took; *overflowed* left a queue, or was not let in, because it
was full, unattended or too slow; *lost* has no end at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.core.interactions import events as calls
from centralino.core.interactions.consult_events import ConsultCompleted
from centralino.core.interactions.flow_events import (
    InteractionDequeued,
    InteractionTurnedAway,
    TransferAnswered,
    VoicemailLeft,
)
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
    overflows: int = 0
    """How often a queue was full, unattended or too slow for him."""
    transferred_at: Instant | None = None
    voicemails: int = 0
    is_callback: bool = False
    """We called him, because we had promised to."""
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

    @property
    def is_failed(self) -> bool:
        """Whether it ended before anybody was connected because something did not work."""
        was_connected = self.agent is not None or self.transferred_at is not None
        if was_connected or self.is_abandoned or self.outcome is None or self.is_callback:
            return False
        return not self.outcome.is_success

    def take(self, event: calls.InteractionEvent, at: Instant) -> None:
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
            case calls.InteractionHandedOn() | ConsultCompleted(colleague=None):
                self.released_at = self.transferred_at = at
            case calls.InteractionEnded():
                self.ended_at = at
                self.outcome = event.outcome
            case calls.RecordingCompleted():
                self.recording_path = event.path
                self.recording_channels = event.channels
                self.is_recording_complete = event.is_complete
            case _:
                self._take_flow(event, at)

    def _take_flow(self, event: calls.InteractionEvent, at: Instant) -> None:
        match event:
            case InteractionTurnedAway() | InteractionDequeued(reason="timeout" | "no-agents"):
                self.overflows += 1
            case TransferAnswered():
                self.transferred_at = at
            case VoicemailLeft():
                self.voicemails += 1
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
    missed: int = 0
    overflowed: int = 0
    transferred: int = 0
    voicemails: int = 0
    callbacks: int = 0
    """Attempts to call a customer back; in no other figure unless he was connected."""


class StoryBook:
    """Stories that grow with the events."""

    def __init__(self) -> None:
        self.stories: dict[InteractionId, CallStory] = {}
        """In order of arrival."""

    def take(self, event: Event, at: Instant) -> CallStory | None:
        """Add an event; return the story it belongs to."""
        if not isinstance(event, calls.InteractionEvent):
            return None
        if event.interaction not in self.stories and not isinstance(
            event, calls.InteractionArrived
        ):
            return None
        if isinstance(event, calls.InteractionArrived):
            self.stories[event.interaction] = CallStory(
                interaction=event.interaction,
                leg=event.leg,
                arrived_at=at,
                caller_number=event.caller_number,
                called_number=event.called_number,
                is_callback=event.callback is not None,
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
    failed = sum(1 for story in ended if story.is_failed)
    return CallCounts(
        offered=sum(1 for story in listed if not story.is_callback),
        answered=answered,
        abandoned=abandoned,
        failed=failed,
        lost=len(listed) - len(ended),
        missed=sum(story.missed for story in listed),
        overflowed=sum(1 for story in listed if story.overflows),
        transferred=sum(1 for story in listed if story.transferred_at is not None),
        voicemails=sum(story.voicemails for story in listed),
        callbacks=sum(1 for story in listed if story.is_callback),
    )
