# SPDX-License-Identifier: Apache-2.0
"""Orders: what the exchange may ask of a call driver, the same for every model.

An order is data. It names a leg, carries an idempotency key (``order``), and is
answered by facts (see ``facts``), never by a return value. A driver that meets an
order for a leg it does not have answers with ``OrderFailed``. Repeating an order with
the same key has no second effect.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from centralino.core.kernel.ids import (
    BridgeId,
    LegId,
    OrderId,
    RecordingId,
    TenantId,
    TrunkId,
)


class Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="order_type"):
    """What all orders carry."""

    order: OrderId
    """Idempotency key."""
    leg: LegId
    """The leg it is about."""


class RejectCause(StrEnum):
    """Why a call is refused, in words every model can translate."""

    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not-found"
    FORBIDDEN = "forbidden"
    OVERLOADED = "overloaded"


class HangUpCause(StrEnum):
    """Why a leg is ended by us."""

    NORMAL = "normal"
    ANSWERED_ELSEWHERE = "answered-elsewhere"
    NO_ANSWER = "no-answer"
    CALLER_GONE = "caller-gone"
    ERROR = "error"


class Answer(Order, frozen=True, tag="answer"):
    """Answer an offered leg; ``Answered`` follows."""

    near: LegId | None = None
    """A leg that this one is to be bridged with, see ``Invite.near``."""


class Ring(Order, frozen=True, tag="ring"):
    """Tell the caller that it rings, without answering."""


class Reject(Order, frozen=True, tag="reject"):
    """Refuse an offered leg; ``Ended`` follows."""

    cause: RejectCause


class Redirect(Order, frozen=True, tag="redirect"):
    """Send an unanswered leg elsewhere (SIP 302 and the like)."""

    target: str
    """E.164 number or SIP URI."""


class Play(Order, frozen=True, tag="play"):
    """Play prompts or music to one leg; ``PlayFinished`` follows, looped ones only when stopped.

    A new ``Play`` replaces the one before (its fact says ``replaced``).
    """

    play: str
    """Name of this playing, returned in its fact."""
    prompts: tuple[str, ...]
    """Prompt names of the prompt library, in order, e.g. ``greeting.en``."""
    loop: bool = False
    barge_in: bool = False
    """A key press ends the playing."""


class StopPlay(Order, frozen=True, tag="stop_play"):
    """Stop what is played to a leg."""


class Collect(Order, frozen=True, tag="collect"):
    """Collect keys; ``Collected`` follows. Keys pressed since the leg's last collect count."""

    collect: str
    """Name of this collecting, returned in its fact."""
    max_digits: int = 1
    terminators: str = "#"
    first_timeout_ms: int = 5000
    """From now, or from the end of a prompt that is playing."""
    inter_digit_timeout_ms: int = 3000
    forgets_earlier: bool = False
    """Keys pressed before this order do not count."""


class StopCollect(Order, frozen=True, tag="stop_collect"):
    """End a collecting under way; its ``Collected`` says ``stopped``."""


class Invite(Order, frozen=True, tag="invite"):
    """Ring a party on a new leg (``leg`` is the new leg's name, chosen by the exchange)."""

    tenant: TenantId
    trunk: TrunkId
    target: str
    """E.164 number with ``+``, may carry ``;ext=``, or a SIP URI where the trunk allows it."""
    caller_number: str | None = None
    """E.164 number shown to the callee; ``None`` is anonymous."""
    caller_name: str | None = None
    ring_for_ms: int = 15000
    """After this the attempt is cancelled and ends as ``no-answer``."""
    near: LegId | None = None
    """A leg that this one is to be bridged with: only legs of one media worker can meet, so the
    new leg's media goes to that one's. ``None``: any worker."""


class CancelInvite(Order, frozen=True, tag="cancel_invite"):
    """Stop ringing a leg that has not answered."""

    cause: HangUpCause = HangUpCause.NORMAL


class BridgeMember(msgspec.Struct, frozen=True):
    """One leg in a bridge."""

    leg: LegId
    role: str = "party"
    """``party`` hears and speaks; ``monitor`` hears all, ``whisper`` also speaks to the agents,
    ``barge`` speaks to all; ``agent`` is a party to whom a whisper goes; ``held`` is silent."""
    muted: bool = False


class Bridge(Order, frozen=True, tag="bridge"):
    """Make the members of a bridge exactly these; fewer than two members dissolves it.

    ``leg`` is the first member. ``ParticipantJoined`` and ``ParticipantLeft`` follow.
    What was playing to a member stops.
    """

    bridge: BridgeId
    members: tuple[BridgeMember, ...]


class Hold(Order, frozen=True, tag="hold"):
    """Put the far end on hold (media stops towards it); ``Held`` follows."""


class Resume(Order, frozen=True, tag="resume"):
    """Take the far end off hold."""


class Mute(Order, frozen=True, tag="mute"):
    """Let nobody hear this leg, or hear it again."""

    muted: bool = True


class Transfer(Order, frozen=True, tag="transfer"):
    """Ask the far end to call somebody else by itself (REFER); only where the model can."""

    target: str


class Remove(Order, frozen=True, tag="remove"):
    """Take the leg out of its bridge without ending it."""


class RecordStart(Order, frozen=True, tag="record_start"):
    """Record two legs into one file with one party per channel.

    Channel 0 is ``leg``, channel 1 ``other``; without ``other`` the file has one channel.
    ``RecordingReady`` follows at the end.
    """

    recording: RecordingId
    other: LegId = LegId("")
    most_ms: int = 0
    """The recording ends by itself after this; 0 never."""
    silence_ms: int = 0
    """It ends by itself after so much silence of ``leg``; 0 never."""


class RecordPause(Order, frozen=True, tag="record_pause"):
    """Write silence from now on (card data); the place is marked."""

    recording: RecordingId


class RecordResume(Order, frozen=True, tag="record_resume"):
    """Record again."""

    recording: RecordingId


class RecordMark(Order, frozen=True, tag="record_mark"):
    """Write a named marker at the present place of the recording."""

    recording: RecordingId
    label: str


class RecordStop(Order, frozen=True, tag="record_stop"):
    """End the recording."""

    recording: RecordingId


class SendDtmf(Order, frozen=True, tag="send_dtmf"):
    """Send keys to the far end."""

    digits: str
    """Of 0-9, *, #, A-D."""


class HangUp(Order, frozen=True, tag="hang_up"):
    """End a leg in whatever state it is; ``Ended`` follows."""

    cause: HangUpCause = HangUpCause.NORMAL


class ListLegs(Order, frozen=True, tag="list_legs"):
    """Ask for every live leg of the driver (``leg`` is empty); ``LegsListed`` follows."""


AnyOrder = (
    Answer
    | Ring
    | Reject
    | Redirect
    | Play
    | StopPlay
    | Collect
    | StopCollect
    | Invite
    | CancelInvite
    | Bridge
    | Hold
    | Resume
    | Mute
    | Transfer
    | Remove
    | RecordStart
    | RecordPause
    | RecordResume
    | RecordMark
    | RecordStop
    | SendDtmf
    | HangUp
    | ListLegs
)
"""Every order, for decoding."""
