# SPDX-License-Identifier: Apache-2.0
"""The doctor against the simulated tenant: healthy it is good, each planted fault is named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.bootstrap.teams.examination import examine_tenant
from centralino.bootstrap.teams.preflight import rules
from centralino.core.kernel.errors import ConfigError
from centralino.simulators.graph.tenant_settings import BY_NAME
from tests.kit import graph_tenant as kit
from tests.kit.graph_stage import running_graph

if TYPE_CHECKING:
    from centralino.bootstrap.finding import Finding
    from centralino.simulators.graph.tenant_settings import Value

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]


def spoiled(healthy: Value, name: str) -> Value:
    """Return a value of the same type that breaks something."""
    if isinstance(healthy, bool):
        return not healthy
    if isinstance(healthy, int):
        rule = next(one for one in rules() if one.name == name)
        return 10_000 if rule.at_most is not None else 1
    return [] if isinstance(healthy, list) else "SomethingElse"


def notices(findings: list[Finding]) -> list[str]:
    """Return what is not simply good."""
    return [one.check for one in findings if one.cure]


def test_each_planted_fault_is_found_in_a_tenant_that_was_healthy() -> None:
    async def scene() -> None:
        async with running_graph() as stage:
            address = f"{stage.graph.root_url}/simulator/tenants/{kit.TENANT}/settings"
            settings = stage.graph.world.tenants[kit.TENANT].rules
            assert notices(await asyncio.to_thread(examine_tenant, address)) == []
            assert len(rules()) >= 40
            for rule in rules():
                healthy = BY_NAME[rule.name].healthy
                settings.set(rule.name, spoiled(healthy, rule.name))
                found = await asyncio.to_thread(examine_tenant, address)
                assert notices(found) == [rule.name]
                settings.set(rule.name, healthy)

    asyncio.run(scene())


def test_a_tenant_that_does_not_answer_is_said_in_words() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        examine_tenant("http://127.0.0.1:1/simulator/tenants/x/settings")
