# SPDX-License-Identifier: Apache-2.0
"""RTCP of one leg: reports to the far end, what its reports tell, and our own figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from centralino.adapters.media.opus_edge import OPUS, SCALE
from centralino.exchange.media import LegMedia, Statistics
from centralino.wire.errors import ProtocolError
from centralino.wire.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    build_compound,
    ntp_from,
    parse_compound,
    report_interval_ns,
    round_trip_ms,
)

if TYPE_CHECKING:
    import socket

    from centralino.adapters.media.outgoing import OutgoingLine
    from centralino.adapters.media.protection import Protection
    from centralino.adapters.media.sockets import SocketPair
    from centralino.core.kernel.ids import LegId
    from centralino.wire.rtp.statistics import ReceiverStatistics

_SPREAD = 2654435761
"""Knuth's multiplier: spreads the intervals of legs and reports over their range."""


class Reporting(Protocol):
    """What is needed of the leg that is reported on."""

    id: LegId
    pair: SocketPair
    line: OutgoingLine
    codec: str
    heard: ReceiverStatistics
    protection: Protection | None
    stranger_packets: int
    refused_packets: int


class Reporter:
    """Sends and takes the RTCP of one leg."""

    def __init__(self, leg: Reporting) -> None:
        self._leg = leg
        self._socket: socket.socket = leg.pair.rtcp
        self._remote: tuple[str, int] | None = None
        self._next_at = 0
        self._clock_scale = 1
        self.round_trip_ms: float | None = None
        """As the far end's latest report tells, ``None`` before there is one."""
        self.sent_reports = 0
        """Compound packets sent; also the SRTCP index."""

    def set_remote(self, media: LegMedia) -> None:
        """Take where reports go."""
        pair = self._leg.pair
        self._socket = pair.rtp if media.rtcp_mux else pair.rtcp
        port = media.remote_rtp_port if media.rtcp_mux else media.remote_rtcp_port
        self._remote = (media.remote_address, port)
        self._clock_scale = SCALE if media.codec == OPUS else 1

    def take(self, data: bytes, now: int) -> None:
        """Take one compound packet that came from the far end."""
        leg = self._leg
        try:
            if leg.protection is not None:
                data = leg.protection.unprotect_rtcp(data)
            packets = parse_compound(data)
        except ProtocolError:
            leg.refused_packets += 1
            return
        for packet in packets:
            if isinstance(packet, SenderReport):
                leg.heard.receive_report(packet.ntp, now)
            if isinstance(packet, SenderReport | ReceiverReport):
                for block in packet.blocks:
                    if block.ssrc == leg.line.ssrc:
                        self.round_trip_ms = round_trip_ms(block, now) or self.round_trip_ms

    def send_if_due(self, now: int) -> None:
        """Report when it is time, about every five seconds."""
        if self._remote is None or now < self._next_at:
            return
        chance = (self._leg.line.ssrc + self.sent_reports * _SPREAD) % 0x10000 / 0x10000
        is_first = self._next_at == 0
        self._next_at = now + report_interval_ns(chance, is_first=is_first)
        if not is_first:
            self._send((self._report(now), self._description()))

    def say_goodbye(self, now: int) -> None:
        """Send the last report, with a good-bye."""
        if self._remote is not None and self._leg.line.sent_packets:
            goodbye = Goodbye((self._leg.line.ssrc,))
            self._send((self._report(now), self._description(), goodbye))

    def _report(self, now: int) -> RtcpPacket:
        line = self._leg.line
        block = self._leg.heard.report_block(now)
        blocks = (block,) if block is not None else ()
        if not line.sent_packets:
            return ReceiverReport(line.ssrc, blocks)
        return SenderReport(
            line.ssrc,
            ntp_from(now),
            line.wall_timestamp(now) * self._clock_scale & 0xFFFFFFFF,
            line.sent_packets,
            line.sent_bytes,
            blocks,
        )

    def _description(self) -> SourceDescription:
        return SourceDescription(self._leg.line.ssrc, f"{self._leg.line.ssrc:08x}@centralino")

    def _send(self, packets: tuple[RtcpPacket, ...]) -> None:
        data = build_compound(packets)
        self.sent_reports += 1
        try:
            if self._leg.protection is not None:
                data = self._leg.protection.protect_rtcp(data)
            self._socket.sendto(data, self._remote or ("", 0))
        except (OSError, ProtocolError):
            return


def leg_statistics(
    leg: Reporting, round_trip: float | None, *, request: int = 0, is_final: bool = False
) -> Statistics:
    """Return a leg's figures so far; ``mos`` is that of what the leg hears."""
    quality = leg.heard.quality()
    return Statistics(
        request=request,
        leg=leg.id,
        received_packets=quality.received,
        received_bytes=leg.heard.received_bytes,
        sent_packets=leg.line.sent_packets,
        lost_packets=quality.lost,
        late_packets=quality.late,
        stranger_packets=leg.stranger_packets,
        refused_packets=leg.refused_packets,
        jitter_ms=quality.jitter_ms,
        round_trip_ms=round_trip,
        mos=leg.heard.mos(codec=leg.codec, round_trip_ms=round_trip),
        is_final=is_final,
    )
