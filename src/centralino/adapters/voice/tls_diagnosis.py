# SPDX-License-Identifier: Apache-2.0
"""Why a certificate or a TLS handshake is no good, in words that say what to mend.

One closed set of causes. Three inputs lead to it: our own verification of a peer
(OpenSSL's verify code and the chain that the peer sent), the alert by which a peer refused us,
and a look at our own certificate before anybody else looks. Texts name what was expected and
what was found; they go to alarms and logs. Nothing here opens a file or a socket.

Sources: OpenSSL X509_STORE_CTX_get_error(3), RFC 8446 6.2, RFC 5280 4.2.1.12,
Microsoft "Plan Direct Routing" (certificate requirements; both usages since March 2024).
"""

from __future__ import annotations

import itertools
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class TlsFault(StrEnum):
    """What is wrong."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    UNKNOWN_ROOT = "unknown-root"
    MISSING_INTERMEDIATE = "missing-intermediate"
    WRONG_NAME = "wrong-name"
    MISSING_USAGE = "missing-usage"
    NO_CERTIFICATE = "no-certificate"
    PROTOCOL = "protocol"
    """No TLS version or cipher suite in common, or no TLS at all."""
    REFUSED_BY_PEER = "refused-by-peer"
    """The peer did not like our certificate and did not say which of the above it was."""
    INVALID = "invalid"
    """Anything else that OpenSSL found (signature, revocation, broken encoding)."""
    CLOSED = "closed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding."""

    fault: TlsFault
    text: str
    """A sentence for a person, with expected and actual."""


_SELF_SIGNED = 18
_SELF_SIGNED_IN_CHAIN = 19
_NO_LOCAL_ISSUER = frozenset({2, 20, 21, 27})
_EXPIRED = 10
_NOT_YET_VALID = 9
_WRONG_PURPOSE = 26

_ALERTS = {
    "UNKNOWN_CA": (
        TlsFault.UNKNOWN_ROOT,
        "the peer does not trust the authority of our certificate, or our file lacks an"
        " intermediate",
    ),
    "CERTIFICATE_EXPIRED": (TlsFault.EXPIRED, "the peer says that our certificate has expired"),
    "UNSUPPORTED_CERTIFICATE": (
        TlsFault.MISSING_USAGE,
        "the peer says that our certificate may not be used so: usage clientAuth is missing",
    ),
    "CERTIFICATE_REQUIRED": (
        TlsFault.NO_CERTIFICATE,
        "the peer asks for a client certificate and got none",
    ),
    "PROTOCOL_VERSION": (TlsFault.PROTOCOL, "no TLS version in common with the peer"),
    "HANDSHAKE_FAILURE": (
        TlsFault.PROTOCOL,
        "the peer found no cipher suite in common, or no certificate where it wants one",
    ),
    "UNRECOGNIZED_NAME": (TlsFault.WRONG_NAME, "the peer does not know the server name we asked"),
}
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        TlsFault.NO_CERTIFICATE,
        "the peer presented no certificate, mutual TLS needs one",
    ),
    "UNSUPPORTED_PROTOCOL": (TlsFault.PROTOCOL, "the peer offers no TLS version that we accept"),
    "NO_SHARED_CIPHER": (TlsFault.PROTOCOL, "the peer offers no cipher suite that we accept"),
    "WRONG_VERSION_NUMBER": (TlsFault.PROTOCOL, "the peer does not speak TLS"),
    "HTTP_REQUEST": (TlsFault.PROTOCOL, "the peer does not speak TLS but plain HTTP"),
}


