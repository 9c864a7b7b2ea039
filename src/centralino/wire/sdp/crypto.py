# SPDX-License-Identifier: Apache-2.0
"""SDES keys in a description: the `a=crypto` line (RFC 4568).

A key never shows in `repr` and never in an error. Lifetime and MKI are read and kept; we
never write an MKI ourselves. A peer whose line carries an MKI puts that many bytes into
every packet, before the authentication tag, so a line without one is the better choice.

Direct Routing uses AES_CM_128_HMAC_SHA1_80 and may offer _32 ("Plan for media bypass",
"Direct Routing - Definitions and RFC standards").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from typing_extensions import override

from centralino.wire.sdp.errors import SdpParseError

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""Suites we can do, best first. Both have 16 bytes of key and 14 of salt."""
KEY_BYTES = 30
"""Key and salt together. Unit: bytes."""
DEFAULT_LIFETIME = "2^31"
"""Lifetime we write. Unit: packets."""


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One `a=crypto` line."""

    tag: int
    """Names the line in the answer; 1 to 9 digits."""
    suite: str
    """As written."""
    key: bytes = field(repr=False)
    """Master key and salt; `KEY_BYTES` long for the suites we know."""
    lifetime: str | None = None
    """As written (`2^31` or a number), or None. Unit: packets."""
    mki: tuple[int, int] | None = None
    """MKI value and its length in bytes, or None."""
    session_params: tuple[str, ...] = ()
    """Session parameters such as `UNENCRYPTED_SRTCP`, as written."""
    raw: str | None = field(default=None, compare=False, repr=False)
    """The text this value was parsed from."""

    @classmethod
    def parse(cls, text: str) -> CryptoLine:
        """Parse the text after `a=crypto:`.

        Raises:
            SdpParseError: Broken, or more than one key in the line (key rotation by MKI).
        """
        pieces = text.split()
        if len(pieces) < 3 or not _is_number(pieces[0], 9):
            raise SdpParseError("bad-crypto")
        method, colon, info = pieces[2].partition(":")
        if method.lower() != "inline" or not colon or ";" in info:
            raise SdpParseError("bad-crypto")
        written_key, *options = info.split("|")
        lifetime, mki = _options(options)
        return cls(
            int(pieces[0]), pieces[1], _key(written_key), lifetime, mki, tuple(pieces[3:]), text
        )

    @property
    def is_acceptable(self) -> bool:
        """Whether we can use it: known suite, full key, no parameter we would violate."""
        return (
            self.suite.upper() in SUITES
            and len(self.key) == KEY_BYTES
            and all(param[:1] == "-" or param[:4] == "WSH=" for param in self.session_params)
        )

    @override
    def __str__(self) -> str:
        """Return the text after `a=crypto:`: the original when parsed."""
        if self.raw is not None:
            return self.raw
        key = base64.b64encode(self.key).decode("ascii")
        lifetime = f"|{self.lifetime}" if self.lifetime else ""
        mki = f"|{self.mki[0]}:{self.mki[1]}" if self.mki else ""
        params = "".join(f" {param}" for param in self.session_params)
        return f"{self.tag} {self.suite} inline:{key}{lifetime}{mki}{params}"


def choose_crypto(texts: list[str]) -> CryptoLine | None:
    """Return the first acceptable line without MKI, else the first acceptable, else None.

    Lines that cannot be read are passed over: an offer may list suites from the future.
    """
    with_mki: CryptoLine | None = None
    for text in texts:
        try:
            line = CryptoLine.parse(text)
        except SdpParseError:
            continue
        if line.is_acceptable:
            if line.mki is None:
                return line
            with_mki = with_mki or line
    return with_mki


def _options(options: list[str]) -> tuple[str | None, tuple[int, int] | None]:
    lifetime: str | None = None
    mki: tuple[int, int] | None = None
    for option in options:
        value, colon, length = option.partition(":")
        if colon:
            if mki or not _is_number(value, 38) or not _is_number(length, 3):
                raise SdpParseError("bad-crypto")
            mki = (int(value), int(length))
            if not 1 <= mki[1] <= 128:
                raise SdpParseError("bad-crypto")
        elif lifetime or mki or not _is_number(option.removeprefix("2^"), 20):
            raise SdpParseError("bad-crypto")
        else:
            lifetime = option
    return lifetime, mki


def _key(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise SdpParseError("bad-crypto") from None


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits
