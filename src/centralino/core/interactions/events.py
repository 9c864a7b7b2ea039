# SPDX-License-Identifier: Apache-2.0
"""What happened to interactions, their offers and recordings.

Past-tense facts, wire names ``<noun>.<participle>``. Every screen, report and figure is
made of these; the instant of an event is that of its journal record.
"""

from __future__ import annotations

import msgspec

from centralino.core.interactions.channel import Channel
from centralino.core.interactions.wish import Wish
from centralino.core.kernel.ids import (
    AgentId,
    BridgeId,
    CallbackId,
    InteractionId,
    LegId,
    OfferId,
    QueueId,
    RecordingId,
    TrunkId,
)
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import Outcome


class InteractionEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events about an interaction carry."""

    interaction: InteractionId


class InteractionArrived(InteractionEvent, frozen=True, tag="interaction.arrived"):
    """A customer's call has come in."""

    leg: LegId
    trunk: TrunkId
    called_number: str
    caller_number: str | None
    deadline: Instant
    """Until when it must be connected to our announcements."""
    caller_name: str | None = None
    channel: Channel = Channel.VOICE
    callback: CallbackId | None = None
    """We call him; ``leg`` is empty until then."""


class InteractionGreeted(InteractionEvent, frozen=True, tag="interaction.greeted"):
    """The call is answered and the greeting begins."""

    play: str
    deadline: Instant


class InteractionPrompted(InteractionEvent, frozen=True, tag="interaction.prompted"):
    """The menu begins, or begins again."""

    attempt: int
    """From 1."""
    collect: str
    deadline: Instant


class InteractionQueued(InteractionEvent, frozen=True, tag="interaction.queued"):
    """The customer waits for an agent of a queue."""

    queue: QueueId
    priority: int
    """Smaller is served first."""
    digit: str
    """The key that chose it; empty for the default queue and when a flow chose it."""
    ask: str = ""
    """What the flow awaits an answer to; empty without a flow."""
    skills: dict[str, int] = {}
    """Skill to the lowest level an agent needs, beside what the queue asks for."""
    since: Instant | None = None
    """The place kept from an earlier wait; ``None`` is now."""
    leaves_unattended: bool = False
    """He leaves when the last agent signs out."""
    wish: Wish | None = None
    """Whom he asks for; anybody of the queue when left out."""


class OfferMade(InteractionEvent, frozen=True, tag="offer.made"):
    """The interaction is reserved for an agent, whose phone is called now."""

    offer: OfferId
    agent: AgentId
    leg: LegId
    deadline: Instant
    """End of the lease."""
    channel: Channel = Channel.VOICE
    is_reserved: bool = False
    """His phone is called when the customer has answered, who is being called back."""
    rule: str = "longest-idle"
    """Why this agent: the rule of the match, ``picked`` or ``assigned``; before there were others
    it was this one."""


class OfferRang(InteractionEvent, frozen=True, tag="offer.rang"):
    """The agent's phone rings."""

    offer: OfferId


class OfferAnswered(InteractionEvent, frozen=True, tag="offer.answered"):
    """The agent answered first and is told something before he is connected."""

    offer: OfferId
    agent: AgentId
    play: str
    deadline: Instant
    """When he is connected even if the end of the telling was never reported."""


class OfferAccepted(InteractionEvent, frozen=True, tag="offer.accepted"):
    """The agent answered; customer and agent are connected from here."""

    offer: OfferId
    agent: AgentId
    bridge: BridgeId | None
    """``None`` on a channel without a telephone."""
    recording: RecordingId | None
    """``None`` when the queue is not recorded."""
    confirm_by: Instant | None = None
    """Others are still being asked; until then they are let go. ``None`` when nobody else is."""


class InteractionBridged(InteractionEvent, frozen=True, tag="interaction.bridged"):
    """Customer and agent hear each other; who else was asked is let go."""


class InteractionReturned(InteractionEvent, frozen=True, tag="interaction.returned"):
    """The agent who had answered was gone before the two heard each other; the place is kept."""

    agent: AgentId
    reason: str
    outcome: Outcome
    until: Instant | None
    """When the agent becomes ready again by himself."""


