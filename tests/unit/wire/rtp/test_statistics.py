# SPDX-License-Identifier: Apache-2.0
"""Receiver statistics against numbers worked out by hand from RFC 3550, and MOS figures."""

from __future__ import annotations

import pytest

from centralino.wire.rtp.rtcp import middle_of, ntp_from
from centralino.wire.rtp.statistics import (
    ReceiverStatistics,
    mos_from_r,
    mouth_to_ear_ms,
    r_factor,
)

pytestmark = pytest.mark.unit

MS = 1_000_000


def hear(statistics: ReceiverStatistics, *sequences: int, ssrc: int = 1) -> None:
    for sequence in sequences:
        statistics.receive(sequence & 0xFFFF, sequence * 160, ssrc, sequence * 20 * MS)


@pytest.mark.parametrize(
    ("factor", "score"),
    [(93.2, 4.409), (90, 4.339), (80, 4.024), (70, 3.597), (60, 3.100), (50, 2.575)],
)
def test_mos_of_the_table(factor: float, score: float) -> None:
    assert mos_from_r(factor) == pytest.approx(score, abs=0.0005)


@pytest.mark.parametrize(("factor", "score"), [(-5, 1), (0, 1), (100, 4.5), (140, 4.5), (3, 1)])
def test_mos_has_ends(factor: float, score: float) -> None:
    assert mos_from_r(factor) == score


def test_r_factor_by_hand() -> None:
    assert r_factor() == 93.2
    # 200 ms: 0.024 * 200 + 0.11 * 22.7 = 7.297
    assert r_factor(delay_ms=200) == pytest.approx(93.2 - 7.297)
    # 5 % random loss of G.711 with concealment: 95 * 5 / (5 + 25.1) = 15.781
    assert r_factor(loss_ratio=0.05) == pytest.approx(93.2 - 15.781, abs=0.001)
    # bursts twice as long: 95 * 5 / (2.5 + 25.1) = 17.210
    assert r_factor(loss_ratio=0.05, burst_ratio=2) == pytest.approx(93.2 - 17.210, abs=0.001)


def test_loss_is_expected_less_received() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 10, 11, 14, 15)
    quality = statistics.quality()
    assert (statistics.expected, statistics.received, statistics.lost) == (6, 4, 2)
    assert quality.loss_ratio == pytest.approx(1 / 3)
    assert (quality.longest_burst, quality.mean_burst) == (2, 2)


def test_late_packets_are_not_lost_and_duplicates_are_told_apart() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 1, 2, 4, 3, 4, 3)
    quality = statistics.quality()
    assert (quality.late, quality.duplicate) == (1, 2)
    assert (statistics.lost, quality.lost) == (-2, 0)


def test_sequence_wraps() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 65_534, 65_535, 65_536, 65_538)
    assert statistics.highest == 65_538
    assert (statistics.expected, statistics.lost) == (5, 1)


def test_report_blocks_cover_intervals() -> None:
    statistics = ReceiverStatistics()
    assert statistics.report_block(0) is None
    hear(statistics, 1, 2, 3, 4)
    first = statistics.report_block(0)
    hear(statistics, 6, 8)
    second = statistics.report_block(0)
    hear(statistics, 7, 9)
    third = statistics.report_block(0)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.fraction_lost, first.cumulative_lost, first.highest_sequence) == (0, 0, 4)
    # expected 5 to 8, received 6 and 8: half of them lost, 128 / 256.
    assert (second.fraction_lost, second.cumulative_lost) == (128, 2)
    # 9 came and 7 came late: more received than expected is no loss.
    assert (third.fraction_lost, third.cumulative_lost) == (0, 1)


def test_report_refers_to_the_last_sender_report() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 1)
    ntp = ntp_from(46_853_125 * MS)
    statistics.receive_report(ntp, 1_000 * MS)
    block = statistics.report_block(6_250 * MS)
    assert block is not None
    assert (block.last_report, block.delay_since_last_report) == (middle_of(ntp), 0x00054000)


def test_jitter_by_hand() -> None:
    statistics = ReceiverStatistics()
    # Sent every 20 ms; the third comes 4 ms late, the fourth in time: |D| = 0, 32, 32 units.
    for position, arrival_ms in enumerate([0, 20, 44, 60]):
        statistics.receive(position, position * 160, 1, arrival_ms * MS)
    assert statistics.jitter == pytest.approx((0 + 32 / 16) * 15 / 16 + 32 / 16)
    assert statistics.jitter_ms == pytest.approx(3.875 / 8)


def test_jitter_survives_the_wrap_of_the_timestamp() -> None:
    statistics = ReceiverStatistics()
    for position in range(5):
        timestamp = (0xFFFFFF00 + position * 160) & 0xFFFFFFFF
        statistics.receive(position, timestamp, 1, position * 20 * MS)
    assert statistics.jitter == 0


def test_events_and_silence_make_no_jitter_and_no_loss() -> None:
    statistics = ReceiverStatistics()
    statistics.receive(0, 0, 1, 0)
    for position in range(1, 6):
        statistics.receive(position, 160, 1, position * 20 * MS, is_event=True)
    statistics.receive(6, 6_000 * 8, 1, 6_000 * MS)
    assert statistics.jitter == 0
    assert statistics.lost == 0


def test_new_source_goes_on_counting() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 1, 3)
    hear(statistics, 30_000, 30_001, ssrc=2)
    assert (statistics.expected, statistics.received, statistics.lost) == (5, 4, 1)
    assert statistics.ssrc == 2


def test_jump_needs_two_packets_in_a_row() -> None:
    statistics = ReceiverStatistics()
    hear(statistics, 1, 2, 20_000, 3, 40_000, 40_001, 40_002)
    # 20000 and 40000 wait for a successor; 40001 starts anew.
    assert statistics.received == 5
    assert statistics.lost == 0


def test_mos_of_a_stream_falls_with_loss() -> None:
    good, bad = ReceiverStatistics(), ReceiverStatistics()
    hear(good, *range(400))
    hear(bad, *(number for number in range(400) if number % 20))
    # 40 ms of delay cost 0.024 * 40 = 0.96; then 5 % of loss as above.
    assert good.mos(codec="PCMA") == pytest.approx(mos_from_r(93.2 - 0.96))
    assert bad.mos(codec="PCMA") == pytest.approx(mos_from_r(93.2 - 0.96 - 15.66), abs=0.05)
    assert ReceiverStatistics().mos(codec="PCMU") > 4


def test_delay_estimate() -> None:
    assert mouth_to_ear_ms(round_trip_ms=80, jitter_ms=5) == 70
    assert mouth_to_ear_ms(round_trip_ms=None, jitter_ms=0) == 40
