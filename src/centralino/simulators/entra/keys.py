# SPDX-License-Identifier: Apache-2.0
"""Signing keys: always one that signs and one that is announced; rotation on request.

A key is published before it signs and stays published after, so that tokens under way stay
good; :meth:`KeyRing.withdraw` takes the old ones away. Sources: RFC 7517; Microsoft "Signing
key rollover in the Microsoft identity platform".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

MakeKey = Callable[[], rsa.RSAPrivateKey]


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key of 2048 bits (about 0.1 s)."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair and its name."""

    kid: str
    private: rsa.RSAPrivateKey

    @classmethod
    def of(cls, private: rsa.RSAPrivateKey) -> SigningKey:
        """Name a key by the hash of its public half."""
        der = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(_base64url(hashlib.sha256(der).digest()[:20]), private)

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self.private.public_key()

    def jwk(self, **more: object) -> dict[str, object]:
        """Return the public half as a JSON Web Key (RFC 7518 6.3)."""
        numbers = self.public.public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            **more,
        }


class KeyRing:
    """The keys of one issuer."""

    def __init__(self, make_key: MakeKey = new_rsa_key) -> None:
        """Make two keys: the first signs, the second is announced."""
        self._make_key = make_key
        self._published = [SigningKey.of(make_key()), SigningKey.of(make_key())]
        self._at = 0
        self._stranger: SigningKey | None = None

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._published[self._at]

    @property
    def published(self) -> tuple[SigningKey, ...]:
        """What the key document lists."""
        return tuple(self._published)

    @property
    def stranger(self) -> SigningKey:
        """A key that is never published."""
        if self._stranger is None:
            self._stranger = SigningKey.of(self._make_key())
        return self._stranger

    def rotate(self) -> None:
        """Let the announced key sign and announce a new one; the old ones stay published."""
        self._published.append(SigningKey.of(self._make_key()))
        self._at += 1

    def replace(self) -> None:
        """Replace every key at once, without announcing it: an emergency rotation."""
        self._published = [SigningKey.of(self._make_key()), SigningKey.of(self._make_key())]
        self._at = 0

    def withdraw(self) -> None:
        """No longer publish the keys that signed before the current one."""
        del self._published[: self._at]
        self._at = 0

    def find(self, kid: str) -> SigningKey | None:
        """Return a published key by its name."""
        return next((key for key in self._published if key.kid == kid), None)

    def document(self, **more: object) -> dict[str, object]:
        """Return the key document (RFC 7517 section 5)."""
        return {"keys": [key.jwk(**more) for key in self._published]}


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
