# SPDX-License-Identifier: Apache-2.0
"""The authorize endpoint and its page, where one signs in as one of the scripted people.

What cannot be answered to the client safely (unknown client, strange redirect address) is
shown on a page; everything else goes back to the redirect address with ``state``. Sources:
RFC 6749 4.1, RFC 7636 4.3; OAuth 2.0 Form Post Response Mode; Microsoft "OAuth 2.0
authorization code flow".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from centralino.simulators.entra import errors, pages
from centralino.simulators.entra.directory import ANY_TENANT
from centralino.simulators.entra.scopes import read_scope
from centralino.simulators.entra.sessions import OpenSignIn, UserGrant
from centralino.simulators.http.messages import Refusal, redirect_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.simulators.entra.description import Application, Person, Tenant
    from centralino.simulators.entra.scopes import ScopeRequest
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response

RESPONSE_MODES = ("query", "fragment", "form_post")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1")


class SignIn:
    """Answers ``authorize``, the page's form, and ``logout``."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._entra = entra

    def add_routes(self) -> None:
        """Serve it."""
        router = self._entra.service.router
        router.get("/{tenant}/oauth2/v2.0/authorize", self.authorize)
        router.post("/{tenant}/oauth2/v2.0/authorize", self.authorize)
        router.post("/{tenant}/login", self.login)
        router.get("/{tenant}/oauth2/v2.0/logout", self.logout)

    async def authorize(self, request: Request) -> Response:
        """Answer the page, or send an error back."""
        query = request.form() if request.method == "POST" else dict(request.query)
        open_one = self._read(request, query)
        try:
            scope = self._check(query, open_one.client)
        except Refusal as refusal:
            return self._send_back(request, open_one, self._error(request, refusal))
        context = self._entra.ids.opaque(24)
        self._entra.sessions.open.put(context, replace(open_one, scope=scope))
        return pages.sign_in_page(
            request,
            context,
            open_one,
            self._entra.directory.tenants if open_one.tenant is None else (open_one.tenant,),
        )

    async def login(self, request: Request) -> Response:
        """Take who somebody says he is, and send a code back."""
        form = request.form()
        context = form.get("context", "")
        open_one = self._entra.sessions.open.take(context)
        if open_one is None or open_one.kind != "authorize" or open_one.scope is None:
            raise page_refusal(errors.refuse(errors.CODE_UNKNOWN))
        if form.get("decision") == "cancel":
            refusal = errors.refuse(errors.DECLINED)
            return self._send_back(request, open_one, self._error(request, refusal))
        tenant, person = self._chosen(open_one, form)
        if tenant is None or person is None:
            raise page_refusal(errors.refuse(errors.CODE_UNKNOWN))
        is_proven = form.get("decision") == "approve" and open_one.person is person
        if person.needs_mfa and open_one.query.get("claims") and not is_proven:
            pending = replace(open_one, person=person, person_tenant=tenant)
            self._entra.sessions.open.put(context, pending)
            return pages.second_factor_page(request, context, pending)
        amr = ("pwd", "mfa") if is_proven else ("pwd",)
        return self._finish(request, open_one, (tenant, person), amr)

    async def logout(self, request: Request) -> Response:
        """Go back to a registered address, or say that one is signed out."""
        target = request.query_value("post_logout_redirect_uri")
        known = (uri for app in self._entra.directory.applications for uri in app.redirect_uris)
        if target and any(_origin(target) == _origin(uri) for uri in known):
            return redirect_response(target)
        return pages.signed_out_page(request)

    # ---- parts

    def _read(self, request: Request, query: Mapping[str, str]) -> OpenSignIn:
        """Return who asks, from where; what is wrong here may not be sent back."""
        tenant = self._tenant(request)
        client = self._entra.directory.application(query.get("client_id", ""))
        if client is None:
            name = tenant.name if tenant else request.params["tenant"]
            unknown = query.get("client_id", "")
            refusal = errors.refuse(errors.UNKNOWN_APPLICATION, client=unknown, tenant=name)
            raise page_refusal(refusal)
        redirect_uri = query.get("redirect_uri", "")
        if not is_registered(redirect_uri, client):
            raise page_refusal(errors.refuse(errors.BAD_REDIRECT, client=client.client_id))
        return OpenSignIn("authorize", tenant, client, dict(query), redirect_uri)

    def _tenant(self, request: Request) -> Tenant | None:
        name = request.params["tenant"]
        if name.lower() in ANY_TENANT:
            return None
        tenant = self._entra.directory.tenant(name)
        if tenant is None:
            raise page_refusal(errors.refuse(errors.UNKNOWN_TENANT, tenant=name))
        return tenant

    def _check(self, query: Mapping[str, str], client: Application) -> ScopeRequest:
        if query.get("response_type") != "code":
            name = query.get("response_type", "")
            raise errors.refuse(errors.BAD_RESPONSE_TYPE, name=name)
        has_challenge = bool(query.get("code_challenge"))
        is_s256 = query.get("code_challenge_method") == "S256"
        if has_challenge != is_s256 or (client.requires_pkce and not has_challenge):
            raise errors.refuse(errors.PKCE_NEEDED)
        if not query.get("scope"):
            raise errors.refuse(errors.NO_PARAMETER, name="scope")
        scope = read_scope(query["scope"], self._entra.directory)
        if query.get("prompt") == "none":
            raise errors.refuse(errors.NO_SESSION)
        return scope

    def _chosen(
        self, open_one: OpenSignIn, form: Mapping[str, str]
    ) -> tuple[Tenant | None, Person | None]:
        if open_one.person is not None:
            return open_one.person_tenant, open_one.person
        wanted = form.get("person", "")
        for tenant in self._entra.directory.tenants:
            person = tenant.person(wanted)
            if person is not None and open_one.tenant in (None, tenant):
                return tenant, person
        return None, None

    def _finish(
        self,
        request: Request,
        open_one: OpenSignIn,
        who: tuple[Tenant, Person],
        amr: tuple[str, ...],
    ) -> Response:
        tenant, person = who
        assert open_one.scope is not None  # noqa: S101 - the caller looked
        query, client, scope = open_one.query, open_one.client, open_one.scope
        wanted = tuple(name for name in scope.names if name != ".default")
        directory = self._entra.directory
        if not directory.user_consents(tenant, client, scope.resource, wanted):
            refusal = errors.refuse(errors.CONSENT_NEEDED, client=client.client_id)
            return self._send_back(request, open_one, self._error(request, refusal))
        code = self._entra.ids.opaque(48)
        grant = UserGrant(
            tenant=tenant,
            client=client,
            person=person,
            scope=scope,
            amr=amr,
            nonce=query.get("nonce", ""),
            redirect_uri=open_one.redirect_uri,
            challenge=query.get("code_challenge", ""),
            granted_at=self._entra.service.clock.utc(),
        )
        self._entra.sessions.codes.put(code, grant)
        return self._send_back(
            request, open_one, {"code": code, "session_state": self._entra.ids.guid()}
        )

    def _error(self, request: Request, refusal: Refusal) -> dict[str, str]:
        now = self._entra.service.clock.utc()
        told = errors.describe(refusal, request.correlation, now)
        return {"error": refusal.code, "error_description": str(told["error_description"])}

    def _send_back(
        self, request: Request, open_one: OpenSignIn, values: dict[str, str]
    ) -> Response:
        state = open_one.query.get("state")
        if state is not None:
            values = values | {"state": state}
        mode = open_one.query.get("response_mode", "query")
        if mode == "form_post":
            return pages.form_post_page(request, open_one.redirect_uri, values)
        return redirect_response(with_values(open_one.redirect_uri, values, mode))


