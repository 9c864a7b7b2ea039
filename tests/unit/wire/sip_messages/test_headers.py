# SPDX-License-Identifier: Apache-2.0
"""Header lines: found under any spelling, untouched until touched, never torn open."""

from __future__ import annotations

import pytest

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.grammar import quote, unquote
from centralino.wire.sip.headers import Headers
from centralino.wire.sip.message import Request, Response, parse_message, response_to
from centralino.wire.sip.values import Via

pytestmark = pytest.mark.unit

RAW = (
    b"INVITE sip:b@lab.test SIP/2.0\r\n"
    b"VIA: SIP/2.0/TLS edge.lab.test;branch=z9hG4bKa, SIP/2.0/UDP in.lab.test;branch=z9hG4bKb\r\n"
    b"v : SIP/2.0/TCP far.lab.test\r\n"
    b'f: "A, <B>" <sip:a@lab.test>;tag=1\r\n'
    b"t:<sip:b@lab.test>\r\n"
    b"i: 1@lab.test\r\n"
    b"CSeq: 1 INVITE\r\n"
    b'P-Asserted-Identity: "A" <sip:a@x.test>, "B" <sip:b@y.test>\r\n'
    b"X-Odd:   spaced\t\r\n"
    b"l: 0\r\n\r\n"
)


def _request() -> Request:
    request = parse_message(RAW)
    assert isinstance(request, Request)
    return request


def test_names_match_in_any_case_and_compact() -> None:
    headers = _request().headers
    assert headers.get("via") == headers.get("V") == headers.get("VIA")
    assert headers.get("FROM") == headers.get("f") == '"A, <B>" <sip:a@lab.test>;tag=1'
    assert headers.get("x-oDD") == "spaced"
    assert headers.get("Route") is None
    assert "Call-ID" in headers
    assert len(headers.raw_lines()) == len(headers)
    assert "Route" not in headers


def test_values_split_at_commas_outside_quotes_and_brackets() -> None:
    headers = _request().headers
    assert len(headers.get_all("Via")) == 2
    assert len(headers.values("Via")) == 3
    assert headers.values("From") == ['"A, <B>" <sip:a@lab.test>;tag=1']
    assert headers.values("P-Asserted-Identity") == [
        '"A" <sip:a@x.test>',
        '"B" <sip:b@y.test>',
    ]


def test_touching_one_header_leaves_the_others_byte_exact() -> None:
    request = _request()
    request.headers.set("To", "<sip:b@lab.test>;tag=9")
    assert request.to_bytes() == RAW.replace(
        b"t:<sip:b@lab.test>\r\n", b"To: <sip:b@lab.test>;tag=9\r\n"
    )


def test_set_replaces_all_lines_at_the_place_of_the_first() -> None:
    headers = _request().headers
    headers.set("Via", "SIP/2.0/UDP one.lab.test")
    assert headers.get_all("v") == ["SIP/2.0/UDP one.lab.test"]
    assert next(headers.items()) == ("Via", "SIP/2.0/UDP one.lab.test")


def test_remove_first_pops_one_value_at_a_time() -> None:
    headers = _request().headers
    seen = []
    while "Via" in headers:
        seen.append(Via.parse(headers.values("Via")[0]).host)
        headers.remove_first("Via")
    assert seen == ["edge.lab.test", "in.lab.test", "far.lab.test"]
    headers.remove_first("Via")


def test_prepend_goes_before_the_first_of_its_name_else_on_top() -> None:
    headers = Headers()
    headers.add("To", "<sip:b@lab.test>")
    headers.add("Route", "<sip:r2;lr>")
    headers.prepend("Route", "<sip:r1;lr>")
    headers.prepend("Via", "SIP/2.0/UDP h")
    assert [name for name, _ in headers.items()] == ["Via", "To", "Route", "Route"]
    assert headers.values("Route") == ["<sip:r1;lr>", "<sip:r2;lr>"]


