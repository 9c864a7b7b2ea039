# SPDX-License-Identifier: Apache-2.0
"""Signs what Microsoft's services send to an application: call notifications, bot activities.

These tokens are not Entra's: own keys, own metadata, own issuer. Sources: Microsoft "Handling
inbound call notifications" (tokens of ``api.aps.skype.com``), "Authenticate requests from the
Bot Connector service". A receiver must find the issuer and keys by configuration, so that
this signer can stand in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from centralino.simulators.entra.keys import KeyRing, MakeKey, new_rsa_key
from centralino.simulators.entra.mint import sign_claims
from centralino.simulators.http.messages import json_response

if TYPE_CHECKING:
    from centralino.simulators.entra.mint import Claims, Defect
    from centralino.simulators.http.clock import SimulatorClock
    from centralino.simulators.http.messages import Request, Response
    from centralino.simulators.http.service import HttpService

COMMS_ISSUERS = ("https://graph.microsoft.com", "https://api.botframework.com")
"""Both are in use for call notifications."""
OPENID_PATH = "/v1/.well-known/OpenIdConfiguration"
KEYS_PATH = "/v1/.well-known/keys"
LIFE_S = 3900
"""65 minutes, as in Microsoft's sample token."""


class CallbackSigner:
    """An issuer of tokens on inbound calls to an application."""

    def __init__(
        self,
        clock: SimulatorClock,
        *,
        issuer: str = COMMS_ISSUERS[1],
        make_key: MakeKey = new_rsa_key,
    ) -> None:
        """Make the issuer with two keys."""
        self.ring = KeyRing(make_key)
        self.issuer = issuer
        self._clock = clock

    def token(
        self,
        app_id: str,
        tenant_id: str,
        *,
        issuer: str = "",
        defect: Defect | None = None,
        **more: object,
    ) -> str:
        """Return a token for an application; ``more`` are further claims (``serviceurl``)."""
        now = int(self._clock.utc())
        claims: Claims = {
            "aud": app_id,
            "iss": issuer or self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + LIFE_S,
            "tid": tenant_id,
            **more,
        }
        return sign_claims(self.ring, claims, now, defect)

    def add_routes(
        self, service: HttpService, prefix: str, kind: Literal["comms", "bot"] = "comms"
    ) -> None:
        """Serve metadata and keys below ``prefix`` of a service."""
        endorsements = {"endorsements": ["msteams"]} if kind == "bot" else {}

        async def metadata(request: Request) -> Response:
            document = {
                "issuer": self.issuer,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{request.base_url}{prefix}{KEYS_PATH}",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
            return json_response(document)

        async def keys(request: Request) -> Response:
            del request
            return json_response(self.ring.document(**endorsements))

        service.router.get(prefix + OPENID_PATH, metadata)
        service.router.get(prefix + KEYS_PATH, keys)
