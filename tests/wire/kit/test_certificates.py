# SPDX-License-Identifier: Apache-2.0
"""The test authority's certificates do, in a real handshake, what their names promise."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.kit.certificates import (
    CLIENT_ONLY,
    EXPIRED,
    NOT_YET_VALID,
    SERVER_ONLY,
    Authority,
    Identity,
    Validity,
    strange_authority,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire


class Handshake:
    """A TLS handshake between two ends in memory, both of which ask for a certificate."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self._trust = authority.write(folder)

    def run(self, server: Identity, client: Identity, *, name: str) -> None:
        """Shake hands; raises ssl.SSLError where one side refuses the other."""
        server_context = self._context(ssl.PROTOCOL_TLS_SERVER, server, "server")
        client_context = self._context(ssl.PROTOCOL_TLS_CLIENT, client, "client")
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = (
            client_context.wrap_bio(to_client, to_server, server_hostname=name),
            server_context.wrap_bio(to_server, to_client, server_side=True),
        )
        for _ in range(4):
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        ends[1].write(b"welcome")
        assert ends[0].read() == b"welcome"

    def _context(self, protocol: int, identity: Identity, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.load_cert_chain(*identity.write(self._folder, name))
        context.load_verify_locations(self._trust)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture
def handshake(tmp_path: Path, authority: Authority) -> Handshake:
    return Handshake(tmp_path, authority)


def test_two_good_certificates_agree(handshake: Handshake, authority: Authority) -> None:
    handshake.run(
        authority.issue("sip.example", "127.0.0.2", usages=SERVER_ONLY),
        authority.issue("sbc.example", usages=CLIENT_ONLY),
        name="sip.example",
    )


def test_an_address_is_a_name_too(handshake: Handshake, authority: Authority) -> None:
    server = authority.issue("sip.example", "127.0.0.2")
    handshake.run(server, authority.issue("sbc.example"), name="127.0.0.2")


def test_a_wildcard_covers_one_label(handshake: Handshake, authority: Authority) -> None:
    client = authority.issue("sbc.example")
    server = authority.issue("*.pstnhub.example")
    handshake.run(server, client, name="sip.pstnhub.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake.run(server, client, name="a.sip.pstnhub.example")


def test_an_intermediate_is_sent_along(handshake: Handshake, authority: Authority) -> None:
    server = authority.intermediate().issue("sip.example")
    assert server.chain_pem.count(b"BEGIN CERTIFICATE") == 2
    handshake.run(server, authority.issue("sbc.example"), name="sip.example")


def test_a_wrong_name_is_refused(handshake: Handshake, authority: Authority) -> None:
    server = authority.issue("somebody-else.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake.run(server, authority.issue("sbc.example"), name="sip.example")


@pytest.mark.parametrize(
    ("validity", "message"), [(EXPIRED, "expired"), (NOT_YET_VALID, "not yet valid")]
)
def test_a_wrong_time_is_refused(
    handshake: Handshake, authority: Authority, validity: Validity, message: str
) -> None:
    server = authority.issue("sip.example", validity=validity)
    with pytest.raises(ssl.SSLCertVerificationError, match=message):
        handshake.run(server, authority.issue("sbc.example"), name="sip.example")


def test_a_wrong_use_is_refused(handshake: Handshake, authority: Authority) -> None:
    server = authority.issue("sip.example", usages=CLIENT_ONLY)
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        handshake.run(server, authority.issue("sbc.example"), name="sip.example")


def test_a_strange_root_is_refused(handshake: Handshake, authority: Authority) -> None:
    server = strange_authority().issue("sip.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        handshake.run(server, authority.issue("sbc.example"), name="sip.example")


def test_a_strange_client_is_refused(handshake: Handshake, authority: Authority) -> None:
    client = strange_authority().issue("sbc.example")
    with pytest.raises(ssl.SSLError):
        handshake.run(authority.issue("sip.example"), client, name="sip.example")
