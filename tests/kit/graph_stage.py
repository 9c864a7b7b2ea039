# SPDX-License-Identifier: Apache-2.0
"""The simulated Graph on the loopback, a client whose answers are judged, and an endpoint.

Every answer that :class:`Asker` gets is held against Microsoft's schema; what the schema does not
have is listed in :data:`OUTSIDE` and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from centralino.simulators.entra.checker import Bearer
from centralino.simulators.graph.errors import unauthorized
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock, SteppedClock
from centralino.simulators.http.messages import Request, Response, json_response, text_response
from centralino.simulators.http.server import HttpServer
from centralino.simulators.http.service import HttpService
from tests.kit import graph_tenant as kit
from tests.kit.graph_schema import assert_answer, assert_is
from tests.kit.threads import in_a_thread

if TYPE_CHECKING:
    from centralino.simulators.graph.scenario import GraphScenario
    from centralino.simulators.http.clock import SimulatorClock

OUTSIDE = re.compile(
    r"/users/delta.*|/users/[^/]+/(?:transitiveMemberOf|memberOf|checkMemberGroups|photo/\$value)"
    r"|/groups/[^/]+/transitiveMembers|/organization|/users/[^/]+/events|/\$batch"
    r"|/users/[^/]+/calendar/calendarView|/users/[^/]+/teamwork/installedApps/.*",
    re.IGNORECASE,
)
"""Paths below the version that Microsoft's subset does not have, or has under another name."""


class IssuedTokens:
    """A checker that knows the tokens it gave out; stands for Entra where sign-in is no matter."""

    def __init__(self) -> None:
        self._known: dict[str, Bearer] = {}

    def check(self, token: str) -> Bearer:
        found = self._known.get(token)
        if found is None:
            raise unauthorized("Access token is empty." if not token else "No such token.")
        return found

    def app(self, *roles: str, app: str = kit.APP, tenant: str = kit.TENANT) -> str:
        """Return a token of an application by itself."""
        return self._issue(Bearer(tenant, app, f"sp-{app}", frozenset(), frozenset(roles)))

    def user(self, oid: str, *scopes: str, app: str = kit.APP, tenant: str = kit.TENANT) -> str:
        """Return a token on behalf of somebody."""
        return self._issue(Bearer(tenant, app, oid, frozenset(scopes), frozenset()))

    def _issue(self, bearer: Bearer) -> str:
        token = f"token-{len(self._known)}"
        self._known[token] = bearer
        return token


@dataclass(slots=True)
class Reply:
    """An answer."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def value(self) -> list[Any]:
        """The rows of a collection."""
        found: list[Any] = self.body["value"]
        return found

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        """The message of an error."""
        return str(self.body["error"]["message"])


@dataclass(slots=True)
class Asker:
    """A client with one token; its answers are judged by Microsoft's schema."""

    http: httpx.AsyncClient
    base: str
    token: str

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Send a request; ``path`` is below the version, or an absolute link."""
        url = path if path.startswith("http") else self.base + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("authorization", f"Bearer {self.token}")
        content = None if body is None else json.dumps(body).encode()
        answer = await self.http.request(
            method, url, content=content, headers={"content-type": "application/json", **named}
        )
        is_json = "json" in answer.headers.get("content-type", "")
        document = answer.json() if answer.content and is_json else None
        below = urlsplit(url).path.partition("/v1.0")[2]
        if not answer.is_success or not OUTSIDE.fullmatch(below):
            found = document if is_json or not answer.content else answer.content
            assert_answer(method, below, answer.status_code, found)
        return Reply(answer.status_code, document, answer.headers)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        return await self.ask("POST", path, body, **headers)

    async def patch(self, path: str, body: object, **headers: str) -> Reply:
        return await self.ask("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self.ask("DELETE", path, **headers)


@dataclass(slots=True)
class Endpoint:
    """A subscriber's webhook that can misbehave."""

    url: str = ""
    handshakes: list[str] = field(default_factory=list)
    got: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    statuses: list[int] = field(default_factory=list)
    """Of the next answers to notifications; 202 when empty."""
    echoes: bool = True
    hangs: bool = False

    async def handle(self, request: Request) -> Response:
        token = request.query_value("validationToken")
        if self.hangs:
            await asyncio.Event().wait()
        if token:
            self.handshakes.append(token)
            return text_response(token if self.echoes else "something else")
        document = request.json_object()
        assert_is("microsoft.graph.changeNotificationCollection", document)
        self.got.put_nowait(document)
        return json_response({}, self.statuses.pop(0) if self.statuses else 202)

    async def next(self) -> dict[str, Any]:
        """Return the next notification's envelope."""
        async with asyncio.timeout(10):
            return await self.got.get()


