# SPDX-License-Identifier: Apache-2.0
"""What a flow asks for, in the order in which it is to be done.

Data for the engine, which turns each into effects on the caller's leg. An action with an
``ask`` is answered by the happening of that name (see ``happenings``); an answer that
comes late, for an older ``ask``, is legal and changes nothing. A new :class:`Play`
replaces what is playing. Everything still running for the caller (play, collect, lookup,
ringing transfer, recording) ends when the flow ends or the caller leaves.
"""

from __future__ import annotations

import msgspec

from centralino.core.flows.nodes import Target
from centralino.core.interactions.wish import Wish
from centralino.core.kernel.ids import QueueId


class Action(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all actions are."""


class Clip(msgspec.Struct, frozen=True, tag="clip"):
    """A recording."""

    name: str
    """As the prompt library names it, with the language: ``greeting.it``, ``music``."""


class Speech(msgspec.Struct, frozen=True, tag="speech"):
    """A text for the synthetic voice."""

    text: str
    """At most 2000 characters; may hold what is known about the caller."""
    language: str


Sound = Clip | Speech
"""What can be played."""


class Play(Action, frozen=True, tag="play"):
    """Play sounds to the caller; ``PlayFinished`` answers unless it is looped."""

    ask: str
    sounds: tuple[Sound, ...]
    is_looped: bool = False
    may_interrupt: bool = False
    """A key ends it."""


class StopPlay(Action, frozen=True, tag="stop-play"):
    """Stop what is playing."""


class Collect(Action, frozen=True, tag="collect"):
    """Collect keys; ``Collected`` answers. Replaces a collecting that is still open."""

    ask: str
    max_digits: int = 1
    terminators: str = ""
    first_timeout_ms: int = 0
    """From now, or from the end of the play that is running; 0 waits without end."""
    inter_digit_timeout_ms: int = 3000
    forgets_earlier: bool = False
    """Keys pressed before this do not count (force-listen)."""


class StopCollect(Action, frozen=True, tag="stop-collect"):
    """Stop collecting; no answer is needed."""


class Lookup(Action, frozen=True, tag="lookup"):
    """Send an HTTP request; ``LookupAnswered`` or ``LookupFailed`` answers.

    Redirects are not followed. At most 64 KiB of the answer are read.
    """

    ask: str
    method: str
    url: str
    headers: dict[str, str]
    secrets: dict[str, str]
    """Header to the name of the secret that is its value."""
    body: str
    """JSON, empty for none."""
    timeout_ms: int


class EnterQueue(Action, frozen=True, tag="enter-queue"):
    """Let the caller wait for an agent; ``QueueLeft`` answers, at once when he may not enter.

    Who was in this queue before, in the same call, has the place he had. The flow goes on
    playing to him while he waits.
    """

    ask: str
    queue: QueueId
    priority: int | None
    """Smaller is served first; ``None`` is the queue's own."""
    skills: dict[str, int]
    """Skill to lowest level."""
    most_waiting: int | None
    """At most so many others wait already, else ``QueueLeft("overflow")``."""
    no_agents_for: str
    """``nobody``, ``new`` or ``all``: who gets ``QueueLeft("no-agents")`` while no agent of the
    queue is signed in: nobody, who enters then, or also who waits already."""
    wish: Wish | None = None
    """Whom he asks for; anybody of the queue when left out."""


class ReadQueue(Action, frozen=True, tag="read-queue"):
    """Tell how the caller waits; ``QueueRead`` answers, in the same turn of the engine."""

    ask: str


class LeaveQueue(Action, frozen=True, tag="leave-queue"):
    """Take the caller out of the queue; ``QueueLeft`` answers the ``ask`` of ``EnterQueue``.

    Its reason is ``left``, or ``answered`` when an agent was faster: while an agent is
    being rung the engine may wait for the end of that offer before it answers.
    """

    keeps_place: bool
    """The place waits for him should he come back."""
    reason: str
    """For the log: ``key``, ``timeout`` or ``condition``."""


class BookCallback(Action, frozen=True, tag="book-callback"):
    """Call the customer back when it is his turn; ``CallbackBooked`` or ``CallbackRefused``.

    The callback has the place the caller had in that queue.
    """

    ask: str
    queue: QueueId
    number: str
    """E.164 with ``+``."""
    priority: int | None
    skills: dict[str, int]


class Transfer(Action, frozen=True, tag="transfer"):
    """Ring somebody and connect the caller; ``TransferEnded`` answers."""

    ask: str
    target: Target
    ring_for_ms: int


class RecordVoicemail(Action, frozen=True, tag="record-voicemail"):
    """Beep and record a message; ``VoicemailEnded`` answers. A caller's hang-up keeps it."""

    ask: str
    box: str
    max_ms: int
    silence_ms: int
    terminators: str
    """Keys that end it."""
    mail_to: tuple[str, ...]
    language: str


class HangUp(Action, frozen=True, tag="hang-up"):
    """End the call; always the last action of a flow that is not handed over."""

    cause: str = "normal"
    """``normal``, ``busy`` or ``error``."""


AnyAction = (
    Play
    | StopPlay
    | Collect
    | StopCollect
    | Lookup
    | EnterQueue
    | ReadQueue
    | LeaveQueue
    | BookCallback
    | Transfer
    | RecordVoicemail
    | HangUp
)
"""Every action."""
