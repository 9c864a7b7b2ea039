# SPDX-License-Identifier: Apache-2.0
"""What a flow is told: answers to what it asked for, time, and the caller's leaving.

``ask`` names the action that is answered. Anything may come late, twice, or not at all:
the position has a deadline for what never comes.
"""

from __future__ import annotations

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all happenings are."""


class PlayFinished(Happening, frozen=True, tag="play-finished"):
    """What was played is over, for whatever reason."""

    ask: str
    is_failed: bool = False
    """It could not be played."""


class Collected(Happening, frozen=True, tag="collected"):
    """Keys were pressed, or not in time."""

    ask: str
    digits: str
    """Without the terminator; empty when nothing was pressed."""
    reason: str = ""
    """``max-digits``, ``terminator``, ``first-timeout``, ``inter-digit-timeout``, ``stopped``."""


class LookupAnswered(Happening, frozen=True, tag="lookup-answered"):
    """The web service answered."""

    ask: str
    status: int
    body: str
    """As it came, at most 64 KiB; it need not be JSON."""


class LookupFailed(Happening, frozen=True, tag="lookup-failed"):
    """The web service could not be asked, or did not answer in time."""

    ask: str
    reason: str
    """For the log: ``timeout``, ``unreachable``, ``too-large``, ``no-secret``..."""


class TransferEnded(Happening, frozen=True, tag="transfer-ended"):
    """The party answered and talks to the caller, or will not."""

    ask: str
    result: str
    """``answered``, ``busy``, ``no-answer`` or ``failed``."""


class QueueLeft(Happening, frozen=True, tag="queue-left"):
    """The caller waits no longer."""

    ask: str
    reason: str
    """``answered`` (an agent talks to him, the flow is over), ``left``, ``overflow``,
    ``no-agents``, ``closed``, ``timeout`` or ``failed``."""


class QueueRead(Happening, frozen=True, tag="queue-read"):
    """How the caller waits now."""

    ask: str
    position: int
    """From 1."""
    waiting: int
    """Callers in the queue, this one counted."""
    ready_agents: int
    """Agents who may take one now or after their present one: signed in, not paused."""
    estimated_wait_s: int
    """Negative when nobody can tell."""


class CallbackBooked(Happening, frozen=True, tag="callback-booked"):
    """The callback is booked and durable."""

    ask: str


class CallbackRefused(Happening, frozen=True, tag="callback-refused"):
    """It cannot be booked."""

    ask: str
    reason: str = ""


class VoicemailEnded(Happening, frozen=True, tag="voicemail-ended"):
    """The recording of a message is over."""

    ask: str
    is_kept: bool
    """False when there was nothing, or it could not be written."""


class Deadline(Happening, frozen=True, tag="deadline"):
    """The position's deadline has come; told once, at or after it."""


class CallerGone(Happening, frozen=True, tag="caller-gone"):
    """The caller has hung up; the flow is over."""


AnyHappening = (
    PlayFinished
    | Collected
    | LookupAnswered
    | LookupFailed
    | TransferEnded
    | QueueLeft
    | QueueRead
    | CallbackBooked
    | CallbackRefused
    | VoicemailEnded
    | Deadline
    | CallerGone
)
"""Every happening."""
