# SPDX-License-Identifier: Apache-2.0
"""What a tenant has: numbers, flows, queues, agents and their timings.

A configuration is an input like any other: it goes through the journal, so that a
replay needs nothing but the journal. Lengths of time are milliseconds here, because
people write them; the state counts nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from centralino.core.agents.capacity import Capacity
from centralino.core.agents.refusals import RefusalPolicies
from centralino.core.agents.requirement import AttributeValue
from centralino.core.agents.wrap_up import WrapUp
from centralino.core.flows.document import Catalogue
from centralino.core.flows.menu import MenuFlow
from centralino.core.interactions.callback_policy import CallbackPolicy
from centralino.core.interactions.limits import QueueLimit
from centralino.core.interactions.ownership import Ownership
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.ids import AgentId, QueueId, TenantId, TrunkId
from centralino.core.routing.matching.policy import QueueMatching, Sharing, Terms
from centralino.core.routing.matching.validity import require_matching

if TYPE_CHECKING:
    from centralino.core.flows.nodes import Target


class NumberConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A number that customers call."""

    number: str
    """E.164 with ``+``."""
    flow: str
    """Name of the flow that answers it: one of the catalogue, or a menu of ``flows``."""
    language: str = ""
    """The language its callers are spoken to first; the flow's own first one when empty."""


class AgentConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A person who takes interactions."""

    id: AgentId
    name: str
    trunk: TrunkId
    """The trunk on which the agent is reached."""
    target: str
    """E.164 number or SIP URI of the agent's phone."""
    is_ready_at_start: bool = True
    user: str = ""
    """Teams user principal name, for transfers to this person; empty when not known."""
    skills: dict[str, int] = {}
    """Skill to level, 1 to 10."""
    attributes: dict[str, AttributeValue] = {}
    """What else is known of him, for requirements: texts, whole numbers, yes or no."""
    capacity: Capacity = Capacity()
    """How much he takes at once."""
    queues: dict[QueueId, Terms] = {}
    """What differs from the usual between him and queues that list him."""
    is_expert: bool = False
    """No agent by trade: his presence is judged by the experts' rules of a queue."""
    pool: str = ""
    """For strategies that keep pools of agents idle in proportion."""


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
    skills: dict[str, int] = {}
    """Skill to the lowest level an agent needs for anything of this queue."""
    most_waiting: int | None = None
    """More do not enter; a flow may ask for less. No limit when left out."""
    is_wait_estimated: bool = False
    """How long he waits is reckoned for everybody who comes straight in and has to wait, not
    only for whom a flow asks it, and compared with how long he did."""
    wrap_up: WrapUp = WrapUp()
    """Who ends the wrap-up, and after which conversations there is one."""
    whisper: tuple[str, ...] = ()
    """Prompts that an agent hears before he is connected."""
    limits: tuple[QueueLimit, ...] = ()
    """When it does not take or keep a customer; the first that holds counts."""
    callbacks: CallbackPolicy | None = None
    """How it calls back; without one callbacks are a list that people work through."""
    ownership: Ownership = Ownership()
    """How long an agent may keep work without a telephone and do nothing for it."""
    resume_place_for_ms: int = 0
    """So long a caller who gave up waiting has his place when he calls again; 0 not at all."""
    matching: QueueMatching = QueueMatching()
    """How it finds agents."""


class PhoneConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """Where a Teams user who is no agent is reached."""

    user: str
    """User principal name."""
    trunk: TrunkId
    target: str
    """E.164 number or SIP URI."""


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
    refusals: RefusalPolicies = RefusalPolicies()
    """What other causes than the plain pauses lead to."""
    most_interactions: int = 10000
    """More at once are refused as overloaded."""
    catalogue: Catalogue = Catalogue()
    """Flows, calendars, prompts and directory; old versions of flows stay while calls use them."""
    phones: tuple[PhoneConfiguration, ...] = ()
    """Teams users beside the agents whom flows may call."""
    outside_trunk: TrunkId = TrunkId("")
    """Where transfers to numbers go; without it they fail."""
    outside_caller: str | None = None
    """Number shown by transfers to numbers; the caller's own when left out."""
    is_applied: bool = False
    """It came from a tenant's file; settings do not replace it at the next start."""
    sharing: Sharing = Sharing.ORDER
    """Which queue an agent takes from, among those of the same rank to him."""
    pool_shares: dict[str, int] = {}
    """Pool to its part of all who are idle, in proportion."""
    transfer_music: tuple[str, ...] = ("music",)
    """What a customer hears while somebody outside our queues is rung for him."""

    def require_valid(self) -> None:
        """Check names and ranges.

        Raises:
            InvalidInput: the first contradiction; ``details['path']`` says where.
        """
        agents = _unique("agents", (agent.id for agent in self.agents))
        queues = _unique("queues", (queue.id for queue in self.queues))
        flows = _unique("flows", (flow.name for flow in self.flows))
        published = {one.flow.flow for one in self.catalogue.flows}
        _unique("numbers", (number.number for number in self.numbers))
        for number in self.numbers:
            _require(number.flow in flows | published, f"numbers.{number.number}.flow", number.flow)
        for queue in self.queues:
            for agent in queue.agents:
                _require(agent in agents, f"queues.{queue.id}.agents", agent)
            _unique(f"queues.{queue.id}.agents", queue.agents)
        require_matching(self)
        for flow in self.flows:
            _require(flow.default_queue in queues, f"flows.{flow.name}.default_queue", "")
            _unique(f"flows.{flow.name}.keys", (key.digit for key in flow.keys))
            for key in flow.keys:
                _require(key.queue in queues, f"flows.{flow.name}.keys.{key.digit}", key.queue)

    def reach(self, target: Target) -> tuple[TrunkId, str] | None:
        """Return the trunk and address of somebody a flow names, ``None`` when he has none.

        A number that one of our own people has is called where he is reached, so that a call
        does not leave by a carrier to come back.
        """
        wanted, number = target.user.lower(), target.number
        people = [(a.user, a.trunk, a.target) for a in self.agents]
        people += [(p.user, p.trunk, p.target) for p in self.phones]
        for user, trunk, address in people:
            if (wanted and user.lower() == wanted) or (number and address == number):
                return trunk, address
        if number and self.outside_trunk:
            return self.outside_trunk, number
        return None


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
