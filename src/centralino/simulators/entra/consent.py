# SPDX-License-Identifier: Apache-2.0
"""Admin consent: the page, and the way back with the tenant.

Source: Microsoft "Admin consent on the Microsoft identity platform" (the version 2 endpoint
and the older one without ``scope``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.simulators.entra import errors, pages
from centralino.simulators.entra.description import Permission
from centralino.simulators.entra.directory import ANY_TENANT
from centralino.simulators.entra.scopes import ScopeRequest, read_scope
from centralino.simulators.entra.sessions import OpenSignIn
from centralino.simulators.entra.sign_in import is_registered, page_refusal, with_values
from centralino.simulators.http.messages import Refusal, redirect_response

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application, Tenant
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response


class AdminConsent:
    """Answers ``adminconsent`` and the page's form."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._entra = entra

    def add_routes(self) -> None:
        """Serve it."""
        router = self._entra.service.router
        router.get("/{tenant}/v2.0/adminconsent", self.ask)
        router.get("/{tenant}/adminconsent", self.ask)
        router.post("/{tenant}/consent", self.decide)

    async def ask(self, request: Request) -> Response:
        """Answer the page."""
        tenant = self._tenant(request)
        client = self._client(request)
        redirect_uri = request.query_value("redirect_uri")
        if not is_registered(redirect_uri, client):
            raise page_refusal(errors.refuse(errors.BAD_REDIRECT, client=client.client_id))
        try:
            scope = self._scope(request)
        except Refusal as refusal:
            raise page_refusal(refusal) from refusal
        query = dict(request.query)
        open_one = OpenSignIn("consent", tenant, client, query, redirect_uri, scope)
        context = self._entra.ids.opaque(24)
        self._entra.sessions.open.put(context, open_one)
        tenants = self._entra.directory.tenants if tenant is None else (tenant,)
        return pages.consent_page(request, context, open_one, tenants)

    async def decide(self, request: Request) -> Response:
        """Take the decision of an admin, and go back."""
        form = request.form()
        open_one = self._entra.sessions.open.take(form.get("context", ""))
        if open_one is None or open_one.kind != "consent":
            raise page_refusal(errors.refuse(errors.CODE_UNKNOWN))
        values: dict[str, str] = {}
        state = open_one.query.get("state")
        if state is not None:
            values["state"] = state
        if form.get("decision") == "cancel":
            values["error"] = "permission_denied"
            values["error_description"] = "The admin canceled the request"
            return redirect_response(with_values(open_one.redirect_uri, values))
        tenant = self._tenant_of_admin(open_one, form.get("person", ""))
        self._entra.directory.consent(tenant, open_one.client, self._wants(open_one))
        values |= {"admin_consent": "True", "tenant": tenant.id}
        if "scope" in open_one.query:
            values["scope"] = open_one.query["scope"]
        return redirect_response(with_values(open_one.redirect_uri, values))

    def _tenant(self, request: Request) -> Tenant | None:
        name = request.params["tenant"]
        if name.lower() in ANY_TENANT:
            return None
        tenant = self._entra.directory.tenant(name)
        if tenant is None:
            raise page_refusal(errors.refuse(errors.UNKNOWN_TENANT, tenant=name))
        return tenant

    def _client(self, request: Request) -> Application:
        client_id = request.query_value("client_id")
        client = self._entra.directory.application(client_id)
        if client is None:
            tenant = request.params["tenant"]
            refusal = errors.refuse(errors.UNKNOWN_APPLICATION, client=client_id, tenant=tenant)
            raise page_refusal(refusal)
        return client

    def _scope(self, request: Request) -> ScopeRequest | None:
        text = request.query_value("scope")
        return read_scope(text, self._entra.directory) if text else None

    def _tenant_of_admin(self, open_one: OpenSignIn, person: str) -> Tenant:
        for tenant in self._entra.directory.tenants:
            found = tenant.person(person)
            if found is not None and found.is_admin and open_one.tenant in (None, tenant):
                return tenant
        raise page_refusal(errors.refuse(errors.CONSENT_NEEDED, client=open_one.client.client_id))

    def _wants(self, open_one: OpenSignIn) -> tuple[Permission, ...] | None:
        """Return what is consented to; ``None`` is all that the application wants."""
        scope = open_one.scope
        if scope is None or scope.is_default or not scope.names:
            return None
        return (Permission(resource=scope.resource.client_id, scopes=scope.names),)
