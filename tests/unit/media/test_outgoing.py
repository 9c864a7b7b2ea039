# SPDX-License-Identifier: Apache-2.0
"""One line through all sources, and past a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.media.outgoing import (
    RESERVE_STEP,
    LinePosition,
    OutgoingLine,
    Source,
)
from centralino.wire.rtp.packet import RtpPacket

pytestmark = pytest.mark.unit

TICK = 20_000_000


def make_line(index: int = 100, timestamp: int = 1000) -> OutgoingLine:
    start = LinePosition(ssrc=7, index=index, timestamp=timestamp, at=0)
    return OutgoingLine(start, on_reserve=lambda: None)


def frame(line: OutgoingLine, tick: int) -> RtpPacket:
    return RtpPacket.parse(line.frame_header(0, tick, tick * TICK))


def relayed(
    line: OutgoingLine, source: Source, sequence: int, timestamp: int, now: int
) -> RtpPacket | None:
    header = line.relay_header(source, 8, sequence, timestamp, now)
    return RtpPacket.parse(header) if header is not None else None


def test_frames_follow_each_other_and_only_the_first_is_marked() -> None:
    line = make_line()
    packets = [frame(line, tick) for tick in range(1, 4)]
    assert [packet.sequence for packet in packets] == [101, 102, 103]
    assert [packet.timestamp for packet in packets] == [1160, 1320, 1480]
    assert [packet.marker for packet in packets] == [True, False, False]


def test_skipped_ticks_are_a_hole_in_time_but_not_in_sequence() -> None:
    line = make_line()
    first, second = frame(line, 1), frame(line, 11)
    assert second.sequence - first.sequence == 1
    assert second.timestamp - first.timestamp == 10 * 160


def test_relay_keeps_losses_and_reordering_of_the_talker() -> None:
    line, talker = make_line(), Source()
    found = [
        relayed(line, talker, sequence, sequence * 160, TICK) for sequence in (65_534, 65_535, 2, 1)
    ]
    assert [packet.sequence for packet in found if packet] == [101, 102, 105, 104]
    assert [packet.timestamp - found[0].timestamp for packet in found if packet and found[0]] == [
        0,
        160,
        (2 - 65_534) * 160 % 2**32,
        (1 - 65_534) * 160 % 2**32,
    ]


def test_relay_drops_what_was_sent_or_lies_before_the_take_over() -> None:
    line, talker = make_line(), Source()
    assert relayed(line, talker, 10, 0, TICK)
    assert relayed(line, talker, 10, 0, TICK) is None
    assert relayed(line, talker, 9, 0, TICK) is None


def test_relay_that_jumps_is_anchored_anew() -> None:
    line, talker = make_line(), Source()
    relayed(line, talker, 10, 0, TICK)
    jumped = relayed(line, talker, 30_000, 5, 2 * TICK)
    assert jumped is not None
    assert (jumped.sequence, jumped.marker) == (102, True)


def test_sources_take_turns_without_a_jump() -> None:
    line, talker = make_line(), Source()
    before = frame(line, 1)
    passed = relayed(line, talker, 5000, 123_456, 2 * TICK)
    after = frame(line, 3)
    assert passed is not None
    assert [before.sequence, passed.sequence, after.sequence] == [101, 102, 103]
    assert passed.timestamp - before.timestamp == 160
    assert after.timestamp - passed.timestamp == 160
    assert passed.marker
    assert after.marker


def test_timestamp_never_goes_back_at_a_take_over() -> None:
    line, talker = make_line(), Source()
    frame(line, 1)
    frame(line, 2)
    early = relayed(line, talker, 1, 0, TICK)
    assert early is not None
    assert early.timestamp == 1320 + 160


def test_roll_over_is_counted() -> None:
    line = make_line(index=65_534)
    numbers = [frame(line, tick).sequence for tick in range(4)]
    assert numbers == [65_535, 0, 1, 2]
    assert line.rollover == 1
    line.restart_rollover()
    assert (line.rollover, frame(line, 5).sequence) == (0, 3)


def test_numbers_are_reserved_before_they_are_used() -> None:
    stored: list[int] = []
    line = OutgoingLine(
        LinePosition(7, 0, 0, 0), on_reserve=lambda: stored.append(line.position(0).index)
    )
    for tick in range(20):
        frame(line, tick)
        assert stored[-1] >= line.index
    assert len(stored) <= 20 // RESERVE_STEP + 1


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["frame", "relay", "crash"]), st.integers(0, 40)), max_size=60
    )
)
def test_no_number_is_ever_used_twice(steps: list[tuple[str, int]]) -> None:
    """Under SRTP that would give the key stream away."""
    checkpoint = [LinePosition(7, 65_500, 0, 0)]

    def start() -> OutgoingLine:
        line = OutgoingLine(
            checkpoint[0], on_reserve=lambda: checkpoint.__setitem__(0, line.position(now))
        )
        return line

    now = 0
    line = start()
    talker = Source()
    sent: set[tuple[int, int]] = set()
    heard = 0
    for tick, (what, number) in enumerate(steps):
        now = tick * TICK
        if what == "crash":
            line = start()
            talker = Source()
            continue
        heard = (heard + number - 5) & 0xFFFF
        data = (
            line.frame_header(0, tick, now)
            if what == "frame"
            else line.relay_header(talker, 0, heard, tick * 160, now)
        )
        if data is None:
            continue
        packet = RtpPacket.parse(data)
        index = line.index + ((packet.sequence - line.index + 0x8000) & 0xFFFF) - 0x8000
        if what == "frame" or index == line.index:
            assert (index, 0) not in sent
            sent.add((index, 0))
