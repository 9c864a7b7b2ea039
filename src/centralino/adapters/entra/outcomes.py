# SPDX-License-Identifier: Apache-2.0
"""What the sign-in service's errors mean to us: one table, by AADSTS number.

Whoever signs in can mend some of them (consent, a second factor); the administrator others
(secret, registration). Texts say what to do and never repeat what the service said, because
that may name people. Source: Microsoft "Microsoft Entra authentication and authorization
error codes".
"""

from __future__ import annotations

from collections.abc import Mapping

from centralino.core.kernel.errors import (
    AppError,
    RemoteAuthFailed,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from centralino.exchange.sign_in import ConsentNeeded, InteractionNeeded

SERVICE = "entra"


CONSENT = frozenset({65001, 65004, 90094, 90008})
INTERACTION = frozenset({50076, 50079, 50058, 53003, 50173, 50133, 50055, 50144})
MENDS: dict[int, str] = {
    90002: "the organisation is not known to Entra; check its tenant id",
    700016: "the application is not known in this organisation: an administrator must consent",
    7000215: "the client secret is wrong: put the secret's value, not its id, into the file",
    7000222: "the client secret has expired: make a new one and put it into the file",
    7000218: "a client secret or certificate is missing: set entra.secret_file",
    700027: "the certificate is not registered at Entra, or has expired there",
    700024: "this server's clock is wrong: the client assertion is out of its time",
    500011: "the resource is not known in this organisation",
    50057: "the account is disabled",
    65001: "an administrator must consent to the permissions of this application",
}
"""What to do about an error."""


def error_of(answer: Mapping[str, object], operation: str) -> AppError:
    """Return our error for an error answer of the token endpoint."""
    numbers = answer.get("error_codes")
    number = numbers[0] if isinstance(numbers, list) and numbers else 0
    code = str(answer.get("error", ""))
    text = MENDS.get(number, f"the sign-in service refused ({code or 'no reason'}, {number})")
    if (
        number in CONSENT
        or code == "consent_required"
        or answer.get("suberror") == "consent_required"
    ):
        return ConsentNeeded(text)
    if number in INTERACTION or code in {"interaction_required", "login_required"}:
        return InteractionNeeded("sign in again and prove yourself", details=_claims(answer))
    if code == "temporarily_unavailable" or number == 90055:
        return RemoteThrottled(SERVICE, operation, "the sign-in service asks us to slow down")
    if code in {"invalid_client", "unauthorized_client"}:
        return RemoteAuthFailed(SERVICE, operation, text)
    if code == "server_error":
        return RemoteUnavailable(SERVICE, operation, "the sign-in service failed")
    return RemoteRejected(SERVICE, operation, text)


def _claims(answer: Mapping[str, object]) -> dict[str, str]:
    """Return the challenge that a client must send along when it signs in again."""
    claims = answer.get("claims")
    return {"claims": claims} if isinstance(claims, str) and len(claims) <= 2000 else {}