def test_remove_tells_how_many_lines_there_were() -> None:
    headers = _request().headers
    assert headers.remove("Via") == 2
    assert headers.remove("Via") == 0


def test_parsed_view_follows_every_change() -> None:
    request = _request()
    assert request.via.host == "edge.lab.test"
    request.headers.remove_first("Via")
    assert request.via.host == "in.lab.test"
    request.headers.prepend("Via", "SIP/2.0/UDP own.lab.test")
    assert request.via.host == "own.lab.test"
    request.headers.set("From", "<sip:z@lab.test>;tag=2")
    assert request.from_.tag == "2"
    request.headers.remove("To")
    request.headers.add("To", "<sip:q@lab.test>")
    assert request.to.uri == "sip:q@lab.test"


def test_copy_is_independent() -> None:
    request = _request()
    twin = request.copy()
    twin.headers.set("To", "<sip:other@lab.test>")
    twin.headers.remove("Via")
    assert request.to_bytes() == RAW
    assert request.to.uri == "sip:b@lab.test"


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nX: b",
        "a\nb",
        "a\rb",
        "a\x00b",
        "a\\\x00b",
        '"a\x00b"',
        '"a\\\\\x00b"',
        '"a\\\x00b',
        '"a" \\\x00 "b"',
    ],
)
def test_a_line_break_in_a_value_is_our_bug_and_raises(value: str) -> None:
    headers = Headers()
    for write in (headers.add, headers.set, headers.prepend):
        with pytest.raises(LocalProtocolError):
            write("Subject", value)
    assert len(headers) == 0


def test_a_nul_may_stand_quoted_and_escaped() -> None:
    headers = Headers()
    headers.add("Subject", quote('a\\\x00 "b"'))
    assert unquote(headers.get("Subject") or "") == 'a\\\x00 "b"'


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nY", "Zoë"])
def test_a_name_that_is_no_token_raises(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        Headers().add(name, "x")


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("INVITE", "sip:a@b SIP/2.0\r\nX: y"),
        ("INVITE", "<sip:a@b>"),
        ("INVITE", ""),
        ("IN VITE", "sip:a@b"),
        ("INVITE\r\nX:", "sip:a@b"),
    ],
)
def test_a_request_line_with_a_break_or_space_raises(method: str, uri: str) -> None:
    with pytest.raises(LocalProtocolError):
        Request(method, uri).to_bytes()


def test_a_status_line_with_a_break_or_foreign_status_raises() -> None:
    for response in (Response(200, "OK\r\nX: y"), Response(99, "x"), Response(700, "x")):
        with pytest.raises(LocalProtocolError):
            response.to_bytes()


def test_text_that_has_no_bytes_raises_instead_of_breaking_the_connection() -> None:
    request = Request("OPTIONS", "sip:a@b")
    request.headers.add("Subject", "\ud800")
    with pytest.raises(LocalProtocolError):
        request.to_bytes()


def test_content_length_is_kept_right() -> None:
    request = _request()
    request.set_body(b"v=0\r\n", "application/sdp")
    written = request.to_bytes()
    assert b"Content-Length: 5\r\n" in written
    assert parse_message(written).body == b"v=0\r\n"
    built = Request("OPTIONS", "sip:a@b")
    assert built.to_bytes() == b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"


def test_response_copies_the_path_and_adds_a_tag_only_once() -> None:
    request = _request()
    first = response_to(request, 180, to_tag="t9")
    assert first.reason == "Ringing"
    assert first.headers.values("Via") == request.headers.values("Via")
    assert first.to.tag == "t9"
    request.headers.set("To", "<sip:b@lab.test>;tag=theirs")
    assert response_to(request, 200, "Fine", to_tag="t9").to.tag == "theirs"
    assert response_to(request, 100).headers.get("To") == "<sip:b@lab.test>;tag=theirs"


def test_repr_shows_no_content() -> None:
    text = repr(_request()) + repr(_request().headers) + repr(response_to(_request(), 200))
    assert "lab.test" not in text
