# SPDX-License-Identifier: Apache-2.0
"""Certificate names and what a peer would hold against our own file (CON-07 to CON-09, RES-06)."""

from __future__ import annotations

import datetime
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from centralino.adapters.clock import SystemClock
from centralino.adapters.voice.tls import read_chain
from centralino.adapters.voice.tls_diagnosis import (
    TlsFault,
    certificate_names,
    covers,
    describe,
    diagnose_handshake,
    inspect_own,
    wrong_name,
)
from tests.kit.certificates import (
    EXPIRED,
    NOT_YET_VALID,
    SERVER_ONLY,
    Authority,
    Identity,
    strange_authority,
    trusted_authority,
)

if TYPE_CHECKING:
    from cryptography import x509

pytestmark = pytest.mark.unit

NAME = "sbc1.example.test"


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        (["sbc1.a.biz"], "SBC1.a.biz", True),
        (["*.a.biz"], "sbc1.a.biz", True),
        (["*.a.biz"], "x.sbc1.a.biz", False),
        (["*.a.biz"], "a.biz", False),
        (["sip2.pstnhub.test"], "*.pstnhub.test", True),
        (["*"], "biz", False),
        ([], "a.biz", False),
        (["a.biz"], "a.biz.", True),
    ],
)
def test_which_names_cover_which(names: list[str], wanted: str, expected: bool) -> None:
    assert covers(names, wanted) is expected


def test_names_come_from_alternatives_and_common_name() -> None:
    leaf = trusted_authority().issue("A.test", "*.b.test", common_name="c.test").certificate
    assert certificate_names(leaf) == ("a.test", "*.b.test", "c.test")
    assert describe(leaf) == "'c.test'"


def _faults(identity: Identity, root: Authority | None = None) -> set[TlsFault]:
    chain = (identity.certificate, *identity.intermediates)
    roots = [(root or trusted_authority()).identity.certificate]
    # The kit makes certificates around today.
    now = datetime.datetime.fromtimestamp(SystemClock().utc() / 1e9, tz=datetime.UTC)
    return {item.fault for item in inspect_own(chain, roots, [NAME], now)}


def test_a_good_certificate_has_no_fault() -> None:
    root = trusted_authority()
    assert _faults(root.issue(NAME)) == set()
    assert _faults(root.issue("*.example.test")) == set()
    assert _faults(root.intermediate().issue(NAME)) == set()


@pytest.mark.parametrize(
    ("fault", "identity"),
    [
        (TlsFault.EXPIRED, lambda: trusted_authority().issue(NAME, validity=EXPIRED)),
        (TlsFault.NOT_YET_VALID, lambda: trusted_authority().issue(NAME, validity=NOT_YET_VALID)),
        (TlsFault.WRONG_NAME, lambda: trusted_authority().issue("*.sbc1.example.test")),
        (TlsFault.MISSING_USAGE, lambda: trusted_authority().issue(NAME, usages=SERVER_ONLY)),
        (TlsFault.MISSING_INTERMEDIATE, lambda: strange_authority().issue(NAME)),
    ],
)
def test_each_fault_of_our_own_file_is_found(fault: TlsFault, identity: object) -> None:
    assert callable(identity)
    assert _faults(identity()) == {fault}


def test_a_file_in_the_wrong_order_and_a_self_signed_one_are_found() -> None:
    root = trusted_authority()
    good = root.intermediate().issue(NAME)
    shuffled = Identity(good.certificate, good.key, (root.identity.certificate,))
    assert _faults(shuffled) == {TlsFault.MISSING_INTERMEDIATE}
    assert TlsFault.SELF_SIGNED in _faults(root.identity)


def test_a_wrong_name_tells_both_sides() -> None:
    assert wrong_name(["a.test"], ["b.test", "c.test"]).text == (
        "expected a certificate for a.test, actual names b.test, c.test"
    )
    assert "actual names none" in wrong_name(["a.test"], []).text


def _alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", TlsFault.UNKNOWN_ROOT),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", TlsFault.EXPIRED),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", TlsFault.NO_CERTIFICATE),
        ("SSLV3_ALERT_BAD_CERTIFICATE", TlsFault.REFUSED_BY_PEER),
        ("TLSV1_ALERT_ACCESS_DENIED", TlsFault.REFUSED_BY_PEER),
        ("TLSV1_ALERT_PROTOCOL_VERSION", TlsFault.PROTOCOL),
        ("TLSV1_ALERT_INTERNAL_ERROR", TlsFault.PROTOCOL),
        ("NO_SHARED_CIPHER", TlsFault.PROTOCOL),
        ("SOMETHING_ELSE", TlsFault.PROTOCOL),
    ],
)
def test_alerts_and_reasons_have_their_fault(reason: str, fault: TlsFault) -> None:
    assert diagnose_handshake(_alert(reason), ()).fault is fault


def _certificate_message(chain: tuple[x509.Certificate, ...], *, is_13: bool) -> bytes:
    entries = b""
    for item in chain:
        der = item.public_bytes(Encoding.DER)
        entries += len(der).to_bytes(3, "big") + der + (b"\x00\x00" if is_13 else b"")
    body = (b"\x00" if is_13 else b"") + len(entries).to_bytes(3, "big") + entries
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@pytest.mark.parametrize("is_13", [False, True])
def test_the_chain_of_a_peer_is_read_from_its_message(is_13: bool) -> None:
    identity = trusted_authority().intermediate().issue(NAME)
    chain = (identity.certificate, *identity.intermediates)
    message = _certificate_message(chain, is_13=is_13)
    version = 0x0304 if is_13 else 0x0303
    assert read_chain(message, version) == chain
    for end in range(0, len(message), 97):
        assert read_chain(message[:end], version) in ((), chain[:1], chain)
    assert read_chain(b"", version) == ()
