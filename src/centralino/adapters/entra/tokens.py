# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens of people and programs, verified: our ``TokenPort`` on Entra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.entra.validation import (
    Proven,
    Refused,
    Rules,
    key_id,
    prove,
    refusal,
    signed_claims,
)
from centralino.exchange.tokens import Principal, TokenRefused

if TYPE_CHECKING:
    from centralino.adapters.entra.keys import KeyCache
    from centralino.adapters.entra.settings import EntraSettings
    from centralino.adapters.entra.tenants import OnboardedTenants
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)


class EntraTokens:
    """Implements ``TokenPort``."""

    def __init__(
        self,
        settings: EntraSettings,
        keys: KeyCache,
        tenants: OnboardedTenants,
        clock: ClockPort,
    ) -> None:
        """Take the rules, the keys, who is onboarded, and the time."""
        self._rules = Rules.of(settings)
        self._keys = keys
        self._tenants = tenants
        self._clock = clock

    async def verify(self, token: str) -> Principal:
        """Return who is behind a token.

        Raises:
            TokenRefused: nobody; the sentence is the same whatever was wrong.
            NotAllowed: somebody without a role here.
            RemoteUnavailable: the keys cannot be had now.
        """
        return (await self.prove(token)).principal

    async def prove(self, token: str) -> Proven:
        """Return all that a token proves; raises as :meth:`verify`."""
        try:
            claims = await self.claims(token)
            return prove(claims, self._rules, self._tenants.current(), self._clock.utc())
        except Refused as refused:
            log.info("entra.token_refused", reasons=list(refused.reasons))
            raise refusal() from None

    async def claims(self, token: str) -> dict[str, object]:
        """Return what a token says, its signature verified and nothing else.

        Raises:
            Refused: it is not signed by the service.
            RemoteUnavailable: the keys cannot be had now.
        """
        key = await self._keys.find(key_id(token))
        if key is None:
            raise Refused("key")
        return signed_claims(token, key)


class NoSignIn:
    """Implements ``TokenPort`` where no sign-in is set up: refuses everybody."""

    async def verify(self, token: str) -> Principal:
        """Raise ``TokenRefused``."""
        del token
        raise TokenRefused("no sign-in is set up on this server")
