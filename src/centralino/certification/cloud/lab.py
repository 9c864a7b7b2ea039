# SPDX-License-Identifier: Apache-2.0
"""The laboratory of cloud cases: Entra and Graph in this process, the product beside it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.graph.settings import GraphSettings, PresenceSettings
from centralino.certification.authority import LabAuthority
from centralino.certification.cloud import stage
from centralino.certification.cloud.evidence import Asked
from centralino.certification.cloud.product import CloudProductPort, CloudWish
from centralino.certification.watch import JournalWatch, LogWatch
from centralino.core.kernel.instant import SECOND
from centralino.simulators.entra.description import CHANGE_TRACKING_ID
from centralino.simulators.entra.scopes import read_scope
from centralino.simulators.entra.sessions import UserGrant
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import LoopClock

if TYPE_CHECKING:
    from types import TracebackType

    from centralino.exchange.ports import ClockPort
    from centralino.simulators.graph.subscriptions import Subscription
    from centralino.simulators.http.log import Exchange

POLL_EVERY_S = 2.0
KEYS_AGAIN_AFTER_S = 2.0
ASK_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """Where a run keeps its things."""

    folder: Path
    run_dir: Path


class CloudLab:
    """The far side, the product, and what both of them write; an asynchronous context."""

    def __init__(self, options: CloudOptions, product: CloudProductPort, clock: ClockPort) -> None:
        self.options = options
        self.product = product
        self.asked: list[Asked] = []
        self.logs = LogWatch()
        self.journal = JournalWatch(stage.TENANT)
        self.is_running = False
        self._clock = clock
        self._stack = AsyncExitStack()
        self._api_port = 0

    def utc(self) -> float:
        """Return seconds since the Unix epoch."""
        return self._clock.utc() / SECOND

    async def __aenter__(self) -> Self:
        """Start the far side."""
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.options.run_dir.mkdir(parents=True, exist_ok=True)
        authority = LabAuthority(folder, datetime.fromtimestamp(self.utc(), UTC))
        files = authority.issue("entra", "good", ["localhost"], "wrong.test")
        self.root = authority.root
        clock = LoopClock(self.utc)
        scenario = stage.entra_scenario(str(files.certificate), str(files.private_key))
        self.entra = await self._stack.enter_async_context(EntraSimulator(scenario, clock))
        self.graph = await self._stack.enter_async_context(
            GraphSimulator(
                stage.graph_scenario(),
                checker=self.entra.checker(),
                clock=clock,
                validation_token=self._validation_token,
            )
        )
        self.entra.service.log.on_exchange = self._noting("entra")
        self.graph.application.service.log.on_exchange = self._noting("graph")
        self.http = await self._stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, timeout=ASK_WITHIN_S)
        )
        self._api_port = _free_port()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        await self.product.stop()
        await self._stack.aclose()

    def _noting(self, to: str) -> Callable[[Exchange], None]:
        def note(one: Exchange) -> None:
            self.asked.append(Asked(one.at, to, one.method, one.path, one.status))

        return note

    def _validation_token(self, application: str, directory: str) -> str:
        return self.entra.mint.validation_token(application, directory, CHANGE_TRACKING_ID)

    # ------------------------------------------------------------------------- product
    @property
    def api(self) -> str:
        """Where the product's API is."""
        return f"http://127.0.0.1:{self._api_port}"

    async def start_product(self) -> None:
        """Start the product unless it runs."""
        if self.is_running:
            return
        secret = self.options.folder / "client.secret"
        secret.write_text(stage.SECRET, encoding="ascii")
        self._bind_account()
        await self.product.start(
            CloudWish(
                folder=self.options.folder / "product",
                run_dir=self.options.run_dir,
                api_port=self._api_port,
                tenant=stage.tenant_configuration(),
                entra=self._entra_settings(secret),
                graph=self._graph_settings(),
                accounts=((stage.PEOPLE["supervisor"], stage.REFRESH_TOKEN),),
            )
        )
        self.is_running = True

    def _entra_settings(self, secret: Path) -> EntraSettings:
        return EntraSettings(
            client_id=stage.CLIENT,
            authority=self.entra.base_url,
            has_instance_discovery=False,
            ca_file=str(self.root),
            secret_file=str(secret),
            application_uris=(stage.AUDIENCE,),
            allowed_clients=(*EntraSettings().allowed_clients, stage.PROGRAM),
            tenants=(OnboardedTenant(directory=stage.DIRECTORY, tenant=stage.TENANT),),
            keys_again_after_s=KEYS_AGAIN_AFTER_S,
        )

    def _graph_settings(self) -> GraphSettings:
        return GraphSettings(
            base_url=self.graph.url,
            callback_url=self.api,
            presence=PresenceSettings(
                poll_every_s=POLL_EVERY_S,
                poll_every_subscribed_s=10.0,
                account=stage.PEOPLE["supervisor"],
                is_published=True,
            ),
        )

    def _bind_account(self) -> None:
        """Let the supervisor have consented that the product acts for him."""
        directory = self.entra.directory
        tenant = directory.tenant(stage.DIRECTORY)
        client = directory.application(stage.CLIENT)
        person = tenant.person(stage.PEOPLE["supervisor"]) if tenant else None
        assert tenant is not None  # noqa: S101 - of the stage
        assert client is not None  # noqa: S101 - of the stage
        assert person is not None  # noqa: S101 - of the stage
        scope = read_scope("https://graph.microsoft.com/.default offline_access", directory)
        grant = UserGrant(tenant, client, person, scope, granted_at=self.utc())
        self.entra.sessions.refresh_tokens.put(stage.REFRESH_TOKEN, grant)

    # ----------------------------------------------------------------------- far side
    def subscriptions(self) -> list[Subscription]:
        """Return the presence subscriptions that the product has."""
        return [
            one
            for one in self.graph.world.subscriptions.all()
            if "presences" in one.resource.lower()
        ]

    async def entra_token(self, form: dict[str, str]) -> str:
        """Return an access token of the token endpoint."""
        context = ssl.create_default_context(cafile=str(self.root))
        url = f"{self.entra.base_url}/{stage.DIRECTORY}/oauth2/v2.0/token"
        async with httpx.AsyncClient(verify=context, trust_env=False) as http:
            answer = await http.post(url, data=form)
        return str(answer.json()["access_token"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
