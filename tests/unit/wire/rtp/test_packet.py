# SPDX-License-Identifier: Apache-2.0
"""RTP headers: hand-written packets, broken packets, and numbers that wrap."""

from __future__ import annotations

import pytest

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError
from centralino.wire.rtp.packet import (
    RtpPacket,
    build_header,
    extend_sequence,
    is_rtcp,
    parse_header,
    sequence_delta,
    timestamp_delta,
)

pytestmark = pytest.mark.unit

PLAIN = bytes.fromhex("80 88 1234 00000140 deadbeef") + b"abc"
FULL = bytes.fromhex("b2 08 ffff ffffffff 00000001 0000000a 0000000b bede0001 11223344") + b"xy\0\2"


def test_plain_packet() -> None:
    assert parse_header(PLAIN) == (8, 0x1234, 320, 0xDEADBEEF, 1, 12, 15)


def test_packet_with_everything() -> None:
    packet = RtpPacket.parse(FULL)
    assert packet.contributors == (10, 11)
    assert packet.extension == (0xBEDE, bytes.fromhex("11223344"))
    assert packet.payload == b"xy"
    assert packet.padding_bytes == 2
    assert packet.to_bytes() == FULL


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(PLAIN[:11], id="short"),
        pytest.param(b"\x40" + PLAIN[1:], id="version 1"),
        pytest.param(bytes.fromhex("000100002112a442") + bytes(12), id="STUN"),
        pytest.param(b"\x8f" + PLAIN[1:], id="CSRC list past the end"),
        pytest.param(b"\x90" + PLAIN[1:], id="extension header past the end"),
        pytest.param(b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x02" + bytes(4), id="extension cut"),
        pytest.param(b"\xa0" + PLAIN[1:12] + b"ab\x00", id="padding of zero"),
        pytest.param(b"\xa0" + PLAIN[1:12] + b"ab\x04", id="padding longer than the packet"),
    ],
)
def test_what_is_no_rtp(data: bytes) -> None:
    assert parse_header(data) is None
    with pytest.raises(RemoteProtocolError) as caught:
        RtpPacket.parse(data)
    assert caught.value.code == "not-rtp"


def test_header_is_read_in_place() -> None:
    buffer = bytearray(2_048)
    buffer[: len(PLAIN)] = PLAIN
    assert parse_header(memoryview(buffer)[: len(PLAIN)]) == parse_header(PLAIN)


def test_counters_may_run_over_when_building() -> None:
    assert build_header(0, 0x1_0001, 0x1_0000_0005, 7, 1) == bytes.fromhex(
        "80 80 0001 00000005 00000007"
    )


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 0, 0, 0),
        RtpPacket(0, 0, 0, -1),
        RtpPacket(0, 0, 0, 0, contributors=tuple(range(16))),
        RtpPacket(0, 0, 0, 0, extension=(1, b"abc")),
        RtpPacket(0, 0, 0, 0, padding_bytes=256),
    ],
)
def test_values_that_do_not_fit(packet: RtpPacket) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        packet.to_bytes()
    assert caught.value.code == "rtp-field-range"


@pytest.mark.parametrize(
    ("second", "expected"), [(200, True), (207, True), (8, False), (136, False)]
)
def test_rtcp_on_a_shared_port(second: int, expected: bool) -> None:
    assert is_rtcp(bytes((0x80, second, 0, 1))) is expected


def test_distances_cross_the_wrap() -> None:
    assert sequence_delta(0, 65_535) == 1
    assert sequence_delta(65_535, 0) == -1
    assert timestamp_delta(0, 0xFFFFFFFF) == 1
    assert extend_sequence(65_535, 0x2_0001) == 0x1_FFFF
