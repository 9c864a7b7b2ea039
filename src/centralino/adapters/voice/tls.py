# SPDX-License-Identifier: Apache-2.0
"""Our TLS identity, its renewal, and TLS over a byte stream.

``TlsIdentity`` holds the contexts made of the certificate files and makes new ones when the
files change; connections made before keep the old certificate until they are retired.
``TlsSession`` runs one TLS connection on memory buffers. We do that ourselves rather than
through the event loop because only so a failed handshake can still be asked for the chain that
the peer sent, on both sides, and be diagnosed.

Names are checked after the handshake by ``tls_diagnosis.covers``, so that a mismatch can say
what it found. Source: Microsoft "Plan Direct Routing", RFC 5922.
"""

from __future__ import annotations

import _ssl
import contextlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from centralino.adapters.voice.tls_diagnosis import (
    Diagnosis,
    TlsFault,
    certificate_names,
    diagnose_handshake,
    inspect_own,
)
from centralino.core.kernel.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from centralino.adapters.voice.settings import TlsSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_READ_BYTES = 65536
_HANDSHAKE = 22
_CERTIFICATE = 11
_CHAIN = "centralino_chain"
_MAX_CHAIN = 10
_MAX_CHAIN_BYTES = 65536


@dataclass(frozen=True, slots=True)
class SideContext:
    """The two contexts of one side of connections, of the same certificate and trust."""

    handshake: ssl.SSLContext
    """Looks at every record, to keep the chain of a peer (``_keep_chain``)."""
    traffic: ssl.SSLContext
    """Looks at none: what an established connection goes on with."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """What new connections use; replaced as a whole."""

    server: SideContext
    client: SideContext
    chain: tuple[x509.Certificate, ...]
    """Our certificate and its intermediates."""
    generation: int
    """Grows by one per renewal; a connection with a lower one is to be retired."""


class TlsIdentity:
    """Our certificate, key and trust, kept up with the files."""

    def __init__(self, settings: TlsSettings) -> None:
        """Load the files.

        Raises:
            ConfigError: a file is missing or does not fit.
        """
        self._settings = settings
        self._seen = self._stamp()
        self.contexts = self._load(generation=1)

    def renew(self) -> bool:
        """Load the files again when they changed; returns whether they did.

        On an error the present contexts stay, and the next call tries again.

        Raises:
            ConfigError: a file is missing or does not fit.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self.contexts = self._load(self.contexts.generation + 1)
        self._seen = stamp
        return True

    def inspect(self, expected_names: Sequence[str], utc: int) -> list[Diagnosis]:
        """Tell what peers would hold against our certificate; ``utc`` in epoch nanoseconds."""
        at = datetime.fromtimestamp(utc / 1e9, tz=UTC)
        roots = _read_roots(self._settings.trusted_roots_file)
        return inspect_own(self.contexts.chain, roots, expected_names, at)

    def expiry_warning(self, utc: int) -> str | None:
        """Return a sentence when our certificate ends within the warning time."""
        at = datetime.fromtimestamp(utc / 1e9, tz=UTC)
        end = min(item.not_valid_after_utc for item in self.contexts.chain)
        if end - at > timedelta(days=self._settings.expiry_warning_days):
            return None
        return f"our certificate ends at {end:%Y-%m-%d %H:%M} UTC, in {(end - at).days} days"

    def _files(self) -> Iterable[str]:
        settings = self._settings
        yield settings.certificate_file
        yield settings.private_key_file
        if settings.trusted_roots_file is not None:
            yield settings.trusted_roots_file

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        stamps = []
        for name in self._files():
            try:
                status = Path(name).stat()
            except OSError as error:
                raise ConfigError("voice.tls", f"cannot read {name}: {error.strerror}") from error
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(stamps)

    def _load(self, generation: int) -> Contexts:
        settings = self._settings
        path = Path(settings.certificate_file)
        try:
            chain = tuple(x509.load_pem_x509_certificates(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise ConfigError("voice.tls.certificate_file", f"unusable: {error}") from error
        return Contexts(
            self._side(ssl.PROTOCOL_TLS_SERVER),
            self._side(ssl.PROTOCOL_TLS_CLIENT),
            chain,
            generation,
        )

    def _side(self, protocol: ssl._SSLMethod) -> SideContext:
        side = SideContext(self._context(protocol), self._context(protocol))
        _watch_messages(side.handshake)
        return side

    def _context(self, protocol: ssl._SSLMethod) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.minimum_version = _VERSIONS[settings.minimum_version]
        try:
            context.set_ciphers(":".join(settings.ciphers))
        except ssl.SSLError as error:
            raise ConfigError("voice.tls.ciphers", "OpenSSL knows none of these") from error
        try:
            context.load_cert_chain(settings.certificate_file, settings.private_key_file)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(
                "voice.tls.private_key_file", f"does not fit the certificate: {error}"
            ) from error
        is_client = protocol is ssl.PROTOCOL_TLS_CLIENT
        if is_client or settings.require_client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            _load_roots(context, settings.trusted_roots_file, is_client=is_client)
        return context


def _load_roots(context: ssl.SSLContext, roots_file: str | None, *, is_client: bool) -> None:
    purpose = ssl.Purpose.SERVER_AUTH if is_client else ssl.Purpose.CLIENT_AUTH
    try:
        if roots_file is None:
            context.load_default_certs(purpose)
        else:
            context.load_verify_locations(roots_file)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError("voice.tls.trusted_roots_file", f"unusable: {error}") from error


def _read_roots(roots_file: str | None) -> list[x509.Certificate]:
    if roots_file is None:
        return []
    try:
        return x509.load_pem_x509_certificates(Path(roots_file).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError("voice.tls.trusted_roots_file", f"unusable: {error}") from error


class TlsError(Exception):
    """A TLS connection cannot go on; ``diagnosis`` says why."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.text)
        self.diagnosis = diagnosis


class TlsSession:
    """One TLS connection on memory buffers: bytes of the network in and out.

    The owner calls ``receive`` with what came, then sends ``take_output``; ``established``
    becomes true when both sides agreed. After ``TlsError`` it still sends ``take_output``
    (the alert) and closes.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "_traffic", "established")

    def __init__(self, side: SideContext, *, server_name: str | None = None) -> None:
        """Begin; ``server_name`` makes us the client (sent as SNI when it is a name)."""
        context = side.handshake
        self._traffic = side.traffic
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        is_server = context.protocol is ssl.PROTOCOL_TLS_SERVER
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=is_server, server_hostname=server_name
        )
        self.established = False

    def handshake(self) -> None:
        """Go on with the handshake as far as possible.

        Raises:
            TlsError: it cannot succeed.
        """
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise TlsError(diagnose_handshake(error, self.peer_chain())) from error
        self.established = True
        self._object.__dict__.pop(_CHAIN, None)
        self._object.context = self._traffic

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the network; returns what the peer said, empty while shaking hands.

        Raises:
            TlsError: also when the peer closed (fault ``closed``).
        """
        self._incoming.write(data)
        if not self.established:
            self.handshake()
            if not self.established:
                return b""
        try:
            return self._read()
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as error:
            closed = Diagnosis(TlsFault.CLOSED, "the peer closed the connection")
            raise TlsError(closed) from error
        except ssl.SSLError as error:
            raise TlsError(diagnose_handshake(error, ())) from error

    def _read(self) -> bytes:
        parts = []
        try:
            while part := self._object.read(_READ_BYTES):
                parts.append(part)
                if not (self._incoming.pending or self._object.pending()):
                    return part if len(parts) == 1 else b"".join(parts)
        except ssl.SSLWantReadError:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        # An empty read is the peer's goodbye; what it said before still counts, and the
        # bytes after it are none.
        if not parts:
            raise ssl.SSLZeroReturnError
        return b"".join(parts)

    def encrypt(self, data: bytes) -> bytes:
        """Return the bytes to send for ``data``; only once established.

        Raises:
            TlsError: the session is broken or was closed.
        """
        try:
            self._object.write(data)
        except ssl.SSLError as error:
            raise TlsError(diagnose_handshake(error, ())) from error
        return self._outgoing.read()

    def take_output(self) -> bytes:
        """Return what the session itself has to send: handshake, alerts."""
        return self._outgoing.read()

    def close(self) -> bytes:
        """Return the closing alert."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self._outgoing.read()

    def peer_chain(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates the peer sent, leaf first, verified or not."""
        message, version = getattr(self._object, _CHAIN, (b"", 0))
        return read_chain(message, version)

    def peer_names(self) -> tuple[str, ...]:
        """Return the names in the verified certificate of the peer; empty without one."""
        data = self._object.getpeercert(binary_form=True)
        if data is None:
            return ()
        return certificate_names(x509.load_der_x509_certificate(data))

    def summary(self) -> str:
        """Return version and cipher suite for a log line."""
        cipher = self._object.cipher()
        return f"{self._object.version()} {cipher[0] if cipher else 'none'}"


def read_chain(message: bytes, version: int) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a TLS Certificate message (RFC 5246 7.4.2, RFC 8446 4.4.2).

    Args:
        message: with its four bytes of header; empty gives none. What cannot be read is left out.
        version: 0x0304 for TLS 1.3, whose entries carry extensions.
    """
    is_13 = version >= ssl.TLSVersion.TLSv1_3
    at = 4
    if is_13 and len(message) > at:
        at += 1 + message[at]
    at += 3
    chain: list[x509.Certificate] = []
    while at + 3 <= len(message) and len(chain) < _MAX_CHAIN:
        size = int.from_bytes(message[at : at + 3], "big")
        der = message[at + 3 : at + 3 + size]
        at += 3 + size
        if is_13:
            at += 2 + int.from_bytes(message[at : at + 2], "big")
        try:
            chain.append(x509.load_der_x509_certificate(der))
        except ValueError:
            break
    return tuple(chain)


def _keep_chain(
    connection: object,
    direction: str,
    version: int,
    content_type: int,
    message_type: int,
    data: bytes,
) -> None:
    """Keep the Certificate message of a peer on its connection until the handshake is judged.

    OpenSSL drops the chain of a client whose certificate it does not accept, which is just when
    it is wanted.
    """
    if content_type == _HANDSHAKE and message_type == _CERTIFICATE and direction == "read":
        setattr(connection, _CHAIN, (data[:_MAX_CHAIN_BYTES], version))


def _watch_messages(context: ssl.SSLContext) -> None:
    # The hook below SSLContext is called with plain integers; the one on SSLContext itself makes
    # enums of them for every record, which would cost more than the decryption.
    hook = getattr(_ssl._SSLContext, "_msg_callback", None)
    if hook is not None:
        hook.__set__(context, _keep_chain)