def with_values(uri: str, values: Mapping[str, str], mode: str = "query") -> str:
    """Return an address with values in its query or fragment.

    >>> with_values("http://a.example/back?x=1", {"code": "c d"})
    'http://a.example/back?x=1&code=c+d'
    """
    parts = urlsplit(uri)
    text = urlencode(values)
    if mode == "fragment":
        return urlunsplit(parts._replace(fragment=text))
    return urlunsplit(parts._replace(query=f"{parts.query}&{text}" if parts.query else text))


def is_registered(uri: str, client: Application) -> bool:
    """Whether a redirect address is one of a client's; on the loopback the port is free.

    Source: RFC 8252 7.3; Microsoft "Redirect URI restrictions and limitations".
    """
    if uri in client.redirect_uris:
        return True
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK_NAMES:
        return False
    plain = (parts.scheme, parts.hostname, parts.path.rstrip("/"), parts.query)
    for known in map(urlsplit, client.redirect_uris):
        if plain == (known.scheme, known.hostname, known.path.rstrip("/"), known.query):
            return True
    return False


def page_refusal(refusal: Refusal) -> Refusal:
    """Return an error that is shown to the person, not told to the client."""
    refusal.details["is_page"] = True
    return refusal


def _origin(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.scheme, parts.netloc
