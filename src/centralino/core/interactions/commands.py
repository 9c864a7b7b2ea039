# SPDX-License-Identifier: Apache-2.0
"""What the outside tells about calls, in words that every integration model shares.

Drivers report facts; the exchange turns each into one of these. A command about a leg
that is not known any more is legal and usually changes nothing.
"""

from __future__ import annotations

import msgspec

from centralino.core.interactions.channel import Channel
from centralino.core.interactions.wish import Wish
from centralino.core.kernel.ids import (
    AgentId,
    BridgeId,
    InteractionId,
    LegId,
    QueueId,
    RecordingId,
    TrunkId,
)
from centralino.core.kernel.outcome import Outcome


class CallCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all commands about calls are."""


class ReceiveCall(CallCommand, frozen=True, tag="receive-call"):
    """A customer's call has come in and waits to be answered or refused."""

    leg: LegId
    trunk: TrunkId
    called_number: str
    """E.164 with ``+``."""
    caller_number: str | None
    """E.164 with ``+``; ``None`` when anonymous."""
    caller_name: str | None = None


class QueueInteraction(CallCommand, frozen=True, tag="queue-interaction"):
    """A customer who is connected already waits in a queue from now, without a menu before it.

    A chat or a task, or a call whose number leads straight into a queue.
    """

    leg: LegId
    """Names him; of a telephone only when he comes by voice."""
    queue: QueueId
    channel: Channel = Channel.VOICE
    trunk: TrunkId = TrunkId("")
    called_number: str = ""
    """What he reached us by; empty when it has no number."""
    caller_number: str | None = None
    caller_name: str | None = None
    priority: int | None = None
    """Smaller is served first; the queue's own when left out."""
    skills: dict[str, int] = {}
    """Skill to the lowest level an agent needs, beside what the queue asks for."""
    wish: Wish | None = None
    """Whom he asks for."""


class ConfirmRinging(CallCommand, frozen=True, tag="confirm-ringing"):
    """The phone we call rings."""

    leg: LegId


class ConfirmAnswered(CallCommand, frozen=True, tag="confirm-answered"):
    """A leg is connected: ours was answered, or the party we rang answered."""

    leg: LegId


class ConfirmBridged(CallCommand, frozen=True, tag="confirm-bridged"):
    """A leg hears the others of its bridge, and they it."""

    leg: LegId
    bridge: BridgeId


class FinishPlay(CallCommand, frozen=True, tag="finish-play"):
    """A playing ended, for whatever reason."""

    leg: LegId
    play: str
    reason: str


class FinishCollect(CallCommand, frozen=True, tag="finish-collect"):
    """A collecting of keys ended."""

    leg: LegId
    collect: str
    digits: str
    """Empty when nothing was pressed in time."""
    reason: str = ""
    """Why the collecting ended, in the words of the drivers' fact."""


class EndLeg(CallCommand, frozen=True, tag="end-leg"):
    """A leg is over."""

    leg: LegId
    outcome: Outcome
    by_far_end: bool


class StoreRecording(CallCommand, frozen=True, tag="store-recording"):
    """A recording is complete on disk, or what there is of it."""

    recording: RecordingId
    path: str
    duration_ms: int
    channels: int
    is_complete: bool
    problem: str = ""


class LegView(msgspec.Struct, frozen=True):
    """One live leg as a driver sees it."""

    leg: LegId
    state: str
    """``offered``, ``inviting`` or ``answered``."""
    bridge: BridgeId | None = None
    play: str | None = None
    recording: RecordingId | None = None


class ReconcileLegs(CallCommand, frozen=True, tag="reconcile-legs"):
    """These and no other legs are alive, says the driver after a re-attachment.

    What we know and the driver has not is over; what the driver has and we do not know
    is ended; what should be playing or bridged and is not is ordered again.
    """

    legs: tuple[LegView, ...]


class EndInteraction(CallCommand, frozen=True, tag="end-interaction"):
    """Somebody in charge wants the customer's call ended, in whatever state it is."""

    interaction: InteractionId


class AnswerLookup(CallCommand, frozen=True, tag="answer-lookup"):
    """A web service answered what a flow asked it."""

    interaction: InteractionId
    ask: str
    status: int
    body: str


class FailLookup(CallCommand, frozen=True, tag="fail-lookup"):
    """A web service did not answer, or not in a way that can be used."""

    interaction: InteractionId
    ask: str
    reason: str


class ConfirmMail(CallCommand, frozen=True, tag="confirm-mail"):
    """A voicemail is on its way to its readers, or never will be."""

    recording: RecordingId
    problem: str = ""
    """Why it was given up; empty when it was mailed."""


class RequestTransfer(CallCommand, frozen=True, tag="request-transfer"):
    """A telephone asks that whoever it talks to be connected elsewhere (REFER)."""

    leg: LegId
    target: str


class ConfirmTransfer(CallCommand, frozen=True, tag="confirm-transfer"):
    """That was done: the leg is the other's from here."""

    leg: LegId


class FailTransfer(CallCommand, frozen=True, tag="fail-transfer"):
    """That was not done; the leg is as before."""

    leg: LegId
    outcome: Outcome


class AcceptOffer(CallCommand, frozen=True, tag="accept-offer"):
    """An agent takes what his desk offers him; on the telephone answering does that."""

    agent: AgentId
    interaction: InteractionId


class DeclineOffer(CallCommand, frozen=True, tag="decline-offer"):
    """An agent does not want what he is offered, by telephone or in his desk."""

    agent: AgentId
    interaction: InteractionId


class NoteActivity(CallCommand, frozen=True, tag="note-activity"):
    """An agent did something for a customer of his, such as a reply."""

    agent: AgentId
    interaction: InteractionId


class CompleteInteraction(CallCommand, frozen=True, tag="complete-interaction"):
    """An agent has finished with a customer who came without a telephone."""

    agent: AgentId
    interaction: InteractionId


AnyCallCommand = (
    ReceiveCall
    | QueueInteraction
    | ConfirmRinging
    | ConfirmAnswered
    | ConfirmBridged
    | FinishPlay
    | FinishCollect
    | EndLeg
    | StoreRecording
    | ReconcileLegs
    | EndInteraction
    | RequestTransfer
    | ConfirmTransfer
    | FailTransfer
    | AcceptOffer
    | DeclineOffer
    | NoteActivity
    | CompleteInteraction
    | AnswerLookup
    | FailLookup
    | ConfirmMail
)
"""Every command about calls."""
