# SPDX-License-Identifier: Apache-2.0
"""What the proxies refuse, tenant by Contact, user by number, transfers verbatim."""

from __future__ import annotations

import random

import pytest

from centralino.simulators.direct_routing.dress import upper_case_names
from centralino.simulators.direct_routing.options import HealthBook
from centralino.simulators.direct_routing.rules import Refused, admit, matches_certificate
from centralino.simulators.direct_routing.tenancy import Directory
from centralino.simulators.direct_routing.transfer import TransferBook
from centralino.simulators.party.description import DescriptionError, Spoken, Style, read
from centralino.simulators.scenario import (
    DirectRouting,
    Proxy,
    TeamsUser,
    Tenant,
    TlsFiles,
    TrunkSettings,
)
from centralino.wire.sip.message import Request

pytestmark = pytest.mark.unit

ANNA = TeamsUser(
    oid="11111111-0000-0000-0000-000000000001",
    upn="anna@cust1.test",
    name="Anna Example",
    number="+14255550101",
    tone_hz=500,
)
GUEST = TeamsUser(
    oid="11111111-0000-0000-0000-000000000002",
    upn="guest@cust1.test",
    name="Guest Example",
    number="+14255550102",
    tone_hz=520,
    enterprise_voice=False,
)
SETTINGS = DirectRouting(
    proxies=(Proxy(fqdn="sip.pstnhub.test", address="127.0.0.2", port=5161),),
    tls=TlsFiles(certificate="", private_key="", authorities=""),
    tenants=(
        Tenant(
            id="t1",
            domains=("cust1.sbc.test",),
            users=(ANNA, GUEST),
            blocked_numbers=(r"^\+3999",),
        ),
        Tenant(id="t2", domains=("cust2.sbc.test",)),
    ),
    trunks=(
        TrunkSettings(fqdn="sbc.test", port=5061, is_carrier=True),
        TrunkSettings(fqdn="cust2.sbc.test", port=5061),
    ),
)
DIRECTORY = Directory(SETTINGS)


def invite(
    number: str = "+14255550101",
    contact: str = "<sip:cust1.sbc.test:5061;transport=tls>",
    caller: str = "+390612345678",
    body: bytes = b"v=0\r\n",
    uri: str = "",
) -> Request:
    request = Request("INVITE", uri or f"sip:{number}@sip.pstnhub.test;user=phone", body=body)
    request.headers.add("From", f"<sip:{caller}@cust1.sbc.test>;tag=1")
    request.headers.add("Contact", contact)
    return request


def refusal(request: Request, names: tuple[str, ...] = ()) -> tuple[int, int]:
    with pytest.raises(Refused) as caught:
        admit(request, DIRECTORY, names)
    return caught.value.status, caught.value.subcode


def test_the_contact_host_chooses_the_tenant_and_the_number_the_user() -> None:
    admitted = admit(invite(), DIRECTORY, ("*.sbc.test",))
    assert (admitted.tenant.id, admitted.user) == ("t1", ANNA)


def test_a_derived_trunk_inherits_from_the_carrier_trunk() -> None:
    trunk = DIRECTORY.trunk_of("cust1.sbc.test")
    assert trunk is not None
    assert trunk.fqdn == "sbc.test"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (invite(contact="<sip:10.0.0.1:5061>"), (403, 510532)),
        (invite(contact="<sip:cust9.example.test:5061>"), (403, 510532)),
        (invite(number="+14255550999"), (404, 511404)),
        (invite(number="4255550101"), (404, 511404)),
        (invite(number="+14255550102"), (403, 510560)),
        (invite(caller="+39990001"), (403, 510534)),
        (invite(body=b""), (488, 531000)),
        (invite(uri="sips:+14255550101@sip.pstnhub.test"), (416, 0)),
        (invite(uri="sip:sip.pstnhub.test"), (412, 510412)),
    ],
)
def test_what_is_refused(request_: Request, expected: tuple[int, int]) -> None:
    assert refusal(request_) == expected


def test_replaces_from_the_sbc_is_refused() -> None:
    request = invite()
    request.headers.add("Replaces", "a@b;to-tag=1;from-tag=2")
    assert refusal(request)[0] == 403


