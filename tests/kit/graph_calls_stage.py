# SPDX-License-Identifier: Apache-2.0
"""A whole tenant on the loopback for Microsoft's own SDK: Entra, Graph with calls, a webhook.

The webhook believes nothing: it fetches the signer's metadata and keys, and checks issuer,
audience, life and tenant of every token ("Handling inbound call notifications").
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import msgspec

from centralino.simulators.entra.callback_signer import OPENID_PATH
from centralino.simulators.entra.description import (
    Application,
    EntraScenario,
    Permission,
    Secret,
    Tenant,
)
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.graph.calls.driver import GraphCalls
from centralino.simulators.graph.scenario import GraphScenario
from centralino.simulators.graph.scenario import Tenant as GraphTenant
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from centralino.simulators.http.messages import Request, Response
from centralino.simulators.http.server import HttpServer
from centralino.simulators.http.service import HttpService
from centralino.wire.graph.notification import CommsNotification, read_notifications
from centralino.wire.graph.resource import Part
from tests.kit import entra as entra_kit
from tests.kit.entra_stage import certificate_files
from tests.kit.graph_calls import ALL_ROLES, APP, TENANT, quick, tone_file
from tests.kit.graph_schema import assert_is

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from centralino.simulators.graph.calls.settings import CallsScenario

SECRET = "a-secret-of-the-tests"
POOR = "66666666-6666-4666-8666-666666666666"
"""An application without any permission for calls."""
WITHIN_S = 15
COMMS = "/comms"
MOST_TOKEN = 8_192


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts one authority."""
    return ssl.create_default_context(cafile=ca_file)


@dataclass
class Webhook:
    """The application's end: checks, keeps, answers."""

    metadata_url: str = ""
    verify: str = ""
    url: str = ""
    notices: list[CommsNotification] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    answer: Callable[[Request], Response | None] = lambda _: None
    """Something else than 202 for a POST."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _issuer: str = ""

    async def take(self, request: Request) -> Response:
        """Take a POST of notifications."""
        try:
            await self._believe(request.bearer)
        except (jwt.PyJWTError, ValueError) as error:
            self.refused.append(type(error).__name__)
            return Response(403)
        other = self.answer(request)
        if other is not None:
            return other
        assert_is("microsoft.graph.commsNotifications", json.loads(request.body))
        self.notices += read_notifications(request.body)
        self._news.set()
        return Response(202)

    async def _believe(self, token: str) -> None:
        if not self._keys:
            async with httpx.AsyncClient(verify=trusting(self.verify), trust_env=False) as http:
                metadata = (await http.get(self.metadata_url)).json()
                self._issuer = metadata["issuer"]
                self._keys = (await http.get(metadata["jwks_uri"])).json()["keys"]
        if len(token) > MOST_TOKEN:
            raise ValueError("too long")
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((one for one in self._keys if one["kid"] == kid), None)
        if key is None:
            raise ValueError("unknown key")
        claims = jwt.decode(
            token,
            jwt.PyJWK(key).key,
            algorithms=["RS256"],
            audience=APP,
            issuer=self._issuer,
        )
        if claims.get("tid") != TENANT:
            raise ValueError("another tenant")

    async def file(self, request: Request) -> Response:
        """Serve a prompt."""
        content = self.files.get(request.params["name"])
        return Response(404) if content is None else Response(200, content)

    async def until(self, found: Callable[[CommsNotification], bool]) -> CommsNotification:
        """Return the first notification, past or to come, that is so."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                self._news.clear()
                for notice in self.notices:
                    if found(notice):
                        return notice
                await self._news.wait()

    async def state(self, call_id: str, state: str) -> dict[str, Any]:
        """Return the content of the notification of a call's state."""
        key = call_id.replace("-", "").lower()
        notice = await self.until(
            lambda one: (
                one.resource.key == (key, Part.CALL, "") and one.members.get("state") == state
            )
        )
        return dict(notice.members)

    async def finished(self, operation_id: str) -> dict[str, Any]:
        """Return the content of the notification of an operation's end."""
        key = operation_id.replace("-", "").lower()
        notice = await self.until(lambda one: one.resource.key[1:] == (Part.OPERATIONS, key))
        return dict(notice.members)


