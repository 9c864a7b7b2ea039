# SPDX-License-Identifier: Apache-2.0
"""URIs keep their text; only what is changed is written anew."""

from __future__ import annotations

import pytest

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import OtherUri, SipUri, escape, parse_uri, sip_uri, unescape

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "user", "host", "port", "transport"),
    [
        (
            "sip:+39061@sbc.lab.test:5061;user=phone;transport=TLS",
            "+39061",
            "sbc.lab.test",
            5061,
            "tls",
        ),
        (
            "sip:sip.pstnhub.test:5061;x-m=8:orgid:aB-1%2f;x-t=c",
            None,
            "sip.pstnhub.test",
            5061,
            None,
        ),
        ("SIP:a:secret@[2001:db8::1]:5060", "a", "[2001:db8::1]", 5060, None),
        ("sips:a@voice_node_1", "a", "voice_node_1", None, None),
        ("sip:a@sbc1", "a", "sbc1", None, None),
        ("sip:%2B39@192.0.2.1;lr", "%2B39", "192.0.2.1", None, None),
        ("sip:h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2", None, "h", None, None),
        ("sip:a@h.;empty=", "a", "h.", None, None),
    ],
)
def test_sip_uri_is_read_and_prints_byte_exact(
    text: str, user: str | None, host: str, port: int | None, transport: str | None
) -> None:
    uri = SipUri.parse(text)
    assert (uri.user, uri.host, uri.port, uri.transport) == (user, host, port, transport)
    assert str(uri) == text


@pytest.mark.parametrize(
    "text",
    [
        "sip:",
        "sip:@host",
        "sip:a@",
        "sip:a@b@c",
        "sip:a@h:port",
        "sip:a@h:99999",
        "sip:a@[::1",
        "sip:a@[::1]x",
        "sip:a b@h",
        "sip:a@h;=v",
        "sip:a@h\r\nX: y",
        "sip:a@-h",
        "tel:+39",
        "no scheme",
    ],
)
def test_broken_sip_uri_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        SipUri.parse(text)


def test_other_schemes_stay_opaque() -> None:
    for text in ("tel:+390612345678;phone-context=x", "urn:service:sos", "URN:x:Y"):
        uri = parse_uri(text)
        assert isinstance(uri, OtherUri)
        assert str(uri) == text
    assert str(OtherUri("tel", "+39")) == "tel:+39"
    for text in ("+39", "tel:", "1x:y", "tel:a b"):
        with pytest.raises(SipParseError):
            parse_uri(text)


def test_a_changed_parameter_leaves_the_others_as_written() -> None:
    uri = SipUri.parse("sip:%61@H.test:5061;X-m=8:orgid:A%3d;lr;transport=tls?A=b")
    changed = uri.with_param("Transport", "udp").with_param("new", None)
    assert str(changed) == "sip:%61@H.test:5061;X-m=8:orgid:A%3d;lr;transport=udp;new?A=b"
    assert str(changed.without_param("x-M")) == "sip:%61@H.test:5061;lr;transport=udp;new?A=b"
    assert uri.without_param("absent") is uri
    assert uri.param("LR") == ""
    assert uri.param("absent") is None


def test_refer_target_yields_its_replaces_and_loses_it_for_the_request_line() -> None:
    text = "sip:h;x-m=8:orgid:z?Replaces=c%40d%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces"
    uri = SipUri.parse(text)
    assert uri.header("replaces") == "c@d;to-tag=1;from-tag=2"
    assert uri.header("Require") == "replaces"
    assert uri.header("absent") is None
    assert str(uri.without_headers()) == "sip:h;x-m=8:orgid:z"
    assert str(uri.with_param("lr", None).without_headers()) == "sip:h;x-m=8:orgid:z;lr"
    plain = SipUri.parse("sip:h")
    assert plain.without_headers() is plain


def test_building_escapes_the_user_and_refuses_breaks() -> None:
    assert str(sip_uri("h.test", user="+39 06@x", port=5060, transport="tcp")) == (
        "sip:+39%2006%40x@h.test:5060;transport=tcp"
    )
    assert str(sip_uri("h.test")) == "sip:h.test"
    with pytest.raises(LocalProtocolError):
        str(sip_uri("h.test\r\nX: y"))
    assert str(SipUri("sip", "a", "h", password="p")) == "sip:a:p@h"


def test_escape_and_unescape_are_inverse() -> None:
    text = 'SIP;cause=302;text="Moved à 100%"\udcff'
    assert unescape(escape(text)) == text
    assert '"' not in escape(text)
    assert SipUri.parse("sip:%ff%41@h").user_text == "\udcffA"
    assert SipUri.parse("sip:h").user_text is None
