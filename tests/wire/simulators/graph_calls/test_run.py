# SPDX-License-Identifier: Apache-2.0
"""The far side of a scenario file has calls too: they ring by script as soon as it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.simulators.graph.calls.settings import Delivery, ScriptedCall
from centralino.simulators.graph.scenario import GraphScenario, Tenant
from centralino.simulators.report import Report
from centralino.simulators.run import run_simulators
from centralino.simulators.scenario import Scenario, ScenarioError, load_scenario, save_scenario
from tests.kit import entra as entra_kit
from tests.kit.entra_stage import certificate_files
from tests.kit.graph_calls import APP_NUMBER, PHONE, TENANT, quick

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire


def _utc() -> float:
    return SystemClock().utc() / 1e9


def _scenario(folder: Path, tenant: str) -> Scenario:
    certificate, key, _ = certificate_files(folder)
    described = Tenant(id=tenant, name="Tenant", domain="tenant.example")
    calls = quick(
        calls=(ScriptedCall(at_ms=10, caller=PHONE, target=APP_NUMBER),),
        delivery=Delivery(retries=0, timeout_ms=200),
    )
    return Scenario(
        entra=entra_kit.scenario(certificate=str(certificate), private_key=str(key)),
        graph=GraphScenario(tenants=(described,), port=0),
        calls=calls,
    )


def test_a_scenario_file_lets_somebody_ring(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    save_scenario(_scenario(tmp_path, TENANT), path)
    report = Report(_utc)

    async def ring() -> None:
        await report.wait_for("call", part="calls", state="incoming")

    asyncio.run(run_simulators(load_scenario(path), report, ("entra", "graph"), until=ring))
    assert report.of("listening", part="graph")


def test_calls_of_a_tenant_that_is_not_there_are_refused(tmp_path: Path) -> None:
    report = Report(_utc)

    async def nothing() -> None:
        return

    wrong = _scenario(tmp_path, "99999999-9999-4999-8999-999999999999")
    with pytest.raises(ScenarioError, match="graph does not have"):
        asyncio.run(run_simulators(wrong, report, ("entra", "graph"), until=nothing))
