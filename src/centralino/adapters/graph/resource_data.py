# SPDX-License-Identifier: Apache-2.0
"""Opens what Graph encrypts for us in rich notifications, and makes the key pair for it.

Each item has a symmetric key of its own, encrypted for our certificate; the signature is
checked before anything is decrypted. Source: Microsoft Graph, "Change notifications that
include resource data".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND

_KEY_BYTES = 32
_VALID_FOR = timedelta(days=90)


class EncryptedContent(msgspec.Struct, rename="camel"):
    """The encrypted part of a notification."""

    data: str
    data_signature: str
    data_key: str
    encryption_certificate_id: str = ""
    encryption_certificate_thumbprint: str = ""


@dataclass(frozen=True, slots=True)
class NotificationKey:
    """A certificate for Graph to encrypt with, and the key to open it."""

    id: str
    """Our name for it; comes back in each notification."""
    certificate: str
    """Base64 of the DER certificate, as a subscription wants it."""
    private_key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def make(cls, now: int) -> NotificationKey:
        """Return a new pair; ``now`` is UTC nanoseconds."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Centralino notifications")])
        start = datetime.fromtimestamp(now // SECOND, tz=UTC) - timedelta(minutes=5)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + _VALID_FOR)
            .sign(key, hashes.SHA256())
        )
        der = built.public_bytes(serialization.Encoding.DER)
        mark = hashlib.sha256(der).hexdigest()[:16]
        return cls(f"centralino-{mark}", base64.b64encode(der).decode("ascii"), key)

    def open(self, content: EncryptedContent) -> bytes:
        """Return the JSON inside.

        Raises:
            InvalidInput: it is not for this key, or somebody has changed it.
        """
        try:
            wrapped = base64.b64decode(content.data_key, validate=True)
            data = base64.b64decode(content.data, validate=True)
            signature = base64.b64decode(content.data_signature, validate=True)
            oaep = rsa_padding.OAEP(
                mgf=rsa_padding.MGF1(hashes.SHA1()),  # noqa: S303 - Microsoft's choice
                algorithm=hashes.SHA1(),  # noqa: S303 - Microsoft's choice
                label=None,
            )
            symmetric = self.private_key.decrypt(wrapped, oaep)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput("the notification's content is not for our key") from error
        expected = hmac.new(symmetric, data, hashlib.sha256).digest()
        if len(symmetric) != _KEY_BYTES or not hmac.compare_digest(expected, signature):
            raise InvalidInput("the notification's content was changed on its way")
        return _decrypt(symmetric, data)


def _decrypt(symmetric: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(symmetric), modes.CBC(symmetric[:16])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        padded = decryptor.update(data) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise InvalidInput("the notification's content cannot be opened") from error
