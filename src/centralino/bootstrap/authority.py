# SPDX-License-Identifier: Apache-2.0
"""A private certificate authority for the demo: made at first start, kept under data.

Its root is trusted by the demo's own parts only. Keys are RSA 2048 because Direct Routing
takes RSA only; leaf certificates are fit for server and client (mutual TLS), last a year
and are made anew a month before they end.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=365)
_RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of one party."""

    certificate: Path
    private_key: Path
    root: Path


class DemoAuthority:
    """Issues certificates into one directory."""

    def __init__(self, directory: Path, now: datetime.datetime) -> None:
        self._directory = directory
        self._now = now
        directory.mkdir(parents=True, exist_ok=True)
        self._root_file = directory / "root.crt"
        self._key_file = directory / "root.key"
        if not self._is_fresh(self._root_file):
            for stale in directory.glob("*.crt"):
                stale.unlink()
            self._make_root()

    def issue(self, name: str, hosts: Sequence[str]) -> CertificateFiles:
        """Return the files of a certificate for ``hosts``, made if needed.

        ``hosts[0]`` becomes the common name.
        """
        certificate = self._directory / f"{name}.crt"
        key_file = self._directory / f"{name}.key"
        if not self._is_fresh(certificate, hosts):
            key = _new_key()
            leaf = self._sign(key, hosts)
            _write_key(key, key_file)
            certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        return CertificateFiles(certificate, key_file, self._root_file)

    def _is_fresh(self, path: Path, hosts: Sequence[str] = ()) -> bool:
        try:
            found = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError):
            return False
        if found.not_valid_after_utc - _RENEW_BEFORE < self._now:
            return False
        if not hosts:
            return True
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(names.get_values_for_type(x509.DNSName)) == set(hosts)

    def _make_root(self) -> None:
        key = _new_key()
        name = _name("Centralino demo root")
        root = (
            self._builder(name, name, key, 10 * _LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(is_authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_key(key, self._key_file)
        self._root_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def _sign(self, key: rsa.RSAPrivateKey, hosts: Sequence[str]) -> x509.Certificate:
        root = x509.load_pem_x509_certificate(self._root_file.read_bytes())
        root_key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        if not isinstance(root_key, rsa.RSAPrivateKey):
            raise TypeError("the demo root's key is not RSA")
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        return (
            self._builder(_name(hosts[0]), root.subject, key, _LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(names, critical=False)
            .add_extension(issuer, critical=False)
            .sign(root_key, hashes.SHA256())
        )

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: rsa.RSAPrivateKey,
        life: datetime.timedelta,
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - datetime.timedelta(hours=1))
            .not_valid_after(self._now + life)
            .add_extension(identifier, critical=False)
        )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_encipherment=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(key: rsa.RSAPrivateKey, path: Path) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
