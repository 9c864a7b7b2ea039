# SPDX-License-Identifier: Apache-2.0
"""Facts: what a call driver tells the exchange, the same for every model.

A fact carries the driver's name, a number that grows by one per driver generation
(``fact``), and when it happened. Facts may be delivered twice after a reconnect; the
exchange drops what it has seen by (driver, generation, fact). No fact carries a SIP
status: adapters classify into ``Outcome``.
"""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import (
    BridgeId,
    LegId,
    OrderId,
    RecordingId,
    TenantId,
    TrunkId,
)
from centralino.core.kernel.outcome import Outcome


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact_type"):
    """What all facts carry."""

    leg: LegId
    driver: str = ""
    generation: int = 0
    """Grows with each start of the driver process."""
    fact: int = 0
    """Grows by one per fact within a generation."""
    at: int = 0
    """UTC nanoseconds since the Unix epoch."""


class Offered(Fact, frozen=True, tag="offered"):
    """A call has come in and waits for ``Answer``, ``Reject`` or ``Redirect``."""

    tenant: TenantId
    trunk: TrunkId
    called_number: str
    caller_number: str | None
    """E.164 where it could be normalised; ``None`` when anonymous."""
    caller_name: str | None = None
    call_id: str = ""
    """The signalling identifier, for correlation with traces."""
    forwarded_by: tuple[str, ...] = ()
    """Numbers that forwarded the call, oldest first (History-Info, Diversion)."""
    referred_by: str | None = None
    """Opaque Referred-By text of a transferred call."""


class Progressing(Fact, frozen=True, tag="progressing"):
    """An invited leg makes progress."""

    stage: str
    """``trying``, ``ringing``, ``forwarded`` or ``early-media``."""


class Answered(Fact, frozen=True, tag="answered"):
    """A leg is connected (ours answered, or the invited party did)."""

    is_machine_suspect: bool = False
    """Answered without ringing first: likely voicemail or an attendant."""


class Dtmf(Fact, frozen=True, tag="dtmf"):
    """A key was pressed."""

    digit: str
    duration_ms: int = 0


class PlayFinished(Fact, frozen=True, tag="play_finished"):
    """A playing ended."""

    play: str
    reason: str
    """``completed``, ``stopped``, ``barged-in``, ``replaced`` or ``failed``."""


class Collected(Fact, frozen=True, tag="collected"):
    """A collecting ended."""

    collect: str
    digits: str
    reason: str
    """``max-digits``, ``terminator``, ``first-timeout``, ``inter-digit-timeout``, ``stopped``."""


class ParticipantJoined(Fact, frozen=True, tag="participant_joined"):
    """A leg is in a bridge and its media flows as the bridge says."""

    bridge: BridgeId


class ParticipantLeft(Fact, frozen=True, tag="participant_left"):
    """A leg is no longer in a bridge."""

    bridge: BridgeId


class TransferAccepted(Fact, frozen=True, tag="transfer_accepted"):
    """A transfer reached its target."""


class TransferFailed(Fact, frozen=True, tag="transfer_failed"):
    """A transfer did not; the leg is as before."""

    outcome: Outcome


class TransferRequested(Fact, frozen=True, tag="transfer_requested"):
    """The far end asks that the party it talks to be connected elsewhere (REFER).

    The driver follows the request by itself as its profile says; this tells that it does.
    """

    target: str
    """Opaque target text."""


class Held(Fact, frozen=True, tag="held"):
    """The far end held or resumed, or our hold took effect."""

    is_held: bool
    by_far_end: bool


class Quality(Fact, frozen=True, tag="quality"):
    """A leg's media, measured; sent at changes of note and at the end."""

    received_packets: int
    lost_packets: int
    jitter_ms: float
    mos: float
    """1.0 to 4.5, estimated (ITU-T G.107, simplified)."""
    is_one_way: bool = False
    is_silent: bool = False


class RecordingReady(Fact, frozen=True, tag="recording_ready"):
    """A recording is complete on disk."""

    recording: RecordingId
    path: str
    duration_ms: int
    channels: int
    is_complete: bool = True
    """False when a part is missing; ``problem`` says why."""
    problem: str = ""


class Alarm(Fact, frozen=True, tag="alarm"):
    """Something an administrator must see; ``leg`` may be empty."""

    code: str
    """Kebab-case, e.g. ``recording-disk-full``, ``certificate-mismatch``."""
    text: str
    trunk: str = ""
    is_cleared: bool = False


class TrunkState(Fact, frozen=True, tag="trunk_state"):
    """A trunk's health changed."""

    trunk: TrunkId
    state: str
    """``unknown``, ``active``, ``one-way``, ``degraded``, ``down``."""
    reason: str = ""


class Ended(Fact, frozen=True, tag="ended"):
    """A leg is over; always the last fact of a leg."""

    outcome: Outcome
    by_far_end: bool = False
    detail: str = ""
    """For people and traces: the protocol's own words (``SIP 486 Busy Here``)."""


class OrderFailed(Fact, frozen=True, tag="order_failed"):
    """An order could not be carried out; the leg is as before."""

    order: OrderId
    code: str
    text: str


class LegStatus(msgspec.Struct, frozen=True):
    """One live leg, for re-attachment."""

    leg: LegId
    tenant: TenantId
    trunk: TrunkId
    state: str
    """``offered``, ``inviting``, ``answered``."""
    bridge: BridgeId | None = None
    play: str | None = None
    recording: RecordingId | None = None


class LegsListed(Fact, frozen=True, tag="legs_listed"):
    """Every live leg of the driver at this moment."""

    legs: tuple[LegStatus, ...]
    order: OrderId = OrderId("")
    """Which ``ListLegs`` it answers: one that an earlier exchange asked for is out of date."""


AnyFact = (
    Offered
    | Progressing
    | Answered
    | Dtmf
    | PlayFinished
    | Collected
    | ParticipantJoined
    | ParticipantLeft
    | TransferAccepted
    | TransferFailed
    | TransferRequested
    | Held
    | Quality
    | RecordingReady
    | Alarm
    | TrunkState
    | Ended
    | OrderFailed
    | LegsListed
)
"""Every fact, for decoding."""
