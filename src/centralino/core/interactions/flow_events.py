# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: TC001, RUF012 - msgspec reads the annotations and copies the defaults
"""What happened to a customer in his flow, and on the ways out of it.

Steps of a flow are told by :class:`FlowAdvanced` with the whole position, so that a call
goes on where it was after any restart, in the version of the flow it began with.
"""

from __future__ import annotations

from centralino.core.flows.actions import AnyAction
from centralino.core.flows.position import FlowPosition
from centralino.core.flows.turn import LogEntry
from centralino.core.interactions.events import InteractionEvent
from centralino.core.kernel.ids import BridgeId, CallbackId, LegId, QueueId, RecordingId
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import Outcome


class FlowAdvanced(InteractionEvent, frozen=True, tag="interaction.flow-advanced"):
    """The flow went on; what it asked for is done in this order."""

    position: FlowPosition
    actions: tuple[AnyAction, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    deadline: Instant | None = None


class InteractionTurnedAway(InteractionEvent, frozen=True, tag="interaction.turned-away"):
    """A queue did not take the customer."""

    queue: QueueId
    reason: str
    """``overflow``, ``no-agents`` or ``failed``."""


class InteractionDequeued(InteractionEvent, frozen=True, tag="interaction.dequeued"):
    """The customer waits for an agent no longer; his flow goes on."""

    queue: QueueId
    reason: str
    """``key``, ``timeout``, ``condition``, ``no-agents`` or ``callback``."""
    keeps_place: bool = False


class TransferStarted(InteractionEvent, frozen=True, tag="transfer.started"):
    """Somebody outside our queues is being rung for the customer."""

    ask: str
    leg: LegId


class TransferAnswered(InteractionEvent, frozen=True, tag="transfer.answered"):
    """The party answered; it and the customer are connected from here."""

    ask: str
    leg: LegId
    bridge: BridgeId


class TransferFailed(InteractionEvent, frozen=True, tag="transfer.failed"):
    """The party will not talk to the customer; his flow goes on."""

    ask: str
    result: str
    """``busy``, ``no-answer``, ``failed``, or ``given-up`` when the flow went on before."""
    outcome: Outcome | None = None


class VoicemailStarted(InteractionEvent, frozen=True, tag="voicemail.started"):
    """The customer hears the beep of a box; ``recording`` is what he is going to say."""

    ask: str
    recording: RecordingId
    box: str
    mail_to: tuple[str, ...] = ()
    language: str = ""
    most_ms: int = 0
    silence_ms: int = 0
    terminators: str = ""


class VoicemailOpened(InteractionEvent, frozen=True, tag="voicemail.opened"):
    """The beep is over, the recording runs."""

    recording: RecordingId


class VoicemailLeft(InteractionEvent, frozen=True, tag="voicemail.left"):
    """A message is in its box."""

    recording: RecordingId
    box: str
    mail_to: tuple[str, ...]
    language: str
    path: str
    duration_ms: int
    caller_number: str | None
    called_number: str


class VoicemailDiscarded(InteractionEvent, frozen=True, tag="voicemail.discarded"):
    """Nothing was said, or nothing could be kept."""

    recording: RecordingId
    reason: str


class VoicemailMailed(InteractionEvent, frozen=True, tag="voicemail.mailed"):
    """A message was mailed, or mailing it was given up."""

    recording: RecordingId
    problem: str = ""


class CallbackBooked(InteractionEvent, frozen=True, tag="callback.booked"):
    """The customer is to be called back, with the place he had.

    ``interaction`` is the one in which he asked for it; empty when somebody else did.
    """

    callback: CallbackId
    queue: QueueId
    number: str
    priority: int
    since: Instant
    skills: dict[str, int] = {}
    due_at: Instant | None = None
    """When it is first looked at; ``None`` when nobody calls back by itself."""
    expires_at: Instant | None = None
    called_number: str = ""


AnyFlowEvent = (
    FlowAdvanced
    | InteractionTurnedAway
    | InteractionDequeued
    | TransferStarted
    | TransferAnswered
    | TransferFailed
    | VoicemailStarted
    | VoicemailOpened
    | VoicemailLeft
    | VoicemailDiscarded
    | VoicemailMailed
    | CallbackBooked
)
"""Every event about a flow and its ways out."""