def diagnose_handshake(error: ssl.SSLError, chain: Sequence[x509.Certificate]) -> Diagnosis:
    """Explain a failed handshake, or an alert that came right after one.

    Args:
        error: what OpenSSL raised.
        chain: certificates as the peer sent them, leaf first; may be empty.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _diagnose_verification(error, chain)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return closed_in_handshake()
    reason = error.reason or ""
    if reason in _REASONS:
        return Diagnosis(*_REASONS[reason])
    if "_ALERT_" in reason:
        alert = reason.partition("_ALERT_")[2]
        if alert in _ALERTS:
            return Diagnosis(*_ALERTS[alert])
        if "CERTIFICATE" in alert or alert == "ACCESS_DENIED":
            text = f"the peer refused our certificate (alert {alert.lower().replace('_', ' ')})"
            return Diagnosis(TlsFault.REFUSED_BY_PEER, text)
        text = f"the peer ended the handshake (alert {alert.lower().replace('_', ' ')})"
        return Diagnosis(TlsFault.PROTOCOL, text)
    return Diagnosis(TlsFault.PROTOCOL, f"the handshake failed ({reason or 'no reason given'})")


def _diagnose_verification(
    error: ssl.SSLCertVerificationError, chain: Sequence[x509.Certificate]
) -> Diagnosis:
    leaf = describe(chain[0]) if chain else "unreadable"
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        return _diagnose_dates(code, chain)
    if code == _SELF_SIGNED:
        return Diagnosis(TlsFault.SELF_SIGNED, f"the peer's certificate {leaf} is self-signed")
    if code == _SELF_SIGNED_IN_CHAIN:
        return Diagnosis(
            TlsFault.UNKNOWN_ROOT,
            f"the peer's certificate {leaf} leads to the root {_subject(chain[-1:])},"
            " which is not among our trusted roots",
        )
    if code in _NO_LOCAL_ISSUER:
        return _diagnose_missing_issuer(leaf, chain)
    if code == _WRONG_PURPOSE:
        return Diagnosis(
            TlsFault.MISSING_USAGE,
            f"the peer's certificate {leaf} lacks the extended key usage for its side;"
            f" expected clientAuth of a client and serverAuth of a server, actual {_usages(chain)}",
        )
    return Diagnosis(
        TlsFault.INVALID, f"the peer's certificate {leaf} is not valid ({error.verify_message})"
    )


def _diagnose_missing_issuer(leaf: str, chain: Sequence[x509.Certificate]) -> Diagnosis:
    issuer = _issuer(chain[-1:])
    if len(chain) <= 1:
        return Diagnosis(
            TlsFault.MISSING_INTERMEDIATE,
            f"the peer sent only its own certificate {leaf}; its issuer {issuer} was not sent and"
            " is not a trusted root: the intermediate is missing at the peer, or that root here",
        )
    return Diagnosis(
        TlsFault.UNKNOWN_ROOT,
        f"the peer's certificate {leaf} leads to {issuer}, which is not among our trusted roots",
    )


def _diagnose_dates(code: int, chain: Sequence[x509.Certificate]) -> Diagnosis:
    spans = "; ".join(
        f"{describe(item)} valid {item.not_valid_before_utc:%Y-%m-%d %H:%M} to"
        f" {item.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        for item in chain
    )
    if code == _EXPIRED:
        return Diagnosis(TlsFault.EXPIRED, f"a certificate of the peer has expired: {spans}")
    return Diagnosis(
        TlsFault.NOT_YET_VALID,
        f"a certificate of the peer is not valid yet (or our clock is late): {spans}",
    )


def closed_in_handshake() -> Diagnosis:
    """Say that a peer went away without a word before the connection was of use."""
    return Diagnosis(
        TlsFault.CLOSED,
        "the peer closed the connection in or right after the handshake without saying why;"
        " that is what many do who do not accept our certificate",
    )


def wrong_name(expected: Sequence[str], actual: Sequence[str]) -> Diagnosis:
    """Say that a good certificate belongs to somebody else."""
    return Diagnosis(
        TlsFault.WRONG_NAME,
        f"expected a certificate for {_listed(expected)}, actual names {_listed(actual)}",
    )


def inspect_own(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    expected_names: Sequence[str],
    at: datetime,
) -> list[Diagnosis]:
    """Find what a peer would hold against our own certificate.

    Args:
        chain: our file: leaf, then intermediates.
        roots: trusted roots by which the chain should end; empty: that is not judged.
        expected_names: contact hosts of our TLS trunks; each must be covered.
        at: now, with time zone.
    """
    leaf = chain[0]
    found: list[Diagnosis] = []
    if at > leaf.not_valid_after_utc:
        text = f"our certificate {describe(leaf)} expired at {leaf.not_valid_after_utc} UTC"
        found.append(Diagnosis(TlsFault.EXPIRED, text))
    if at < leaf.not_valid_before_utc:
        text = f"our certificate {describe(leaf)} is valid only from {leaf.not_valid_before_utc}"
        found.append(Diagnosis(TlsFault.NOT_YET_VALID, text))
    found.extend(_inspect_chain(chain, roots))
    names = certificate_names(leaf)
    missing = [name for name in expected_names if not covers(names, name)]
    if missing:
        text = f"our certificate must cover {_listed(missing)}, actual names {_listed(names)}"
        found.append(Diagnosis(TlsFault.WRONG_NAME, text))
    usages = _usage_set(leaf)
    wanted = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    if usages is not None and not wanted <= usages:
        text = (
            f"our certificate {describe(leaf)} should be fit for serverAuth and clientAuth,"
            f" actual {_usages(chain)}"
        )
        found.append(Diagnosis(TlsFault.MISSING_USAGE, text))
    return found


def _inspect_chain(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> list[Diagnosis]:
    if chain[0].issuer == chain[0].subject:
        text = f"our certificate {describe(chain[0])} is self-signed"
        return [Diagnosis(TlsFault.SELF_SIGNED, text)]
    for child, parent in itertools.pairwise(chain):
        if child.issuer != parent.subject:
            text = (
                f"in our file {describe(child)} must be followed by its issuer"
                f" {_issuer([child])}, actual {describe(parent)}"
            )
            return [Diagnosis(TlsFault.MISSING_INTERMEDIATE, text)]
    last = chain[-1]
    if not roots or last.issuer == last.subject:
        return []
    if any(last.issuer == root.subject for root in roots):
        return []
    text = (
        f"our file ends with {describe(last)}; its issuer {_issuer([last])} is no trusted root:"
        " append the intermediate"
    )
    return [Diagnosis(TlsFault.MISSING_INTERMEDIATE, text)]


# ---- names


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return subject alternative names (DNS, and hosts of SIP URIs), then the common name.

    Lower case, in order, once each. Source: RFC 5922 7.1; Microsoft accepts the common name.
    """
    names: dict[str, None] = {}
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        pass
    else:
        for dns in san.get_values_for_type(x509.DNSName):
            names[dns.lower()] = None
        for uri in san.get_values_for_type(x509.UniformResourceIdentifier):
            scheme, _, rest = uri.partition(":")
            if scheme.lower() == "sip" and rest and "@" not in rest:
                names[rest.lower()] = None
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        names[str(attribute.value).lower()] = None
    return tuple(names)


