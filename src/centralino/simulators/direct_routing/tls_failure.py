# SPDX-License-Identifier: Apache-2.0
"""Why a TLS connection failed, in the words of Microsoft's call records.

The sub-codes are those that the service gives to calls it could not deliver to an SBC
(support articles on SIP 504); the same names are used here for connections that an SBC
opens, where the real service says nothing at all. Pure.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """One failed connection."""

    kind: str
    """``expired``, ``untrusted-root``, ``wrong-usage``, ``wrong-name``..."""
    subcode: int
    """CallEndSubReason."""
    hresult: str = ""
    """What the records carry beside it."""


EXPIRED = TlsFailure("expired", 569008, "0x80090328")
NOT_YET_VALID = TlsFailure("not-yet-valid", 569003, "0x80090326")
UNTRUSTED_ROOT = TlsFailure("untrusted-root", 569009, "0x80090325")
WRONG_USAGE = TlsFailure("wrong-usage", 569002, "0x80090322")
WRONG_NAME = TlsFailure("wrong-name", 569002, "0x80090322")
BAD_CERTIFICATE = TlsFailure("bad-certificate", 569003, "0x80090326")
NO_CERTIFICATE = TlsFailure("no-certificate", 569003, "0x80090326")
NO_AGREEMENT = TlsFailure("no-common-version-or-cipher", 569003, "0x80090326")
REFUSED_BY_PEER = TlsFailure("refused-by-peer", 569003, "0x80090326")
BROKEN_OFF = TlsFailure("broken-off", 569003, "0x80090326")
NOT_CONNECTED = TlsFailure("not-connected", 569002)
DISCONNECTED = TlsFailure("disconnected", 549002)

_BY_VERIFY_CODE = {
    9: NOT_YET_VALID,
    10: EXPIRED,
    18: UNTRUSTED_ROOT,
    19: UNTRUSTED_ROOT,
    20: UNTRUSTED_ROOT,
    21: UNTRUSTED_ROOT,
    26: WRONG_USAGE,
    62: WRONG_NAME,
    64: WRONG_NAME,
}
"""X509_V_ERR_... of OpenSSL."""

_BY_REASON = (
    ("PEER_DID_NOT_RETURN", NO_CERTIFICATE),
    ("ALERT", REFUSED_BY_PEER),
    ("UNSUPPORTED_PROTOCOL", NO_AGREEMENT),
    ("NO_SHARED_CIPHER", NO_AGREEMENT),
    ("WRONG_VERSION", NO_AGREEMENT),
    ("EOF", BROKEN_OFF),
)


def classify(error: Exception) -> TlsFailure:
    """Name what went wrong while a connection was made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, BAD_CERTIFICATE)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").upper()
        return next((failure for word, failure in _BY_REASON if word in reason), BROKEN_OFF)
    return NOT_CONNECTED
