# SPDX-License-Identifier: Apache-2.0
"""Scripted callers: what somebody does, what the world answers him, what should come of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from centralino.core.flows.document import Value
from centralino.core.flows.nodes import Name

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the caller does; exactly one of the fields is given."""

    press: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]{0,32}$")] = ""
    """Keys, as soon as the flow waits for some."""
    press_now: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]{0,32}$")] = ""
    """Keys, whether it waits for some or not."""
    wait: Seconds = 0
    """Do nothing for so many seconds."""
    until: str = ""
    """Do nothing until the flow is at this node."""
    hang_up: bool = False

    def __post_init__(self) -> None:
        """Refuse none and several.

        Raises:
            ValueError: exactly one of the fields must be there.
        """
        given = (self.press, self.press_now, self.wait, self.until, self.hang_up)
        if sum(map(bool, given)) != 1:
            raise ValueError("needs one of press, press_now, wait, until and hang_up")


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a lookup ends."""

    status: int = 200
    body: Any = None
    """Sent as JSON."""
    text: str | None = None
    """Sent as it is, instead of ``body``."""
    fails: str = ""
    """No answer at all, for this reason; ``never`` stays silent for ever."""
    after_s: Seconds = 0.2


class Waiting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a queue does with the caller."""

    answered_after_s: Seconds | None = None
    """An agent talks to him then; nobody ever does when left out."""
    refused: Literal["", "overflow", "no-agents", "failed"] = ""
    """He does not get in."""
    position: Annotated[int, msgspec.Meta(ge=1)] = 1
    ready_agents: Annotated[int, msgspec.Meta(ge=0)] = 1
    estimated_wait_s: int = -1


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What should come of it; what is left out is not looked at."""

    passes: tuple[str, ...] = ()
    """Nodes, in this order, others may be between them; ``flow/node`` names one of another."""
    not_passes: tuple[str, ...] = ()
    ends: Literal["", "connected", "hung-up", "gone"] = ""
    last: str = ""
    """The node in which it ends."""
    hears: tuple[str, ...] = ()
    """Recordings such as ``greeting.it``, in this order, others may be between them."""
    within_s: Seconds | None = None
    variables: dict[str, Value] = {}


class Caller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scripted caller."""

    name: str
    at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d$")] = "2026-01-14 10:00"
    """When he calls, as the clocks of the flow's zone show it."""
    number: str = "+390612345678"
    """Empty is anonymous."""
    called: str = "+390212345600"
    language: str = ""
    does: tuple[Act, ...] = ()
    lookups: dict[Name, Answer] = {}
    """By node; a lookup that is not here fails."""
    transfers: dict[Name, Literal["answered", "busy", "no-answer", "failed"]] = {}
    """By node; others are answered."""
    queues: dict[Name, Waiting] = {}
    """By queue; in others nobody answers."""
    is_callback_booked: bool = True
    speaks_for_s: Seconds = 10
    """Into a voicemail; 0 leaves no message."""
    expect: Expectation


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The callers of one flow."""

    prompt_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 3
    """How long each recording is taken to be."""
    callers: Annotated[tuple[Caller, ...], msgspec.Meta(min_length=1, max_length=1000)]
