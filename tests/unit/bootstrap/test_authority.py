# SPDX-License-Identifier: Apache-2.0
"""The demo's certificates: made once, fit for both sides, made anew before they end."""

from __future__ import annotations

import datetime
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.authority import CertificateFiles, DemoAuthority

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

TODAY = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
HOSTS = ["sbc.example.test", "sbc2.example.test"]


def _context(side: ssl._SSLMethod, files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.load_cert_chain(files.certificate, files.private_key)
    context.load_verify_locations(files.root)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _shake_hands(server: CertificateFiles, client: CertificateFiles, name: str) -> None:
    """Let two sides meet in memory; each must accept the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = _context(ssl.PROTOCOL_TLS_SERVER, server).wrap_bio(to_server, to_client, True)
    there = _context(ssl.PROTOCOL_TLS_CLIENT, client).wrap_bio(
        to_client, to_server, server_hostname=name
    )
    done = 0
    while done < 2:
        done = 0
        for side in (there, here):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue


def test_both_sides_accept_each_other(tmp_path: Path) -> None:
    now = datetime.datetime.fromtimestamp(SystemClock().utc() / 1e9, datetime.UTC)
    authority = DemoAuthority(tmp_path, now)
    sbc, proxy = authority.issue("sbc", HOSTS), authority.issue("proxy", ["sip.example.test"])
    _shake_hands(sbc, proxy, HOSTS[1])
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(sbc, proxy, "sip.example.test")


def test_a_second_start_finds_what_the_first_made(tmp_path: Path) -> None:
    first = DemoAuthority(tmp_path, TODAY).issue("sbc", HOSTS).certificate.read_bytes()
    again = DemoAuthority(tmp_path, TODAY).issue("sbc", HOSTS)
    assert again.certificate.read_bytes() == first
    assert again.private_key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("days", "hosts", "is_kept"),
    [(334, HOSTS, True), (336, HOSTS, False), (1, HOSTS[:1], False), (3600, HOSTS, False)],
)
def test_a_certificate_is_made_anew_when_it_ends_soon_or_names_others(
    tmp_path: Path, days: int, hosts: list[str], is_kept: bool
) -> None:
    first = DemoAuthority(tmp_path, TODAY).issue("sbc", HOSTS).certificate.read_bytes()
    later = TODAY + datetime.timedelta(days=days)
    files = DemoAuthority(tmp_path, later).issue("sbc", hosts)
    assert (files.certificate.read_bytes() == first) == is_kept
    leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    root = x509.load_pem_x509_certificate(files.root.read_bytes())
    leaf.verify_directly_issued_by(root)
