# SPDX-License-Identifier: Apache-2.0
"""What the core asks of the outside: data, carried out by the shell after durability.

The shell maps each to an order of the call-control vocabulary and gives it an
idempotency key from (tenant, sequence, number). Nothing here waits for an answer.
"""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId, BridgeId, LegId, RecordingId, TrunkId


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


class CollectKey(CallEffect, frozen=True, tag="collect-key"):
    """Wait for one key."""

    collect: str
    timeout_ms: int
    """From the end of what is playing."""


class RingAgent(CallEffect, frozen=True, tag="ring-agent"):
    """Call an agent's phone on a new leg."""

    agent: AgentId
    trunk: TrunkId
    target: str
    caller_number: str | None
    ring_for_ms: int


class CancelRing(CallEffect, frozen=True, tag="cancel-ring"):
    """Stop calling an agent's phone."""

    cause: str
    """``caller-gone`` or ``no-answer``."""


class BridgeLegs(CallEffect, frozen=True, tag="bridge-legs"):
    """Let customer (``leg``) and agent hear each other."""

    bridge: BridgeId
    agent_leg: LegId


class StartRecording(CallEffect, frozen=True, tag="start-recording"):
    """Record customer (``leg``, channel 0) and agent (channel 1)."""

    recording: RecordingId
    agent_leg: LegId


class StopRecording(CallEffect, frozen=True, tag="stop-recording"):
    """Finish a recording."""

    recording: RecordingId


class HangUpLeg(CallEffect, frozen=True, tag="hang-up-leg"):
    """End a leg in whatever state it is."""

    cause: str = "normal"
    """``normal``, ``caller-gone`` or ``error``."""


Effect = (
    AnswerCall
    | RejectCall
    | PlayPrompts
    | CollectKey
    | RingAgent
    | CancelRing
    | BridgeLegs
    | StartRecording
    | StopRecording
    | HangUpLeg
)
"""Every effect."""
