# SPDX-License-Identifier: Apache-2.0
"""What may be asked about an agent."""

from __future__ import annotations

import msgspec

from centralino.core.kernel.ids import AgentId


class AgentCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all commands about an agent carry."""

    agent: AgentId


class MakeAgentReady(AgentCommand, frozen=True, tag="make-agent-ready"):
    """The agent wants interactions; during one it takes effect after wrap-up. Idempotent."""


class MakeAgentNotReady(AgentCommand, frozen=True, tag="make-agent-not-ready"):
    """The agent wants no interactions; during one it takes effect after wrap-up. Idempotent."""

    reason: str
    """Why, e.g. ``break``, ``meeting``, ``training``."""


AnyAgentCommand = MakeAgentReady | MakeAgentNotReady
"""Every command about an agent."""
