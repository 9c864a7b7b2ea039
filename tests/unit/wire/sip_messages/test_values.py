# SPDX-License-Identifier: Apache-2.0
"""Header values: what they say, that they print as written, and what they refuse."""

from __future__ import annotations

import pytest

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import SipUri
from centralino.wire.sip.values import (
    CSeq,
    NameAddr,
    Reason,
    Replaces,
    SessionExpires,
    Via,
    parse_auth,
    parse_history_info,
    parse_name_addrs,
    parse_params,
    quote,
    quote_split,
    unquote,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"A \\"q\\" <x>" <sip:a@h>;tag=1', 'A "q" <x>', "sip:a@h", "1"),
        ("Anna Rossi <sip:a@h;lr>;x;tag=2", "Anna Rossi", "sip:a@h;lr", "2"),
        ("<sip:a@h>", None, "sip:a@h", None),
        ("sip:a@h;tag=3", None, "sip:a@h", "3"),
        ('"" <sip:a@h> ; TAG = 4', "", "sip:a@h", "4"),
        ("*", None, "*", None),
        ("<tel:+39;phone-context=a>;tag=5", None, "tel:+39;phone-context=a", "5"),
    ],
)
def test_address_is_read_and_prints_byte_exact(
    text: str, display: str | None, uri: str, tag: str | None
) -> None:
    address = NameAddr.parse(text)
    assert (address.display, address.uri, address.tag) == (display, uri, tag)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"A <sip:a@h>',
        "<sip:a@h",
        "<>",
        "A, B <sip:a@h>",
        'A "b <sip:a@h>',
        '"A" <sip:a@h> x',
        '"A" <sip:a@h>, "B" <sip:b@h>',
        "<sip:a@h<sip:b@h>>",
        "sip:a@h?X=y",
        "sip:a@h, sip:b@h",
        "sip:a @h",
        "just words",
        "<sip:a@h>;=x",
    ],
)
def test_broken_address_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        NameAddr.parse(text)


def test_two_quoted_addresses_stay_two_identities() -> None:
    found = parse_name_addrs('"A" <sip:a@x.test>, "B, <c>" <sip:b@y.test>;p="1,2"')
    assert [(a.display, a.uri) for a in found] == [
        ("A", "sip:a@x.test"),
        ("B, <c>", "sip:b@y.test"),
    ]
    assert found[1].param("p") == "1,2"
    assert len(parse_name_addrs(["<sip:a@h>,<sip:b@h>", "<sip:c@h>"])) == 3


def test_changing_a_tag_keeps_the_rest() -> None:
    address = NameAddr.parse('"X\\"" <sip:%41@h;a=B>;p=1')
    assert str(address.with_param("tag", "z")) == '"X\\"" <sip:%41@h;a=B>;p=1;tag=z'
    assert str(address.with_param("flag", None)) == '"X\\"" <sip:%41@h;a=B>;p=1;flag'
    assert str(address.with_param("p", "2")) == '"X\\"" <sip:%41@h;a=B>;p=2'
    assert str(address.without_param("p")) == '"X\\"" <sip:%41@h;a=B>'
    bare = NameAddr.parse("sip:a@h").with_param("tag", "z")
    assert str(bare) == "<sip:a@h>;tag=z"
    assert bare.sip_uri() == SipUri.parse("sip:a@h") == bare.parsed_uri()


def test_an_unclosed_quote_hides_nothing() -> None:
    assert quote_split('"a, b') == ['"a, b']
    assert quote_split("<a, b") == ["<a, b"]
    assert quote_split('a, , "x\\", y", b\\') == ["a", '"x\\", y"', "b\\"]
    assert quote_split(' one ; "t;w"', ";") == ["one", '"t;w"']
    assert quote_split("") == quote_split("  ") == quote_split(",,") == []


def test_quoting_round_trip() -> None:
    for text in ("", "plain", 'a"b\\c', "\\"):
        assert unquote(quote(text)) == text
    assert unquote("token") == "token"
    assert unquote('"') == '"'


def test_parameters() -> None:
    assert parse_params(' a = 1 ;; B ; c="x;y=\\"z"') == (
        ("a", "1"),
        ("B", None),
        ("c", '"x;y=\\"z"'),
    )
    assert parse_params("") == ()