@dataclass
class CallsStage:
    """All of it, running."""

    entra: EntraSimulator
    graph: GraphSimulator
    calls: GraphCalls
    webhook: Webhook
    ca_file: str
    http: httpx.AsyncClient
    facts: list[dict[str, Any]]

    @property
    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self.graph.application.now()

    async def token(self, client_id: str = APP) -> str:
        """Return an application's token by plain HTTP."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"{self.entra.base_url}/{TENANT}/oauth2/v2.0/token"
        async with httpx.AsyncClient(verify=trusting(self.ca_file), trust_env=False) as http:
            return str((await http.post(url, data=form)).json()["access_token"])

    def by_hand(self, person_id: str) -> Any:  # noqa: ANN401 - one of the people
        """Return a person, to press his buttons."""
        self.calls.wake()
        return self.calls.world.somebody(person_id, self.now)


@asynccontextmanager
async def running_calls(
    folder: Path, calls: CallsScenario | None = None
) -> AsyncIterator[CallsStage]:
    """Run everything until the end of the block."""
    certificate, key, root = certificate_files(folder)
    entra = EntraSimulator(
        _entra(str(certificate), str(key)), LoopClock(time.time), make_key=entra_kit.lent_keys()
    )
    webhook = Webhook(files={"hello.wav": tone_file(440, 400)}, verify=str(root))
    facts: list[dict[str, Any]] = []
    async with entra, _listening(webhook):
        webhook.metadata_url = f"{entra.base_url}{COMMS}{OPENID_PATH}"
        described = GraphTenant(id=TENANT, name="Tenant", domain="tenant.example")
        graph = GraphSimulator(
            GraphScenario(tenants=(described,), port=0),
            checker=entra.checker(),
            clock=LoopClock(time.time),
        )
        mounted = GraphCalls(
            _told_at(calls or quick(), f"{webhook.url}/calls"),
            graph,
            sign=lambda app, tenant, defect: entra.callbacks.token(app, tenant, defect=defect),
            tell=lambda what, more: facts.append({"what": what, **more}),
        )
        async with graph, mounted, httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
            yield CallsStage(entra, graph, mounted, webhook, str(root), http, facts)
        assert graph.application.service.broken == []


def _told_at(calls: CallsScenario, url: str) -> CallsScenario:
    """Let every application without a webhook be told of incoming calls at this one."""
    applications = tuple(msgspec.structs.replace(one, webhook=url) for one in calls.applications)
    return msgspec.structs.replace(calls, applications=applications)


def _entra(certificate: str, private_key: str) -> EntraScenario:
    def registered(client_id: str, roles: tuple[str, ...]) -> Application:
        return Application(
            client_id=client_id,
            name=f"Calling {client_id[:4]}",
            home_tenant=TENANT,
            secrets=(Secret(value=SECRET),),
            wants=(Permission(roles=roles),),
        )

    tenant = Tenant(id=TENANT, domain="tenant.example", name="Tenant", consents=(APP, POOR))
    return EntraScenario(
        tenants=(tenant,),
        applications=(
            registered(APP, tuple(sorted(ALL_ROLES))),
            registered(POOR, ("User.Read.All",)),
        ),
        port=0,
        certificate=certificate,
        private_key=private_key,
    )


@asynccontextmanager
async def _listening(webhook: Webhook) -> AsyncIterator[None]:
    service = HttpService("webhook", LoopClock(time.time), render=lambda *_: Response(500))
    service.router.post("/calls", webhook.take)
    service.router.post("/elsewhere", webhook.take)
    service.router.get("/prompts/{name}", webhook.file)
    async with HttpServer(service) as server:
        webhook.url = server.url
        yield
    assert service.broken == []
