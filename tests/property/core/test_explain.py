# SPDX-License-Identifier: Apache-2.0
"""An explanation says "eligible" exactly where matching would pick, in companies of every kind."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.routing.explain import first_before
from centralino.core.routing.explain_rules import Finding, Moment, Rule, judge
from centralino.core.routing.state import TenantState
from tests.oracle.worlds import STEPS, Company, random_company

if TYPE_CHECKING:
    from centralino.core.kernel.ids import AgentId, InteractionId

pytestmark = pytest.mark.property

PAUSES = (0, 0, 1, 3, 5, 8, 20)
BY_TIME = {
    Rule.HELD_FOR_OTHERS,
    Rule.QUEUE_DELAY,
    Rule.LACKS_SKILL,
    Rule.REQUIREMENT,
    Rule.NOT_OF_QUEUE,
    Rule.NOT_BORROWED,
    Rule.PRESENCE,
}


def moment_of(company: Company, now: Instant) -> Moment:
    """Return a company as an explanation sees it."""
    state = TenantState(
        tenant=company.configuration.tenant,
        configuration=company.configuration,
        agents=company.agents,
        handling=company.handling,
        memory=company.memory,
    )
    return Moment.of(state, list(company.waits.values()), now)


def companies(seed: int, inputs: int = 14) -> Company:
    """Let things happen in a random company."""
    random = Random(seed)
    company = Company(
        random, random_company(random, queues=random.randint(1, 4), agents=random.randint(2, 9))
    )
    for _ in range(inputs):
        company.pass_time(random.choice(PAUSES) * SECOND)
        company.begin()
        for _ in range(random.choice((1, 2, 3))):
            random.choice(STEPS)(company)
        if random.random() < 0.7:
            company.settle()
    return company


def findings(company: Company) -> dict[tuple[AgentId, InteractionId], Finding]:
    moment = moment_of(company, company.now)
    return {
        (agent.id, wait.id): judge(moment, agent, wait)
        for agent in company.agents.values()
        for wait in company.waits.values()
    }


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32 - 1))
def test_it_agrees_with_the_oracle_about_every_pair(seed: int) -> None:
    company = companies(seed)
    world = company.world()
    for (name, wait_name), finding in findings(company).items():
        agent, wait = world.agents[name], world.waits[wait_name]
        may = company.oracle.is_open(agent) and company.oracle.may(world, agent, wait)
        assert (finding.rule is Rule.ELIGIBLE) == may, (name, wait_name, finding)


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32 - 1))
def test_it_says_eligible_exactly_where_matching_would_pick(seed: int) -> None:
    company = companies(seed)
    moment, waits = moment_of(company, company.now), list(company.waits.values())
    eligible = {pair for pair, one in findings(company).items() if one.rule is Rule.ELIGIBLE}
    match = company.matching.next_match(company.now)
    assert (match is not None) == bool(eligible)
    if match is not None:
        wait = company.waits[match.interaction]
        for name in match.agents:
            assert (name, match.interaction) in eligible
            assert first_before(moment, name, wait, waits) is None
        company.begin()
        company.settle()
        assert Rule.ELIGIBLE not in {one.rule for one in findings(company).values()}


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_rule_that_ends_by_itself_ends_then_and_not_before(seed: int) -> None:
    company = companies(seed)
    for (name, wait_name), finding in findings(company).items():
        if finding.rule not in BY_TIME or finding.until is None:
            continue
        assert finding.until > company.now
        agent, wait = company.agents[name], company.waits[wait_name]
        before = judge(moment_of(company, Instant(finding.until - 1)), agent, wait)
        after = judge(moment_of(company, finding.until), agent, wait)
        assert before.rule in BY_TIME
        assert after.rule is not finding.rule or finding.rule is Rule.PRESENCE


def test_the_companies_show_every_rule() -> None:
    seen: Counter[Rule] = Counter()
    for seed in range(150):
        seen.update(one.rule for one in findings(companies(seed)).values())
    missing = set(Rule) - set(seen) - {Rule.NOT_READY}
    assert not missing, "these companies give no reason for what the world calls not ready"
    assert seen[Rule.ELIGIBLE] > 10
