# SPDX-License-Identifier: Apache-2.0
"""Runs the far side: the parts of a scenario that were asked for, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.dns.server import NameServer
from centralino.simulators.entra.description import CHANGE_TRACKING_ID
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.graph.calls.bridge import with_tenant
from centralino.simulators.graph.calls.driver import GraphCalls
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from centralino.simulators.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from centralino.simulators.entra.mint import Defect
    from centralino.simulators.messages import MessageRecorder
    from centralino.simulators.report import Report

PARTS = ("direct-routing", "carrier", "entra", "graph", "dns")


async def run_simulators(
    scenario: Scenario,
    report: Report,
    parts: tuple[str, ...] = PARTS,
    *,
    until: Callable[[], Awaitable[None]],
    send_callers: bool = True,
    messages: MessageRecorder | None = None,
) -> None:
    """Run parts of a scenario until ``until`` returns.

    ``ready`` is reported when all listen; ``arrivals.done`` when the carrier has sent its
    last caller and all its calls are over.

    Raises:
        ScenarioError: an unknown part, or one that the scenario does not describe.
        OSError: an address is taken.
    """
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise ScenarioError(f"unknown part {min(unknown)}; there are {', '.join(PARTS)}")
    async with AsyncExitStack() as stack:
        if "direct-routing" in parts and scenario.direct_routing is not None:
            teams = DirectRoutingSimulator(scenario, scenario.direct_routing, report)
            if messages is not None:
                teams.stack.record = messages.recorder("direct-routing")
            await stack.enter_async_context(teams)
        if "dns" in parts and scenario.dns_port:
            server = NameServer(scenario.names)
            await server.start(scenario.media_address, scenario.dns_port)
            stack.callback(server.close)
        await _start_cloud(scenario, report, parts, stack)
        carrier = None
        if "carrier" in parts and scenario.carrier is not None:
            carrier = CarrierSimulator(scenario, scenario.carrier, report)
            if messages is not None:
                carrier.stack.record = messages.recorder("carrier")
            await stack.enter_async_context(carrier)
        report.add("simulators", "ready", parts=list(parts))
        await _run(carrier if send_callers else None, until)


async def _start_cloud(
    scenario: Scenario, report: Report, parts: tuple[str, ...], stack: AsyncExitStack
) -> None:
    """Start Entra, and Graph that takes its tokens."""
    if "graph" in parts and scenario.graph is not None and scenario.entra is None:
        raise ScenarioError("graph needs entra in the same scenario: it takes that one's tokens")
    if scenario.entra is None or not {"entra", "graph"} & {*parts}:
        return
    clock = LoopClock(report.utc)
    entra = EntraSimulator(scenario.entra, clock, seed=scenario.seed)
    await stack.enter_async_context(entra)
    report.add("entra", "listening", url=entra.base_url)
    if "graph" in parts and scenario.graph is not None:
        graph = GraphSimulator(
            scenario.graph,
            checker=entra.checker(),
            clock=clock,
            seed=scenario.seed,
            validation_token=partial(_validation_token, entra),
        )
        calls = _calls(scenario, report, entra, graph)
        await stack.enter_async_context(graph)
        if calls is not None:
            await stack.enter_async_context(calls)
        report.add("graph", "listening", url=graph.url, page=graph.page_url)


def _calls(
    scenario: Scenario, report: Report, entra: EntraSimulator, graph: GraphSimulator
) -> GraphCalls | None:
    """Mount the calls of one of Graph's tenants, if the scenario has them.

    Raises:
        ScenarioError: they are in no tenant of Graph.
    """
    calls = scenario.calls
    if calls is None or scenario.graph is None:
        return None
    tenants = {tenant.id.lower(): tenant for tenant in scenario.graph.tenants}
    tenant = tenants.get(calls.tenant_id.lower())
    if tenant is None:
        raise ScenarioError(f"calls are in tenant {calls.tenant_id}, which graph does not have")
    authorities = scenario.graph.authorities
    return GraphCalls(
        with_tenant(calls, tenant),
        graph,
        sign=partial(_callback_token, entra),
        authorities=Path(authorities) if authorities else None,
        tell=lambda what, more: report.add("calls", what, **more),
    )


def _callback_token(
    entra: EntraSimulator, app_id: str, tenant_id: str, defect: Defect | None
) -> str:
    return entra.callbacks.token(app_id, tenant_id, defect=defect)


def _validation_token(entra: EntraSimulator, app_id: str, tenant_id: str) -> str:
    return entra.mint.validation_token(app_id, tenant_id, CHANGE_TRACKING_ID)


async def _run(carrier: CarrierSimulator | None, until: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        callers = group.create_task(carrier.send_callers()) if carrier is not None else None
        await until()
        if callers is not None:
            callers.cancel()
