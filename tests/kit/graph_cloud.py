# SPDX-License-Identifier: Apache-2.0
"""Entra and Graph together over TLS, and Microsoft's own SDK that finds them there.

Everything runs in a loop of another thread, because credentials of azure-identity block. The
SDK's client is made per test: its connections belong to one loop.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from centralino.simulators.entra.description import (
    CHANGE_TRACKING_ID,
    TEAMS_CLIENTS,
    Application,
    EntraScenario,
    Permission,
    Secret,
)
from centralino.simulators.entra.description import Person as SignsIn
from centralino.simulators.entra.description import Tenant as EntraTenant
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import graph_tenant as kit
from tests.kit.entra import lent_keys
from tests.kit.entra_stage import certificate_files
from tests.kit.graph_schema import graph_schema
from tests.kit.graph_stage import Endpoint, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from msgraph.graph_service_client import GraphServiceClient

T = TypeVar("T")

SECRET = "a-secret-of-the-tests"
ROLES = (
    "User.Read.All",
    "GroupMember.Read.All",
    "People.Read.All",
    "Presence.ReadWrite.All",
    "Calendars.Read",
    "CallRecords.Read.All",
    "Chat.Read.All",
    "TeamsActivity.Send",
    "OnlineMeetings.ReadWrite.All",
    "Schedule.ReadWrite.All",
    "TeamsTelephoneNumber.ReadWrite.All",
    "TeamsUserConfiguration.Read.All",
)
SCOPES = ("User.Read", "Presence.Read.All", "Presence.ReadWrite", "Chat.ReadWrite")
_WITHIN_S = 20


@dataclass(slots=True)
class Cloud:
    """Both services, and how to reach them."""

    entra: EntraSimulator
    graph: GraphSimulator
    endpoint: Endpoint
    ca_file: str
    loop: asyncio.AbstractEventLoop
    _opened: list[httpx.AsyncHTTPTransport] = field(default_factory=list)
    _credentials: list[Any] = field(default_factory=list)

    def play(self, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a test's part in a loop of its own, and close what its clients opened."""

        async def whole() -> None:
            try:
                await scene()
            finally:
                while self._opened:
                    await self._opened.pop().aclose()
                while self._credentials:
                    self._credentials.pop().close()

        asyncio.run(whole())

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something in the services' loop."""
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(_WITHIN_S)

    def do(self, act: Callable[[int], T]) -> T:
        """Do something to the world, as of now."""

        async def inside() -> T:
            found = act(self.graph.application.now())
            self.graph.world.changed()
            return found

        return self.run(inside)

    def credential(self, person: str = "") -> Any:  # noqa: ANN401 - one of two unrelated classes
        """Return an application's credential, or one on behalf of somebody."""
        from azure.identity import ClientSecretCredential, OnBehalfOfCredential

        usual: dict[str, Any] = {
            "authority": self.entra.base_url,
            "disable_instance_discovery": True,
            "connection_verify": self.ca_file,
        }
        if not person:
            return ClientSecretCredential(kit.TENANT, kit.APP, SECRET, **usual)
        assertion = self.entra.teams_token(kit.TENANT, person, kit.APP)
        assert assertion is not None
        return OnBehalfOfCredential(
            kit.TENANT, kit.APP, client_secret=SECRET, user_assertion=assertion, **usual
        )

    def client(self, person: str = "") -> GraphServiceClient:
        """Return Microsoft's client, for an application or on behalf of somebody."""
        from kiota_authentication_azure.azure_identity_authentication_provider import (
            AzureIdentityAuthenticationProvider,
        )
        from msgraph.graph_request_adapter import GraphRequestAdapter, options
        from msgraph.graph_service_client import GraphServiceClient
        from msgraph_core import GraphClientFactory

        context = ssl.create_default_context(cafile=self.ca_file)
        # The SDK puts its own transport into the client and never closes the one it found there.
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
        self._opened.append(transport)
        http = httpx.AsyncClient(transport=transport, timeout=20, trust_env=False)
        credential = self.credential(person)
        self._credentials.append(credential)
        adapter = GraphRequestAdapter(
            AzureIdentityAuthenticationProvider(
                credential,
                scopes=["https://graph.microsoft.com/.default"],
                allowed_hosts=["localhost"],
            ),
            GraphClientFactory.create_with_default_middleware(client=http, options=options),
        )
        adapter.base_url = self.graph.url
        return GraphServiceClient(request_adapter=adapter)


def entra_scenario(certificate: Path, private_key: Path) -> EntraScenario:
    """Return the sign-in of the tests' tenant."""
    application = Application(
        client_id=kit.APP,
        name="Centralino",
        home_tenant=kit.TENANT,
        secrets=(Secret(value=SECRET),),
        identifier_uris=(f"api://{kit.APP}",),
        scopes=("access_as_user",),
        pre_authorized=TEAMS_CLIENTS,
        wants=(Permission(scopes=SCOPES, roles=ROLES),),
    )
    people = tuple(SignsIn(oid=one.id, upn=one.upn, name=one.name) for one in kit.people())
    tenant = EntraTenant(
        id=kit.TENANT, domain="north.example", name="North", people=people, consents=(kit.APP,)
    )
    return EntraScenario(
        port=0,
        certificate=str(certificate),
        private_key=str(private_key),
        tenants=(tenant,),
        applications=(application,),
    )


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    """Run both services and an endpoint until the end of the block."""
    certificate, private_key, root = certificate_files(folder)
    # Read before time counts: the endpoint judges what it gets, and has three seconds to answer.
    graph_schema()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cloud")
    thread.start()
    clock = LoopClock(time.time)
    entra = EntraSimulator(entra_scenario(certificate, private_key), clock, make_key=lent_keys())
    scenario = kit.scenario(port=0, certificate=str(certificate), private_key=str(private_key))
    graph = GraphSimulator(
        scenario,
        checker=entra.checker(),
        clock=clock,
        validation_token=lambda app, tenant: entra.mint.validation_token(
            app, tenant, CHANGE_TRACKING_ID
        ),
    )
    cloud = Cloud(entra, graph, Endpoint(), str(root), loop)
    endpoint = listening(cloud.endpoint, clock)
    try:
        for part in (entra, graph, endpoint):
            cloud.run(part.__aenter__)
        yield cloud
        for part in (endpoint, graph, entra):
            cloud.run(lambda part=part: part.__aexit__(None, None, None))  # type: ignore[misc]  # bound to the loop's part
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_WITHIN_S)
        loop.close()
    assert entra.service.broken == graph.application.service.broken == []