def test_the_contact_must_match_the_certificate() -> None:
    assert refusal(invite(), ("other.example.test",)) == (403, 510532)


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        ("sbc1.a.test", ("*.a.test",), True),
        ("x.sbc1.a.test", ("*.a.test",), False),
        ("a.test", ("*.a.test",), False),
        ("SBC1.a.test", ("sbc1.A.test",), True),
    ],
)
def test_a_wildcard_covers_one_label(host: str, names: tuple[str, ...], expected: bool) -> None:
    assert matches_certificate(host, names) is expected


class TestTransfers:
    def make(self) -> tuple[TransferBook, Request, str]:
        book = TransferBook(random.Random(7), "sip.pstnhub.test", 5161)
        transfer = book.make("t1", ANNA.oid, oid=GUEST.oid)
        request = Request("INVITE", transfer.refer_to_uri, body=b"v=0")
        request.headers.add("Referred-By", transfer.referred_by)
        return book, request, transfer.correlation

    def test_the_same_bytes_are_accepted_once(self) -> None:
        book, request, correlation = self.make()
        assert book.verify(request, "t1").correlation == correlation
        with pytest.raises(Refused) as caught:
            book.verify(request, "t1")
        assert (caught.value.status, caught.value.subcode) == (404, 10202)

    def test_a_changed_case_is_refused(self) -> None:
        book, request, _ = self.make()
        request.headers.set(
            "Referred-By", (request.headers.get("Referred-By") or "").replace("%3d", "%3D")
        )
        with pytest.raises(Refused) as caught:
            book.verify(request, "t1")
        assert caught.value.status in (400, 404)

    def test_a_changed_target_is_refused(self) -> None:
        book, request, _ = self.make()
        request.uri = request.uri.replace(";x-m", ";X-M")
        with pytest.raises(Refused) as caught:
            book.verify(request, "t1")
        assert caught.value.status == 400

    def test_another_tenant_is_refused(self) -> None:
        book, request, _ = self.make()
        with pytest.raises(Refused) as caught:
            book.verify(request, "t2")
        assert caught.value.status == 403


def test_a_silent_trunk_is_demoted() -> None:
    book = HealthBook(60, 180)
    assert not book.is_healthy("sbc.test", 0)
    book.seen("sbc.test", "127.0.0.2", 10)
    assert [h.fqdn for h in book.due(10)] == ["sbc.test"]
    assert book.due(11) == []
    assert book.is_healthy("sbc.test", 190)
    assert not book.is_healthy("sbc.test", 191)


def test_names_go_upper_and_bodies_stay() -> None:
    dressed = upper_case_names(b"SIP/2.0 200 OK\r\nVia: x\r\nCall-ID: a\r\n\r\na=b: c\r\nb: d")
    assert dressed == b"SIP/2.0 200 OK\r\nVIA: x\r\nCALL-ID: a\r\n\r\na=b: c\r\nb: d"


class TestDescriptions:
    def spoken(self, *, is_secure: bool) -> Spoken:
        style = Style(is_secure=is_secure, is_microsoft=True, writes_mki_line=True)
        return Spoken(style, "127.0.0.1", 40000, 5, b"k" * 30)

    def test_an_offer_reads_back(self) -> None:
        heard = read(self.spoken(is_secure=True).write("sendrecv"))
        assert (heard.address, heard.port, heard.rtcp_port) == ("127.0.0.1", 40000, 40001)
        assert heard.codec(("PCMU",)) == ("PCMU", 0)
        assert heard.event_payload_type() == 101
        assert [line.mki_bytes for line in heard.cryptos] == [0, 1]

    def test_plain_media_is_refused_by_a_secure_side(self) -> None:
        heard = read(self.spoken(is_secure=False).write("sendrecv"))
        with pytest.raises(DescriptionError, match="SrtpEncryptionRequired"):
            heard.crypto()

    def test_a_payload_type_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(DescriptionError, match="CannotSupportAnyMedia"):
            read(b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 8 0 8\r\n")

    def test_no_common_codec_is_refused(self) -> None:
        heard = read(b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 18\r\n")
        with pytest.raises(DescriptionError, match="CannotSupportAnyMedia"):
            heard.codec(("PCMA", "PCMU"))
