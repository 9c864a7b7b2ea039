# SPDX-License-Identifier: Apache-2.0
"""What a token must be for us to believe it. Pure: a token, a key, the time.

RS256 only, so that neither ``none`` nor a public key used as an HMAC secret is tried (RFC
8725 3.1). Every check is made before one decides, and whoever sent the token hears the same
sentence whatever was wrong; the reason is for our log. Checklist: Microsoft "Secure
applications and APIs by validating claims", "Access tokens in the Microsoft identity
platform"; RFC 8725.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt
import msgspec

from centralino.adapters.entra.roles import roles_of
from centralino.core.kernel.errors import NotAllowed
from centralino.core.kernel.instant import SECOND
from centralino.exchange.tokens import Principal, TokenRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from centralino.adapters.entra.settings import EntraSettings
    from centralino.core.kernel.ids import TenantId

MOST_TOKEN_BYTES = 8192
"""Entra's own stay below 4 KB; a person in many groups gets an overage claim instead."""
SCOPE = "access_as_user"
_ALGORITHM = "RS256"
_MOST_KID = 200
_GUEST = 1

Tenants = Mapping[str, "TenantId"]
"""Onboarded directories, GUID in lower case, and which tenant of ours each is."""


class _Header(msgspec.Struct, frozen=True):
    """What is read of a token before it is verified."""

    alg: str
    kid: str
    crit: object = None


class Refused(Exception):
    """A token is not believed; the reasons are for the log."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Proven:
    """What a believed token says."""

    principal: Principal
    directory: str
    """Tenant id at Entra, in lower case."""
    oid: str
    name: str
    is_application: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings make of the checklist."""

    issuer: str
    v1_issuer: str
    takes_v1: bool
    audiences: frozenset[str]
    clients: frozenset[str]
    leeway_s: int
    admits_guests: bool

    @classmethod
    def of(cls, settings: EntraSettings) -> Rules:
        """Return the rules of settings."""
        return cls(
            settings.authority.rstrip("/"),
            settings.v1_issuer.rstrip("/"),
            settings.takes_v1_tokens,
            settings.audiences,
            settings.clients,
            settings.leeway_s,
            settings.admits_guests,
        )


def key_id(token: str) -> str:
    """Return the key that a token names.

    Raises:
        Refused: it is too long, no signed token, or of another algorithm.
    """
    if len(token) > MOST_TOKEN_BYTES:
        raise Refused("oversized")
    head, dot, _ = token.partition(".")
    if not dot or token.count(".") != 2:
        raise Refused("malformed")
    try:
        raw = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
        header = msgspec.json.decode(raw, type=_Header)
    except ValueError as error:
        raise Refused("malformed") from error
    if header.alg != _ALGORITHM:
        raise Refused("algorithm")
    if header.crit is not None or not 0 < len(header.kid) <= _MOST_KID:
        raise Refused("header")
    return header.kid


def signed_claims(token: str, key: RSAPublicKey) -> dict[str, object]:
    """Return what a token says, once its signature is verified.

    Raises:
        Refused: the signature is not the key's, or nothing readable was signed.
    """
    try:
        return dict(jwt.decode(token, key, algorithms=[_ALGORITHM], options=_NO_CLAIM_CHECKS))
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Refused("signature") from error


def prove(claims: Mapping[str, object], rules: Rules, tenants: Tenants, now: int) -> Proven:
    """Return who is behind verified claims; ``now`` is UTC in nanoseconds.

    Raises:
        Refused: a claim is wrong; all reasons are named.
        NotAllowed: he is who he says, and has no role here.
    """
    directory = _text(claims, "tid").lower()
    tenant = tenants.get(directory)
    is_application = _is_application(claims)
    checks = {
        "tenant": tenant is not None,
        "issuer": _text(claims, "iss") in _issuers(claims, rules),
        "audience": _text(claims, "aud") in rules.audiences,
        "expired": _number(claims, "exp") > now // SECOND - rules.leeway_s,
        "not-yet-valid": _number(claims, "nbf") <= now // SECOND + rules.leeway_s,
        "client": (_text(claims, "azp") or _text(claims, "appid")) in rules.clients,
        "scope": _has_scope(claims, is_application=is_application),
        "object": bool(_text(claims, "oid")),
        "guest": rules.admits_guests or not is_guest(claims),
    }
    wrong = tuple(name for name, is_good in checks.items() if not is_good)
    if wrong or tenant is None:
        raise Refused(*wrong)
    return proven(claims, tenant, is_application=is_application)


def proven(
    claims: Mapping[str, object], tenant: TenantId, *, is_application: bool = False
) -> Proven:
    """Return who is behind claims that have passed every check.

    Raises:
        NotAllowed: he has no role here.
    """
    roles = roles_of(claims.get("roles"))
    if not roles:
        raise NotAllowed("no role of this contact center is assigned to you")
    oid = _text(claims, "oid").lower()
    subject = f"app:{oid}" if is_application else oid
    return Proven(
        Principal(subject=subject, tenant=tenant, roles=roles),
        _text(claims, "tid").lower(),
        oid,
        _text(claims, "name"),
        is_application,
    )


def is_guest(claims: Mapping[str, object]) -> bool:
    """Whether somebody's home is another organisation.

    Source: Microsoft "Optional claims reference": ``acct`` is 1 for a guest; ``idp`` is there
    when it is not the issuer.
    """
    idp = _text(claims, "idp")
    tid = _text(claims, "tid")
    return claims.get("acct") == _GUEST or bool(idp and f"/{tid}/" not in f"{idp}/")


def refusal() -> TokenRefused:
    """Return the one answer to every token that is not believed."""
    return TokenRefused("this token is not valid here")


def _issuers(claims: Mapping[str, object], rules: Rules) -> Collection[str]:
    """Return the issuers that fit the token's own tenant."""
    tid = _text(claims, "tid")
    found = [f"{rules.issuer}/{tid}/v2.0"] if tid else []
    if tid and rules.takes_v1:
        found.append(f"{rules.v1_issuer}/{tid}/")
    return found


def _has_scope(claims: Mapping[str, object], *, is_application: bool) -> bool:
    """Whether a person's token has our scope, or an application's has roles."""
    if not is_application:
        return SCOPE in _text(claims, "scp").split()
    return bool(roles_of(claims.get("roles")))


def _is_application(claims: Mapping[str, object]) -> bool:
    """Whether no person is behind a token.

    ``idtyp`` is an optional claim; without it, the subject of an application's token is its
    own object, while a person's is pairwise.
    """
    if "scp" in claims:
        return False
    kind = claims.get("idtyp")
    if kind is not None:
        return kind == "app"
    return bool(_text(claims, "sub")) and claims.get("sub") == claims.get("oid")


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _number(claims: Mapping[str, object], name: str) -> float:
    """Return a time; one that is missing or no number makes the token invalid."""
    value = claims.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return float("nan")


_NO_CLAIM_CHECKS = jwt.types.Options(
    verify_signature=True,
    verify_aud=False,
    verify_exp=False,
    verify_iat=False,
    verify_iss=False,
    verify_nbf=False,
    verify_sub=False,
    verify_jti=False,
)