def test_via() -> None:
    text = "SIP/2.0/tls edge.lab.test:5061;rport;branch=z9hG4bK1;alias;received=192.0.2.9"
    via = Via.parse(text)
    assert (via.transport, via.host, via.port) == ("TLS", "edge.lab.test", 5061)
    assert (via.branch, via.received, via.alias) == ("z9hG4bK1", "192.0.2.9", True)
    assert (via.wants_rport, via.rport) == (True, None)
    assert str(via) == text
    seen = via.with_param("rport", "4444")
    assert (seen.rport, seen.param("RPORT")) == (4444, "4444")
    assert str(seen).startswith("SIP/2.0/TLS edge.lab.test:5061;rport=4444;branch=z9hG4bK1;alias")
    six = Via.parse("SIP/2.0/UDP [2001:db8::9]")
    assert (six.host, six.port, six.branch, six.alias) == ("[2001:db8::9]", None, None, False)
    assert str(six.with_param("rport", None)) == "SIP/2.0/UDP [2001:db8::9];rport"


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/2.0 h", "HTTP/2.0/UDP h", "SIP/2.0/U P h"]
)
def test_broken_via_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        Via.parse(text)


def test_cseq() -> None:
    assert CSeq.parse("  0007   INVITE ") == CSeq(7, "INVITE")
    assert str(CSeq(7, "INVITE")) == "7 INVITE"
    assert CSeq.parse("2147483647 X").number == 2**31 - 1
    for text in (
        "",
        "1",
        "INVITE 1",
        "-1 INVITE",
        "2147483648 X",
        "1 IN VITE",
        "1 a,b",
        "\u0661 X",
    ):
        with pytest.raises(SipParseError):
            CSeq.parse(text)


def test_replaces() -> None:
    value = Replaces.parse("98@h;to-tag=a;early-only;from-tag=b")
    assert value == Replaces("98@h", "a", "b", early_only=True)
    assert Replaces.parse(str(value)) == value
    assert str(Replaces("c", "1", "2")) == "c;to-tag=1;from-tag=2"
    for text in ("", "c", "c;to-tag=1", ";to-tag=1;from-tag=2", "c;to-tag=1;to-tag=2;from-tag=3"):
        with pytest.raises(SipParseError):
            Replaces.parse(text)


def test_reason() -> None:
    value = Reason.parse('Q.850;cause=63;text="0a1b;User, busy"')
    assert value == Reason("Q.850", 63, "0a1b;User, busy")
    assert Reason.parse(str(value)) == value
    assert str(Reason("SIP", 200, "Call completed elsewhere")) == (
        'SIP;cause=200;text="Call completed elsewhere"'
    )
    assert Reason.parse("SIP;cause=x") == Reason("SIP")
    with pytest.raises(SipParseError):
        Reason.parse(";cause=1")


def test_session_expires() -> None:
    assert SessionExpires.parse("1800;refresher=UAC") == SessionExpires(1800, "uac")
    assert SessionExpires.parse(" 90 ") == SessionExpires(90)
    assert str(SessionExpires(90, "uas")) == "90;refresher=uas"
    assert str(SessionExpires(90)) == "90"
    for text in ("", "x", "-1", "90;refresher=me", "4294967296"):
        with pytest.raises(SipParseError):
            SessionExpires.parse(text)


def test_history_info_with_escaped_reason_and_privacy() -> None:
    text = (
        "<sip:+39061@sip.pstnhub.test;user=phone?Reason=SIP%3Bcause%3D302%3Btext%3D"
        "%22Moved%20temporarily%22&Privacy=history>;index=1,"
        "<sip:+39062@sip.pstnhub.test;user=phone>;index=1.1, <tel:+39>;index=x"
    )
    first, second, third = parse_history_info(text)
    assert first.reason == Reason("SIP", 302, "Moved temporarily")
    assert (first.privacy, first.index) == ("history", (1,))
    assert (second.reason, second.privacy, second.index) == (None, None, (1, 1))
    assert third.index == ()


def test_auth_value() -> None:
    value = parse_auth('Digest realm="a, \\"b\\"",nonce = "x=y" , qop="auth,auth-int", stale=FALSE')
    assert value.scheme == "Digest"
    assert value.get("realm") == 'a, "b"'
    assert value.get("nonce") == "x=y"
    assert value.get("qop") == "auth,auth-int"
    assert value.get("stale") == "FALSE"
    assert value.get("opaque") is None
    for text in ("", "Digest a=1, a=2", 'Digest a="1', "Digest a", "Dig,est a=1"):
        with pytest.raises(SipParseError):
            parse_auth(text)


@pytest.mark.parametrize(
    "text",
    [
        '"' * 40_000,
        "<" * 40_000,
        '"\\' * 20_000,
        "a=b;" * 10_000,
        " " * 40_000 + "x",
        ";\t" * 20_000,
    ],
)
def test_hostile_repetition_costs_linear_time(text: str) -> None:
    quote_split(text)
    quote_split(text + ",")
    for parse in (NameAddr.parse, Via.parse, parse_auth, CSeq.parse, Reason.parse):
        try:
            parse(text)
        except SipParseError:
            continue
