# SPDX-License-Identifier: Apache-2.0
"""Certificates of the proxies, and what they ask of the SBC's.

TLS 1.2 at least; the SBC shows a certificate that chains to a known root. Since 2024
it must also be good for client authentication, which is a setting here because the
rule is about to change again (fact sheet, section 4).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from centralino.simulators.scenario import TlsFiles

CIPHERS = (
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context for connections that SBCs open."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _fill(context, files)
    if files.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context for connections that the proxies open."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _fill(context, files)
    return context


def _fill(context: ssl.SSLContext, files: TlsFiles) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(files.certificate, files.private_key)
    context.load_verify_locations(files.authorities)


def may_authenticate_clients(certificate: bytes) -> bool:
    """Say whether a DER certificate has the client authentication usage."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        usage = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage
