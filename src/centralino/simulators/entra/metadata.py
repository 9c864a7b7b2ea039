# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect discovery, key document, instance discovery.

Sources: OpenID Connect Discovery 1.0 section 4; Microsoft "OpenID Connect on the Microsoft
identity platform". For ``common`` and ``organizations`` the issuer holds the literal
placeholder ``{tenantid}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from centralino.simulators.entra import errors
from centralino.simulators.entra.directory import ANY_TENANT
from centralino.simulators.http.messages import json_response

if TYPE_CHECKING:
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response


class Metadata:
    """The endpoints that describe the service."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves them."""
        self._entra = entra

    def add_routes(self) -> None:
        """Serve the documents, of version 2 and of version 1."""
        router = self._entra.service.router
        router.get("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration)
        router.get("/{tenant}/.well-known/openid-configuration", self.old_configuration)
        router.get("/{tenant}/discovery/v2.0/keys", self.keys)
        router.get("/{tenant}/discovery/keys", self.keys)
        router.get("/common/discovery/instance", self.instance)

    async def configuration(self, request: Request) -> Response:
        """Answer the discovery document of a tenant."""
        name = self._tenant_name(request)
        is_any = name in ANY_TENANT
        issuer = self._entra.mint.issuer("{tenantid}" if is_any else name)
        return json_response(self._document(name, issuer))

    async def old_configuration(self, request: Request) -> Response:
        """Answer the discovery document of version 1, which names the old issuer."""
        name = self._tenant_name(request)
        is_any = name in ANY_TENANT
        issuer = self._entra.mint.issuer("{tenantid}" if is_any else name, 1)
        return json_response(self._document(name, issuer))

    def _document(self, name: str, issuer: str) -> dict[str, object]:
        base = f"{self._entra.base_url}/{name}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "code_challenge_methods_supported": ["S256"],
            "issuer": issuer,
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "oid", "tid", "ver"],
            "tenant_region_scope": "EU",
        }

    async def keys(self, request: Request) -> Response:
        """Answer the public keys; the same for every tenant."""
        self._tenant_name(request)
        return json_response(self._entra.ring.document())

    async def instance(self, request: Request) -> Response:
        """Answer where a tenant's discovery document is, as MSAL asks at first."""
        asked = request.query_value("authorization_endpoint")
        tenant = urlsplit(asked).path.strip("/").partition("/")[0] or "common"
        host = self._entra.base_url.partition("://")[2]
        document = {
            "tenant_discovery_endpoint": (
                f"{self._entra.base_url}/{tenant}/v2.0/.well-known/openid-configuration"
            ),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
        return json_response(document)

    def _tenant_name(self, request: Request) -> str:
        """Return the GUID of the tenant in the path, or ``common`` as it stands there."""
        name = request.params["tenant"].lower()
        if name in ANY_TENANT:
            return name
        tenant = self._entra.directory.tenant(name)
        if tenant is None:
            raise errors.refuse(errors.UNKNOWN_TENANT, tenant=request.params["tenant"])
        return tenant.id
