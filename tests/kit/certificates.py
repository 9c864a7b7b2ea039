# SPDX-License-Identifier: Apache-2.0
"""A small certificate authority for tests: good certificates, and each way to be wrong.

RSA 2048 throughout, because the public SIP trunks use it. Making a key costs tens of
milliseconds, so keys are made once per run and lent to certificate after certificate;
nothing here is fit for anything but tests.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

SERVER_AND_CLIENT = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
SERVER_ONLY = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENT_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid, in days around today."""

    begins_in_days: int = -1
    ends_in_days: int = 30


VALID = Validity()
EXPIRED = Validity(begins_in_days=-30, ends_in_days=-1)
NOT_YET_VALID = Validity(begins_in_days=1, ends_in_days=30)


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key with its certificate and the intermediates a peer needs, all PEM."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    intermediates: tuple[x509.Certificate, ...] = ()

    @property
    def key_pem(self) -> bytes:
        """The private key, unencrypted PKCS #8."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def chain_pem(self) -> bytes:
        """The leaf and then its intermediates, the order that TLS wants."""
        chain = (self.certificate, *self.intermediates)
        return b"".join(part.public_bytes(serialization.Encoding.PEM) for part in chain)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write ``<name>.crt`` (chain) and ``<name>.key`` into `folder`; return both paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.chain_pem)
        key.write_bytes(self.key_pem)
        key.chmod(0o600)
        return certificate, key


class Authority:
    """A root or intermediate authority that signs what a test asks for."""

    def __init__(self, identity: Identity, path: tuple[x509.Certificate, ...] = ()) -> None:
        self.identity = identity
        self._path = path

    @classmethod
    def create(cls, name: str = "Centralino Test Root") -> Authority:
        """Make a self-signed root."""
        key = _key(f"authority {name}")
        subject = _subject(name)
        builder = _builder(subject, subject, key.public_key(), VALID)
        certificate = _as_authority(builder, path_length=1).sign(key, hashes.SHA256())
        return cls(Identity(certificate, key))

    @property
    def pem(self) -> bytes:
        """This authority's own certificate, what a peer puts into its trust store."""
        return self.identity.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, folder: Path, name: str = "authority") -> Path:
        """Write ``<name>.crt`` into `folder` and return its path."""
        path = folder / f"{name}.crt"
        path.write_bytes(self.pem)
        return path

    def intermediate(self, name: str = "Centralino Test Intermediate") -> Authority:
        """Make an authority signed by this one; what it issues carries its certificate."""
        key = _key(f"authority {name}")
        builder = _builder(_subject(name), self._name, key.public_key(), VALID)
        certificate = _as_authority(builder, path_length=0).sign(self.identity.key, hashes.SHA256())
        return Authority(Identity(certificate, key), (certificate, *self._path))

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        usages: tuple[x509.ObjectIdentifier, ...] = SERVER_AND_CLIENT,
        validity: Validity = VALID,
    ) -> Identity:
        """Issue a leaf certificate.

        Args:
            names: Subject alternative names: DNS names (``*.`` allowed) and IP addresses.
            common_name: The subject's CN; the first of `names` by default.
            usages: Extended key usages; empty leaves the extension out.
            validity: When it is valid; see `EXPIRED` and `NOT_YET_VALID`.
        """
        subject = _subject(common_name or names[0])
        # One key per name is enough for tests and saves the making of hundreds.
        key = _key(f"leaf {names}")
        builder = _builder(subject, self._name, key.public_key(), validity)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        if names:
            alternatives = x509.SubjectAlternativeName(list(map(_alternative, names)))
            builder = builder.add_extension(alternatives, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        issuer_key = self.identity.key
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        return Identity(builder.sign(issuer_key, hashes.SHA256()), key, self._path)

    @property
    def _name(self) -> x509.Name:
        return self.identity.certificate.subject


@cache
def trusted_authority() -> Authority:
    """Return the root that the tests of this run trust."""
    return Authority.create()


@cache
def strange_authority() -> Authority:
    """Return a root that nobody trusts."""
    return Authority.create("Somebody Else's Root")


@cache
def _key(owner: str) -> rsa.RSAPrivateKey:
    """Return the key of `owner`, made at its first use."""
    del owner
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: rsa.RSAPublicKey, validity: Validity
) -> x509.CertificateBuilder:
    today = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + validity.begins_in_days * _DAY)
        .not_valid_after(today + validity.ends_in_days * _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(usage, critical=True)
