# SPDX-License-Identifier: Apache-2.0
"""Certificates of the proxies, and what they ask of the SBC's.

TLS 1.2 at least; the SBC shows a certificate that chains to a known root. Since 2024
it must also be good for client authentication, which is a setting here because the
rule is about to change again (fact sheet, section 4). OpenSSL has that rule built in:
it refuses a client certificate whose usages leave client authentication out. Python has
no word to switch it off, so `_accept_any_usage` goes to libssl itself.
"""

from __future__ import annotations

import _ssl
import ctypes
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from typing_extensions import override

if TYPE_CHECKING:
    from centralino.simulators.scenario import TlsFiles

CIPHERS = (
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
)
PURPOSE_ANY = 7
"""``X509_PURPOSE_ANY`` of OpenSSL."""

OnFailed = Callable[[ssl.SSLError], None]


def server_context(files: TlsFiles, on_failed: OnFailed | None = None) -> ssl.SSLContext:
    """Return the context for connections that SBCs open.

    Args:
        files: certificate, key, roots and rules.
        on_failed: told of each handshake that fails; nobody else is.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _fill(context, files)
    if files.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    if files.require_client_auth_eku != "strict":
        _accept_any_usage(context)
    if on_failed is not None:
        context.sslobject_class = _watched(on_failed)
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


def _watched(on_failed: OnFailed) -> type[ssl.SSLObject]:
    """Return the class of handshakes that tell ``on_failed`` why they failed."""

    class WatchedHandshake(ssl.SSLObject):
        @override
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                on_failed(error)
                raise

    return WatchedHandshake


def _accept_any_usage(context: ssl.SSLContext) -> bool:
    """Let certificates of every extended key usage pass; say whether that was possible.

    The pointer to OpenSSL's own context is the first field of CPython's. It is believed only
    when libssl reads the same options through it; where libssl is out of reach, the
    context stays as strict as OpenSSL is.
    """
    try:
        library = ctypes.CDLL(_ssl.__file__)
        options, parameters, set_purpose = (
            library.SSL_CTX_get_options,
            library.SSL_CTX_get0_param,
            library.X509_VERIFY_PARAM_set_purpose,
        )
    except (AttributeError, OSError):
        return False
    options.restype, options.argtypes = ctypes.c_uint64, [ctypes.c_void_p]
    parameters.restype, parameters.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    set_purpose.restype, set_purpose.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    if pointer is None or options(pointer) != int(context.options):
        return False
    return bool(set_purpose(parameters(pointer), PURPOSE_ANY) == 1)


def may_authenticate_clients(certificate: bytes) -> bool:
    """Say whether a DER certificate has the client authentication usage."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        usage = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage
