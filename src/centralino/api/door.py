# SPDX-License-Identifier: Apache-2.0
"""The one door to the exchange: who asks, for which tenant, and what he may do.

A handler never sees the port to the exchange. It gets a :class:`TenantDoor`, which was made
from a verified token or session and can reach nothing but its tenant, so that no handler can
forget to scope a query. Every route needs one of them unless it says that it is public.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp
from typing_extensions import override

from centralino.api.cookies import require_own_site, session_cookie
from centralino.core.kernel.errors import NotAllowed, NotFound, RemoteUnavailable
from centralino.core.kernel.ids import InteractionId
from centralino.core.kernel.instant import Instant
from centralino.core.routing.explain import Explanation
from centralino.exchange.control import (
    ControlCommand,
    ControlPort,
    ControlRequest,
    Figures,
    Health,
)
from centralino.exchange.directory import DirectoriesPort, DirectoryPort
from centralino.exchange.explaining import ExplanationPort
from centralino.exchange.ports import ClockPort
from centralino.exchange.replica import TenantReplica
from centralino.exchange.sign_in import DelegationPort, OnboardingPort, SignInPort
from centralino.exchange.tokens import Principal, Role, TokenPort, TokenRefused

PUBLIC = "is_public"
"""The route option that lets a route be used without a token."""
LONGEST_TOKEN = 8192
_SCHEME = "bearer"

MAY_COMMAND = frozenset({Role.TEAM_LEAD, Role.SUPERVISOR, Role.TENANT_ADMIN})
"""Who may change what others do."""


class TenantDoor:
    """The exchange as one principal may see and use it."""

    def __init__(
        self,
        principal: Principal,
        control: ControlPort,
        clock: ClockPort,
        explanations: ExplanationPort | None = None,
        directories: DirectoriesPort | None = None,
    ) -> None:
        self.principal = principal
        self._explanations = explanations
        self._control = control
        self._clock = clock
        self._directories = directories

    @property
    def health(self) -> Health | None:
        """How the exchange is; ``None`` while it is away."""
        return self._control.health

    def now(self) -> Instant:
        """Return the server's time."""
        return Instant(self._clock.utc())

    def replica(self) -> TenantReplica:
        """Return the tenant's live state, as of now.

        Raises:
            RemoteUnavailable: the exchange is away.
            NotFound: it does not serve this tenant.
        """
        if self._control.health is None:
            raise RemoteUnavailable("exchange", "read", "the exchange is away")
        return self.last_known()

    def last_known(self) -> TenantReplica:
        """Return the tenant's live state, as of the loss while the exchange is away.

        Raises:
            RemoteUnavailable: nothing was ever known.
            NotFound: the exchange does not serve this tenant.
        """
        found = self._control.replicas.get(self.principal.tenant)
        if found is not None:
            return found
        if self._control.health is None:
            raise RemoteUnavailable("exchange", "read", "the exchange is away")
        raise NotFound("your organisation is not served here")

    def directory(self) -> DirectoryPort:
        """Return the organisation's directory.

        Raises:
            NotFound: it is not connected to one.
        """
        directories = self._directories
        found = directories.directory_of(self.principal.tenant) if directories else None
        if found is None:
            raise NotFound("your organisation's directory is not connected")
        return found

    async def submit(self, command: ControlCommand, key: str) -> None:
        """Have a command decided in the principal's name.

        Raises:
            NotAllowed: his roles do not cover it; and what ``ControlPort.submit`` raises.
        """
        if not MAY_COMMAND & self.principal.roles:
            raise NotAllowed("your role may look, not command")
        await self._control.submit(
            ControlRequest(
                tenant=self.principal.tenant,
                key=key,
                subject=self.principal.subject,
                command=command,
            )
        )

    async def explain(self, interaction: InteractionId, at: Instant | None) -> Explanation:
        """Return why an interaction of the tenant is where it is.

        Raises:
            NotFound: it is not there at that moment.
            RemoteUnavailable: the journal cannot be read from here.
        """
        if self._explanations is None:
            raise RemoteUnavailable("journal", "explain", "the journal cannot be read from here")
        return await self._explanations.explain(self.principal.tenant, interaction, at)

    async def read_figures(self) -> Figures:
        """Return what was counted; raises as ``ControlPort.read_figures``."""
        return await self._control.read_figures(self.principal.tenant)


Door = NamedDependency[TenantDoor]
"""How a handler asks for its door."""


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Lets principals in."""

    tokens: TokenPort
    control: ControlPort
    clock: ClockPort
    sign_in: SignInPort | None = None
    """How browsers sign in; ``None``: they cannot."""
    onboarding: OnboardingPort | None = None
    delegation: DelegationPort | None = None
    explanations: ExplanationPort | None = None
    """Who says why an interaction waits; nobody can where it is missing."""
    directories: DirectoriesPort | None = None

    async def admit(self, token: str) -> TenantDoor:
        """Return the door of whoever is behind a token.

        Raises:
            TokenRefused: nobody is.
        """
        if not token or len(token) > LONGEST_TOKEN:
            raise TokenRefused("a token is needed")
        principal = await self.tokens.verify(token)
        return TenantDoor(principal, self.control, self.clock, self.explanations, self.directories)

    def admit_browser(self, connection: ASGIConnection[Any, Any, Any, Any]) -> TenantDoor:
        """Return the door of who is signed in in the browser that connects.

        Raises:
            TokenRefused: nobody is.
            RequestUnsafe: it might be another site's doing.
        """
        if self.sign_in is None:
            raise TokenRefused("a token is needed")
        session = self.sign_in.read(session_cookie(connection))
        require_own_site(connection)
        return TenantDoor(
            session.principal, self.control, self.clock, self.explanations, self.directories
        )


def bearer_token(header: str | None) -> str:
    """Return the token of an ``Authorization`` header, empty when there is none.

    >>> bearer_token("Bearer abc")
    'abc'
    >>> bearer_token("Basic abc")
    ''
    """
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Makes the door of every request that is not to a public route."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        super().__init__(app, exclude_from_auth_key=PUBLIC, exclude_http_methods=())
        self._doorkeeper = doorkeeper

    @override
    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Verify the token; raises ``TokenRefused``."""
        token = bearer_token(connection.headers.get("authorization"))
        if token or not session_cookie(connection):
            door = await self._doorkeeper.admit(token)
        else:
            door = self._doorkeeper.admit_browser(connection)
        connection.scope["state"]["principal"] = door.principal
        return AuthenticationResult(user=door, auth=None)


async def provide_door(request: ASGIConnection[Any, Any, Any, Any]) -> TenantDoor:
    """Return the door that the authentication made."""
    door = request.scope.get("user")
    if not isinstance(door, TenantDoor):
        raise TokenRefused("a token is needed")
    return door