def covers(names: Sequence[str], wanted: str) -> bool:
    """Tell whether a certificate with ``names`` is for ``wanted``.

    A ``*`` stands for exactly one leftmost label, on either side: certificates carry it, and
    a trunk may expect ``*.pstnhub.microsoft.com``.

    >>> covers(["*.a.biz"], "sbc1.a.biz"), covers(["*.a.biz"], "x.sbc1.a.biz")
    (True, False)
    """
    wanted = wanted.lower().rstrip(".")
    head, _, parent = wanted.partition(".")
    for name in names:
        if name == wanted:
            return True
        label, _, rest = name.partition(".")
        if rest and rest == parent and "*" in (label, head):
            return True
    return False


def describe(certificate: x509.Certificate) -> str:
    """Return a short name of a certificate: its common name, else its first name, quoted."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if names:
        return f"'{names[0].value!s}'"
    alternatives = certificate_names(certificate)
    return f"'{alternatives[0]}'" if alternatives else f"'{certificate.subject.rfc4514_string()}'"


def _subject(chain: Sequence[x509.Certificate]) -> str:
    return f"'{chain[0].subject.rfc4514_string()}'" if chain else "unknown"


def _issuer(chain: Sequence[x509.Certificate]) -> str:
    return f"'{chain[0].issuer.rfc4514_string()}'" if chain else "unknown"


def _usage_set(certificate: x509.Certificate) -> set[x509.ObjectIdentifier] | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return None
    return set(extension.value)


def _usages(chain: Sequence[x509.Certificate]) -> str:
    usages = _usage_set(chain[0]) if chain else None
    if usages is None:
        return "none listed"
    known = {
        ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
        ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    }
    return _listed(sorted(known.get(usage, usage.dotted_string) for usage in usages))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) if names else "none"
