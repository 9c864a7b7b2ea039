# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: TC001 - msgspec reads the annotations
"""What happened when an agent asked a colleague; the states are in ``consult_lifecycle``."""

from __future__ import annotations

from centralino.core.interactions.consult_lifecycle import ConsultState
from centralino.core.interactions.events import InteractionEvent
from centralino.core.kernel.ids import AgentId, BridgeId, ConsultId, LegId, RecordingId
from centralino.core.kernel.instant import Instant
from centralino.core.kernel.outcome import Outcome


class ConsultEvent(InteractionEvent, frozen=True, kw_only=True):
    """What all events of a consult carry."""

    consult: ConsultId
    agent: AgentId
    """Who asks."""
    colleague: AgentId | None
    """Who is asked; ``None`` when by number."""


class ConsultRequested(ConsultEvent, frozen=True, tag="consult.requested"):
    """An agent asks a colleague, who is reserved and called; the customer hears music."""

    number: str
    """Who is asked by number; empty otherwise."""
    leg: LegId
    """The colleague's."""
    deadline: Instant


class ConsultRang(ConsultEvent, frozen=True, tag="consult.rang"):
    """The colleague's phone rings."""


class ConsultAnswered(ConsultEvent, frozen=True, tag="consult.answered"):
    """Agent and colleague talk."""

    bridge: BridgeId
    deadline: Instant
    """When the customer has waited long enough for them."""


class ConsultRecalled(ConsultEvent, frozen=True, tag="consult.recalled"):
    """The colleague is not asked any more; his phone is being silenced."""

    result: ConsultState
    """What it will have been."""
    outcome: Outcome
    deadline: Instant
    """When his phone counts as quiet."""


class ConsultCompleted(ConsultEvent, frozen=True, tag="consult.completed"):
    """The colleague has the customer; the agent who asked wraps up."""

    leg: LegId
    """The colleague's."""
    bridge: BridgeId
    """In which he talks to the customer."""
    recording: RecordingId | None
    """Of their conversation; ``None`` when it is not recorded."""
    has_agent_leg: bool
    """Whether the leg of the agent who asked is still to be ended."""
    wrap_up_until: Instant
    clear_by: Instant
    """When he counts as clear even if his leg was never reported over."""


class ConsultEnded(ConsultEvent, frozen=True, tag="consult.ended"):
    """A consult that passed nobody on is over; the colleague is free, or rests."""

    result: ConsultState
    outcome: Outcome
    reason: str
    """What the colleague is not ready for; empty when he is free."""
    until: Instant | None
    """When he becomes ready again by himself."""


class InteractionForsaken(InteractionEvent, frozen=True, tag="interaction.forsaken"):
    """The agent left while his customer heard music: the customer waits on, the agent wraps up.

    His flow ended when he was connected: he waits like one who has none.
    """

    agent: AgentId
    since: Instant
    """The place: as long as he had waited before the conversation, counted back from now."""
    wrap_up_until: Instant


AnyConsultEvent = (
    ConsultRequested
    | ConsultRang
    | ConsultAnswered
    | ConsultRecalled
    | ConsultCompleted
    | ConsultEnded
    | InteractionForsaken
)
"""Every event of a consult."""
