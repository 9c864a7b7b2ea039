# SPDX-License-Identifier: Apache-2.0
"""What a tenant has: numbers, flows, queues, agents and their timings.

A configuration is an input like any other: it goes through the journal, so that a
replay needs nothing but the journal. Lengths of time are milliseconds here, because
people write them; the state counts nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from centralino.core.flows.menu import MenuFlow
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId


class NumberConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A number that customers call."""

    number: str
    """E.164 with ``+``."""
    flow: str
    """Name of the flow that answers it."""


class AgentConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A person who takes interactions."""

    id: AgentId
    name: str
    trunk: TrunkId
    """The trunk on which the agent is reached."""
    target: str
    """E.164 number or SIP URI of the agent's phone."""
    is_ready_at_start: bool = True


class QueueConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A place to wait."""

    id: QueueId
    name: str
    agents: tuple[AgentId, ...]
    music: tuple[str, ...]
    """Prompt names, looped."""
    priority: int = 5
    """Smaller is served first when an agent has several queues; 0 to 9."""
    ring_for_ms: int = 15000
    wrap_up_for_ms: int = 10000
    is_recorded: bool = True


class TenantConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a tenant's decisions depend on."""

    tenant: TenantId
    name: str
    numbers: tuple[NumberConfiguration, ...]
    flows: tuple[MenuFlow, ...]
    queues: tuple[QueueConfiguration, ...]
    agents: tuple[AgentConfiguration, ...]
    missed_pause_ms: int = 30000
    """How long an agent who missed or declined an offer is left alone."""
    failed_pause_ms: int = 10000
    """How long an agent whose phone could not be reached is left alone."""
    most_interactions: int = 10000
    """More at once are refused as overloaded."""

    def require_valid(self) -> None:
        """Check names and ranges.

        Raises:
            InvalidInput: the first contradiction; ``details['path']`` says where.
        """
        agents = _unique("agents", (agent.id for agent in self.agents))
        queues = _unique("queues", (queue.id for queue in self.queues))
        flows = _unique("flows", (flow.name for flow in self.flows))
        _unique("numbers", (number.number for number in self.numbers))
        for number in self.numbers:
            _require(number.flow in flows, f"numbers.{number.number}.flow", number.flow)
        for queue in self.queues:
            for agent in queue.agents:
                _require(agent in agents, f"queues.{queue.id}.agents", agent)
        for flow in self.flows:
            _require(flow.default_queue in queues, f"flows.{flow.name}.default_queue", "")
            _unique(f"flows.{flow.name}.keys", (key.digit for key in flow.keys))
            for key in flow.keys:
                _require(key.queue in queues, f"flows.{flow.name}.keys.{key.digit}", key.queue)


def _unique(path: str, names: Iterable[str]) -> frozenset[str]:
    listed = list(names)
    known = frozenset(listed)
    if len(known) != len(listed):
        twice = next(name for name in listed if listed.count(name) > 1)
        raise InvalidInput(f"{path}: {twice} is there twice", details={"path": path})
    return known


def _require(is_known: bool, path: str, name: str) -> None:
    if not is_known:
        raise InvalidInput(f"{path}: there is no {name or 'such name'}", details={"path": path})
