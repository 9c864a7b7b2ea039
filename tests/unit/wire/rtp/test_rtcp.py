# SPDX-License-Identifier: Apache-2.0
"""RTCP: bytes written by hand, broken compounds, and the round trip of the RFC's example."""

from __future__ import annotations

import pytest

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError
from centralino.wire.rtp.rtcp import (
    REPORT_INTERVAL_NS,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    UnknownPacket,
    build_compound,
    middle_of,
    ntp_from,
    parse_compound,
    report_interval_ns,
    round_trip_ms,
)

pytestmark = pytest.mark.unit

BLOCK = ReportBlock(0xDEADBEEF, 0x40, -2, 0x0001_0005, 33, 0x11223344, 0x00010000)
SENDER = bytes.fromhex(
    "81c8000c 00000001 0102030405060708 00000140 0000000a 00000640"
    "deadbeef 40fffffe 00010005 00000021 11223344 00010000"
)
NAME = bytes.fromhex("81ca0003 00000001 01046162") + b"cd\0\0"
BYE = bytes.fromhex("81cb0003 00000001 05") + b"leave" + b"\0\0"


def test_sender_report_and_friends_byte_by_byte() -> None:
    packets = (
        SenderReport(1, 0x0102030405060708, 320, 10, 1_600, (BLOCK,)),
        SourceDescription(1, "abcd"),
        Goodbye((1,), "leave"),
    )
    assert build_compound(packets) == SENDER + NAME + BYE
    assert parse_compound(SENDER + NAME + BYE) == packets


def test_empty_receiver_report_and_goodbye_without_reason() -> None:
    packets = (ReceiverReport(9), Goodbye((9, 10)))
    data = build_compound(packets)
    assert data == bytes.fromhex("80c90001 00000009 82cb0002 00000009 0000000a")
    assert parse_compound(data) == packets


def test_unknown_packets_are_kept_and_padding_is_cut() -> None:
    feedback = bytes.fromhex("81cd0002 00000001 00000002")
    padded = bytes.fromhex("a0c90002 00000009 00000004")
    assert parse_compound(feedback + padded) == (
        UnknownPacket(205, 1, bytes.fromhex("0000000100000002")),
        ReceiverReport(9),
    )
    assert build_compound(parse_compound(feedback)) == feedback


def test_other_items_before_the_name_are_skipped() -> None:
    data = bytes.fromhex("81ca0004 00000001 0202 7878 0102 7979 0000 0000")
    assert parse_compound(data) == (SourceDescription(1, "yy"),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-rtcp"),
        (b"\x80\xc9", "rtcp-length"),
        (b"\x40" + SENDER[1:], "not-rtcp"),
        (b"\x80\x08\x00\x00", "not-rtcp"),
        (SENDER[:-4], "rtcp-length"),
        (b"\x82" + SENDER[1:], "rtcp-truncated"),
        (bytes.fromhex("a0c90001 00000000"), "rtcp-length"),
        (bytes.fromhex("a0c90001 00000009"), "rtcp-length"),
        (bytes.fromhex("81ca0001 00000001"), None),
        (bytes.fromhex("81ca0002 00000001 02fe0000"), None),
        (bytes.fromhex("81c90000"), "rtcp-truncated"),
    ],
)
def test_broken_compounds(data: bytes, code: str | None) -> None:
    if code is None:
        assert parse_compound(data) == (SourceDescription(1, ""),)
        return
    with pytest.raises(RemoteProtocolError) as caught:
        parse_compound(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "packet",
    [
        SenderReport(-1, 0, 0, 0, 0),
        SourceDescription(1, "x" * 256),
        ReceiverReport(1, (BLOCK,) * 32),
        Goodbye((1 << 32,)),
    ],
)
def test_what_does_not_fit(packet: SenderReport | SourceDescription) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        build_compound([packet])
    assert caught.value.code == "rtcp-field-range"


def test_round_trip_of_the_rfc_example() -> None:
    # RFC 3550 figure 2: A = 46864.500 s, DLSR = 5.250 s, LSR = 46853.125 s, so 6.125 s.
    block = ReportBlock(1, 0, 0, 0, 0, 0xB7052000, 0x00054000)
    assert round_trip_ms(block, 46_864_500_000_000) == 6_125


def test_round_trip_unknown_or_nonsense() -> None:
    assert round_trip_ms(ReportBlock(1, 0, 0, 0, 0), 10**9) is None
    assert round_trip_ms(ReportBlock(1, 0, 0, 0, 0, 0x20000, 0x10000), 2 * 10**9) is None


def test_ntp_of_an_instant() -> None:
    assert ntp_from(1_500_000_000) == (1 << 32) | 0x80000000
    assert middle_of(ntp_from(1_500_000_000)) == 0x00018000


def test_interval_is_spread_and_short_at_first() -> None:
    assert report_interval_ns(0) == REPORT_INTERVAL_NS // 2
    assert report_interval_ns(1) == REPORT_INTERVAL_NS * 3 // 2
    assert report_interval_ns(0.5, is_first=True) == REPORT_INTERVAL_NS // 2