class OfferMissed(InteractionEvent, frozen=True, tag="offer.missed"):
    """The agent did not answer in time; the customer keeps his place."""

    offer: OfferId
    agent: AgentId
    reason: str
    until: Instant | None
    """When the agent becomes ready again by himself; ``None`` when only he decides."""


class OfferDeclined(InteractionEvent, frozen=True, tag="offer.declined"):
    """The agent refused, or his phone is busy; the customer keeps his place."""

    offer: OfferId
    agent: AgentId
    reason: str
    until: Instant | None


class OfferFailed(InteractionEvent, frozen=True, tag="offer.failed"):
    """The agent's phone could not be reached; the customer keeps his place."""

    offer: OfferId
    agent: AgentId
    reason: str
    outcome: Outcome
    until: Instant | None


class OfferRecalled(InteractionEvent, frozen=True, tag="offer.recalled"):
    """The agent's answer would not count any more; his phone is being silenced."""

    offer: OfferId
    agent: AgentId
    deadline: Instant
    reason: str = "caller-gone"
    """``caller-gone``, ``answered-elsewhere``, ``left`` when the customer goes on without, or
    ``moved`` when somebody in charge gave him another place."""


class OfferWithdrawn(InteractionEvent, frozen=True, tag="offer.withdrawn"):
    """A recalled offer is over; the agent is free, keeps his idle time and has missed nothing."""

    offer: OfferId
    agent: AgentId
    reason: str = "caller-gone"


class InteractionReleased(InteractionEvent, frozen=True, tag="interaction.released"):
    """The conversation is over; the agent wraps up."""

    agent: AgentId
    outcome: Outcome
    is_by_customer: bool
    has_agent_leg: bool
    """Whether the agent's leg is still to be ended."""
    wrap_up_until: Instant
    clear_by: Instant
    """When the agent counts as clear even if his leg was never reported over."""


class InteractionReferred(InteractionEvent, frozen=True, tag="interaction.referred"):
    """The agent's telephone asks that the customer be connected elsewhere."""

    agent: AgentId
    target: str
    """Opaque, as the network has it."""
    deadline: Instant
    """When it counts as failed if nobody says how it ended."""


class ReferFailed(InteractionEvent, frozen=True, tag="interaction.refer-failed"):
    """The customer could not be connected there; he and the agent talk on."""

    agent: AgentId
    outcome: Outcome


class InteractionHandedOn(InteractionEvent, frozen=True, tag="interaction.handed-on"):
    """The customer talks to whom the agent passed him on; the agent wraps up."""

    agent: AgentId
    leg: LegId
    """It was the agent's and is the other's from here."""
    target: str
    wrap_up_until: Instant


class OwnershipRenewed(InteractionEvent, frozen=True, tag="interaction.ownership-renewed"):
    """The agent shows that he works on it, or something interrupts him."""

    deadline: Instant | None
    """When it returns to its queue without another sign; ``None`` never."""


class RecordingLost(InteractionEvent, frozen=True, tag="recording.lost"):
    """Nobody brought the file of a recording in time."""

    recording: RecordingId


class InteractionEnded(InteractionEvent, frozen=True, tag="interaction.ended"):
    """The interaction is over, for ever."""

    outcome: Outcome


class RecordingCompleted(InteractionEvent, frozen=True, tag="recording.completed"):
    """A recording is on disk, or what there is of it."""

    recording: RecordingId
    path: str
    duration_ms: int
    channels: int
    is_complete: bool
    problem: str = ""


AnyInteractionEvent = (
    InteractionArrived
    | InteractionGreeted
    | InteractionPrompted
    | InteractionQueued
    | OfferMade
    | OfferRang
    | OfferAnswered
    | OfferAccepted
    | InteractionBridged
    | InteractionReturned
    | OfferMissed
    | OfferDeclined
    | OfferFailed
    | OfferRecalled
    | OfferWithdrawn
    | InteractionReleased
    | InteractionReferred
    | ReferFailed
    | InteractionHandedOn
    | OwnershipRenewed
    | RecordingLost
    | InteractionEnded
    | RecordingCompleted
)
"""Every event about an interaction."""
