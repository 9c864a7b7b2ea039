# SPDX-License-Identifier: Apache-2.0
"""The closed set of things a flow can do, one struct per node type.

A node is told apart by its ``type``. Fields whose value is another node's name are edges
(see ``edges``); an edge that is left out leads to the flow's ``fallback``. Texts between
``when``, ``values`` and ``save`` are expressions (see ``expressions``). Nothing here does
anything: ``interpreter`` runs a node, ``check`` judges it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from centralino.core.agents.requirement import Requirement

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,63}$"
_KEY_PATTERN = r"^[0-9*#]$"
_PROMPT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,127}$"
_IDENTIFIER_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
_NUMBER_PATTERN = r"^(\+[1-9][0-9]{3,14})?$"
_URL_PATTERN = r"^https?://[^\s/{}]+(/[^\s{}]*(\{[^{}]+\}[^\s{}]*)*)?$"
_MAIL_PATTERN = r"^[^@\s]+@[^@\s]+$"
_REGION_PATTERN = r"^([A-Z]{2})?$"
_KEYS_PATTERN = r"^[0-9*#]{0,4}$"
PLAIN_WORDS = {
    NAME_PATTERN: "should be a name: small letters, digits, - and _, a letter first",
    _KEY_PATTERN: "should be one key: 0 to 9, * or #",
    _PROMPT_PATTERN: "should be the name of a recording, without its language",
    _IDENTIFIER_PATTERN: "should be a variable: small letters, digits and _, a letter first",
    _NUMBER_PATTERN: "should be a number such as +390212345678",
    _URL_PATTERN: "should be an address such as https://crm.example/customers",
    _MAIL_PATTERN: "should be a mail address",
    _REGION_PATTERN: "should be a country such as IT",
    _KEYS_PATTERN: "should be up to four keys of 0 to 9, * and #",
}
"""What each pattern asks for, in plain words."""
Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
"""What people name nodes, flows, prompts, calendars and queues: kebab-case or snake_case."""
Key = Annotated[str, msgspec.Meta(pattern=_KEY_PATTERN)]
"""One key of a telephone."""
PromptName = Annotated[str, msgspec.Meta(pattern=_PROMPT_PATTERN)]
"""A recording of the prompt library without its language, such as ``greeting``."""
KeyTimeout = Annotated[int, msgspec.Meta(ge=500, le=60_000)]
"""A wait for a key, in milliseconds."""
Attempts = Annotated[int, msgspec.Meta(ge=1, le=10)]
RingTime = Annotated[int, msgspec.Meta(ge=5, le=180)]
"""How long a telephone rings, in seconds."""
Priority = Annotated[int, msgspec.Meta(ge=0, le=9)]
"""Smaller is served first."""
SkillLevel = Annotated[int, msgspec.Meta(ge=1, le=10)]
Identifier = Annotated[str, msgspec.Meta(pattern=_IDENTIFIER_PATTERN)]
"""A variable, as expressions name it."""
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
"""CEL, see docs/reference/flows.md."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a transfer calls: a number or a Teams user, exactly one of them."""

    number: Annotated[str, msgspec.Meta(pattern=_NUMBER_PATTERN)] = ""
    """E.164 with ``+``."""
    user: Annotated[str, msgspec.Meta(max_length=256)] = ""
    """User principal name, such as ``anna@aurora-outdoor.example``."""

    def __post_init__(self) -> None:
        """Refuse none and both.

        Raises:
            ValueError: exactly one of the fields must be there.
        """
        if bool(self.number) == bool(self.user):
            raise ValueError("needs either a number or a user")


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What all nodes carry."""

    note: str = ""
    """For people; nothing reads it."""


class PlayNode(Node, frozen=True, kw_only=True, tag="play"):
    """Play recordings one after the other."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    barge_in: bool = True
    """A key ends the playing; a menu that follows counts the key."""
    next: Name


class SayNode(Node, frozen=True, kw_only=True, tag="say"):
    """Say a text with a synthetic voice."""

    text: Annotated[
        dict[str, Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]],
        msgspec.Meta(min_length=1),
    ]
    """Language to text; ``{expression}`` inside is replaced by its value."""
    barge_in: bool = True
    next: Name


