# SPDX-License-Identifier: Apache-2.0
"""A key for development, good for one run of the demo; and nobody's sign-in.

The key is random, comes from a file that only the product's user can read, and is compared
in constant time as a digest, so that neither its length nor a common beginning shows. It
stands for a supervisor and administrator of one tenant. Where the profile is not the demo's
it cannot even be made: :class:`NoSignIn` refuses everybody.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from centralino.core.kernel.errors import ConfigError
from centralino.exchange.tokens import Principal, Role, TokenRefused

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

SHORTEST_KEY = 24
DEMO_PROFILE = "demo"
_ROLES = frozenset({Role.SUPERVISOR, Role.TENANT_ADMIN})


class DevelopmentKey:
    """Implements ``TokenPort`` with one key for one tenant.

    Raises:
        ConfigError: the profile is not the demo's, or the key could be guessed.
    """

    def __init__(self, key: str, tenant: TenantId, *, profile: str) -> None:
        if profile != DEMO_PROFILE:
            hint = "leave it out; only the demo makes and takes such a key"
            raise ConfigError("api.development_key_file", f"is refused in profile {profile}", hint)
        if len(key) < SHORTEST_KEY:
            raise ConfigError("api.development_key_file", f"is under {SHORTEST_KEY} characters")
        self._digest = _digest(key)
        self._principal = Principal(subject="development-key", tenant=tenant, roles=_ROLES)

    async def verify(self, token: str) -> Principal:
        """Return the demo's supervisor; raises ``TokenRefused``."""
        if not hmac.compare_digest(_digest(token), self._digest):
            raise TokenRefused("this key is not the one that this run of the demo printed")
        return self._principal


class NoSignIn:
    """Implements ``TokenPort`` where no sign-in is set up: refuses everybody."""

    async def verify(self, token: str) -> Principal:
        """Raise ``TokenRefused``."""
        del token
        raise TokenRefused("no sign-in is set up on this server")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
