# SPDX-License-Identifier: Apache-2.0
"""Proof that a client is who it says: secret, certificate assertion, or none (public).

Sources: RFC 6749 2.3, RFC 7523 section 3; Microsoft "Microsoft identity platform application
authentication certificate credentials".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import jwt
from cryptography import x509

from centralino.simulators.entra import errors

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application, Tenant
    from centralino.simulators.entra.directory import Directory
    from centralino.simulators.http.messages import Request

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ("RS256", "PS256")


def prove_client(
    request: Request,
    form: dict[str, str],
    directory: Directory,
    tenant: Tenant,
    now: Callable[[], float],
) -> Application:
    """Return the client of a token request, proven.

    Raises:
        Refusal: unknown, or its proof is missing or wrong.
    """
    client_id, basic_secret = _basic(request)
    client_id = form.get("client_id") or client_id
    if not client_id:
        raise errors.refuse(errors.NO_PARAMETER, name="client_id")
    client = directory.application(client_id)
    if client is None or not (client.is_multi_tenant or client.home_tenant == tenant.id):
        raise errors.refuse(errors.UNKNOWN_APPLICATION, client=client_id, tenant=tenant.name)
    secret = form.get("client_secret") or basic_secret
    assertion = form.get("client_assertion", "")
    if client.is_public:
        if secret or assertion:
            raise errors.refuse(errors.PUBLIC_WITH_SECRET)
        return client
    if assertion and form.get("client_assertion_type") == ASSERTION_TYPE:
        _prove_assertion(client, assertion, request, now())
    elif secret:
        _prove_secret(client, secret, now())
    else:
        raise errors.refuse(errors.NO_CLIENT_PROOF)
    return client


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except ValueError:
        return "", ""
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _prove_secret(client: Application, secret: str, now: float) -> None:
    for known in client.secrets:
        if hmac.compare_digest(known.value.encode(), secret.encode()):
            if known.ends_at is not None and known.ends_at <= now:
                raise errors.refuse(errors.SECRET_ENDED, client=client.client_id)
            return
    raise errors.refuse(errors.BAD_SECRET, client=client.client_id)


def _prove_assertion(client: Application, assertion: str, request: Request, now: float) -> None:
    claims = _signed_claims(client, assertion)
    ends_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(ends_at, int | float) or not isinstance(begins_at, int | float):
        raise errors.refuse(errors.CLIENT_ASSERTION_TIME)
    if ends_at <= now or begins_at > now + 300:
        raise errors.refuse(errors.CLIENT_ASSERTION_TIME)
    if claims.get("sub") != client.client_id or claims.get("iss") != client.client_id:
        raise errors.refuse(errors.BAD_CLIENT_ASSERTION)
    if not str(claims.get("aud", "")).startswith(f"{request.base_url}/"):
        raise errors.refuse(errors.CLIENT_ASSERTION_AUDIENCE)


def _signed_claims(client: Application, assertion: str) -> dict[str, object]:
    for pem in client.certificates:
        public = x509.load_pem_x509_certificate(pem.encode()).public_key()
        try:
            return dict(
                jwt.decode(
                    assertion,
                    public,  # type: ignore[arg-type] # certificates of the scenario are RSA
                    algorithms=list(_ALGORITHMS),
                    options={"verify_aud": False, "verify_exp": False, "verify_nbf": False},
                )
            )
        except (jwt.PyJWTError, TypeError):
            continue
    raise errors.refuse(errors.BAD_CLIENT_ASSERTION)
