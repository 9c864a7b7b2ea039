# SPDX-License-Identifier: Apache-2.0
"""The service's public keys: fetched once, kept a day, fetched again for a key not seen.

One fetch at a time serves all who wait. Unknown keys cause at most one fetch per
``keys_again_after_s``, whatever arrives. While the service is away the keys that are there go
on serving, for twice their time. Sources: RFC 7517; Microsoft "Signing key rollover in the
Microsoft identity platform".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from centralino.core.kernel.errors import RemoteError, RemoteUnavailable
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from centralino.adapters.entra.settings import EntraSettings
    from centralino.exchange.ports import ClockPort

log = structlog.get_logger(__name__)

MOST_KEYS = 100
SMALLEST_KEY_BITS = 2048
SERVICE = "entra"
Fetch = Callable[[], Awaitable[bytes]]
"""Gets the key document; raises ``RemoteError``."""


class _Jwk(msgspec.Struct, frozen=True):
    kty: str = ""
    use: str = "sig"
    kid: str = ""
    n: str = ""
    e: str = ""


class _Document(msgspec.Struct, frozen=True):
    keys: list[_Jwk] = []


class KeyCache:
    """Public keys by their names."""

    def __init__(self, fetch: Fetch, settings: EntraSettings, clock: ClockPort) -> None:
        """Keep nothing yet; the first look-up fetches."""
        self._fetch = fetch
        self._life = int(settings.keys_for_h * 3600 * SECOND)
        self._pause = int(settings.keys_again_after_s * SECOND)
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at: int | None = None
        self._tried_at: int | None = None
        self._lock = asyncio.Lock()
        self.fetch_count = 0
        """How often the document was asked for."""

    async def find(self, kid: str) -> RSAPublicKey | None:
        """Return a key, fetching the document when it is old or the key not in it.

        Raises:
            RemoteUnavailable: there are no keys, and none can be had now.
        """
        found = self._keys.get(kid)
        if found is not None and not self._is_old():
            return found
        if self._may_fetch():
            async with self._lock:
                # Somebody else may have fetched while we waited.
                if self._may_fetch() and (kid not in self._keys or self._is_old()):
                    await self._refresh()
        if not self._is_usable():
            raise RemoteUnavailable(SERVICE, "keys", "the sign-in service cannot be reached")
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        self._tried_at = self._clock.now()
        self.fetch_count += 1
        try:
            document = await self._fetch()
            self._keys = read_keys(document)
        except RemoteError as error:
            log.warning("entra.keys_not_fetched", code=error.code)
            return
        self._fetched_at = self._clock.now()
        log.info("entra.keys_fetched", count=len(self._keys))

    def _may_fetch(self) -> bool:
        return self._tried_at is None or self._clock.now() - self._tried_at >= self._pause

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at >= self._life

    def _is_usable(self) -> bool:
        return (
            self._fetched_at is not None and self._clock.now() - self._fetched_at < 2 * self._life
        )


def read_keys(document: bytes) -> dict[str, RSAPublicKey]:
    """Return the RSA keys of a key document that may verify signatures.

    Raises:
        RemoteUnavailable: it is none, or has no such key.
    """
    try:
        listed = msgspec.json.decode(document, type=_Document).keys[:MOST_KEYS]
        found = {one.kid: key for one in listed if (key := _public_key(one)) is not None}
    except (msgspec.MsgspecError, jwt.PyJWTError, ValueError) as error:
        text = "the sign-in service's key document cannot be read"
        raise RemoteUnavailable(SERVICE, "keys", text) from error
    if not found:
        raise RemoteUnavailable(SERVICE, "keys", "the sign-in service lists no key")
    return found


def _public_key(one: _Jwk) -> RSAPublicKey | None:
    if one.kty != "RSA" or one.use != "sig" or not one.kid:
        return None
    key = jwt.algorithms.RSAAlgorithm.from_jwk({"kty": "RSA", "n": one.n, "e": one.e})
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
        return None
    return key
