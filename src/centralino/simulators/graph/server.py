# SPDX-License-Identifier: Apache-2.0
"""The simulated Graph as a whole: one listener, one timer, notifications on their way.

``async with GraphSimulator(...) as graph: graph.url``. Other parts of Graph (calls) are mounted
with :meth:`GraphSimulator.mount` before it starts. One task lets time pass: it wakes when something
changed or is due, and posts what the deliveries hand out.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from centralino.simulators.graph import (
    activity,
    meetings,
    numbers,
    routes_calendars,
    routes_chats,
    routes_directory,
    routes_presence,
    routes_records,
    routes_subscriptions,
    shifts,
)
from centralino.simulators.graph.application import GraphApplication, TokenCheck
from centralino.simulators.graph.control import Control
from centralino.simulators.graph.errors import forbidden
from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.graph.notifier import Notifier
from centralino.simulators.graph.requests import VERSION
from centralino.simulators.graph.tenant_page import TenantPage
from centralino.simulators.graph.world import make_world
from centralino.simulators.http.faults import Fault, Latency
from centralino.simulators.http.server import HttpServer, TlsFiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from centralino.simulators.graph.notifier import ValidationToken
    from centralino.simulators.graph.requests import GraphRoute
    from centralino.simulators.graph.scenario import GraphScenario
    from centralino.simulators.http.clock import SimulatorClock
    from centralino.simulators.http.faults import Behaviour, FaultPlan
    from centralino.simulators.http.messages import Request

PARTS = (
    routes_directory,
    routes_calendars,
    routes_records,
    routes_chats,
    activity,
    meetings,
    shifts,
    numbers,
)
"""What has paths and needs no more than the world."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class GraphSimulator:
    """Microsoft Graph of some tenants, listening."""

    def __init__(
        self,
        scenario: GraphScenario,
        *,
        checker: TokenCheck,
        clock: SimulatorClock,
        seed: int | str = 1,
        validation_token: ValidationToken | None = None,
        listens: bool = True,
    ) -> None:
        """Make it; nothing listens yet.

        Args:
            scenario: the tenants and what they do.
            checker: who verifies bearer tokens.
            clock: time of everything.
            seed: same seed, same tenants.
            validation_token: makes the tokens that come with encrypted content.
            listens: False leaves the listener out; ``application.service`` is ASGI.

        Raises:
            GraphError: a tenant setting is wrong.
        """
        self.scenario = scenario
        self.world = make_world(scenario, str(seed), round(clock.utc() * NS_PER_S))
        self.application = GraphApplication(self.world, checker, clock, seed)
        roots = Path(scenario.authorities) if scenario.authorities else None
        self.notifier = Notifier(self.world, self.application.now, validation_token, roots)
        self._clock = clock
        self._listens = listens
        self._server = HttpServer(
            self.application.service,
            address=scenario.address,
            port=scenario.port,
            tls=_tls(scenario),
            host=scenario.host,
        )
        self._wake = asyncio.Event()
        self._stack = AsyncExitStack()
        plant(self.application.service.faults, scenario)
        self._mount_own()

    def _mount_own(self) -> None:
        self.mount(routes_presence.routes(self.world))
        self.mount(routes_subscriptions.routes(self.world, self.notifier.handshake))
        for part in PARTS:
            self.mount(part.routes(self.world))
        if scenario_is_near(self.scenario):
            Control(self).add_routes()
            if self.scenario.has_page:
                TenantPage(self).add_routes()

    def mount(self, routes: Iterable[GraphRoute]) -> None:
        """Add paths of Graph."""
        self.application.add(routes)

    @property
    def url(self) -> str:
        """Where Graph is, with its version."""
        return f"{self._server.url}{VERSION}"

    @property
    def root_url(self) -> str:
        """Where the listener is."""
        return self._server.url

    @property
    def page_url(self) -> str:
        """Where the tenant page is; empty when it is left out."""
        is_there = self.scenario.has_page and scenario_is_near(self.scenario)
        return f"{self.root_url}/simulator/" if is_there else ""

    def require_near(self, request: Request) -> None:
        """Let the simulator's own endpoints be used from their own page and this machine only.

        A page of somebody else has another origin; a name that was made to lead here is not ours.

        Raises:
            GraphError: 403.
        """
        origin = request.headers.get("origin", "")
        host = urlsplit(request.base_url).hostname or ""
        names = {self.scenario.host, self.scenario.address, *LOOPBACK}
        if host not in names or (origin and origin != request.base_url):
            raise forbidden("The simulator's own endpoints answer their own page only.")

    async def __aenter__(self) -> Self:
        """Listen, and let time pass."""
        self._stack.push_async_callback(self.notifier.close)
        if self._listens:
            await self._server.start()
            self._stack.push_async_callback(self._server.close)
        running = asyncio.get_running_loop().create_task(self._run())
        self._stack.push_async_callback(_cancelled, running)
        self.world.on_change.append(self._wake.set)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.world.on_change.remove(self._wake.set)
        await self._stack.aclose()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                now = self.application.now()
                self.world.advance(now)
                for post in self.world.deliveries.due(now):
                    group.create_task(self.notifier.post(post))
                await self._until_due(now)

    async def _until_due(self, now: int) -> None:
        due = self.world.next_deadline()
        if due is None:
            await self._wake.wait()
            return
        delay_s = max(0.0, (due - now) / NS_PER_S)
        timer = asyncio.get_running_loop().create_task(self._ring(delay_s))
        try:
            await self._wake.wait()
        finally:
            await _cancelled(timer)

    async def _ring(self, delay_s: float) -> None:
        await self._clock.wait(delay_s)
        self._wake.set()


def scenario_is_near(scenario: GraphScenario) -> bool:
    """Tell whether only this machine reaches the listener, so that no token is asked for."""
    return ipaddress.ip_address(scenario.address).is_loopback


def _tls(scenario: GraphScenario) -> TlsFiles | None:
    if not scenario.certificate:
        return None
    return TlsFiles(Path(scenario.certificate), Path(scenario.private_key))


def plant(plan: FaultPlan, scenario: GraphScenario) -> None:
    """Plant the faults and latencies of a scenario."""
    for row in scenario.route_faults:
        headers = {} if row.retry_after_s is None else {"retry-after": str(row.retry_after_s)}
        behaviour: Behaviour = "answer" if row.do == "respond" else row.do
        plan.plant(
            Fault(
                row.route,
                row.status if row.do == "respond" else 0,
                row.code,
                row.message,
                headers,
                behaviour=behaviour,
                is_late=row.is_late,
                after=row.after,
                times=row.times,
            )
        )
    for told in scenario.latencies:
        plan.delay(Latency(told.least_ms / 1000, told.most_ms / 1000), told.route)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