class MenuNode(Node, frozen=True, kw_only=True, tag="menu"):
    """Play prompts and let one key choose what follows."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    keys: Annotated[dict[Key, Name], msgspec.Meta(min_length=1)]
    timeout_ms: KeyTimeout = 5000
    """From the end of the prompts."""
    attempts: Attempts = 3
    """How often the prompts are played at most, wrong keys and silence together."""
    barge_in: bool = True
    force_listen: bool = False
    """Keys count only after the prompts; what was pressed before is forgotten."""
    direct_dial: bool = False
    """An extension of the directory may be dialled instead of a key."""
    ring_for_s: RingTime = 30
    """Of a dialled extension."""
    invalid_prompts: tuple[PromptName, ...] = ()
    """Played after a key without meaning."""
    silent_prompts: tuple[PromptName, ...] = ()
    """Played after nothing was pressed."""
    invalid: Name | None = None
    """After the last attempt, when that was a wrong key."""
    timeout: Name | None = None
    """After the last attempt, when nothing was pressed."""
    unreachable: Name | None = None
    """A dialled extension does not answer; the menu again when left out."""


class CollectNode(Node, frozen=True, kw_only=True, tag="collect"):
    """Collect digits into a variable."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    into: Identifier
    """A variable of type ``string``."""
    min_digits: Annotated[int, msgspec.Meta(ge=1, le=32)] = 1
    max_digits: Annotated[int, msgspec.Meta(ge=1, le=32)]
    terminators: Annotated[str, msgspec.Meta(pattern=_KEYS_PATTERN)] = "#"
    timeout_ms: KeyTimeout = 8000
    """For the first digit, from the end of the prompts."""
    inter_digit_timeout_ms: KeyTimeout = 3000
    attempts: Attempts = 3
    barge_in: bool = True
    force_listen: bool = False
    invalid_prompts: tuple[PromptName, ...] = ()
    silent_prompts: tuple[PromptName, ...] = ()
    next: Name
    invalid: Name | None = None
    """After the last attempt, when there were too few digits."""
    timeout: Name | None = None


class DirectoryNode(Node, frozen=True, kw_only=True, tag="directory"):
    """Dial a person by name (spelt on the keys, then chosen) or by extension."""

    by: Literal["name", "extension"]
    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    groups: tuple[Name, ...] = ()
    """Only people of these groups of the directory; everybody when empty."""
    except_groups: tuple[Name, ...] = ()
    """Nobody of these groups, whatever ``groups`` says."""
    timeout_ms: KeyTimeout = 8000
    inter_digit_timeout_ms: KeyTimeout = 2000
    attempts: Attempts = 3
    ring_for_s: RingTime = 30
    invalid_prompts: tuple[PromptName, ...] = ()
    connecting_prompts: tuple[PromptName, ...] = ()
    not_found: Name | None = None
    """After the last attempt, when nobody matched."""
    timeout: Name | None = None
    unreachable: Name | None = None
    """The person did not answer."""


class OperatorNode(Node, frozen=True, kw_only=True, tag="operator"):
    """Transfer to the company's operator."""

    prompts: tuple[PromptName, ...] = ()
    ring_for_s: RingTime = 60
    unreachable: Name | None = None


class HoursNode(Node, frozen=True, kw_only=True, tag="hours"):
    """Go on by what a calendar says now: a closure by command, a holiday, then the hours."""

    calendar: Name
    open: Name
    closed: Name
    holiday: Name | None = None
    """On holidays; ``closed`` when left out."""
    closure: Name | None = None
    """While closed by command; ``closed`` when left out."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way out of a branch."""

    when: Expression
    """Must give true or false."""
    next: Name


class BranchNode(Node, frozen=True, kw_only=True, tag="branch"):
    """Take the first case that is true."""

    cases: Annotated[tuple[Case, ...], msgspec.Meta(min_length=1, max_length=64)]
    otherwise: Name
    failed: Name | None = None
    """A condition has no value; ``otherwise`` when left out."""


class SetNode(Node, frozen=True, kw_only=True, tag="set"):
    """Give variables a value, or the caller another language."""

    values: dict[Identifier, Expression] = {}
    """Variable to expression, in this order; each already sees those before it."""
    language: str = ""
    """From now on, such as ``it``; unchanged when empty."""
    next: Name
    failed: Name | None = None
    """An expression has no value; no variable is changed; ``next`` when left out."""


class LookupNode(Node, frozen=True, kw_only=True, tag="lookup"):
    """Ask a web service and keep what it answers."""

    url: Annotated[str, msgspec.Meta(pattern=_URL_PATTERN, max_length=1000)]
    """``{expression}`` inside the path and query is replaced by its value, percent-encoded."""
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = {}
    secrets: dict[str, Name] = {}
    """Header to the name of a secret; its value never comes into a flow or the journal."""
    body: dict[str, Expression] = {}
    """Fields of the JSON object that is posted."""
    timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = 3000
    music: tuple[PromptName, ...] = ()
    """What the caller hears meanwhile."""
    save: dict[Identifier, Expression] = {}
    """Variable to expression over ``status`` and ``body``."""
    next: Name
    failed: Name
    """No answer in time, an answer of 400 or more, or one that cannot be used."""


class MusicStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="music"):
    """Play music for a while."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    for_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30


class MessageStep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="message"
):
    """Play a message, if its condition holds."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    when: Expression = "true"
    """May use ``queue.position``, ``queue.waited_s``, ``queue.estimated_wait_s``,
    ``queue.waiting`` and ``queue.ready_agents``."""


