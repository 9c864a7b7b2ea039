# SPDX-License-Identifier: Apache-2.0
"""The simulator's own endpoints, which the real service has not: below ``/simulator/``.

A fake Teams host fetches here what ``authentication.getAuthToken`` of TeamsJS gives; keys are
rotated, sessions revoked, consents withdrawn, errors planted. Source of the token: Microsoft
"Enable SSO for tab app", TeamsJS 2.58.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from centralino.simulators.entra import errors
from centralino.simulators.entra.mint import Defect
from centralino.simulators.http.messages import Refusal, json_response

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Tenant
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response

_STS = {kind.number: kind for kind in vars(errors).values() if isinstance(kind, errors.StsError)}


class Control:
    """Answers ``/simulator/...``."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._entra = entra

    def add_routes(self) -> None:
        """Serve it."""
        router = self._entra.service.router
        router.get("/simulator/people", self.people)
        router.post("/simulator/teams-token", self.teams_token)
        router.post("/simulator/keys", self.keys)
        router.post("/simulator/sign-outs", self.sign_out)
        router.post("/simulator/faults", self.plant)

    async def people(self, request: Request) -> Response:
        """Answer who there is."""
        del request
        found = [
            {"tenant": tenant.id, "oid": person.oid, "upn": person.upn, "name": person.name}
            for tenant in self._entra.directory.tenants
            for person in tenant.people
        ]
        return json_response({"people": found})

    async def teams_token(self, request: Request) -> Response:
        """Answer what Teams would give a tab: ``{"token"}``, or ``{"reason"}`` with 403."""
        body = request.json_object()
        tenant = self._tenant(body)
        defect = body.get("defect")
        if defect is not None and defect not in get_args(Defect):
            raise Refusal(400, "invalid_request", "There is no such defect.")
        try:
            token = self._entra.teams_token(
                tenant.id,
                str(body.get("person", "")),
                str(body.get("client_id", "")),
                cast("Defect | None", defect),
            )
        except LookupError as error:
            raise Refusal(404, "invalid_request", str(error)) from error
        if token is None:
            return json_response({"reason": "resourceRequiresConsent"}, 403)
        return json_response({"token": token})

    async def keys(self, request: Request) -> Response:
        """Rotate, replace or withdraw keys: ``{"do": "rotate"}``."""
        ring = self._entra.ring
        actions = {"rotate": ring.rotate, "replace": ring.replace, "withdraw": ring.withdraw}
        action = actions.get(str(request.json_object().get("do", "")))
        if action is None:
            raise Refusal(400, "invalid_request", f"do is one of {', '.join(actions)}.")
        action()
        return json_response(ring.document())

    async def sign_out(self, request: Request) -> Response:
        """End all sessions of a person: ``{"person": oid}``."""
        self._entra.sessions.revoke(str(request.json_object().get("person", "")))
        return json_response({})

    async def plant(self, request: Request) -> Response:
        """Plant an error of the token endpoint: ``{"number": 50076, "times": 1}``."""
        body = request.json_object()
        number, times = body.get("number"), body.get("times", 1)
        kind = _STS.get(number) if isinstance(number, int) else None
        if kind is None or not isinstance(times, int) or not 0 < times <= 1000:
            raise Refusal(400, "invalid_request", "number is an AADSTS number, times 1 to 1000.")
        self._entra.plant(kind, times=times)
        return json_response({})

    def _tenant(self, body: dict[str, object]) -> Tenant:
        tenant = self._entra.directory.tenant(str(body.get("tenant", "")))
        if tenant is None:
            raise errors.refuse(errors.UNKNOWN_TENANT, tenant=str(body.get("tenant", "")))
        return tenant