@dataclass(slots=True)
class GraphStage:
    """A running Graph with everything around it."""

    graph: GraphSimulator
    tokens: IssuedTokens
    clock: SteppedClock
    endpoint: Endpoint = field(default_factory=Endpoint)
    http: httpx.AsyncClient = field(init=False)
    base: str = field(init=False)

    def ask_as(self, token: str) -> Asker:
        """Return a client with a token."""
        return Asker(self.http, self.base, token)

    def app(self, *roles: str, app: str = kit.APP, tenant: str = kit.TENANT) -> Asker:
        """Return a client that is an application by itself."""
        return self.ask_as(self.tokens.app(*roles, app=app, tenant=tenant))

    def user(self, oid: str, *scopes: str, app: str = kit.APP) -> Asker:
        """Return a client on behalf of somebody."""
        return self.ask_as(self.tokens.user(oid, *scopes, app=app))

    def pass_time(self, seconds: float) -> None:
        """Let the world's time pass."""
        self.clock.advance(seconds)
        self.graph.world.changed()


@asynccontextmanager
async def running_graph(scenario: GraphScenario | None = None) -> AsyncIterator[GraphStage]:
    """Run the simulated Graph with a listener, and an endpoint, until the end of the block."""
    stage = _made(scenario, listens=True)
    async with (
        stage.graph,
        listening(stage.endpoint, LoopClock(stage.clock.utc)),
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        stage.http, stage.base = http, stage.graph.url
        yield stage
    assert stage.graph.application.service.broken == []


@asynccontextmanager
async def graph_in_memory(scenario: GraphScenario | None = None) -> AsyncIterator[GraphStage]:
    """Run the simulated Graph without a socket; notifications have nowhere to go."""
    stage = _made(scenario, listens=False)
    transport = httpx.ASGITransport(app=stage.graph.application.service)
    async with stage.graph, httpx.AsyncClient(transport=transport) as http:
        stage.http, stage.base = http, "http://localhost/v1.0"
        yield stage
    assert stage.graph.application.service.broken == []


def _made(scenario: GraphScenario | None, *, listens: bool) -> GraphStage:
    clock, tokens = SteppedClock(), IssuedTokens()
    graph = GraphSimulator(
        scenario or kit.scenario(port=0),
        checker=tokens,
        clock=clock,
        validation_token=lambda app, tenant: f"token of {app} in {tenant}",
        listens=listens,
    )
    return GraphStage(graph, tokens, clock)


@asynccontextmanager
async def listening(endpoint: Endpoint, clock: SimulatorClock) -> AsyncIterator[None]:
    """Let an endpoint listen until the end of the block."""
    service = HttpService("endpoint", clock, render=lambda *_: Response(500))
    service.router.post("/notify", endpoint.handle)
    service.router.post("/life", endpoint.handle)
    async with HttpServer(service) as server:
        endpoint.url = server.url
        yield


@contextmanager
def graph_in_a_thread(scenario: GraphScenario) -> Iterator[GraphSimulator]:
    """Run the simulated Graph, on the machine's time, in a loop of another thread."""
    clock, tokens = LoopClock(time.time), IssuedTokens()
    with in_a_thread(lambda: GraphSimulator(scenario, checker=tokens, clock=clock)) as graph:
        yield graph
    assert graph.application.service.broken == []
