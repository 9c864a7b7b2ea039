# SPDX-License-Identifier: Apache-2.0
"""Proves that a rich change notification came from Microsoft: its validation tokens.

One token per organisation comes with a delivery; it is signed by the service's own keys, made
for our application, by the publisher of change notifications, in the organisation that the
item names. Source: Microsoft Graph, "Change notifications that include resource data:
validating the authenticity".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from centralino.adapters.entra.validation import Refused
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings
    from centralino.adapters.entra.tokens import EntraTokens
    from centralino.exchange.microsoft import DirectoryId
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"
"""Microsoft Graph change tracking."""
MOST_TOKENS = 20


class NotificationProof:
    """Implements ``NotificationProofPort``."""

    def __init__(self, settings: EntraSettings, tokens: EntraTokens, clock: ClockPort) -> None:
        self._settings = settings
        self._tokens = tokens
        self._clock = clock

    async def is_genuine(self, tokens: Sequence[str], directory: DirectoryId) -> bool:
        """Tell whether one of a delivery's tokens proves it for an organisation.

        Raises:
            RemoteError: the keys cannot be had now.
        """
        for token in tokens[:MOST_TOKENS]:
            try:
                claims = await self._tokens.claims(token)
            except Refused:
                continue
            if self._fits(claims, directory):
                return True
        log.warning("webhook.not_proven", tokens_count=len(tokens))
        return False

    def _fits(self, claims: Mapping[str, object], directory: DirectoryId) -> bool:
        settings = self._settings
        now_s = self._clock.utc() // SECOND
        ends_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
        publisher = claims.get("appid", claims.get("azp"))
        issuers = {
            f"{settings.v1_issuer.rstrip('/')}/{directory}/",
            f"{settings.authority.rstrip('/')}/{directory}/v2.0",
        }
        return (
            isinstance(ends_at, int)
            and ends_at > now_s - settings.leeway_s
            and isinstance(begins_at, int)
            and begins_at <= now_s + settings.leeway_s
            and claims.get("aud") == settings.client_id
            and publisher == PUBLISHER
            and claims.get("iss") in issuers
        )
