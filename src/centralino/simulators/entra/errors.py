# SPDX-License-Identifier: Apache-2.0
"""Errors of the sign-in service: AADSTS numbers, OAuth errors, texts, and their JSON.

Source: Microsoft "Microsoft Entra authentication and authorization error codes"; RFC 6749
5.2. Texts are shortened; clients decide by ``error``, ``suberror`` and ``error_codes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from centralino.simulators.http.messages import Refusal, Response, json_response

if TYPE_CHECKING:
    from centralino.simulators.http.messages import Correlation


@dataclass(frozen=True, slots=True)
class StsError:
    """One error of the table."""

    number: int
    error: str
    """OAuth's word."""
    text: str
    status: int = 400
    suberror: str = ""


UNKNOWN_TENANT = StsError(
    90002,
    "invalid_tenant",
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
    "signing into the correct cloud.",
)
UNKNOWN_APPLICATION = StsError(
    700016,
    "unauthorized_client",
    "Application with identifier '{client}' was not found in the directory '{tenant}'.",
)
NO_CONSENT = StsError(
    65001,
    "invalid_grant",
    "The user or administrator has not consented to use the application with ID '{client}'.",
    suberror="consent_required",
)
CONSENT_NEEDED = StsError(
    65001,
    "consent_required",
    "The user or administrator has not consented to use the application with ID '{client}'.",
)
DECLINED = StsError(65004, "access_denied", "User declined to consent to access the app.")
MFA_NEEDED = StsError(
    50076,
    "interaction_required",
    "Due to a configuration change made by your administrator, or because you moved to a new "
    "location, you must use multi-factor authentication to access '{resource}'.",
    suberror="basic_action",
)
BAD_SECRET = StsError(
    7000215, "invalid_client", "Invalid client secret provided for app '{client}'.", 401
)
SECRET_ENDED = StsError(
    7000222,
    "invalid_client",
    "The provided client secret keys for app '{client}' are expired.",
    401,
)
NO_CLIENT_PROOF = StsError(
    7000218,
    "invalid_client",
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    401,
)
BAD_CLIENT_ASSERTION = StsError(
    700027,
    "invalid_client",
    "The certificate used to sign the client assertion is not registered.",
    401,
)
CLIENT_ASSERTION_TIME = StsError(
    700024, "invalid_client", "Client assertion is not within its valid time range.", 401
)
CLIENT_ASSERTION_AUDIENCE = StsError(
    700023, "invalid_client", "Client assertion audience claim does not match Realm issuer.", 401
)
PUBLIC_WITH_SECRET = StsError(
    700025,
    "invalid_client",
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    401,
)
BAD_SCOPE = StsError(70011, "invalid_scope", "The provided value for scope '{scope}' is not valid.")
NOT_DEFAULT_SCOPE = StsError(
    1002012,
    "invalid_scope",
    "The provided value for scope {scope} is not valid. Client credential flows must have a scope "
    "value with /.default suffixed to the resource identifier (application ID URI).",
)
SEVERAL_RESOURCES = StsError(
    28000,
    "invalid_request",
    "Provided value for the input parameter scope is not valid because it contains "
    "more than one resource.",
)
UNKNOWN_RESOURCE = StsError(
    500011,
    "invalid_resource",
    "The resource principal named {resource} was not found in the tenant.",
)
NO_PARAMETER = StsError(
    900144, "invalid_request", "The request body must contain the following parameter: '{name}'."
)
BAD_GRANT_TYPE = StsError(
    70003, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."
)
BAD_RESPONSE_TYPE = StsError(
    700054,
    "unsupported_response_type",
    "response_type '{name}' is not enabled for the application.",
)
BAD_REDIRECT = StsError(
    50011,
    "invalid_request",
    "The redirect URI specified in the request does not match the redirect URIs "
    "configured for the application '{client}'.",
)
REDIRECT_DIFFERS = StsError(
    500112,
    "invalid_grant",
    "The reply address does not match the reply address provided when requesting the "
    "authorization code.",
)
PKCE_NEEDED = StsError(
    9002325,
    "invalid_request",
    "Proof Key for Code Exchange with S256 is required for this application.",
)
BAD_VERIFIER = StsError(
    501481,
    "invalid_grant",
    "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
)
CODE_UNKNOWN = StsError(
    9002313, "invalid_grant", "Invalid request. Request is malformed or invalid."
)
CODE_USED = StsError(
    54005,
    "invalid_grant",
    "OAuth2 Authorization code was already redeemed, please retry with a new valid "
    "code or use an existing refresh token.",
)
CODE_ENDED = StsError(
    70008,
    "invalid_grant",
    "The provided authorization code or refresh token has expired due to inactivity.",
)
OTHER_CLIENT = StsError(70000, "invalid_grant", "The grant was issued to another client.")
REVOKED = StsError(
    50173,
    "invalid_grant",
    "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
)
BAD_ASSERTION = StsError(50013, "invalid_grant", "Assertion failed signature validation.")
ASSERTION_AUDIENCE = StsError(
    500131,
    "invalid_grant",
    "Assertion audience does not match the Client app presenting the assertion.",
)
ASSERTION_TIME = StsError(500133, "invalid_grant", "Assertion is not within its valid time range.")
ASSERTION_OF_APP = StsError(
    7000114,
    "invalid_grant",
    "Application '{client}' is not allowed to make application on-behalf-of calls.",
)
DISABLED_PERSON = StsError(50057, "invalid_grant", "The user account is disabled.")
NO_SESSION = StsError(
    50058, "login_required", "A silent sign-in request was sent but no user is signed in."
)
THROTTLED = StsError(90055, "temporarily_unavailable", "Too many requests. Try again later.", 429)
PENDING = StsError(
    70016, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending."
)
DEVICE_CODE_UNKNOWN = StsError(
    70020, "expired_token", "The provided value for device_code is not valid."
)


def refuse(kind: StsError, claims: str = "", **values: str) -> Refusal:
    """Return an error of the table as it is raised; ``values`` fill its text."""
    details: dict[str, object] = {"number": kind.number, "suberror": kind.suberror}
    if claims:
        details["claims"] = claims
    return Refusal(kind.status, kind.error, kind.text.format_map(values), details=details)


def describe(refusal: Refusal, correlation: Correlation, now: float) -> dict[str, object]:
    """Return the JSON of an error, without status."""
    number = refusal.details.get("number", 900000)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    correlation_id = correlation.client_request_id or correlation.request_id
    text = (
        f"AADSTS{number}: {refusal.message} Trace ID: {correlation.request_id} "
        f"Correlation ID: {correlation_id} Timestamp: {stamp}"
    )
    document: dict[str, object] = {
        "error": refusal.code,
        "error_description": text,
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": correlation.request_id,
        "correlation_id": correlation_id,
    }
    for name in ("suberror", "claims"):
        if refusal.details.get(name):
            document[name] = refusal.details[name]
    return document


def error_response(refusal: Refusal, correlation: Correlation, now: float) -> Response:
    """Return an error as the token endpoint answers it."""
    headers = {"cache-control": "no-store", "pragma": "no-cache", **refusal.headers}
    return json_response(describe(refusal, correlation, now), refusal.status, headers)
