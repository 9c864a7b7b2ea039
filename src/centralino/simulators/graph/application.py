# SPDX-License-Identifier: Apache-2.0
"""Graph as one HTTP service: token, tenant, limits and permission before every handler.

The order of refusals is that of the service as far as it can be seen: 401 for the token, then
429, then 403 for the permission, then whatever the handler says. Time passes in the world before
a request is looked at, so that no answer is older than its request.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from centralino.simulators.graph.batch import Batch
from centralino.simulators.graph.callers import Caller
from centralino.simulators.graph.errors import rendered, unauthorized
from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.graph.requests import VERSION, GraphRequest, GraphRoute
from centralino.simulators.graph.throttle import Throttle
from centralino.simulators.http.service import HttpService

if TYPE_CHECKING:
    from centralino.simulators.entra.checker import Bearer
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.clock import SimulatorClock
    from centralino.simulators.http.messages import Correlation, Refusal, Request, Response

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"001",'
    '"RoleInstance":"SIM00000001"}}'
)
MOST_BODY_BYTES = 4 * 1024 * 1024


class TokenCheck(Protocol):
    """Tells what a token proves."""

    def check(self, token: str) -> Bearer:
        """Return what a token proves.

        Raises:
            Refusal: 401, nothing.
        """
        ...


class GraphApplication:
    """The routes of Graph on an HTTP service."""

    def __init__(
        self, world: World, checker: TokenCheck, clock: SimulatorClock, seed: int | str = 1
    ) -> None:
        """Make the service without routes."""
        self.world = world
        self.clock = clock
        self.throttle = Throttle()
        self._checker = checker

        def render(refusal: Refusal, correlation: Correlation) -> Response:
            return rendered(refusal, correlation, clock.utc())

        self.service = HttpService(
            "graph",
            clock,
            render=render,
            seed=seed,
            ignores_case=True,
            most_body_bytes=MOST_BODY_BYTES,
        )
        self.routes: list[GraphRoute] = []
        self.service.router.post(f"{VERSION}/$batch", Batch(self.service, render).handle)

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return round(self.clock.utc() * NS_PER_S)

    def add(self, routes: Iterable[GraphRoute]) -> None:
        """Add paths of Graph."""
        for route in routes:
            self.routes.append(route)
            for pattern in route.patterns():
                self.service.router.add(route.method, pattern, self._guarded(route))

    def _guarded(self, route: GraphRoute) -> Callable[[Request], Awaitable[Response]]:
        async def handle(http: Request) -> Response:
            now = self.now()
            self.world.advance(now)
            caller = self._caller(http)
            if self.world.scenario.throttles:
                thing = http.params.get(route.thing, "")
                self.throttle.require(caller, route.limits, now, thing)
            route.permission.require(caller)
            tenant = self.world.tenants.get(caller.tenant_id)
            if tenant is None:
                raise unauthorized("Access token validation failure. Invalid tenant.")
            found = route.handler(GraphRequest(http, caller, self.world, tenant, now))
            response = await found if inspect.isawaitable(found) else found
            response.headers.setdefault("x-ms-ags-diagnostic", DIAGNOSTIC)
            if http.method != "GET":
                self.world.changed()
            return response

        return handle

    def _caller(self, http: Request) -> Caller:
        bearer = self._checker.check(http.bearer)
        return Caller(
            tenant_id=bearer.tenant_id.lower(),
            app_id=bearer.app_id.lower(),
            user_id="" if bearer.is_app else bearer.oid.lower(),
            roles=bearer.roles,
            scopes=bearer.scopes,
        )
