# SPDX-License-Identifier: Apache-2.0
"""What the exchange and an edge process say to each other, and the port the API works on.

An edge follows: it gets one reset with everything there is, then changes, at most every
``FLUSH_MS``, each with the tenant's next sequence. Commands carry an idempotency key and
are answered when what came of them is durable. Views hold what a screen shows and nothing
that the core could decide differently tomorrow: states are their wire names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from centralino.core.agents.commands import (
    ExtendWrapUp,
    FinishWrapUp,
    MakeAgentNotReady,
    MakeAgentReady,
    NotePresence,
)
from centralino.core.interactions.commands import EndInteraction
from centralino.core.interactions.consult_commands import AnyConsultCommand
from centralino.core.interactions.supervision import AnySupervisionCommand
from centralino.core.kernel.ids import (
    AgentId,
    CallbackId,
    InteractionId,
    QueueId,
    TenantId,
    TrunkId,
)
from centralino.core.routing.commands import ConfigureTenant
from centralino.core.routing.score_commands import LearnScores

if TYPE_CHECKING:
    from centralino.exchange.replica import TenantReplica

CONTROL_VERSION = 1
"""Raised when a message changes its meaning; additive changes keep it."""
FLUSH_MS = 100
MOST_VIEWS_PER_MESSAGE = 500
MOST_RECENT_EVENTS = 200
LONGEST_KEY = 128

ControlCommand = (
    MakeAgentReady
    | MakeAgentNotReady
    | FinishWrapUp
    | ExtendWrapUp
    | EndInteraction
    | ConfigureTenant
    | NotePresence
    | AnySupervisionCommand
    | AnyConsultCommand
    | LearnScores
)
"""What may be asked from outside."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What all views are: one thing, as it is now. Instants are UTC nanoseconds."""


class QueueView(View, frozen=True, kw_only=True):
    """One queue as configured."""

    id: QueueId
    name: str
    agents: tuple[AgentId, ...]
    priority: int
    closed_for: str = ""
    """Why somebody in charge has closed it; empty when it takes customers."""
    closed_since: int | None = None


class PresenceView(View, frozen=True, kw_only=True):
    """What somebody else last said of an agent."""

    availability: str
    activity: str
    is_out_of_office: bool
    source: str
    at: int
    """When it was so, by the source's clock: its age is since then."""


class CallbackView(View, frozen=True, kw_only=True):
    """A customer who is to be called back."""

    id: CallbackId
    state: str
    queue: QueueId
    number: str
    since: int
    """The place it keeps."""
    due_at: int | None
    """When it is looked at again; ``None`` when people work it off."""
    attempts: int
    last_result: str = ""
    interaction: InteractionId | None = None


class AgentView(View, frozen=True, kw_only=True):
    """One agent now."""

    id: AgentId
    name: str
    state: str
    reason: str = ""
    """Why not ready."""
    since: int | None = None
    """Since when in this state; ``None`` when that was before the exchange started."""
    interaction: InteractionId | None = None
    until: int | None = None
    """When the state ends by itself."""
    user: str = ""
    """His Teams user, empty when not known."""
    presence: PresenceView | None = None
    work: tuple[InteractionId, ...] = ()
    """Everything that takes his capacity, ``interaction`` among it."""


class ConsultView(View, frozen=True, kw_only=True):
    """A colleague whom an agent asks about his customer."""

    state: str
    since: int
    """When he began to ask."""
    colleague: AgentId | None = None
    number: str = ""
    """Who is asked by number."""


class InteractionView(View, frozen=True, kw_only=True):
    """One interaction that has not ended."""

    id: InteractionId
    state: str
    since: int
    """Since when in this state."""
    arrived_at: int
    enqueued_at: int | None = None
    queue: QueueId | None = None
    agent: AgentId | None = None
    """Who talks or wraps up, or is rung first."""
    asked: tuple[AgentId, ...] = ()
    """Everybody who is being asked."""
    trunk: TrunkId
    called_number: str
    caller_number: str | None
    missed_offers: int = 0
    priority: int = 0
    channel: str = "voice"
    callback: CallbackId | None = None
    """The promise he is called back for."""
    consult: ConsultView | None = None


class TrunkView(View, frozen=True, kw_only=True):
    """One trunk's health as the voice process last told it."""

    id: TrunkId
    state: str = "unknown"
    reason: str = ""
    since: int | None = None


class AlarmView(View, frozen=True, kw_only=True):
    """An alarm in force."""

    code: str
    about: str
    """A trunk, the tenant, or empty for the whole product."""
    text: str
    since: int


