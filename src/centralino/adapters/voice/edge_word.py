# SPDX-License-Identifier: Apache-2.0
"""The signed word of a trusted edge: which trunk a message came from.

``<trunk>;t=<Unix seconds>;mac=<hex>``, mac = HMAC-SHA-256 over Call-ID, trunk and t joined by
line feeds. The Call-ID binds the word to one call, t bounds how long a stolen word is of use;
a retransmission carries the same word and is as good. Pure.
"""

from __future__ import annotations

import hashlib
import hmac

from centralino.core.kernel.errors import ConfigError

SHORTEST_SECRET_BYTES = 16
_SECOND = 1_000_000_000


def sign(secret: bytes, trunk: str, call_id: str, utc: int) -> str:
    """Return the header value an edge writes at ``utc`` (epoch nanoseconds)."""
    at = utc // _SECOND
    return f"{trunk};t={at};mac={_mac(secret, trunk, call_id, str(at))}"


def verify(secret: bytes, word: str, call_id: str, utc: int, window_s: float) -> str | None:
    """Return the trunk a word names, or None when it is forged, too old or from the future."""
    trunk, _, rest = word.partition(";")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(";")[:4])
    at, mac = fields.get("t", ""), fields.get("mac", "")
    if not (at.isascii() and at.isdigit()) or len(at) > 12:
        return None
    if not hmac.compare_digest(_mac(secret, trunk, call_id, at), mac.lower()):
        return None
    if abs(utc - int(at) * _SECOND) > window_s * _SECOND:
        return None
    return trunk


def check_secret(path: str, secret: bytes) -> bytes:
    """Return the secret without surrounding space.

    Raises:
        ConfigError: it is too short to protect anything.
    """
    secret = secret.strip()
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise ConfigError(path, f"the secret needs at least {SHORTEST_SECRET_BYTES} bytes")
    return secret


def _mac(secret: bytes, trunk: str, call_id: str, at: str) -> str:
    text = f"{call_id}\n{trunk}\n{at}".encode("utf-8", "surrogateescape")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()
