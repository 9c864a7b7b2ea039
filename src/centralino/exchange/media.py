# SPDX-License-Identifier: Apache-2.0
"""The vocabulary between a voice driver and its media workers.

Commands go to the worker, events come back, both as msgspec structs over a local
socket (see ``link``). A worker keeps its legs when the driver dies; a driver keeps
what it needs to set a leg up again on the same port with the same keys when a worker
dies (``Configure`` and ``Attach`` carry everything but the counters, which the worker
checkpoints itself). Ports are named by the driver, so that both survive a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from typing_extensions import override

from centralino.core.kernel.ids import BridgeId, LegId, RecordingId


class SrtpKeys(msgspec.Struct, frozen=True):
    """SDES keys of one leg; each is 30 bytes, key and salt (RFC 4568, 6.1)."""

    suite: str
    """``AES_CM_128_HMAC_SHA1_80`` or ``AES_CM_128_HMAC_SHA1_32``."""
    local: bytes
    """What we encrypt with."""
    remote: bytes
    """What the far end encrypts with."""
    remote_mki_bytes: int = 0
    """Length of the master key identifier the far end sends, 0 for none."""

    @override
    def __repr__(self) -> str:
        """Hide the keys: they never reach a log."""
        return f"SrtpKeys(suite={self.suite!r}, ...)"


class LegMedia(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was agreed for one leg's stream."""

    remote_address: str
    remote_rtp_port: int
    remote_rtcp_port: int
    rtcp_mux: bool
    codec: str
    """``PCMU``, ``PCMA``, ``G722`` or ``opus``."""
    payload_type: int
    event_payload_type: int | None = None
    event_clock_rate: int = 8000
    """Hertz of the durations of telephone events: with Opus some use 48000."""
    """telephone-event (RFC 4733), ``None`` when not agreed."""
    comfort_noise_payload_type: int | None = None
    ptime_ms: int = 20
    sends: bool = True
    """We send media (direction seen from us)."""
    receives: bool = True
    srtp: SrtpKeys | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="do"):
    """What all commands carry."""

    request: int = 0
    """Number that the reply repeats; 0 asks for no reply."""


class Reserve(Command, frozen=True, tag="reserve"):
    """Open a leg's sockets; the reply is ``Reserved``.

    ``rtp_port`` 0 lets the worker choose an even port of its range; a driver that sets a
    leg up again names the port it had.
    """

    leg: LegId
    address: str
    """Local IP address to bind."""
    rtp_port: int = 0


class Configure(Command, frozen=True, tag="configure"):
    """Set or change what was agreed for a leg. Counters and SSRC are kept."""

    leg: LegId
    media: LegMedia


class PlayMedia(Command, frozen=True, tag="play"):
    """Play files to a leg, in order; replaces what was playing. ``Played`` follows."""

    leg: LegId
    play: str
    prompts: tuple[str, ...]
    loop: bool = False
    barge_in: bool = False


class StopMedia(Command, frozen=True, tag="stop"):
    """Stop what is played to a leg."""

    leg: LegId


class RingbackTone(Command, frozen=True, tag="ringback"):
    """Play (or stop) the locally generated ringback tone of a country to a leg."""

    leg: LegId
    on: bool = True


class RoomMember(msgspec.Struct, frozen=True):
    """One row of a gain matrix: what this leg hears of each other one."""

    leg: LegId
    hears: tuple[tuple[LegId, float], ...]
    """(talker, gain 0.0 to 2.0); a talker not listed is not heard."""


class SetRoom(Command, frozen=True, tag="room"):
    """Make a room exactly these members and gains; an empty tuple dissolves it.

    Two members with gain 1.0 each are relayed without mixing where codecs allow.
    Playing to a member goes on until stopped.
    """

    room: BridgeId
    members: tuple[RoomMember, ...]


class StartRecording(Command, frozen=True, tag="record_start"):
    """Record what two legs send: ``first`` on channel 0, ``second`` on channel 1.

    Without ``second`` the file has one channel.
    """

    recording: RecordingId
    first: LegId
    second: LegId
    path: str
    """WAV file to write; a sidecar ``.json`` keeps markers and gaps."""
    most_ms: int = 0
    """The recording ends by itself after this; 0 never."""
    silence_ms: int = 0
    """It ends by itself after so much silence of ``first``; 0 never."""


class PauseRecording(Command, frozen=True, tag="record_pause"):
    """Write silence from now on; the place is marked."""

    recording: RecordingId


