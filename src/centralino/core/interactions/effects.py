# SPDX-License-Identifier: Apache-2.0
"""What the core asks of the outside: data, carried out by the shell after durability.

The shell maps each to an order of the call-control vocabulary and gives it an
idempotency key from (tenant, sequence, number). Nothing here waits for an answer.
"""

from __future__ import annotations

import msgspec

from centralino.core.flows.actions import Sound
from centralino.core.kernel.ids import (
    AgentId,
    BridgeId,
    InteractionId,
    LegId,
    RecordingId,
    TrunkId,
)


class CallEffect(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all effects carry."""

    leg: LegId
    """The leg it is about."""


class AnswerCall(CallEffect, frozen=True, tag="answer-call"):
    """Answer the customer's call."""


class RejectCall(CallEffect, frozen=True, tag="reject-call"):
    """Refuse the customer's call."""

    cause: str
    """``not-found`` or ``overloaded``."""


class PlayPrompts(CallEffect, frozen=True, tag="play-prompts"):
    """Play prompts or music; replaces what was playing."""

    play: str
    prompts: tuple[str, ...]
    is_looped: bool = False
    may_interrupt: bool = False
    """A key ends the playing."""


class PlaySounds(CallEffect, frozen=True, tag="play-sounds"):
    """Play recordings and spoken texts; replaces what was playing."""

    play: str
    sounds: tuple[Sound, ...]
    is_looped: bool = False
    may_interrupt: bool = False
    """A key ends the playing."""


class StopPlaying(CallEffect, frozen=True, tag="stop-playing"):
    """Stop what is playing."""


class CollectKey(CallEffect, frozen=True, tag="collect-key"):
    """Wait for keys."""

    collect: str
    timeout_ms: int
    """From the end of what is playing; 0 waits without end."""
    max_digits: int = 1
    terminators: str = "#"
    inter_digit_timeout_ms: int = 3000
    forgets_earlier: bool = False
    """Keys pressed before this do not count."""


class StopCollecting(CallEffect, frozen=True, tag="stop-collecting"):
    """Wait for keys no longer."""


class RingAgent(CallEffect, frozen=True, tag="ring-agent"):
    """Call an agent's phone on a new leg."""

    agent: AgentId
    trunk: TrunkId
    target: str
    caller_number: str | None
    ring_for_ms: int
    near: LegId | None = None
    """The leg that it will be bridged with."""


class RingParty(CallEffect, frozen=True, tag="ring-party"):
    """Call somebody who is no agent of a queue, on a new leg."""

    trunk: TrunkId
    target: str
    caller_number: str | None
    ring_for_ms: int
    near: LegId | None = None
    """The leg that it will be bridged with."""


class CancelRing(CallEffect, frozen=True, tag="cancel-ring"):
    """Stop calling a phone."""

    cause: str
    """``caller-gone``, ``answered-elsewhere`` or ``no-answer``."""


class BridgeLegs(CallEffect, frozen=True, tag="bridge-legs"):
    """Let customer (``leg``) and agent, or the party of a transfer, hear each other."""

    bridge: BridgeId
    agent_leg: LegId


class UnbridgeLeg(CallEffect, frozen=True, tag="unbridge-leg"):
    """Take a leg out of its bridge without ending it."""


class StartRecording(CallEffect, frozen=True, tag="start-recording"):
    """Record customer (``leg``, channel 0) and agent (channel 1)."""

    recording: RecordingId
    agent_leg: LegId
    """Empty records the customer alone."""
    most_ms: int = 0
    """The recording ends by itself after this; 0 never."""
    silence_ms: int = 0
    """It ends by itself after so much silence of the customer; 0 never."""


class PauseRecording(CallEffect, frozen=True, tag="pause-recording"):
    """Record silence: what is said now is not for the recording."""

    recording: RecordingId


class ResumeRecording(CallEffect, frozen=True, tag="resume-recording"):
    """Record again."""

    recording: RecordingId


class StopRecording(CallEffect, frozen=True, tag="stop-recording"):
    """Finish a recording."""

    recording: RecordingId


class HangUpLeg(CallEffect, frozen=True, tag="hang-up-leg"):
    """End a leg in whatever state it is."""

    cause: str = "normal"
    """``normal``, ``caller-gone``, ``answered-elsewhere`` or ``error``."""


class RequestLookup(CallEffect, frozen=True, tag="request-lookup"):
    """Ask a web service; ``AnswerLookup`` or ``FailLookup`` answers."""

    interaction: InteractionId
    ask: str
    method: str
    url: str
    headers: dict[str, str]
    secrets: dict[str, str]
    """Header to the name of the secret that is its value."""
    body: str
    """JSON, empty for none."""
    timeout_ms: int


class SendMail(CallEffect, frozen=True, tag="send-mail"):
    """Mail a voicemail (``leg`` is the one it was left on); ``ConfirmMail`` answers."""

    recording: RecordingId
    box: str
    mail_to: tuple[str, ...]
    path: str
    """The recording's file."""
    duration_ms: int
    caller_number: str | None
    called_number: str
    language: str


Effect = (
    AnswerCall
    | RejectCall
    | PlayPrompts
    | PlaySounds
    | StopPlaying
    | CollectKey
    | StopCollecting
    | RingAgent
    | RingParty
    | CancelRing
    | BridgeLegs
    | UnbridgeLeg
    | StartRecording
    | PauseRecording
    | ResumeRecording
    | StopRecording
    | HangUpLeg
    | RequestLookup
    | SendMail
)
"""Every effect."""
