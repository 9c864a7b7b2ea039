# SPDX-License-Identifier: Apache-2.0
"""How queues find agents, as a tenant's file writes it: read, carried over, contradictions told."""

from __future__ import annotations

from pathlib import Path

import pytest

from centralino.core.agents.requirement import AllOf
from centralino.core.interactions.channel import Channel
from centralino.core.kernel.ids import QueueId
from centralino.core.routing.matching.policy import EXPERT_PRESENCE, Strategy, Verdict
from centralino.exchange.tenant_file import read_tenant_file, to_configuration

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[3] / "examples/demo/matching.yaml"


def test_the_example_becomes_a_valid_configuration() -> None:
    reading = read_tenant_file(EXAMPLE.read_text())
    assert reading.problems == ()
    assert reading.document is not None
    configuration = to_configuration(reading.document, {}, {})
    sales, support = configuration.queues
    assert sales.matching.strategy is Strategy.ROUND_ROBIN
    assert sales.matching.presence.busy is Verdict.LAST
    assert sales.matching.last_agent_hold_ms == 20_000
    assert isinstance(support.matching.requires, AllOf)
    assert [step.after_ms for step in support.matching.relaxation] == [20_000, 45_000]
    assert support.matching.experts == ("elena",)
    assert support.matching.expert_presence == EXPERT_PRESENCE
    chiara = configuration.agents[2]
    assert chiara.queues[QueueId("support")].delay_ms == 15_000
    assert chiara.capacity.rule(Channel.VOICE).interrupts == (Channel.MAIL,)
    assert configuration.pool_shares == {"store": 2, "home": 1}


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ("after_s: 10, lower_by", "after_s: 20, lower_by", None),
        ("after_s: 60, lower_by", "after_s: 20, lower_by", "steps come one after the other"),
        ("drops: [diving]", "drops: [climbing]", "there is no skill diving"),
        ("agents: [anna], after_s", "agents: [elena], after_s", "no agent with expert: true anna"),
        ("attribute: planet", "attribute: region", "no agent has an attribute planet"),
        ("skill: juggling }", "skill: trainee }", "there is no skill juggling"),
        ("at_least: 9, at_most: 1", "at_least: 1", "nobody can be in this range"),
        ("[support], predicted", "[sales], predicted", "does not borrow its own agents"),
        ("pool: moon", "pool: home", "there is no pool moon"),
        ("strategy: magic", "strategy: best-match", "magic"),
        ("offers_at_once: 51", "offers_at_once: 2", "at most 50"),
        ("{ busy: maybe", "{ busy: last", "maybe"),
    ],
)
def test_a_contradiction_is_named_with_its_line(wrong: str, right: str, reason: str | None) -> None:
    text = EXAMPLE.read_text()
    assert right in text
    reading = read_tenant_file(text.replace(right, wrong, 1))
    if reason is None:
        assert reading.problems == ()
        return
    (problem,) = reading.problems
    assert reason in problem.reason
    assert problem.line > 0