class ResumeRecording(Command, frozen=True, tag="record_resume"):
    """Record again."""

    recording: RecordingId


class MarkRecording(Command, frozen=True, tag="record_mark"):
    """Write a named marker."""

    recording: RecordingId
    label: str


class StopRecording(Command, frozen=True, tag="record_stop"):
    """End a recording; ``Recorded`` follows."""

    recording: RecordingId


class SendDigits(Command, frozen=True, tag="send_digits"):
    """Send keys to the far end as telephone events."""

    leg: LegId
    digits: str


class ReadStatistics(Command, frozen=True, tag="statistics"):
    """Ask for a leg's figures; the reply is ``Statistics``."""

    leg: LegId


class Release(Command, frozen=True, tag="release"):
    """Close a leg; its last ``Statistics`` follow."""

    leg: LegId


class ListMedia(Command, frozen=True, tag="list"):
    """Ask for the live legs; the reply is ``MediaListed``."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="what"):
    """What all events carry."""

    request: int = 0
    """The command this answers, 0 for none."""


class Reserved(Event, frozen=True, tag="reserved"):
    """A leg's sockets are open."""

    leg: LegId
    address: str
    rtp_port: int
    rtcp_port: int


class Done(Event, frozen=True, tag="done"):
    """A command was carried out."""


class Refused(Event, frozen=True, tag="refused"):
    """A command was not carried out."""

    code: str
    """``unknown-leg``, ``no-port``, ``overloaded``, ``unknown-prompt``, ``bad-media``..."""
    text: str


class Played(Event, frozen=True, tag="played"):
    """A playing ended: ``completed``, ``stopped``, ``barged-in``, ``replaced``, ``failed``."""

    leg: LegId
    play: str
    reason: str


class KeyPressed(Event, frozen=True, tag="key"):
    """A key was pressed at the far end; exactly one event per key press."""

    leg: LegId
    digit: str
    duration_ms: int


class MediaChanged(Event, frozen=True, tag="media_changed"):
    """A leg's stream changed."""

    leg: LegId
    change: str
    """``first-packet``, ``one-way``, ``silent``, ``timeout`` or ``resumed``."""


class Statistics(Event, frozen=True, tag="statistics"):
    """A leg's figures so far."""

    leg: LegId
    received_packets: int
    received_bytes: int
    sent_packets: int
    lost_packets: int
    late_packets: int
    stranger_packets: int
    """Packets from an address that is not the agreed one, all dropped."""
    refused_packets: int
    """Packets that failed authentication or were no RTP."""
    jitter_ms: float
    round_trip_ms: float | None
    mos: float
    is_final: bool = False


class Recorded(Event, frozen=True, tag="recorded"):
    """A recording is on disk, or what there is of it."""

    recording: RecordingId
    path: str
    duration_ms: int
    is_complete: bool
    problem: str = ""
    """``silent`` for a recording of one leg in which nobody spoke."""
    channels: int = 2


class WorkerAlarm(Event, frozen=True, tag="alarm"):
    """``recording-disk-full``, ``late`` (the worker cannot keep up), ``late-cleared``."""

    code: str
    text: str
    leg: LegId | None = None


class MediaListed(Event, frozen=True, tag="listed"):
    """The live legs of a worker and their local ports."""

    legs: tuple[tuple[LegId, int], ...]


class MediaPort(Protocol):
    """A set of media workers as one.

    Back-pressure: calls queue at most a bounded number of commands per worker; past it
    ``CapacityExceeded`` is raised. A worker's death is not an error of these calls: the
    implementation sets the legs up again and repeats what was pending.
    """

    async def reserve(self, leg: LegId, *, near: LegId | None = None) -> Reserved:
        """Open a leg, on the same worker as ``near`` when given.

        Raises:
            CapacityExceeded: workers are late or out of ports.
        """
        ...

    def is_together(self, legs: Sequence[LegId]) -> bool:
        """Whether these legs, as far as they are open, are on one worker: only those can meet."""
        ...

    def send(self, leg: LegId, command: Command) -> None:
        """Send a command about ``leg`` to its worker, without waiting."""
        ...

    async def ask(self, leg: LegId, command: Command) -> Event:
        """Send a command and wait for its reply.

        Raises:
            RemoteTimeout: the worker did not answer in time.
            RemoteRejected: the worker refused; the code is in ``details``.
        """
        ...

    def release(self, leg: LegId) -> None:
        """Close a leg."""
        ...

    async def next_event(self) -> Event:
        """Return the next event that answers no command."""
        ...
