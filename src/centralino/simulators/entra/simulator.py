# SPDX-License-Identifier: Apache-2.0
"""The whole sign-in service: its parts on one HTTP service, and its server.

In one process with other simulators, ``checker()`` verifies tokens for them and
``callbacks`` signs what Microsoft's services send. ``plant`` makes the token endpoint fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from centralino.simulators.entra import errors, pages
from centralino.simulators.entra.callback_signer import CallbackSigner
from centralino.simulators.entra.checker import GRAPH_AUDIENCES, TokenChecker
from centralino.simulators.entra.consent import AdminConsent
from centralino.simulators.entra.control import Control
from centralino.simulators.entra.description import TEAMS_CLIENTS, Application
from centralino.simulators.entra.device import DeviceCode
from centralino.simulators.entra.directory import Directory
from centralino.simulators.entra.grants import MFA_CLAIMS, TokenEndpoint
from centralino.simulators.entra.keys import KeyRing, MakeKey, new_rsa_key
from centralino.simulators.entra.metadata import Metadata
from centralino.simulators.entra.mint import Defect, Subject, TokenMint
from centralino.simulators.entra.sessions import Sessions
from centralino.simulators.entra.sign_in import SignIn
from centralino.simulators.http.faults import Fault
from centralino.simulators.http.ids import SeededIds
from centralino.simulators.http.server import HttpServer, TlsFiles
from centralino.simulators.http.service import HttpService

if TYPE_CHECKING:
    from types import TracebackType

    from centralino.simulators.entra.description import EntraScenario
    from centralino.simulators.http.clock import SimulatorClock
    from centralino.simulators.http.messages import Correlation, Refusal, Response

TOKEN_ROUTE = "POST /{tenant}/oauth2/v2.0/token"  # noqa: S105 - the name of a route
COMMS_PREFIX, BOT_PREFIX = "/comms", "/bot"
_MOST_BODY_BYTES = 256 << 10


class EntraSimulator:
    """Microsoft Entra ID, simulated; an asynchronous context manager."""

    def __init__(
        self,
        scenario: EntraScenario,
        clock: SimulatorClock,
        *,
        seed: int | str = 0,
        make_key: MakeKey = new_rsa_key,
    ) -> None:
        """Make the service; nothing listens yet.

        Args:
            scenario: tenants, people, applications, address and certificate.
            clock: time of tokens and codes.
            seed: of ids, codes and refresh tokens.
            make_key: makes signing keys; tests lend theirs.
        """
        self.directory = Directory(scenario)
        self.ring = KeyRing(make_key)
        self.ids = SeededIds(f"entra/{seed}")
        self.sessions = Sessions(clock.utc)
        self.base_url = f"https://{scenario.host}:{scenario.port}"
        """Scheme, host and port; final once started."""
        self.page_url = self.base_url
        """The same for browsers."""
        self.mint = TokenMint(
            self.ring,
            clock,
            self.ids,
            base_url=lambda: self.base_url,
            v1_issuer=scenario.v1_issuer,
        )
        self.mint.clock_skew_s = scenario.clock_skew_s
        self.callbacks = CallbackSigner(clock, make_key=make_key)
        self.service = HttpService(
            "entra",
            clock,
            render=self._render,
            seed=seed,
            ignores_case=True,
            most_body_bytes=_MOST_BODY_BYTES,
        )
        self._scenario = scenario
        self._servers: list[HttpServer] = []
        self._id_token_defects: list[Defect] = []
        self._add_routes()

    def _add_routes(self) -> None:
        for part in (Metadata, TokenEndpoint, SignIn, AdminConsent, DeviceCode, Control):
            part(self).add_routes()
        self.callbacks.add_routes(self.service, COMMS_PREFIX)
        self.callbacks.add_routes(self.service, BOT_PREFIX, "bot")

    # ---- life

    async def start(self) -> None:
        """Listen over TLS, or plain on the loopback where the scenario has no certificate.

        Raises:
            OSError: the port is taken, or the certificate cannot be read.
        """
        scenario = self._scenario
        tls = None
        if scenario.certificate:
            tls = TlsFiles(Path(scenario.certificate), Path(scenario.private_key))
        self.base_url = await self._serve(scenario.port, tls)
        self.page_url = self.base_url
        if scenario.page_port is not None:
            self.page_url = await self._serve(scenario.page_port, None)

    async def _serve(self, port: int, tls: TlsFiles | None) -> str:
        scenario = self._scenario
        server = HttpServer(
            self.service, address=scenario.address, port=port, tls=tls, host=scenario.host
        )
        await server.start()
        self._servers.append(server)
        return server.url

    async def close(self) -> None:
        """Stop."""
        while self._servers:
            await self._servers.pop().close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.close()

    # ---- for others in the same process

    def checker(self, audiences: tuple[str, ...] = GRAPH_AUDIENCES) -> TokenChecker:
        """Return what verifies tokens for a resource."""
        return TokenChecker(self.mint, audiences)

    def teams_token(
        self, tenant_id: str, person: str, client_id: str, defect: Defect | None = None
    ) -> str | None:
        """Return what TeamsJS ``getAuthToken`` gives a tab of an application.

        ``None``: Teams may not have one (no pre-authorisation and no consent).

        Raises:
            LookupError: there is no such tenant, person or application.
        """
        tenant = self.directory.tenant(tenant_id)
        found = tenant.person(person) if tenant is not None else None
        application = self.directory.application(client_id)
        if tenant is None or found is None or application is None:
            raise LookupError("there is no such tenant, person or application")
        teams = Application(client_id=TEAMS_CLIENTS[1], name="Microsoft Teams web", is_public=True)
        granted = self.directory.granted_scopes(tenant, teams, application)
        if "access_as_user" not in granted:
            return None
        uris = application.identifier_uris
        subject = Subject(
            tenant,
            teams,
            application,
            uris[0] if uris else "",
            found,
            ("access_as_user",),
            self.directory.roles_of(tenant, found, application),
        )
        return self.mint.access_token(subject, defect)

    def plant(
        self,
        kind: errors.StsError,
        *,
        times: int | None = 1,
        after: int = 0,
        claims: str = "",
        retry_after_s: int | None = None,
    ) -> Fault:
        """Make the token endpoint answer an error so many times."""
        if kind is errors.MFA_NEEDED:
            claims = claims or MFA_CLAIMS
        if kind is errors.THROTTLED and retry_after_s is None:
            retry_after_s = 1
        details: Mapping[str, object] = {
            "number": kind.number,
            "suberror": kind.suberror,
            "claims": claims,
        }
        fault = Fault(
            TOKEN_ROUTE,
            kind.status,
            kind.error,
            kind.text,
            {} if retry_after_s is None else {"retry-after": str(retry_after_s)},
            details,
            times=times,
            after=after,
        )
        return self.service.faults.plant(fault)

    def spoil_id_token(self, defect: Defect) -> None:
        """Make the next id token wrong."""
        self._id_token_defects.append(defect)

    def take_id_token_defect(self) -> Defect | None:
        """Return what the id token that is made now shall have, and forget it."""
        return self._id_token_defects.pop(0) if self._id_token_defects else None

    def _render(self, refusal: Refusal, correlation: Correlation) -> Response:
        now = self.service.clock.utc()
        if refusal.details.get("is_page"):
            return pages.error_page(refusal.status, errors.describe(refusal, correlation, now))
        return errors.error_response(refusal, correlation, now)
