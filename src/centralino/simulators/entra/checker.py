# SPDX-License-Identifier: Apache-2.0
"""What other simulators verify bearer tokens with, in the same process.

``check`` proves a token; ``require`` asks for a permission of the table in Microsoft's
reference. Answers are Graph's: 401 ``InvalidAuthenticationToken``, 403
``Authorization_RequestDenied`` (or the code that a service uses instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

from centralino.simulators.entra.description import GRAPH_ID, GRAPH_URI
from centralino.simulators.http.messages import Refusal

if TYPE_CHECKING:
    from centralino.simulators.entra.mint import TokenMint
    from centralino.simulators.http.messages import Request

GRAPH_AUDIENCES = (GRAPH_URI, f"{GRAPH_URI}/", GRAPH_ID)
_CHALLENGE = {"www-authenticate": 'Bearer realm="", authorization_uri="", client_id=""'}


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token proves."""

    tenant_id: str
    app_id: str
    """Client id of the application."""
    oid: str
    """Of the person, or of the application's service principal."""
    scopes: frozenset[str]
    roles: frozenset[str]

    @property
    def is_app(self) -> bool:
        """Whether no person is behind it."""
        return not self.scopes

    def may(self, *, delegated: tuple[str, ...] = (), application: tuple[str, ...] = ()) -> bool:
        """Whether it has one of the permissions of its kind."""
        if self.is_app:
            return bool(self.roles.intersection(application))
        return bool(self.scopes.intersection(delegated))


class TokenChecker:
    """Verifies tokens of one simulated Entra for one resource."""

    def __init__(self, mint: TokenMint, audiences: tuple[str, ...] = GRAPH_AUDIENCES) -> None:
        """Take whose tokens, and the audiences that mean this resource."""
        self._mint = mint
        self._audiences = audiences

    def check(self, token: str) -> Bearer:
        """Return what a token proves.

        Raises:
            Refusal: nothing (401 ``InvalidAuthenticationToken``).
        """
        if not token:
            raise _refused("Access token is empty.")
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self._mint.ring.find(kid)
            if key is None:
                raise _refused("Access token validation failure. Invalid signature key.")
            claims = jwt.decode(
                token,
                key.public,
                algorithms=["RS256"],
                audience=list(self._audiences),
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError as error:
            raise _refused("Access token validation failure. Invalid audience.") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise _refused("Access token validation failure.") from error
        self._require_lifetime(claims)
        return Bearer(
            tenant_id=str(claims["tid"]),
            app_id=str(claims.get("azp") or claims.get("appid", "")),
            oid=str(claims.get("oid", "")),
            scopes=frozenset(str(claims.get("scp", "")).split()),
            roles=frozenset(claims.get("roles", ())),
        )

    def require(
        self,
        request: Request,
        *,
        delegated: tuple[str, ...] = (),
        application: tuple[str, ...] = (),
        code: str = "Authorization_RequestDenied",
    ) -> Bearer:
        """Return what a request's token proves, if it has one of the permissions.

        Raises:
            Refusal: 401 as :meth:`check`; 403 with ``code`` when a permission is missing.
        """
        bearer = self.check(request.bearer)
        if not bearer.may(delegated=delegated, application=application):
            text = "Insufficient privileges to complete the operation."
            raise Refusal(403, code, text)
        return bearer

    def _require_lifetime(self, claims: dict[str, object]) -> None:
        now = self._mint.now()
        ends_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends_at, int) or ends_at <= now:
            raise _refused("Lifetime validation failed, the token is expired.")
        if isinstance(begins_at, int) and begins_at > now + 300:
            raise _refused("Lifetime validation failed, the token is not yet valid.")


def _refused(why: str) -> Refusal:
    return Refusal(401, "InvalidAuthenticationToken", why, headers=_CHALLENGE)
