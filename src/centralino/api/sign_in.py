# SPDX-License-Identifier: Apache-2.0
"""Signing in with a browser, one's session, and onboarding of organisations, over HTTP.

The browser comes to ``/v1/sign-in``, goes to its organisation's sign-in service, comes back
to the callback and has a session: a sealed cookie. A program, and a tab in Teams, send a
bearer token instead and need none of this. What a person sees of a failure is the status page
with the failure's code; a program gets a problem.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from centralino.api.boundary import host_of
from centralino.api.cookies import BEGUN, CONSENT, SESSION, cookie, read_cookie, session_cookie
from centralino.api.door import PUBLIC, Door, Doorkeeper, bearer_token
from centralino.api.errors import problem_specs
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import AppError, NotAllowed, NotFound
from centralino.core.kernel.instant import Instant, to_iso
from centralino.exchange.sign_in import Begun, OnboardingPort, SignInPort
from centralino.exchange.tokens import Role

TAGS = ["sign-in"]
MAY_INVITE = frozenset({Role.TENANT_ADMIN, Role.PARTNER_ADMIN})
CALLBACK, CONSENT_CALLBACK = "/v1/sign-in/callback", "/v1/onboarding/callback"
_MOST_QUERY = 20
_LONGEST_VALUE = 4096

To = Annotated[str, QueryParameter(max_length=500, description="Path of ours to go to afterwards.")]
Language = Annotated[str, QueryParameter(max_length=10, description="`en` or `it`.")]
Account = Annotated[
    bool,
    QueryParameter(description="Sign in the account whose presence subscription is to be used."),
]
Invitation = Annotated[
    str, QueryParameter(min_length=1, max_length=2000, description="As it was handed out.")
]


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    subject: str
    """Stable and opaque."""
    tenant: str
    roles: tuple[str, ...]
    name: str = ""
    """For the person to read; empty for a bearer token."""
    ends_at: str = ""
    """When the browser's session is over (RFC 3339); empty for a bearer token."""


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation for an organisation; good once, for a week."""

    url: str
    """What its administrator opens."""


class SignInRoutes:
    """The routes, over the ports of a doorkeeper."""

    def __init__(self, doorkeeper: Doorkeeper, settings: ApiSettings) -> None:
        self._doorkeeper = doorkeeper
        self._public_url = settings.public_url.rstrip("/")
        self._is_secure = self._public_url.startswith("https://")

    def routes(self) -> list[Any]:
        """Return all routes."""
        return [
            *self._browser_routes(),
            *self._session_routes(),
            *self._onboarding_routes(),
        ]

    def _browser_routes(self) -> list[Any]:
        @get(
            "/v1/sign-in",
            tags=TAGS,
            operation_id="begin_sign_in",
            opt={PUBLIC: True},
            status_code=303,
            responses=problem_specs(400, 403, 404, 422),
        )
        async def begin_sign_in(
            request: Request[Any, Any, Any],
            to: To = "/",
            language: Language = "",
            account: Account = False,
        ) -> Redirect:
            """Send the browser to the sign-in service."""
            begun = self._sign_in().begin(
                self._base(request) + CALLBACK, to=to, language=language, binds_account=account
            )
            return self._away(begun, BEGUN)

        @get(
            CALLBACK,
            tags=TAGS,
            operation_id="finish_sign_in",
            opt={PUBLIC: True},
            status_code=303,
            responses=problem_specs(400, 401, 403, 404, 503, 504),
        )
        async def finish_sign_in(request: Request[Any, Any, Any]) -> Redirect:
            """Take the sign-in service's answer, and make the session."""
            try:
                query = _query(request)
                done = await self._sign_in().finish(query, read_cookie(request, BEGUN))
            except AppError as error:
                return self._failed(request, error)
            kept = cookie(SESSION, done.cookie, done.good_for_s, is_secure=self._is_secure)
            return Redirect(done.to, status_code=303, cookies=[kept, self._gone(BEGUN)])

        return [begin_sign_in, finish_sign_in]

    def _session_routes(self) -> list[Any]:
        @get(
            "/v1/session",
            tags=TAGS,
            operation_id="read_session",
            responses=problem_specs(401, 403, 503),
        )
        async def read_session(request: Request[Any, Any, Any], door: Door) -> SessionView:
            """Return who is signed in, by session or token."""
            principal = door.principal
            name, ends_at = "", ""
            if not bearer_token(request.headers.get("authorization")):
                session = self._sign_in().read(session_cookie(request))
                name, ends_at = session.name, to_iso(Instant(session.ends_at))
            return SessionView(
                subject=principal.subject,
                tenant=principal.tenant,
                roles=tuple(sorted(principal.roles)),
                name=name,
                ends_at=ends_at,
            )

        @delete(
            "/v1/session",
            tags=TAGS,
            operation_id="end_session",
            status_code=204,
            response_cookies=[self._gone(SESSION)],
            responses=problem_specs(401, 403, 503),
        )
        async def end_session(door: Door) -> None:
            """Sign the browser out here; it may still be signed in at its organisation."""
            del door

        @post(
            "/v1/delegation",
            tags=TAGS,
            operation_id="require_delegation",
            status_code=204,
            responses=problem_specs(401, 403, 404, 502, 503, 504),
        )
        async def require_delegation(request: Request[Any, Any, Any], door: Door) -> None:
            """See that Microsoft Graph can be asked in the name of the bearer.

            A tab in Teams asks at its start: on 403 with `consent-needed` or
            `interaction-needed` it opens a window for what is needed.
            """
            del door
            if self._doorkeeper.delegation is None:
                raise NotFound("no sign-in is set up on this server")
            token = bearer_token(request.headers.get("authorization"))
            await self._doorkeeper.delegation.require(token)

        return [read_session, end_session, require_delegation]

    def _onboarding_routes(self) -> list[Any]:
        @post(
            "/v1/onboarding/invitations",
            tags=TAGS,
            operation_id="invite_organisation",
            responses=problem_specs(401, 403, 404, 503),
        )
        async def invite_organisation(
            request: Request[Any, Any, Any], door: Door
        ) -> InvitationView:
            """Invite an organisation to sign in as this tenant."""
            if not MAY_INVITE & door.principal.roles:
                raise NotAllowed("only administrators invite organisations")
            sealed = self._onboarding().invite(door.principal.tenant)
            return InvitationView(url=f"{self._base(request)}/v1/onboarding?invitation={sealed}")

        @get(
            "/v1/onboarding",
            tags=TAGS,
            operation_id="begin_onboarding",
            opt={PUBLIC: True},
            status_code=303,
            responses=problem_specs(400, 401, 404, 422),
        )
        async def begin_onboarding(
            request: Request[Any, Any, Any], invitation: Invitation
        ) -> Redirect:
            """Send an organisation's administrator to the consent page."""
            try:
                target = self._base(request) + CONSENT_CALLBACK
                begun = self._onboarding().begin(invitation, target)
            except AppError as error:
                return self._failed(request, error)
            return self._away(begun, CONSENT)

        @get(
            CONSENT_CALLBACK,
            tags=TAGS,
            operation_id="finish_onboarding",
            opt={PUBLIC: True},
            status_code=303,
            responses=problem_specs(400, 401, 404),
        )
        async def finish_onboarding(request: Request[Any, Any, Any]) -> Redirect:
            """Take the consent page's answer, and send the administrator to sign in."""
            try:
                begun = self._onboarding().consented(
                    _query(request), read_cookie(request, CONSENT), self._base(request) + CALLBACK
                )
            except AppError as error:
                return self._failed(request, error)
            return self._away(begun, BEGUN, self._gone(CONSENT))

        return [invite_organisation, begin_onboarding, finish_onboarding]

    # ---- what they share

    def _sign_in(self) -> SignInPort:
        if self._doorkeeper.sign_in is None:
            raise NotFound("no sign-in is set up on this server")
        return self._doorkeeper.sign_in

    def _onboarding(self) -> OnboardingPort:
        if self._doorkeeper.onboarding is None:
            raise NotFound("no sign-in is set up on this server")
        return self._doorkeeper.onboarding

    def _base(self, request: Request[Any, Any, Any]) -> str:
        """Return where browsers reach us; the boundary has judged the host."""
        if self._public_url:
            return self._public_url
        host = host_of(request.scope)
        _, colon, port = request.headers.get("host", "").rpartition(":")
        is_port = bool(colon) and port.isdecimal()
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{port}" if is_port else f"http://{name}"

    def _away(self, begun: Begun, name: str, *more: Any) -> Redirect:  # noqa: ANN401 - cookies
        kept = cookie(name, begun.cookie, begun.good_for_s, is_secure=self._is_secure)
        return Redirect(begun.url, status_code=303, cookies=[kept, *more])

    def _gone(self, name: str) -> Any:  # noqa: ANN401 - a cookie
        return cookie(name, "", 0, is_secure=self._is_secure)

    def _failed(self, request: Request[Any, Any, Any], error: AppError) -> Redirect:
        """Show a person the status page with the failure's code; raise for a program."""
        if "text/html" not in request.headers.get("accept", ""):
            raise error
        return Redirect(
            f"/?refused={error.code}",
            status_code=303,
            cookies=[self._gone(BEGUN), self._gone(CONSENT)],
        )


def _query(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the query as text; of a repeated name the last, and not more than is sensible."""
    found = dict(list(request.query_params.multi_items())[:_MOST_QUERY])
    return {str(name): str(value)[:_LONGEST_VALUE] for name, value in found.items()}
