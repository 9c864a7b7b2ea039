# SPDX-License-Identifier: Apache-2.0
"""What may be asked about an agent."""

from __future__ import annotations

import msgspec

from centralino.core.agents.presence import Availability
from centralino.core.kernel.ids import AgentId
from centralino.core.kernel.instant import Instant


class AgentCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all commands about an agent carry."""

    agent: AgentId


class MakeAgentReady(AgentCommand, frozen=True, tag="make-agent-ready"):
    """The agent wants interactions; during one it takes effect after wrap-up. Idempotent."""


class MakeAgentNotReady(AgentCommand, frozen=True, tag="make-agent-not-ready"):
    """The agent wants no interactions; during one it takes effect after wrap-up. Idempotent."""

    reason: str
    """Why, e.g. ``break``, ``meeting``, ``training``."""


class FinishWrapUp(AgentCommand, frozen=True, tag="finish-wrap-up"):
    """The agent has finished; outside wrap-up it changes nothing."""


class ExtendWrapUp(AgentCommand, frozen=True, tag="extend-wrap-up"):
    """The agent wants more time, where his queue lets him."""


class NotePresence(AgentCommand, frozen=True, tag="note-presence"):
    """Somebody else says what the agent is doing. Late, lost, repeated ones are legal."""

    availability: Availability
    source: str
    """Who says it, such as ``graph-subscription``."""
    at: Instant
    """When it was so, by the source's clock."""
    sequence: int
    """The source's count."""
    activity: str = ""
    is_out_of_office: bool = False


AnyAgentCommand = MakeAgentReady | MakeAgentNotReady | FinishWrapUp | ExtendWrapUp | NotePresence
"""Every command about an agent."""
