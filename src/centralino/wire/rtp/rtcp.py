# SPDX-License-Identifier: Apache-2.0
"""RTCP: sender and receiver reports, CNAME and good-bye, alone or in compound packets.

What lives here: the bytes, the NTP form of an instant, the round trip that a report tells,
when the next report is due. What must not: counting (see `statistics`), protection.

Unknown packet types inside a compound packet are kept, not refused. A compound packet that
begins with no report is accepted too (reduced size, RFC 5506), since nothing depends on it.

Source: RFC 3550 6.1 to 6.6, A.7.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203

MAX_BLOCKS: Final = 31
"""Report blocks, chunks or sources in one packet (five bits)."""
MAX_PACKETS: Final = 32
"""RTCP packets read from one compound packet."""
REPORT_INTERVAL_NS: Final = 5_000_000_000
"""Mean time between two reports of one side (RFC 3550, 6.2)."""

_HEAD = struct.Struct(">BBH")
_WORD = struct.Struct(">I")
_SENDER = struct.Struct(">IQIII")
_BLOCK = struct.Struct(">IIIIII")
_CNAME: Final = 1
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side heard of one source."""

    ssrc: int
    fraction_lost: int
    """Of the packets since the last report, in 256ths: 0 to 255."""
    cumulative_lost: int
    """Since the start, -8388608 to 8388607; negative with duplicates."""
    highest_sequence: int
    """Highest sequence number, wraps in the upper 16 bits."""
    jitter: int
    """Units of the RTP clock."""
    last_report: int = 0
    """Middle 32 bits of the NTP time of the last sender report, 0 for none."""
    delay_since_last_report: int = 0
    """1/65536 s between that report's arrival and this one's sending."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What one side sent, and heard."""

    ssrc: int
    ntp: int
    """64 bits, 32.32 fixed point."""
    rtp_timestamp: int
    """The same instant on the RTP clock."""
    packet_count: int
    octet_count: int
    """Payload bytes."""
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What one side heard."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The canonical name of a source; other items and chunks are not kept."""

    ssrc: int
    cname: str
    """At most 255 bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Sources leave."""

    sources: tuple[int, ...]
    reason: str = ""
    """At most 255 bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class UnknownPacket:
    """A packet type that is not ours to read (feedback, extended report, application)."""

    packet_type: int
    count: int
    """The five bits whose meaning depends on the type."""
    body: bytes


RtcpPacket: TypeAlias = (
    "SenderReport | ReceiverReport | SourceDescription | Goodbye | UnknownPacket"
)


def ntp_from(now: int) -> int:
    """Return an instant in nanoseconds as 32.32 fixed point, 64 bits.

    A monotonic clock will do: the far end only hands the middle back (RFC 3550, 4).
    """
    return (((now // _NS) << 32) | (((now % _NS) << 32) // _NS)) & 0xFFFFFFFFFFFFFFFF


def middle_of(ntp: int) -> int:
    """Return the middle 32 bits of an NTP time, as report blocks carry it."""
    return (ntp >> 16) & 0xFFFFFFFF


def round_trip_ms(block: ReportBlock, now: int) -> float | None:
    """Return the round trip that a block about our own source tells, in milliseconds.

    ``None`` when it names no report of ours, or a nonsensical delay.
    """
    if not block.last_report:
        return None
    units = middle_of(ntp_from(now)) - block.last_report - block.delay_since_last_report
    units &= 0xFFFFFFFF
    if units >= 0x80000000:
        return None
    return units * 1_000 / 65_536


def report_interval_ns(chance: float, *, is_first: bool = False) -> int:
    """Return how long to wait for the next report, spread so that peers do not align.

    Args:
        chance: From 0 to 1, of an injected generator.
        is_first: The first report comes after half the time (RFC 3550, 6.2).
    """
    mean = REPORT_INTERVAL_NS // 2 if is_first else REPORT_INTERVAL_NS
    return int(mean * (0.5 + chance))


def build_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """Write packets one after the other; the first is a report by rule (RFC 3550, 6.1).

    Raises:
        LocalProtocolError: ``rtcp-field-range``, a field does not fit.
    """
    try:
        return b"".join(_build(packet) for packet in packets)
    except struct.error as error:
        raise LocalProtocolError("rtcp-field-range", str(error)) from error


def parse_compound(data: bytes) -> tuple[RtcpPacket, ...]:
    """Read all packets of a compound packet in clear.

    Raises:
        RemoteProtocolError: ``not-rtcp``, ``rtcp-length`` or ``rtcp-truncated``.
    """
    packets: list[RtcpPacket] = []
    offset = 0
    while offset < len(data) and len(packets) < MAX_PACKETS:
        if len(data) - offset < _HEAD.size:
            raise RemoteProtocolError("rtcp-length", "RTCP header cut off", offending=data)
        first, packet_type, words = _HEAD.unpack_from(data, offset)
        if first >> 6 != 2 or not 192 <= packet_type <= 223:
            raise RemoteProtocolError("not-rtcp", "No RTCP packet of version 2", offending=data)
        end = offset + 4 + 4 * words
        if end > len(data):
            raise RemoteProtocolError("rtcp-length", "RTCP packet cut off", offending=data)
        body = data[offset + 4 : end]
        if first & 0x20:
            body = _without_padding(body, data)
        try:
            packets.append(_parse(packet_type, first & 0x1F, body))
        except (struct.error, IndexError) as error:
            message = "RTCP packet shorter than its count says"
            raise RemoteProtocolError("rtcp-truncated", message, offending=data) from error
        offset = end
    if not packets:
        raise RemoteProtocolError("not-rtcp", "No RTCP packet", offending=data)
    return tuple(packets)


def _without_padding(body: bytes, data: bytes) -> bytes:
    padding = body[-1] if body else 0
    if not padding or padding > len(body):
        raise RemoteProtocolError("rtcp-length", "RTCP padding out of range", offending=data)
    return body[:-padding]


def _parse(packet_type: int, count: int, body: bytes) -> RtcpPacket:
    if packet_type == SENDER_REPORT:
        ssrc, ntp, rtp_timestamp, sent, octets = _SENDER.unpack_from(body)
        blocks = _parse_blocks(body, _SENDER.size, count)
        return SenderReport(ssrc, ntp, rtp_timestamp, sent, octets, blocks)
    if packet_type == RECEIVER_REPORT:
        return ReceiverReport(_WORD.unpack_from(body)[0], _parse_blocks(body, 4, count))
    if packet_type == SOURCE_DESCRIPTION and count:
        return SourceDescription(_WORD.unpack_from(body)[0], _parse_cname(body))
    if packet_type == GOODBYE:
        sources = struct.unpack_from(f">{count}I", body)
        rest = body[4 * count :]
        reason = rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else ""
        return Goodbye(sources, reason)
    return UnknownPacket(packet_type, count, body)


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for position in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(
            body, offset + position * _BLOCK.size
        )
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
    return tuple(blocks)


def _parse_cname(body: bytes) -> str:
    """Return the CNAME of the first chunk, empty when there is none."""
    offset = 4
    while offset < len(body) and body[offset]:
        size = body[offset + 1]
        if body[offset] == _CNAME:
            return body[offset + 2 : offset + 2 + size].decode("utf-8", "replace")
        offset += 2 + size
    return ""


def _build(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport():
            body = _SENDER.pack(
                packet.ssrc,
                packet.ntp,
                packet.rtp_timestamp & 0xFFFFFFFF,
                packet.packet_count & 0xFFFFFFFF,
                packet.octet_count & 0xFFFFFFFF,
            )
            return _packet(SENDER_REPORT, len(packet.blocks), body + _blocks(packet.blocks))
        case ReceiverReport():
            body = _WORD.pack(packet.ssrc) + _blocks(packet.blocks)
            return _packet(RECEIVER_REPORT, len(packet.blocks), body)
        case SourceDescription():
            item = bytes((_CNAME,)) + _text(packet.cname)
            chunk = _WORD.pack(packet.ssrc) + item + b"\0"
            return _packet(SOURCE_DESCRIPTION, 1, chunk)
        case Goodbye():
            body = struct.pack(f">{len(packet.sources)}I", *packet.sources)
            if packet.reason:
                body += _text(packet.reason)
            return _packet(GOODBYE, len(packet.sources), body)
        case UnknownPacket():
            return _packet(packet.packet_type, packet.count, packet.body)


def _blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            (block.fraction_lost << 24)
            | (max(-0x800000, min(0x7FFFFF, block.cumulative_lost)) & 0xFFFFFF),
            block.highest_sequence & 0xFFFFFFFF,
            min(block.jitter, 0xFFFFFFFF),
            block.last_report,
            block.delay_since_last_report,
        )
        for block in blocks
    )


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">B", len(data)) + data


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    if count > MAX_BLOCKS:
        raise LocalProtocolError("rtcp-field-range", "More than 31 items in an RTCP packet")
    body += bytes(-len(body) % 4)
    return _HEAD.pack(0x80 | count, packet_type, len(body) // 4) + body
