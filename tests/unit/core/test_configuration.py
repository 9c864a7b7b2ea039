# SPDX-License-Identifier: Apache-2.0
"""Configurations: contradictions are refused, a change harms nobody who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.core.agents.events import AgentAdded, AgentReadied, AgentRemoved
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions.commands import EndLeg
from centralino.core.interactions.effects import RingAgent
from centralino.core.kernel.errors import Conflict, InvalidInput
from centralino.core.kernel.ids import AgentId, LegId, QueueId, TrunkId
from centralino.core.kernel.outcome import COMPLETED
from centralino.core.routing.commands import ConfigureTenant, Tick
from centralino.core.routing.configuration import AgentConfiguration
from tests.unit.core.company import ANNA, BRUNO, CARLA, SALES, Desk, company, only

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration

pytestmark = pytest.mark.unit


def _without_agent(name: AgentId) -> TenantConfiguration:
    base = company()
    queues = tuple(
        msgspec.structs.replace(queue, agents=tuple(a for a in queue.agents if a != name))
        for queue in base.queues
    )
    agents = tuple(agent for agent in base.agents if agent.id != name)
    return msgspec.structs.replace(base, queues=queues, agents=agents)


def test_contradictions_are_refused_with_their_place() -> None:
    base = company()
    flow = msgspec.structs.replace(base.flows[0], default_queue=QueueId("nowhere"))
    broken = {
        "flows.main.default_queue": msgspec.structs.replace(base, flows=(flow,)),
        "queues.sales.agents": msgspec.structs.replace(base, agents=base.agents[1:]),
        "numbers": msgspec.structs.replace(base, numbers=base.numbers * 2),
        "numbers.+390200000001.flow": msgspec.structs.replace(base, flows=()),
    }
    for path, configuration in broken.items():
        with pytest.raises(InvalidInput) as refused:
            configuration.require_valid()
        assert refused.value.details["path"] == path


def test_the_same_configuration_again_changes_nothing() -> None:
    desk = Desk()
    assert desk.do(ConfigureTenant(configuration=company())).is_empty


def test_new_agents_are_ready_and_removed_ones_are_gone() -> None:
    desk = Desk()
    events = desk.do(ConfigureTenant(configuration=_without_agent(ANNA))).events
    assert AgentRemoved(agent=ANNA) in events
    events = desk.do(ConfigureTenant(configuration=company())).events
    assert [AgentAdded(agent=ANNA), AgentReadied(agent=ANNA)] == list(events[1:])
    assert desk.engine.state.configuration_version == 3


def _with_agents(count: int) -> TenantConfiguration:
    """Return the company with so many other agents in sales."""
    base = company()
    agents = tuple(
        AgentConfiguration(
            id=AgentId(f"agent-{number:03}"),
            name=f"Agent {number}",
            trunk=TrunkId("teams"),
            target=f"+3902112{number:04}",
        )
        for number in range(count)
    )
    names = tuple(agent.id for agent in agents)
    sales = msgspec.structs.replace(base.queues[0], agents=names)
    return msgspec.structs.replace(
        base, queues=(sales, base.queues[1]), agents=(*base.agents, *agents)
    )


def test_whoever_becomes_a_member_has_who_waits_at_once_however_many_there_are() -> None:
    desk = Desk(_with_agents(300))
    for number in range(300):
        desk.connect_call(f"in-{number}")
    waits = desk.queue_call("in-300")
    assert not [effect for effect in waits.effects if isinstance(effect, RingAgent)]
    joined = desk.do(ConfigureTenant(configuration=_with_agents(301)))
    assert only(joined, RingAgent).agent == "agent-300"


def test_an_agent_who_talks_is_removed_after_his_wrap_up() -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    assert ring.agent == ANNA
    desk.do(ConfigureTenant(configuration=_without_agent(ANNA)))
    assert desk.engine.state.agents[ANNA].state is AgentState.CONNECTED
    desk.do(EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True), after_s=60)
    desk.do(EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=False))
    desk.do(Tick(), after_s=5)
    assert set(desk.engine.state.agents) == {BRUNO, CARLA}
    assert not desk.engine.state.interactions


def test_a_queue_with_customers_in_it_cannot_be_removed() -> None:
    desk = Desk()
    desk.queue_call("in-1")
    base = company()
    queues = tuple(queue for queue in base.queues if queue.id != SALES)
    keys = tuple(key for key in base.flows[0].keys if key.queue != SALES)
    flows = (msgspec.structs.replace(base.flows[0], keys=keys),)
    smaller = msgspec.structs.replace(base, queues=queues, flows=flows)
    with pytest.raises(Conflict, match="customers wait in sales"):
        desk.do(ConfigureTenant(configuration=smaller))


def test_nothing_is_decided_before_the_first_configuration() -> None:
    desk = Desk()
    desk.engine.state.configuration = None
    with pytest.raises(Conflict, match="no configuration"):
        desk.do(Tick())
