# SPDX-License-Identifier: Apache-2.0
"""RTCP of a leg: when it reports, what it says, what it learns."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.media.outgoing import LinePosition, OutgoingLine
from centralino.adapters.media.report import Reporter, leg_statistics
from centralino.adapters.media.sockets import PortRange, SocketPair
from centralino.core.kernel.ids import LegId
from centralino.exchange.media import LegMedia
from centralino.wire.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    build_compound,
    middle_of,
    ntp_from,
    parse_compound,
)
from centralino.wire.rtp.statistics import ReceiverStatistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from centralino.adapters.media.protection import Protection

pytestmark = pytest.mark.wire

S = 1_000_000_000
ports = PortRange(29_000, 29_998, 1 << 16)


class BareLeg:
    """What a reporter needs of a leg."""

    def __init__(self, pair: SocketPair) -> None:
        self.id = LegId("a")
        self.pair = pair
        self.line = OutgoingLine(LinePosition(0x1234, 0, 0, 0), on_reserve=lambda: None)
        self.codec = "PCMU"
        self.heard = ReceiverStatistics()
        self.protection: Protection | None = None
        self.stranger_packets = 0
        self.refused_packets = 0


class Stand:
    """A reporter and the far end that its reports reach."""

    def __init__(self, leg: BareLeg, far_end: socket.socket, reporter: Reporter) -> None:
        self.leg = leg
        self.far_end = far_end
        self.reporter = reporter

    def reported(self) -> list[bytes]:
        """Return what has come to the far end."""
        found = []
        try:
            while True:
                found.append(self.far_end.recv(2048))
        except BlockingIOError:
            return found


@pytest.fixture
def stand() -> Iterator[Stand]:
    leg = BareLeg(ports.open("127.0.0.1"))
    far_end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far_end.bind(("127.0.0.1", 0))
    far_end.setblocking(False)
    port = far_end.getsockname()[1]
    reporter = Reporter(leg)
    media = LegMedia(
        remote_address="127.0.0.1",
        remote_rtp_port=port,
        remote_rtcp_port=port,
        rtcp_mux=False,
        codec="PCMU",
        payload_type=0,
    )
    reporter.set_remote(media)
    yield Stand(leg, far_end, reporter)
    far_end.close()
    leg.pair.close()


def test_reports_come_about_every_five_seconds(stand: Stand) -> None:
    for second in range(100):
        stand.reporter.send_if_due(second * S)
    assert 12 <= len(stand.reported()) <= 40


def test_receiver_report_before_we_send_and_sender_report_after(stand: Stand) -> None:
    stand.leg.heard.receive(5, 800, 77, 0)
    stand.reporter.send_if_due(0)
    stand.reporter.send_if_due(10 * S)
    stand.leg.line.frame_header(0, 1, S)
    stand.reporter.send_if_due(30 * S)
    first, second = (parse_compound(data)[0] for data in stand.reported())
    assert isinstance(first, ReceiverReport)
    assert isinstance(second, SenderReport)
    assert first.ssrc == second.ssrc == 0x1234
    assert first.blocks[0].ssrc == 77
    assert second.packet_count == 1


def test_round_trip_is_learnt_from_a_block_about_us(stand: Stand) -> None:
    sent_at = 5 * S
    block = ReportBlock(0x1234, 0, 0, 1, 0, middle_of(ntp_from(sent_at)), 65_536)
    other = ReportBlock(0x9999, 0, 0, 1, 0, middle_of(ntp_from(0)), 0)
    data = build_compound([ReceiverReport(9, (other, block))])
    stand.reporter.take(data, sent_at + S + S // 20)
    assert stand.reporter.round_trip_ms == pytest.approx(50, abs=1)
    figures = leg_statistics(stand.leg, stand.reporter.round_trip_ms)
    assert figures.round_trip_ms == stand.reporter.round_trip_ms


def test_garbage_is_counted(stand: Stand) -> None:
    stand.reporter.take(b"\x80\xc8 not rtcp", 0)
    assert stand.leg.refused_packets == 1


def test_goodbye_is_said_only_by_who_has_spoken(stand: Stand) -> None:
    stand.reporter.say_goodbye(0)
    assert stand.reported() == []
    stand.leg.line.frame_header(0, 1, S)
    stand.reporter.say_goodbye(S)
    assert isinstance(parse_compound(stand.reported()[0])[-1], Goodbye)
