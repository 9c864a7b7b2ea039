# SPDX-License-Identifier: Apache-2.0
"""Encrypted content of change notifications, sealed with the subscriber's certificate.

A fresh 32-byte key per notification; the content is AES-256-CBC with the key's first 16 bytes as
the initialisation vector, signed by HMAC-SHA256 with the same key; the key is RSA-OAEP with SHA-1.
Source: Microsoft Graph, "Set up change notifications that include resource data".
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from centralino.simulators.graph.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CERTIFICATE_CHARACTERS = 16_384
LEAST_KEY_BITS, MOST_KEY_BITS = 2048, 4096
KEY_BYTES = 32


def read_certificate(text: str) -> x509.Certificate:
    """Return the certificate of a subscription: base64 of DER or of PEM.

    Raises:
        GraphError: 400, it cannot be read, or its key is not RSA of 2048 to 4096 bits.
    """
    try:
        if len(text) > MOST_CERTIFICATE_CHARACTERS:
            raise ValueError("too long")
        raw = base64.b64decode(text, validate=True)
        is_pem = raw.lstrip().startswith(b"-----BEGIN")
        found = (
            x509.load_pem_x509_certificate(raw) if is_pem else x509.load_der_x509_certificate(raw)
        )
        key = found.public_key()
    except (ValueError, binascii.Error) as error:
        raise bad_request("Certificate cannot be read.", "ValidationError") from error
    if not isinstance(key, rsa.RSAPublicKey) or not LEAST_KEY_BITS <= key.key_size <= MOST_KEY_BITS:
        message = f"The certificate's key must be RSA of {LEAST_KEY_BITS} to {MOST_KEY_BITS} bits."
        raise bad_request(message, "ValidationError")
    return found


def sealed(
    content: Mapping[str, Any], certificate: x509.Certificate, certificate_id: str
) -> dict[str, str]:
    """Return the ``encryptedContent`` of a notification."""
    key = secrets.token_bytes(KEY_BYTES)
    padder = padding.PKCS7(128).padder()
    plain = padder.update(json.dumps(content, ensure_ascii=False).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    data = encryptor.update(plain) + encryptor.finalize()
    signer = hmac.HMAC(key, hashes.SHA256())
    signer.update(data)
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)  # noqa: S101 - checked when it was read
    wrap = rsa_padding.OAEP(
        mgf=rsa_padding.MGF1(hashes.SHA1()),  # noqa: S303 - Microsoft's format
        algorithm=hashes.SHA1(),  # noqa: S303 - likewise
        label=None,
    )
    return {
        "data": base64.b64encode(data).decode(),
        "dataSignature": base64.b64encode(signer.finalize()).decode(),
        "dataKey": base64.b64encode(public.encrypt(key, wrap)).decode(),
        "encryptionCertificateId": certificate_id,
        "encryptionCertificateThumbprint": thumbprint(certificate),
    }


def thumbprint(certificate: x509.Certificate) -> str:
    """Return the SHA-1 thumbprint, upper-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what it is called
