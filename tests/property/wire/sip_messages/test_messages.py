# SPDX-License-Identifier: Apache-2.0
"""What goes in comes out: messages, values, streams, under any input."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.errors import FramingError, SipParseError
from centralino.wire.sip.framing import Keepalive, StreamFramer, datagram
from centralino.wire.sip.headers import Headers
from centralino.wire.sip.message import Request, parse_message, response_to
from centralino.wire.sip.uri import SipUri, escape, unescape
from centralino.wire.sip.values import (
    CSeq,
    NameAddr,
    Reason,
    Replaces,
    SessionExpires,
    Via,
    parse_auth,
    parse_name_addrs,
    parse_params,
    quote,
    quote_split,
    unquote,
)
from tests.property.wire.sip_messages.messages import (
    ANY_TEXT,
    TOKEN,
    name_addrs,
    raw_messages,
    sip_uris,
)

pytestmark = pytest.mark.property


@given(raw_messages())
def test_an_untouched_message_is_byte_exact(data: bytes) -> None:
    assert parse_message(data).to_bytes() == data
    assert parse_message(data).copy().to_bytes() == data


@given(raw_messages(), TOKEN, ANY_TEXT)
def test_adding_a_header_keeps_every_other_byte(data: bytes, name: str, value: str) -> None:
    message = parse_message(data)
    head, _, body = data.partition(b"\r\n\r\n")
    message.headers.add(f"X-New-{name}", value)
    line = f"X-New-{name}: {value}".encode()
    assert message.to_bytes() == head + b"\r\n" + line + b"\r\n\r\n" + body


@given(raw_messages())
def test_the_answer_to_a_request_is_sound_and_matches_it(data: bytes) -> None:
    request = parse_message(data)
    if isinstance(request, Request):
        answer = parse_message(response_to(request, 486, to_tag="ours").to_bytes())
        assert str(answer.via) == str(request.via)
        assert answer.call_id == request.call_id
        assert answer.cseq == request.cseq
        assert str(answer.from_) == str(request.from_)
        assert answer.to.uri == request.to.uri
        assert answer.to.tag is not None


@given(st.binary(max_size=300) | raw_messages(), st.data())
def test_damage_is_refused_or_read_but_never_raises_anything_else(
    data: bytes, draw: st.DataObject
) -> None:
    at = draw.draw(st.integers(0, len(data)))
    damage = draw.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"<", b">", b";", b","]))
    damaged = data[:at] + damage + data[at + draw.draw(st.integers(0, 5)) :]
    answer: bytes | None = None
    try:
        answer = parse_message(datagram(damaged)).to_bytes()
    except SipParseError as error:
        if error.request_skeleton is not None:
            response_to(error.request_skeleton, error.status, to_tag="x").to_bytes()
    if answer is not None:
        assert parse_message(answer).to_bytes() == answer


def _stream(items: list[bytes]) -> tuple[bytes, list[bytes | Keepalive]]:
    expected: list[bytes | Keepalive] = [
        Keepalive.PING if item == b"\r\n\r\n" else item for item in items if item != b"\r\n"
    ]
    return b"".join(items), expected


def _items() -> st.SearchStrategy[list[bytes]]:
    """Messages with, between them, nothing, one CRLF or one ping."""
    gaps = st.sampled_from([b"", b"\r\n", b"\r\n\r\n"])
    return st.lists(st.tuples(gaps, raw_messages()), min_size=1, max_size=4).map(
        lambda pairs: [piece for pair in pairs for piece in pair if piece]
    )


@given(_items(), st.data())
def test_the_cuts_of_a_stream_do_not_matter(items: list[bytes], draw: st.DataObject) -> None:
    stream, expected = _stream(items)
    cuts = draw.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    framer = StreamFramer()
    found: list[bytes | Keepalive] = []
    for start, end in itertools.pairwise([0, *cuts, len(stream)]):
        found += framer.feed(stream[start:end])
    assert found == expected
    assert framer.buffered_bytes == 0


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_frame_or_raise_framing_error(chunks: list[bytes]) -> None:
    framer = StreamFramer()
    try:
        for chunk in chunks:
            framer.feed(chunk)
    except FramingError:
        return
    assert framer.buffered_bytes <= sum(map(len, chunks))


@given(sip_uris())
def test_uri_round_trip(text: str) -> None:
    uri = SipUri.parse(text)
    assert str(uri) == text
    rebuilt = SipUri(
        uri.scheme, uri.user, uri.host, uri.port, uri.params, uri.headers, uri.password
    )
    assert SipUri.parse(str(rebuilt)) == uri


@given(name_addrs())
def test_address_round_trip(text: str) -> None:
    address = NameAddr.parse(text)
    assert str(address) == text.strip()
    rebuilt = NameAddr(address.display, address.uri, address.params)
    assert NameAddr.parse(str(rebuilt)) == address


@given(st.lists(name_addrs(), max_size=5))
def test_a_list_of_addresses_never_merges_or_splits(texts: list[str]) -> None:
    assert [a.uri for a in parse_name_addrs(", ".join(texts))] == [
        NameAddr.parse(text).uri for text in texts
    ]


@given(ANY_TEXT)
def test_quote_and_escape_are_undone(text: str) -> None:
    assert unquote(quote(text)) == text
    assert unescape(escape(text)) == text
    assert quote_split(f"{quote(text)},b") == [quote(text), "b"]


@given(TOKEN, st.integers(0, 999), ANY_TEXT)
def test_reason_round_trip(protocol: str, cause: int, text: str) -> None:
    value = Reason(protocol, cause, text)
    assert Reason.parse(str(value)) == value


@given(TOKEN, TOKEN, TOKEN, st.booleans())
def test_replaces_survives_the_way_through_a_refer_target(
    call_id: str, to_tag: str, from_tag: str, early: bool
) -> None:
    value = Replaces(f"{call_id}@h", to_tag, from_tag, early_only=early)
    target = SipUri.parse(f"sip:h?Replaces={escape(str(value))}")
    assert Replaces.parse(target.header("Replaces") or "") == value


@given(st.text(max_size=60))
def test_value_parsers_raise_only_parse_errors(text: str) -> None:
    parsers = (
        NameAddr.parse, Via.parse, CSeq.parse, Replaces.parse, Reason.parse,
        SessionExpires.parse, parse_auth, parse_params, SipUri.parse, parse_name_addrs,
    )  # fmt: skip
    for parse in parsers:
        try:
            parse(text)
        except SipParseError:
            continue


@given(TOKEN | st.text(max_size=9), st.text(st.sampled_from("a:\r\n \t\x00") | st.characters()))
def test_no_built_header_can_hold_a_second_line(name: str, value: str) -> None:
    request = Request("OPTIONS", "sip:a@b")
    try:
        request.headers.add(f"X-{name}", value)
        written = request.to_bytes()
    except LocalProtocolError:
        return
    assert written.count(b"\r\n") == 4
    assert written.count(b"\n") == 4


VERB = st.sampled_from(["add", "set", "prepend", "remove", "pop"])
NAME = st.sampled_from(["Via", "v", "Route", "To"])


@given(st.lists(st.tuples(VERB, NAME, TOKEN), max_size=20))
def test_headers_behave_like_a_list_of_pairs(steps: list[tuple[str, str, str]]) -> None:
    headers, model = Headers(), list[tuple[str, str]]()
    for verb, written, value in steps:
        name = {"v": "via"}.get(written, written.lower())
        at = next((i for i, pair in enumerate(model) if pair[0] == name), None)
        if verb == "add" or (verb == "set" and at is None):
            model.append((name, value))
        elif verb == "set" and at is not None:
            model[at] = (name, value)
            model = [p for i, p in enumerate(model) if i <= at or p[0] != name]
        elif verb == "prepend":
            model.insert(at or 0, (name, value))
        elif verb == "remove":
            model = [pair for pair in model if pair[0] != name]
        elif at is not None:
            del model[at]
        actions = {"remove": headers.remove, "pop": headers.remove_first}
        if verb in actions:
            actions[verb](written)
        else:
            getattr(headers, verb)(written, value)
        for key in ("via", "route", "to"):
            assert headers.get_all(key) == [v for k, v in model if k == key]
            assert headers.parsed(key, str) == next((v for k, v in model if k == key), None)
    assert [v for _, v in headers.items()] == [v for _, v in model]