class PositionStep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="position"
):
    """Say the caller's place in the queue."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    """Played before the number."""
    up_to: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 99
    """Not said to those further back."""


class EstimateStep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="estimate"
):
    """Say the estimated wait in minutes, rounded up."""

    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    after_prompts: tuple[PromptName, ...] = ()
    """Played after the number, such as "minutes"."""
    up_to_minutes: Annotated[int, msgspec.Meta(ge=1, le=120)] = 30
    """Not said when it is longer."""


class ExitStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exit"):
    """Leave the queue if a condition holds."""

    when: Expression
    next: Name


Step = MusicStep | MessageStep | PositionStep | EstimateStep | ExitStep
"""What happens to a caller who waits; told apart by ``type``."""


class QueueNode(Node, frozen=True, kw_only=True, tag="queue"):
    """Wait for an agent; the steps run one after the other, again and again."""

    queue: Name
    priority: Priority | None = None
    """The queue's own when left out."""
    skills: dict[Name, SkillLevel] = {}
    """Skill to the lowest level an agent needs."""
    requires: Requirement | None = None
    """What else an agent must be, over skills and attributes."""
    agents: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] = ()
    """Agents who are wanted, the most wanted first."""
    agents_are: Literal["preferred", "named"] = "preferred"
    """Preferred: if they are of the queue and able; named: whatever they are."""
    hold_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 0
    """So long only they may take the caller, while one of them is at work; then whoever may."""
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=32)]
    repeat_from: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    """Which step follows the last one, counted from 0."""
    keys: dict[Key, Name] = {}
    """Keys that leave the queue; the place is kept for those who come back."""
    max_wait_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 1200
    most_waiting: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    """More do not enter (``overflow``); the queue's own limit when left out."""
    no_agents_for: Literal["nobody", "new", "all"] = "new"
    """Who leaves when no agent is signed in: nobody, new callers, or those who wait as well."""
    timeout: Name | None = None
    overflow: Name | None = None
    no_agents: Name | None = None
    closed: Name | None = None
    """The queue is closed, by its hours or by somebody in charge; ``no_agents`` when left out."""
    failed: Name | None = None
    """There is no such queue, or it does not answer."""


class CallbackNode(Node, frozen=True, kw_only=True, tag="callback"):
    """Offer to call back instead of waiting; the place in the queue is kept."""

    queue: Name
    prompts: Annotated[tuple[PromptName, ...], msgspec.Meta(min_length=1, max_length=32)]
    """The offer."""
    accept: Key = "1"
    """Take the number the caller calls from."""
    other_number: Key | None = None
    """Type another number; nobody can when left out."""
    number_prompts: tuple[PromptName, ...] = ()
    booked_prompts: tuple[PromptName, ...] = ()
    region: Annotated[str, msgspec.Meta(pattern=_REGION_PATTERN)] = ""
    """Whose national numbers a caller may type, such as ``IT``."""
    priority: Priority | None = None
    skills: dict[Name, SkillLevel] = {}
    timeout_ms: KeyTimeout = 6000
    attempts: Attempts = 2
    next: Name | None = None
    """Once it is booked; the call ends when left out."""
    declined: Name
    """Any other key, silence, or an anonymous caller without another number."""
    failed: Name | None = None
    """It could not be booked; ``declined`` when left out."""


class TransferNode(Node, frozen=True, kw_only=True, tag="transfer"):
    """Connect the caller with a number or a Teams user."""

    to: Target
    prompts: tuple[PromptName, ...] = ()
    ring_for_s: RingTime = 30
    busy: Name | None = None
    no_answer: Name | None = None
    failed: Name | None = None


class VoicemailNode(Node, frozen=True, kw_only=True, tag="voicemail"):
    """Record a message and mail it."""

    box: Name
    prompts: tuple[PromptName, ...] = ()
    max_s: Annotated[int, msgspec.Meta(ge=5, le=600)] = 120
    silence_s: Annotated[int, msgspec.Meta(ge=2, le=60)] = 8
    """Silence that ends the message."""
    mail_to: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=_MAIL_PATTERN)], ...],
        msgspec.Meta(max_length=20),
    ] = ()
    """Empty keeps it in the box only."""
    next: Name | None = None
    """Afterwards; the call ends when left out."""
    failed: Name | None = None


class FlowNode(Node, frozen=True, kw_only=True, tag="flow"):
    """Run another flow and go on when it returns."""

    flow: Name
    next: Name | None = None
    """Left out, this flow returns as well, to where it was called from."""
    failed: Name | None = None
    """Nested too deep, or no such flow is published."""


class ReturnNode(Node, frozen=True, kw_only=True, tag="return"):
    """Go back to the flow that called this one; the call ends when none did."""


class HangUpNode(Node, frozen=True, kw_only=True, tag="hang-up"):
    """End the call."""

    prompts: tuple[PromptName, ...] = ()
    cause: Literal["normal", "busy", "error"] = "normal"


AnyNode = (
    PlayNode
    | SayNode
    | MenuNode
    | CollectNode
    | DirectoryNode
    | OperatorNode
    | HoursNode
    | BranchNode
    | SetNode
    | LookupNode
    | QueueNode
    | CallbackNode
    | TransferNode
    | VoicemailNode
    | FlowNode
    | ReturnNode
    | HangUpNode
)
"""Every node type."""
