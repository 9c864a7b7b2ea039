# SPDX-License-Identifier: Apache-2.0
"""Descriptions: tolerant where it does not matter, strict where audio would go astray."""

from __future__ import annotations

import base64

import pytest

from centralino.wire.sdp.crypto import CryptoLine, choose_crypto
from centralino.wire.sdp.description import SessionDescription, find_sdp
from centralino.wire.sdp.errors import SdpParseError

pytestmark = pytest.mark.unit

TEXT = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=caf\xe9\r\ni=odd\r\nc=IN IP4 192.0.2.1/127\r\nt=0 0\r\n"
    b"a=tool:x\r\na=group:BUNDLE 0\r\nm=audio 4000/2 RTP/AVP 0 8\r\na=rtcp-mux\r\n"
    b"a=x:1\r\na=x: 2\r\n"
    b"m=application 9 TCP/x\r\nc=IN IP6 ::1\r\n"
)
KEY = base64.b64encode(bytes(30)).decode()


def test_every_line_is_kept_in_order() -> None:
    description = SessionDescription.parse(TEXT)
    assert description.to_bytes() == TEXT
    assert description.origin == "- 1 2 IN IP4 192.0.2.1"
    assert description.connection == "192.0.2.1"
    assert description.attribute("tool") == "x"
    assert description.attribute("rtcp-mux") is None
    audio, other = description.media
    assert (audio.port, audio.port_count, audio.formats) == (4000, 2, ["0", "8"])
    assert audio.attribute("rtcp-mux") == ""
    assert audio.attributes("x") == ["1", "2"]
    assert (audio.connection, other.connection) == (None, "::1")


def test_bare_line_feeds_and_a_missing_last_one_are_forgiven() -> None:
    assert SessionDescription.parse(TEXT.replace(b"\r\n", b"\n").rstrip()).to_bytes() == TEXT
    assert SessionDescription.parse(b"v=0\n\n").origin is None
    assert SessionDescription.parse(b"v=0\nc=IN\n").connection is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"o=x\r\nv=0\r\n",
        b"v=0\r\nhello\r\n",
        b"v=0\r\na=x\ry\r\n",
        b"v=0\r\nm=audio\r\n",
        b"v=0\r\nm=audio x RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 70000 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 1/ RTP/AVP 0\r\n",
        b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
        b"v=0\r\n" + b"a=x\r\n" * 2_001,
        b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 33,
    ],
)
def test_what_is_no_description_is_refused(text: bytes) -> None:
    with pytest.raises(SdpParseError):
        SessionDescription.parse(text)


def multipart(*parts: bytes, boundary: bytes = b"b1") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary + b"--\r\n"


PIDF = b"Content-Type: application/pidf+xml\r\n\r\n<presence/>"
SDP_PART = b"Content-Disposition: session\r\nCONTENT-TYPE : application/sdp\r\n\r\nv=0\r\ns=-\r\n"


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ("application/sdp", b"v=0\r\n", b"v=0\r\n"),
        ("Application/SDP; charset=utf-8", b"v=0\r\n", b"v=0\r\n"),
        (None, b"v=0\r\n", b"v=0\r\n"),
        (None, b"hello", None),
        ("application/sdp", b"", None),
        ("application/dtmf-relay", b"v=0\r\n", None),
        ("multipart/mixed;boundary=b1", multipart(PIDF, SDP_PART), b"v=0\r\ns=-\r\n"),
        (
            'multipart/mixed; x=y; Boundary="b1"',
            b"preamble\r\n" + multipart(SDP_PART),
            b"v=0\r\ns=-\r\n",
        ),
        ("multipart/mixed;boundary=b1", multipart(PIDF), None),
        ("multipart/mixed;boundary=b", multipart(SDP_PART), None),
        ("multipart/mixed", multipart(SDP_PART), None),
        ("multipart/mixed;boundary=b1", b"--b1--\r\n--b1\r\n" + SDP_PART, None),
    ],
)
def test_the_description_is_found_in_the_body(
    content_type: str | None, body: bytes, found: bytes | None
) -> None:
    assert find_sdp(content_type, body) == found


@pytest.mark.parametrize(
    ("text", "lifetime", "mki", "params"),
    [
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}", None, None, ()),
        (f"2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31|1:1", "2^31", (1, 1), ()),
        (f"3 aes_cm_128_hmac_sha1_80 inline:{KEY}|1:4 WSH=64 -X", None, (1, 4), ("WSH=64", "-X")),
        (f"4 AES_CM_128_HMAC_SHA1_80 INLINE:{KEY}|1048576", "1048576", None, ()),
    ],
)
def test_crypto_line_is_read_and_prints_as_written(
    text: str, lifetime: str | None, mki: tuple[int, int] | None, params: tuple[str, ...]
) -> None:
    line = CryptoLine.parse(text)
    assert (line.lifetime, line.mki, line.session_params) == (lifetime, mki, params)
    assert line.is_acceptable
    assert str(line) == text
    rebuilt = CryptoLine(line.tag, line.suite, line.key, line.lifetime, line.mki, params)
    assert CryptoLine.parse(str(rebuilt)) == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 outline:{KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline",
        "1 AES_CM_128_HMAC_SHA1_80 inline:!!!!",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31|2^31",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:1|1:1",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:129",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|x:1",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}|1:1",
    ],
)
def test_broken_crypto_is_refused_without_showing_the_key(text: str) -> None:
    with pytest.raises(SdpParseError) as refusal:
        CryptoLine.parse(text)
    assert KEY not in str(refusal.value)
    assert refusal.value.offending == b""


def test_the_choice_passes_over_what_cannot_be_used() -> None:
    good = f"7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"
    chosen = choose_crypto(["junk", f"1 AEAD_X inline:{KEY}", good])
    assert chosen is not None
    assert chosen.tag == 7
    assert choose_crypto(["junk"]) is None
