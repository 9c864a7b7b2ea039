# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of one certification run: good certificates, and each way to be wrong.

RSA 2048, as Direct Routing takes RSA only. Good certificates come from an intermediate
authority, so that a chain can be incomplete. Nothing of it is trusted by anybody else, and
it is gone with the run's folder.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from centralino.certification.stage import Certificate

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files of one party."""

    certificate: Path
    """Leaf, then what is needed of its chain."""
    private_key: Path


@dataclass(frozen=True, slots=True)
class _Authority:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class LabAuthority:
    """Issues into one folder; keys are made once and lent to one certificate after the other."""

    def __init__(self, folder: Path, now: datetime.datetime) -> None:
        self._folder = folder
        self._now = now
        self._key = _new_key()
        self._root = self._make_root("Certification root")
        self._stranger = self._make_root("Nobody's root")
        self._intermediate = self._make_intermediate()
        self.root = folder / "root.crt"
        self.root.write_bytes(_pem(self._root.certificate))
        self.both_roots = folder / "both-roots.crt"
        """Trusts the stranger too: a planted defect."""
        self.both_roots.write_bytes(_pem(self._root.certificate) + _pem(self._stranger.certificate))

    def issue(self, file: str, kind: Certificate, names: Sequence[str], wrong: str) -> Files:
        """Write a certificate and its key.

        Args:
            file: name of the files without ending.
            kind: ``good`` (also ``renewed``, which only differs in its serial number) or what
                is wrong with it.
            names: names it should carry.
            wrong: the name it carries when its name is wrong.
        """
        chain = self._chain(kind, names, wrong)
        files = Files(self._folder / f"{file}.crt", self._folder / f"{file}.key")
        files.private_key.touch(mode=0o600)
        files.private_key.write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        files.certificate.write_bytes(b"".join(map(_pem, chain)))
        return files

    def _chain(
        self, kind: Certificate, names: Sequence[str], wrong: str
    ) -> tuple[x509.Certificate, ...]:
        between = self._intermediate.certificate
        match kind:
            case "wrong-name":
                return self._leaf([wrong], self._intermediate), between
            case "expired":
                return self._leaf(names, self._intermediate, ends=-_DAY), between
            case "self-signed":
                return (self._leaf(names, None),)
            case "no-intermediate":
                return (self._leaf(names, self._intermediate),)
            case "wildcard-of-two-labels":
                wildcard = f"*.{names[0].rpartition('.')[2]}"
                return self._leaf([wildcard], self._intermediate), between
            case "unknown-root":
                return self._leaf(names, self._stranger), self._stranger.certificate
            case _:
                return self._leaf(names, self._intermediate), between

    def _leaf(
        self,
        names: Sequence[str],
        issuer: _Authority | None,
        ends: datetime.timedelta = 90 * _DAY,
    ) -> x509.Certificate:
        subject = _name(names[0])
        signer = issuer.key if issuer is not None else self._key
        by = issuer.certificate.subject if issuer is not None else subject
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        return (
            self._builder(subject, by, self._key, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )

    def _make_root(self, name: str) -> _Authority:
        key = _new_key()
        subject = _name(name)
        builder = _as_authority(self._builder(subject, subject, key, 365 * _DAY), 1)
        return _Authority(key, builder.sign(key, hashes.SHA256()))

    def _make_intermediate(self) -> _Authority:
        key = _new_key()
        by = self._root.certificate.subject
        builder = self._builder(_name("Certification intermediate"), by, key, 180 * _DAY)
        return _Authority(key, _as_authority(builder, 0).sign(self._root.key, hashes.SHA256()))

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: rsa.RSAPrivateKey,
        ends: datetime.timedelta,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - 30 * _DAY)
            .not_valid_after(self._now + ends)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
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


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
