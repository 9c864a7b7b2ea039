# SPDX-License-Identifier: Apache-2.0
"""What happened to an agent apart from an interaction.

Steps that an interaction causes (reserved, connected, wrap-up) are told by the
interaction's own events, so that nothing is told twice.
"""

from __future__ import annotations

import msgspec

from centralino.core.agents.presence import Presence
from centralino.core.kernel.ids import AgentId, LegId
from centralino.core.kernel.instant import Instant


class AgentEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events about an agent carry."""

    agent: AgentId


class AgentAdded(AgentEvent, frozen=True, tag="agent.added"):
    """The configuration has a new agent; he is not ready yet."""


class AgentRemoved(AgentEvent, frozen=True, tag="agent.removed"):
    """The configuration has this agent no longer."""


class AgentReadied(AgentEvent, frozen=True, tag="agent.readied"):
    """The agent is free from now on; his idle time counts from here."""


class AgentUnreadied(AgentEvent, frozen=True, tag="agent.unreadied"):
    """The agent takes no interactions."""

    reason: str
    until: Instant | None = None
    """When he becomes ready by himself; ``None`` when only he decides."""


class AgentIntended(AgentEvent, frozen=True, tag="agent.intended"):
    """The agent said what he wants to be after the present interaction."""

    reason: str | None
    """Not ready for this reason; ``None`` wants to be ready."""


class AgentCleared(AgentEvent, frozen=True, tag="agent.cleared"):
    """The agent's phone is quiet again after an interaction."""

    leg: LegId


class WrapUpChanged(AgentEvent, frozen=True, tag="agent.wrap-up-changed"):
    """The agent wanted more time for his wrap-up, or is done before his phone is quiet."""

    until: Instant
    deadline: Instant
    """When he is free even if his leg was never reported over."""


class PresenceNoted(AgentEvent, frozen=True, tag="agent.presence-noted"):
    """Somebody else told, newer than what was known, what the agent is doing."""

    presence: Presence


AnyAgentEvent = (
    AgentAdded
    | AgentRemoved
    | AgentReadied
    | AgentUnreadied
    | AgentIntended
    | AgentCleared
    | WrapUpChanged
    | PresenceNoted
)
"""Every event about an agent."""