class EventView(View, frozen=True, kw_only=True):
    """Something that happened, without its content."""

    sequence: int
    """Of the journal record."""
    at: int
    type: str
    interaction: InteractionId | None = None
    agent: AgentId | None = None
    queue: QueueId | None = None
    reason: str = ""


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of time, counted into classes."""

    bounds_s: tuple[float, ...]
    """Upper bounds, ascending; one more class has no bound."""
    counts: tuple[int, ...]
    sum_s: float


class CallFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's calls since the exchange started, by the definitions of ``summary``."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    missed_offers: int = 0
    ended: int = 0


# ------------------------------------------------------------------------- messages
class Follow(msgspec.Struct, frozen=True, tag_field="message", tag="follow"):
    """Edge to exchange: tell me everything, then every change."""

    version: int = CONTROL_VERSION


class Submit(msgspec.Struct, frozen=True, kw_only=True, tag_field="message", tag="submit"):
    """Edge to exchange: have this decided."""

    request: int
    """Names the answer on this link."""
    tenant: TenantId
    key: str
    """Idempotency key, 1 to ``LONGEST_KEY`` characters."""
    subject: str
    """Who asks."""
    command: ControlCommand


class ReadFigures(msgspec.Struct, frozen=True, tag_field="message", tag="read-figures"):
    """Edge to exchange: what was counted?"""

    request: int
    tenant: TenantId


class Changes(msgspec.Struct, frozen=True, kw_only=True, tag_field="message", tag="changes"):
    """Exchange to edge: a tenant is so from here.

    A reset is sent in parts; it is complete, and valid, when ``is_last`` says so. Queues and
    trunks come whole or not at all.
    """

    tenant: TenantId
    sequence: int
    """Grows by one with each change, from 0; starts again with the exchange."""
    is_reset: bool = False
    is_last: bool = True
    name: str = ""
    """Of the tenant; empty when it has not changed."""
    queues: tuple[QueueView, ...] | None = None
    trunks: tuple[TrunkView, ...] | None = None
    alarms: tuple[AlarmView, ...] | None = None
    agents: tuple[AgentView, ...] = ()
    interactions: tuple[InteractionView, ...] = ()
    gone_agents: tuple[AgentId, ...] = ()
    gone_interactions: tuple[InteractionId, ...] = ()
    callbacks: tuple[CallbackView, ...] = ()
    gone_callbacks: tuple[CallbackId, ...] = ()
    events: tuple[EventView, ...] = ()


class Health(msgspec.Struct, frozen=True, kw_only=True, tag_field="message", tag="health"):
    """Exchange to edge: how it is; sent at once and at each change."""

    is_journal_writable: bool
    is_driver_attached: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="message", tag="answer"):
    """Exchange to edge: what became of a command."""

    request: int
    code: str = ""
    """Empty when it was done; otherwise the code of the error."""
    text: str = ""
    details: dict[str, str] = {}


class Figures(msgspec.Struct, frozen=True, kw_only=True, tag_field="message", tag="figures"):
    """Exchange to edge: what was counted since it started."""

    request: int = 0
    calls: CallFigures = CallFigures()
    decisions: Histogram
    """How long the core took per group of inputs."""
    commits: Histogram
    """How long until a group was durable."""


class Refused(msgspec.Struct, frozen=True, tag_field="message", tag="refused"):
    """Exchange to edge: we do not speak the same; the link is closed after it."""

    text: str


ToExchange = Follow | Submit | ReadFigures
"""What an edge says."""

FromExchange = Changes | Health | Answer | Figures | Refused
"""What the exchange says."""


def control_server_decoder() -> msgspec.msgpack.Decoder[ToExchange]:
    """Return a decoder for the exchange's side."""
    return msgspec.msgpack.Decoder(ToExchange)


def control_client_decoder() -> msgspec.msgpack.Decoder[FromExchange]:
    """Return a decoder for the edge's side."""
    return msgspec.msgpack.Decoder(FromExchange)


# ----------------------------------------------------------------------------- port
class ControlRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One command in somebody's name."""

    tenant: TenantId
    key: str
    subject: str
    command: ControlCommand


class ControlPort(Protocol):
    """The exchange as the API sees it: a replica to read, commands to submit.

    Reading never waits. ``submit`` waits at most its configured time-out; while the
    exchange is away nothing is queued for it.
    """

    @property
    def health(self) -> Health | None:
        """How the exchange is; ``None`` while it is away."""
        ...

    @property
    def replicas(self) -> Mapping[TenantId, TenantReplica]:
        """What is known of each tenant; as of the loss while the exchange is away."""
        ...

    async def submit(self, request: ControlRequest) -> None:
        """Have a command decided; returns when it is durable.

        Idempotency: the same key and command has the same answer, and happens once.

        Raises:
            NotFound, Conflict, InvalidInput: refused; nothing has happened.
            KeyReused: the key was used for another command.
            StorageError: nothing can be made durable now.
            RemoteUnavailable: the exchange is away; nothing was sent.
            RemoteTimeout: no answer came; ask again with the same key.
        """
        ...

    async def read_figures(self, tenant: TenantId) -> Figures:
        """Return what was counted; raises ``RemoteUnavailable`` or ``RemoteTimeout``."""
        ...
