# SPDX-License-Identifier: Apache-2.0
"""Signing in on another device: the code, and the page where it is entered.

Source: RFC 8628; Microsoft "OAuth 2.0 device authorization grant flow".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.simulators.entra import errors, pages
from centralino.simulators.entra.directory import ANY_TENANT
from centralino.simulators.entra.scopes import read_scope
from centralino.simulators.entra.sessions import OPEN_LIFE_S, OpenSignIn, UserGrant
from centralino.simulators.entra.sign_in import page_refusal
from centralino.simulators.http.messages import json_response

if TYPE_CHECKING:
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response

_INTERVAL_S = 5
_MOST_OPEN = 1000


class DeviceCode:
    """Answers ``devicecode`` and its page."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._entra = entra

    def add_routes(self) -> None:
        """Serve it."""
        router = self._entra.service.router
        router.post("/{tenant}/oauth2/v2.0/devicecode", self.begin)
        router.get("/common/oauth2/deviceauth", self.ask)
        router.post("/common/oauth2/deviceauth", self.decide)

    async def begin(self, request: Request) -> Response:
        """Answer a code for the device and one for the person."""
        form = request.form()
        name = request.params["tenant"]
        tenant = self._entra.directory.tenant(name)
        if tenant is None and name.lower() not in ANY_TENANT:
            raise errors.refuse(errors.UNKNOWN_TENANT, tenant=name)
        client = self._entra.directory.application(form.get("client_id", ""))
        if client is None:
            unknown = form.get("client_id", "")
            raise errors.refuse(errors.UNKNOWN_APPLICATION, client=unknown, tenant=name)
        scope = read_scope(form.get("scope", ""), self._entra.directory)
        device_code = self._entra.ids.opaque(48)
        user_code = self._entra.ids.guid()[:8].upper()
        sessions = self._entra.sessions
        sessions.devices.put(device_code, None)
        if len(sessions.device_requests) >= _MOST_OPEN:
            sessions.device_requests.pop(next(iter(sessions.device_requests)))
        wanted = OpenSignIn("device", tenant, client, form, "", scope)
        sessions.device_requests[user_code] = (device_code, wanted)
        address = f"{self._entra.base_url}/common/oauth2/deviceauth"
        document = {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": address,
            "expires_in": int(OPEN_LIFE_S),
            "interval": _INTERVAL_S,
            "message": f"To sign in, open {address} and enter the code {user_code}.",
        }
        return json_response(document)

    async def ask(self, request: Request) -> Response:
        """Answer the page."""
        return pages.device_page(request, self._entra.directory.tenants)

    async def decide(self, request: Request) -> Response:
        """Let the device in."""
        form = request.form()
        found = self._entra.sessions.device_requests.pop(form.get("code", "").upper(), None)
        if found is None:
            raise page_refusal(errors.refuse(errors.DEVICE_CODE_UNKNOWN))
        device_code, wanted = found
        for tenant in self._entra.directory.tenants:
            person = tenant.person(form.get("person", ""))
            if person is not None and wanted.tenant in (None, tenant) and wanted.scope:
                grant = UserGrant(tenant, wanted.client, person, wanted.scope)
                self._entra.sessions.devices.change(device_code, grant)
                return pages.device_done_page(request)
        raise page_refusal(errors.refuse(errors.CODE_UNKNOWN))
