# SPDX-License-Identifier: Apache-2.0
"""Makes tokens: claims as Entra writes them, signed; and, on request, wrong ones.

Version 2 tokens name the client ``azp`` and carry the resource's client id as audience;
version 1 tokens name it ``appid``, come from ``sts.windows.net`` and carry the URI that was
asked for. Source: Microsoft "Access token claims reference", "ID token claims reference".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jwt
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application, Person, Tenant
    from centralino.simulators.entra.keys import KeyRing, SigningKey
    from centralino.simulators.http.clock import SimulatorClock
    from centralino.simulators.http.ids import SeededIds

Claims = dict[str, object]
Defect = Literal[
    "wrong-audience",
    "wrong-issuer",
    "wrong-tenant",
    "wrong-client",
    "expired",
    "not-yet-valid",
    "missing-scope",
    "missing-tenant",
    "unknown-key",
    "no-key-id",
    "forged-signature",
    "alg-none",
    "hs256-with-public-key",
    "oversized",
]
"""What may be wrong with a token on request."""

LIFE_S = 3900
"""Of an access token; Entra draws 60 to 90 minutes."""
STRANGER = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True, slots=True)
class Subject:
    """For whom, by whom and for what a token is made."""

    tenant: Tenant
    client: Application
    resource: Application
    audience: str = ""
    """URI that was asked for; of use in version 1 only."""
    person: Person | None = None
    """None: the client itself."""
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    amr: tuple[str, ...] = ("pwd",)


class TokenMint:
    """Makes and signs tokens of one Entra."""

    def __init__(
        self,
        ring: KeyRing,
        clock: SimulatorClock,
        ids: SeededIds,
        *,
        base_url: Callable[[], str],
        v1_issuer: str,
    ) -> None:
        """Take what signs, time, ids, and where the service is."""
        self.ring = ring
        self.clock_skew_s = 0.0
        """How far this service's clock is ahead."""
        self._clock = clock
        self._ids = ids
        self._base_url = base_url
        self._v1_issuer = v1_issuer

    def now(self) -> int:
        """Return the service's own time, in whole seconds since the Unix epoch."""
        return int(self._clock.utc() + self.clock_skew_s)

    def issuer(self, tenant_id: str, version: int = 2) -> str:
        """Return the issuer of a tenant's tokens."""
        if version == 1:
            return f"{self._v1_issuer}/{tenant_id}/"
        return f"{self._base_url()}/{tenant_id}/v2.0"

    def access_token(self, subject: Subject, defect: Defect | None = None) -> str:
        """Return a signed access token."""
        version = subject.resource.token_version
        claims = self._times() | self._common(subject, version)
        claims |= {"aud": self._audience(subject), "ver": f"{version}.0"}
        client = subject.client.client_id
        strength = "0" if subject.client.is_public else "1"
        if version == 1:
            claims |= {"appid": client, "appidacr": strength}
        else:
            claims |= {"azp": client, "azpacr": strength}
        if subject.person is None:
            claims |= {"idtyp": "app", "oid": service_principal(subject.tenant, subject.client)}
            claims["sub"] = claims["oid"]
        else:
            claims |= self._personal(subject.person, subject, version)
            claims["scp"] = " ".join(subject.scopes)
        if subject.roles:
            claims["roles"] = list(subject.roles)
        return self.sign(claims, defect)

    def id_token(self, subject: Subject, nonce: str, defect: Defect | None = None) -> str:
        """Return a signed id token for the client itself.

        Raises:
            ValueError: there is no person.
        """
        if subject.person is None:
            raise ValueError("an id token is about a person")
        claims = self._times() | self._common(subject, 2)
        claims |= {"aud": subject.client.client_id, "ver": "2.0"}
        claims |= self._personal(subject.person, subject, 2)
        if nonce:
            claims["nonce"] = nonce
        if subject.roles:
            claims["roles"] = list(subject.roles)
        return self.sign(claims, defect)

    def validation_token(self, app_id: str, tenant_id: str, publisher: str) -> str:
        """Return a token as rich change notifications carry them (version 1)."""
        claims = self._times() | {
            "aud": app_id,
            "iss": self.issuer(tenant_id, 1),
            "appid": publisher,
            "appidacr": "2",
            "idp": self.issuer(tenant_id, 1),
            "tid": tenant_id,
            "uti": self._ids.opaque(12),
            "ver": "1.0",
        }
        return self.sign(claims)

    def sign(self, claims: Claims, defect: Defect | None = None) -> str:
        """Sign claims as they are, or spoiled."""
        return sign_claims(self.ring, claims, self.now(), defect)

    def _times(self) -> Claims:
        now = self.now()
        return {"iat": now, "nbf": now, "exp": now + LIFE_S}

    def _common(self, subject: Subject, version: int) -> Claims:
        return {
            "iss": self.issuer(subject.tenant.id, version),
            "tid": subject.tenant.id,
            "uti": self._ids.opaque(12),
        }

    def _personal(self, person: Person, subject: Subject, version: int) -> Claims:
        audience = subject.resource.client_id
        claims: Claims = {
            "oid": person.oid,
            "sub": pairwise_subject(person.oid, audience),
            "name": person.name,
            "amr": list(subject.amr),
        }
        if version == 1:
            claims |= {"upn": person.upn, "unique_name": person.upn}
        else:
            claims["preferred_username"] = person.upn
        if person.home_tenant:
            claims |= {"idp": self.issuer(person.home_tenant, 1), "acct": 1}
        return claims

    def _audience(self, subject: Subject) -> str:
        if subject.resource.token_version == 1 and subject.audience:
            return subject.audience
        if subject.resource.token_version == 1 and subject.resource.identifier_uris:
            return subject.resource.identifier_uris[0]
        return subject.resource.client_id


