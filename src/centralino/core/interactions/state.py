# SPDX-License-Identifier: Apache-2.0
"""What is known about one interaction and one offer now."""

from __future__ import annotations

import msgspec

from centralino.core.flows.actions import Collect, Play
from centralino.core.flows.position import FlowPosition
from centralino.core.interactions.callback_lifecycle import CallbackState
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.offer_lifecycle import OfferState
from centralino.core.interactions.recording_lifecycle import RecordingState
from centralino.core.interactions.transfer_lifecycle import TransferState
from centralino.core.interactions.wish import Wish
from centralino.core.kernel.ids import (
    AgentId,
    BridgeId,
    CallbackId,
    ConsultId,
    InteractionId,
    LegId,
    OfferId,
    QueueId,
    RecordingId,
    TrunkId,
)
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import Outcome
from centralino.core.metrics.estimated_wait import WaitEstimate


class Interaction(msgspec.Struct):
    """One interaction that has not ended; changed only by events."""

    id: InteractionId
    leg: LegId
    """The customer's leg."""
    trunk: TrunkId
    called_number: str
    caller_number: str | None
    arrived_at: Instant
    state: InteractionState = InteractionState.ARRIVED
    menu_attempt: int = 0
    expects: str = ""
    """Name of the play or collect whose end moves it on."""
    queue: QueueId | None = None
    priority: int = 0
    enqueued_at: Instant | None = None
    """Kept when an offer fails: the place in the queue."""
    offers: tuple[OfferId, ...] = ()
    """Who is asked now, in the order of asking; none that is recalled."""
    agent: AgentId | None = None
    """Who talks to the customer, or did."""
    bridge: BridgeId | None = None
    recording: RecordingId | None = None
    outcome: Outcome | None = None
    """How the conversation ended, from the release on."""
    deadline: Instant | None = None
    """When the present state ends by itself."""
    number: int = 0
    """Which arrival of the tenant it was: what orders those who came at the same instant."""
    caller_name: str | None = None
    position: FlowPosition | None = None
    """Where he is in his flow; ``None`` before and without one."""
    play: Play | None = None
    """What the flow plays to him, until it is known to be over."""
    collect: Collect | None = None
    """The keys the flow waits for."""
    queue_ask: str = ""
    """What the flow awaits while he waits in ``queue``."""
    skills: dict[str, int] = {}
    leaves_unattended: bool = False
    places: dict[QueueId, Instant] = {}
    """Places kept for him in queues he left."""
    transfer: PartyCall | None = None
    voicemail: RecordingId | None = None
    """The message he is leaving."""
    has_left_message: bool = False
    connected_at: Instant | None = None
    channel: Channel = Channel.VOICE
    wish: Wish | None = None
    """Whom he asks for while he waits."""
    callback: CallbackId | None = None
    """The promise that he is called back for; ``leg`` is empty until he is called."""
    is_dialling: bool = False
    """His phone is being called."""
    refers_to: str = ""
    """Where the agent's telephone is passing him on to; empty when it is not."""
    is_provisional: bool = False
    """Somebody answered and the two are not known to hear each other yet; who else was asked
    is not let go before."""

    consult: ConsultId | None = None
    """The agent asks a colleague; the customer hears music meanwhile."""

    told_wait: ToldWait | None = None
    """What was reckoned of his wait, until an agent answers."""


class ToldWait(msgspec.Struct):
    """How long somebody was going to wait, as it was first reckoned in a queue."""

    queue: QueueId
    at: Instant
    estimate: WaitEstimate


class PartyCall(msgspec.Struct):
    """Somebody outside our queues, rung for a customer or talking to him."""

    ask: str
    leg: LegId
    state: TransferState = TransferState.RINGING

    @property
    def is_answered(self) -> bool:
        """Whether the party talks to the customer."""
        return self.state is TransferState.TALKING


class Consult(msgspec.Struct):
    """A colleague who is asked during a conversation, until his phone is quiet or he has it."""

    id: ConsultId
    interaction: InteractionId
    agent: AgentId
    """Who asks."""
    leg: LegId
    """The colleague's."""
    deadline: Instant
    """When the present state ends by itself."""
    requested_at: Instant
    colleague: AgentId | None = None
    """``None`` when he is asked by number."""
    number: str = ""
    state: ConsultState = ConsultState.REQUESTED
    bridge: BridgeId | None = None
    """In which the two talk."""
    closes_as: ConsultState | None = None
    """What it will have been, once his phone is quiet."""
    outcome: Outcome | None = None


class Recording(msgspec.Struct):
    """A recording of a conversation that is not on disk yet."""

    id: RecordingId
    interaction: InteractionId
    state: RecordingState = RecordingState.RUNNING
    deadline: Instant | None = None
    """When it counts as lost, once the conversation is over."""


class Voicemail(msgspec.Struct):
    """A message that is being left, or waits to be mailed."""

    recording: RecordingId
    interaction: InteractionId
    leg: LegId
    ask: str
    box: str
    mail_to: tuple[str, ...]
    language: str
    caller_number: str | None
    called_number: str
    most_ms: int = 0
    silence_ms: int = 0
    terminators: str = ""
    is_open: bool = False
    """The beep is over."""
    path: str = ""
    """Set when it waits to be mailed."""
    duration_ms: int = 0


class Callback(msgspec.Struct):
    """A promise to call a customer back."""

    id: CallbackId
    queue: QueueId
    number: str
    priority: int
    skills: dict[str, int]
    since: Instant
    """The place it keeps."""
    state: CallbackState = CallbackState.BOOKED
    booked_for: InteractionId | None = None
    """Who booked it on the line, as long as he may still be there."""
    called_number: str = ""
    """What the customer had called."""
    expires_at: Instant | None = None
    """When it is given up; ``None`` when its queue does not call back by itself."""
    deadline: Instant | None = None
    """When the present state is looked at again."""
    attempts: int = 0
    """How often he was called."""
    last_result: str = ""
    interaction: InteractionId | None = None
    """The attempt under way."""


class LeftPlace(msgspec.Struct, frozen=True):
    """The place of a customer who gave up waiting, should he call again."""

    since: Instant
    until: Instant


class Offer(msgspec.Struct):
    """One open offer."""

    id: OfferId
    interaction: InteractionId
    agent: AgentId
    leg: LegId
    made_at: Instant
    state: OfferState = OfferState.MADE
    channel: Channel = Channel.VOICE
    expects: str = ""
    """Name of what is played to the agent before he is connected."""
    recall_reason: str = ""
    is_reserved: bool = False
    """The agent's phone is not called before the customer has answered."""
    deadline: Instant | None = None
    """End of the lease."""
