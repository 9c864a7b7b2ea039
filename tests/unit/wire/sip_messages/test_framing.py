# SPDX-License-Identifier: Apache-2.0
"""Streams and datagrams are cut where the messages end, and nowhere else."""

from __future__ import annotations

import pytest

from centralino.wire.sip.framing import FramingError, Keepalive, StreamFramer, datagram
from centralino.wire.sip.limits import Limits
from centralino.wire.sip.message import SipParseError, parse_message

pytestmark = pytest.mark.unit

ONE = b"OPTIONS sip:a SIP/2.0\r\nl: 4\r\n\r\n\r\n\r\n"
TWO = b"SIP/2.0 200 OK\r\nCONTENT-LENGTH : 0\r\n\r\n"


def test_pipelined_messages_and_keepalives_come_out_in_order() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n" + ONE + b"\r\n\r\n" + TWO + b"\r\n\r\n" + ONE[:10]) == [
        ONE,
        Keepalive.PING,
        TWO,
        Keepalive.PING,
    ]
    assert framer.buffered_bytes == 10
    assert framer.feed(ONE[10:]) == [ONE]
    assert framer.buffered_bytes == 0


def test_a_split_ping_is_one_ping() -> None:
    framer = StreamFramer()
    found = [item for byte in b"\r\n\r\n" for item in framer.feed(bytes([byte]))]
    assert found == [Keepalive.PING]


def test_a_single_crlf_is_no_ping() -> None:
    assert StreamFramer().feed(b"\r\n" + TWO + b"\r\n" + TWO) == [TWO, TWO]


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\n", "missing-content-length"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: x\r\n\r\n", "bad-content-length"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n", "bad-content-length"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n", "bad-content-length"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 300000\r\n\r\n", "body-too-large"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 99999999999999\r\n\r\n", "bad-content-length"),
        (b"X" * 70_000, "head-too-large"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "head-too-large"),
    ],
)
def test_a_stream_without_boundaries_is_an_error(stream: bytes, code: str) -> None:
    with pytest.raises(FramingError) as error:
        StreamFramer().feed(stream)
    assert error.value.code == code


def test_a_header_that_only_looks_like_the_length_does_not_count() -> None:
    message = b"OPTIONS sip:a SIP/2.0\r\nX-Content-Length: 9\r\nContent-Length: 0\r\n\r\n"
    assert StreamFramer().feed(message) == [message]


def test_limits_are_settable() -> None:
    framer = StreamFramer(Limits(head_bytes=64, body_bytes=3))
    with pytest.raises(FramingError):
        framer.feed(ONE)


def test_datagram_is_trimmed_to_its_length() -> None:
    assert datagram(ONE + b"garbage") == ONE
    assert datagram(b"\r\n\r\n") == datagram(b"\x00\r\n") == b""
    assert datagram(b"\r\n" + TWO) == TWO
    assert datagram(b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\nbody") == (
        b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\nbody"
    )
    assert datagram(b"half a mess") == b"half a mess"


def _sized(*, headers: int = 0, line: int = 0, vias: int = 1, body: int = 0) -> bytes:
    head = "OPTIONS sip:a@lab.test SIP/2.0\r\n" + "Via: SIP/2.0/UDP h\r\n" * vias
    head += "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    head += "X: y\r\n" * headers + (f"Y: {'z' * line}\r\n" if line else "")
    return f"{head}Content-Length: {body}\r\n\r\n".encode() + b"b" * body


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (_sized(headers=300), "too-many-headers", 513),
        (_sized(line=20_000), "header-line-too-long", 513),
        (_sized(vias=71), "too-many-via", 483),
        (_sized(body=262_145), "body-too-large", 413),
        (_sized(line=70_000), "head-too-large", 513),
    ],
)
def test_oversize_messages_are_refused_with_their_status(
    data: bytes, code: str, status: int
) -> None:
    with pytest.raises(SipParseError) as error:
        parse_message(data)
    assert (error.value.code, error.value.status) == (code, status)


def test_messages_at_the_limits_pass() -> None:
    assert len(parse_message(_sized(vias=70, headers=180, body=262_144)).body) == 262_144


def test_bytes_without_a_head_are_refused() -> None:
    for data in (b"", b"\r\n\r\n", b"OPTIONS sip:a SIP/2.0\r\n", b"\xff" * 50):
        with pytest.raises(SipParseError):
            parse_message(data)
