# SPDX-License-Identifier: Apache-2.0
"""The token endpoint: code, client credentials, on-behalf-of, refresh, device code.

Sources: RFC 6749, RFC 7636 (PKCE), RFC 8628 (device code); Microsoft "OAuth 2.0 authorization
code flow", "client credentials flow", "On-Behalf-Of flow". What is not copied: step-up rules
other than the planted ones, token protection, continuous access evaluation (its ``claims``
are taken and ignored).
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import jwt

from centralino.simulators.entra import errors
from centralino.simulators.entra.clients import prove_client
from centralino.simulators.entra.directory import ANY_TENANT
from centralino.simulators.entra.mint import LIFE_S, Subject
from centralino.simulators.entra.scopes import DEFAULT, ScopeRequest, read_scope
from centralino.simulators.entra.sessions import UserGrant
from centralino.simulators.http.messages import json_response

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application, Person, Tenant
    from centralino.simulators.entra.mint import Claims
    from centralino.simulators.entra.simulator import EntraSimulator
    from centralino.simulators.http.messages import Request, Response

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
MFA_CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}'
_LEEWAY_S = 300


class TokenEndpoint:
    """Answers ``/{tenant}/oauth2/v2.0/token``."""

    def __init__(self, entra: EntraSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._entra = entra
        self._grants = {
            "client_credentials": self._client_credentials,
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh_token,
            JWT_BEARER: self._on_behalf_of,
            DEVICE_CODE: self._device_code,
        }

    def add_routes(self) -> None:
        """Serve it."""
        self._entra.service.router.post("/{tenant}/oauth2/v2.0/token", self.token)

    async def token(self, request: Request) -> Response:
        """Answer a token request."""
        form = request.form()
        tenant = self._tenant(request, form)
        kind = form.get("grant_type", "")
        if not kind:
            raise errors.refuse(errors.NO_PARAMETER, name="grant_type")
        grant = self._grants.get(kind)
        if grant is None:
            raise errors.refuse(errors.BAD_GRANT_TYPE, grant=kind)
        client = prove_client(request, form, self._entra.directory, tenant, self._entra.mint.now)
        document = grant(form, tenant, client)
        headers = {"cache-control": "no-store", "pragma": "no-cache"}
        return json_response(document, headers=headers)

    def _tenant(self, request: Request, form: dict[str, str]) -> Tenant:
        """Return the tenant of the path; for ``common`` that of the grant."""
        name = request.params["tenant"]
        tenant = self._entra.directory.tenant(name)
        if tenant is None and name.lower() in ANY_TENANT:
            tenant = self._tenant_of_grant(form)
        if tenant is None:
            raise errors.refuse(errors.UNKNOWN_TENANT, tenant=name)
        return tenant

    def _tenant_of_grant(self, form: dict[str, str]) -> Tenant | None:
        sessions = self._entra.sessions
        grant = (
            sessions.codes.get(form.get("code", ""))
            or sessions.refresh_tokens.get(form.get("refresh_token", ""))
            or sessions.devices.get(form.get("device_code", ""))
        )
        if grant is not None:
            return grant.tenant
        device = form.get("device_code", "")
        return self._entra.directory.tenants[0] if device else None

    # ---- grants

    def _client_credentials(
        self, form: dict[str, str], tenant: Tenant, client: Application
    ) -> dict[str, object]:
        scope = read_scope(_required(form, "scope"), self._entra.directory)
        if scope.names != (DEFAULT,):
            raise errors.refuse(errors.NOT_DEFAULT_SCOPE, scope=form["scope"])
        if not self._entra.directory.is_known_in(tenant, client):
            raise errors.refuse(
                errors.UNKNOWN_APPLICATION, client=client.client_id, tenant=tenant.name
            )
        roles = self._entra.directory.granted_roles(tenant, client, scope.resource)
        subject = Subject(tenant, client, scope.resource, scope.audience, roles=roles)
        return _bearer(self._entra.mint.access_token(subject))

    def _authorization_code(
        self, form: dict[str, str], tenant: Tenant, client: Application
    ) -> dict[str, object]:
        sessions = self._entra.sessions
        code = _required(form, "code")
        grant = sessions.codes.get(code)
        if grant is None or grant.tenant is not tenant:
            raise errors.refuse(errors.CODE_UNKNOWN)
        if grant.client is not client:
            raise errors.refuse(errors.OTHER_CLIENT)
        if grant.is_used:
            raise errors.refuse(errors.CODE_USED)
        if sessions.codes.is_ended(code) or sessions.is_revoked(grant):
            raise errors.refuse(errors.CODE_ENDED)
        # Used up even when what follows is wrong, so that nobody can guess again.
        sessions.use_code(code)
        if form.get("redirect_uri", "") != grant.redirect_uri:
            raise errors.refuse(errors.REDIRECT_DIFFERS)
        verifier = form.get("code_verifier", "")
        if grant.challenge and challenge_of(verifier) != grant.challenge:
            raise errors.refuse(errors.BAD_VERIFIER)
        if verifier and not grant.challenge:
            raise errors.refuse(errors.BAD_VERIFIER)
        scope = self._scope(form, grant.scope)
        return self._user_tokens(replace(grant, scope=scope), form)

    def _refresh_token(
        self, form: dict[str, str], tenant: Tenant, client: Application
    ) -> dict[str, object]:
        sessions = self._entra.sessions
        token = _required(form, "refresh_token")
        grant = sessions.refresh_tokens.get(token)
        if grant is None or grant.tenant is not tenant:
            raise errors.refuse(errors.CODE_UNKNOWN)
        if grant.client is not client:
            raise errors.refuse(errors.OTHER_CLIENT)
        if sessions.refresh_tokens.is_ended(token):
            raise errors.refuse(errors.CODE_ENDED)
        if sessions.is_revoked(grant):
            raise errors.refuse(errors.REVOKED)
        scope = self._scope(form, grant.scope)
        return self._user_tokens(replace(grant, scope=scope, nonce=""), form)

    def _on_behalf_of(
        self, form: dict[str, str], tenant: Tenant, client: Application
    ) -> dict[str, object]:
        if form.get("requested_token_use") != "on_behalf_of":
            raise errors.refuse(errors.NO_PARAMETER, name="requested_token_use")
        claims = self._assertion(_required(form, "assertion"), client)
        person = tenant.person(str(claims.get("oid", "")))
        if claims.get("tid") != tenant.id or person is None:
            raise errors.refuse(errors.BAD_ASSERTION)
        scope = read_scope(_required(form, "scope"), self._entra.directory)
        if not self._entra.directory.is_known_in(tenant, client):
            raise errors.refuse(errors.NO_CONSENT, client=client.client_id)
        listed = claims.get("amr")
        amr = tuple(str(way) for way in listed) if isinstance(listed, list) else ("pwd",)
        if person.needs_mfa and "mfa" not in amr:
            raise errors.refuse(errors.MFA_NEEDED, MFA_CLAIMS, resource=scope.resource.name)
        return self._user_tokens(UserGrant(tenant, client, person, scope, amr), form)

    def _device_code(
        self, form: dict[str, str], tenant: Tenant, client: Application
    ) -> dict[str, object]:
        sessions = self._entra.sessions
        device_code = _required(form, "device_code")
        if sessions.devices.is_ended(device_code):
            raise errors.refuse(errors.DEVICE_CODE_UNKNOWN)
        grant = sessions.devices.get(device_code)
        if grant is None:
            raise errors.refuse(errors.PENDING)
        if grant.client is not client or grant.tenant is not tenant:
            raise errors.refuse(errors.OTHER_CLIENT)
        sessions.devices.take(device_code)
        return self._user_tokens(grant, form)

    # ---- what they share

    def _assertion(self, token: str, client: Application) -> Claims:
        """Return what a user's token for ``client`` says.

        Raises:
            Refusal: it is not ours, not for this client, over, or of no person.
        """
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self._entra.ring.find(kid)
            if key is None:
                raise errors.refuse(errors.BAD_ASSERTION)
            options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False}
            claims: Claims = jwt.decode(
                token,
                key.public,
                algorithms=["RS256"],
                options=options,  # type: ignore[arg-type] # a plain dict of the known names
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise errors.refuse(errors.BAD_ASSERTION) from error
        if claims.get("aud") not in {client.client_id, *client.identifier_uris}:
            raise errors.refuse(errors.ASSERTION_AUDIENCE)
        now, ends_at = self._entra.mint.now(), claims.get("exp")
        if not isinstance(ends_at, int) or ends_at + _LEEWAY_S < now:
            raise errors.refuse(errors.ASSERTION_TIME)
        if not claims.get("scp"):
            raise errors.refuse(errors.ASSERTION_OF_APP, client=client.client_id)
        return claims

    def _scope(self, form: dict[str, str], granted: ScopeRequest) -> ScopeRequest:
        """Return what is asked now; the sign-in scopes stay those of the grant."""
        text = form.get("scope", "")
        asked = read_scope(text, self._entra.directory) if text else granted
        if not asked.names and granted.names:
            return granted
        return replace(asked, sign_in=granted.sign_in)

    def _user_tokens(self, grant: UserGrant, form: dict[str, str]) -> dict[str, object]:
        if not grant.person.is_enabled:
            raise errors.refuse(errors.DISABLED_PERSON)
        directory = self._entra.directory
        scope, resource = grant.scope, grant.scope.resource
        granted = directory.granted_scopes(grant.tenant, grant.client, resource)
        wanted = tuple(name for name in scope.names if name != DEFAULT)
        is_allowed = directory.user_consents(grant.tenant, grant.client, resource, wanted)
        if not is_allowed or (scope.is_default and not granted):
            raise errors.refuse(errors.NO_CONSENT, client=grant.client.client_id)
        held = tuple(sorted(granted)) if scope.is_default else wanted
        subject = Subject(
            grant.tenant,
            grant.client,
            resource,
            scope.audience,
            grant.person,
            held or scope.sign_in,
            directory.roles_of(grant.tenant, grant.person, resource),
            grant.amr,
        )
        document = _bearer(self._entra.mint.access_token(subject))
        document["scope"] = " ".join(_full_names(scope, held or scope.sign_in))
        return document | self._more(grant, form)

    def _more(self, grant: UserGrant, form: dict[str, str]) -> dict[str, object]:
        """Return refresh token, id token and client info, as far as they were asked for."""
        more: dict[str, object] = {}
        if "offline_access" in grant.scope.sign_in:
            token = self._entra.ids.opaque(48)
            granted_at = self._entra.service.clock.utc()
            kept = replace(grant, nonce="", challenge="", granted_at=granted_at)
            self._entra.sessions.refresh_tokens.put(token, kept)
            more["refresh_token"] = token
        if "openid" in grant.scope.sign_in:
            roles = self._entra.directory.roles_of(grant.tenant, grant.person, grant.client)
            subject = Subject(
                grant.tenant,
                grant.client,
                grant.client,
                person=grant.person,
                roles=roles,
                amr=grant.amr,
            )
            more["id_token"] = self._entra.mint.id_token(
                subject, grant.nonce, self._entra.take_id_token_defect()
            )
        if form.get("client_info") == "1":
            more["client_info"] = client_info(grant.person, grant.tenant)
        return more


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 4.2).

    >>> challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def client_info(person: Person, tenant: Tenant) -> str:
    """Return what MSAL makes its account ids of."""
    text = json.dumps({"uid": person.oid, "utid": person.home_tenant or tenant.id})
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _bearer(token: str) -> dict[str, object]:
    return {
        "token_type": "Bearer",
        "expires_in": LIFE_S - 1,
        "ext_expires_in": LIFE_S - 1,
        "access_token": token,
    }


def _full_names(scope: ScopeRequest, names: tuple[str, ...]) -> tuple[str, ...]:
    if names == scope.sign_in:
        return names
    return (*(f"{scope.audience}/{name}" for name in names), *scope.sign_in)


def _required(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise errors.refuse(errors.NO_PARAMETER, name=name)
    return form[name]