def sign_claims(ring: KeyRing, claims: Claims, now: int, defect: Defect | None = None) -> str:
    """Sign claims with a ring's current key, spoiled where a defect is asked for."""
    if defect is not None:
        claims = spoil(claims, defect, now)
    key = ring.stranger if defect == "unknown-key" else ring.current
    if defect == "alg-none":
        return jwt.api_jws.encode(_json(claims), "", algorithm="none", headers={"kid": key.kid})
    if defect == "hs256-with-public-key":
        return _confused(claims, key)
    headers = {} if defect == "no-key-id" else {"kid": key.kid}
    token = jwt.api_jws.encode(_json(claims), key.private, algorithm="RS256", headers=headers)
    return _forged(token) if defect == "forged-signature" else token


def spoil(claims: Claims, defect: Defect, now: int) -> Claims:
    """Return claims with one thing wrong; signature defects leave them alone."""
    changes: dict[Defect, Claims] = {
        "wrong-audience": {"aud": STRANGER},
        "wrong-issuer": {"iss": "https://login.attacker.example/v2.0"},
        "wrong-tenant": {"tid": STRANGER},
        "wrong-client": {"azp": STRANGER, "appid": STRANGER},
        "expired": {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600},
        "not-yet-valid": {"iat": now + 3600, "nbf": now + 3600, "exp": now + 7200},
        "oversized": {"padding": "x" * 20_000},
    }
    spoiled = claims | changes.get(defect, {})
    gone = {"missing-scope": ("scp", "roles"), "missing-tenant": ("tid",)}.get(defect, ())
    return {name: value for name, value in spoiled.items() if name not in gone}


def pairwise_subject(oid: str, audience: str) -> str:
    """Return the subject that only one application sees."""
    digest = hashlib.sha256(f"{oid}/{audience}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def service_principal(tenant: Tenant, client: Application) -> str:
    """Return the object id of an application in a tenant, a GUID."""
    digest = hashlib.sha256(f"{tenant.id}/{client.client_id}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _json(claims: Claims) -> bytes:
    """Return claims as they are signed; unlike ``jwt.encode`` also those of a wrong kind."""
    return json.dumps(claims, separators=(",", ":")).encode()


def _forged(token: str) -> str:
    """Change what is said and keep the signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["roles"] = ["TenantAdmin"]
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


def _confused(claims: Claims, key: SigningKey) -> str:
    """Sign with HMAC and the public key as the secret (RFC 8725 section 2.1)."""
    public = key.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    ]
    signature = hmac.new(public, b".".join(parts), hashlib.sha256).digest()
    return b".".join((*parts, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
