# SPDX-License-Identifier: Apache-2.0
"""Streams under any loss, repetition and reordering: order, exactly-once, honest counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.wire.rtp.jitter import MAX_CONCEALED, MAX_PACKETS, Frame, JitterBuffer
from centralino.wire.rtp.statistics import ReceiverStatistics
from centralino.wire.rtp.telephone_event import (
    KEYS,
    LOST_END_NS,
    EventDetector,
    EventPacket,
    EventSender,
)

pytestmark = pytest.mark.property

TICK = 20_000_000
starts = st.integers(0, 0xFFFF) | st.integers(0xFFF0, 0xFFFF)
clocks = st.integers(0, 0xFFFFFFFF) | st.integers(0xFFFFFC00, 0xFFFFFFFF)


def body(number: int) -> bytes:
    return b"%d" % number


def number_of(frame: Frame) -> int:
    return int(frame.payload)


@given(st.permutations(range(12)), starts, clocks)
def test_any_order_comes_out_in_order(order: list[int], sequence: int, clock: int) -> None:
    buffer = JitterBuffer()
    for number in order:
        at = (clock + 160 * number) & 0xFFFFFFFF
        assert buffer.put((sequence + number) & 0xFFFF, at, body(number), 0)
    heard = [buffer.take((2 + tick) * TICK) for tick in range(12)]
    assert heard == [Frame(body(number)) for number in range(12)]
    assert (buffer.lost, buffer.late, buffer.duplicate) == (0, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 15)), min_size=1, max_size=60),
    starts,
    clocks,
)
def test_nothing_is_played_twice_or_out_of_order(
    arrivals: list[tuple[int, int]], sequence: int, clock: int
) -> None:
    """Packets (number, delay in ticks) lost, repeated and delayed at will."""
    buffer = JitterBuffer()
    due = sorted(arrivals, key=lambda one: one[0] + one[1])
    heard: list[Frame | None] = []
    accepted = set()
    for tick in range(80):
        while due and sum(due[0]) <= tick:
            number, _ = due.pop(0)
            at = (clock + 160 * number) & 0xFFFFFFFF
            if buffer.put((sequence + number) & 0xFFFF, at, body(number), tick * TICK):
                assert number not in accepted
                accepted.add(number)
        heard.append(buffer.take(tick * TICK))
    played = [number_of(frame) for frame in heard if frame and not frame.is_concealed]
    assert played == sorted(set(played))
    assert set(played) <= accepted
    assert len(played) == len(accepted) - buffer.trimmed - buffer.depth
    made_up = [frame is not None and frame.is_concealed for frame in heard]
    longest = max(len(run) for run in "".join("x" if one else " " for one in made_up).split(" "))
    assert longest <= MAX_CONCEALED
    assert sum(made_up) == buffer.concealed
    assert buffer.late + buffer.duplicate == len(arrivals) - len(accepted)


@given(st.sets(st.integers(1, 38)), starts, clocks)
def test_losses_are_counted_and_nothing_else_is_missing(
    missing: set[int], sequence: int, clock: int
) -> None:
    buffer = JitterBuffer()
    heard = []
    for tick in range(44):
        if tick < 40 and tick not in missing:
            at = (clock + 160 * tick) & 0xFFFFFFFF
            buffer.put((sequence + tick) & 0xFFFF, at, body(tick), tick * TICK)
        heard.append(buffer.take(tick * TICK))
    played = {number_of(frame) for frame in heard if frame and not frame.is_concealed}
    assert played == set(range(40)) - missing


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.binary(max_size=3),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_any_packets_at_all_are_bounded(
    packets: list[tuple[int, int, bytes, int, bool]],
) -> None:
    buffer, now = JitterBuffer(), 0
    for sequence, timestamp, payload, ssrc, listens in packets:
        now += TICK
        buffer.put(sequence, timestamp, payload, now, ssrc)
        frame = buffer.take(now) if listens else None
        assert frame is None or frame.payload
        assert buffer.depth <= MAX_PACKETS
        assert 2 * TICK <= buffer.wait_ns <= 200_000_000


@given(
    st.text(KEYS, min_size=1, max_size=6),
    clocks,
    st.integers(1, 8),
    st.data(),
)
def test_each_key_is_heard_exactly_once(
    keys: str, clock: int, tone_ticks: int, data: st.DataObject
) -> None:
    """Any loss that leaves one packet of each key; repeats; neighbours swapped."""
    sender = EventSender(tone_ms=20 * tone_ticks, gap_ms=40)
    sender.queue(keys)
    presses: dict[int, list[tuple[int, EventPacket]]] = {}
    tick = 0
    while sender.is_busy:
        packet = sender.next_packet(clock + 160 * tick)
        if packet is not None:
            presses.setdefault(packet.timestamp, []).append((tick, packet))
        tick += 1
    assert len(presses) == len(keys)
    arrivals: list[tuple[int, EventPacket]] = []
    for packets in presses.values():
        kept = data.draw(st.lists(st.sampled_from(packets), min_size=1, max_size=14))
        arrivals += [(at + data.draw(st.integers(0, 1)), packet) for at, packet in kept]
    arrivals.sort(key=lambda one: one[0])
    detector, heard = EventDetector(), ""
    for now in range(tick + 20):
        while arrivals and arrivals[0][0] <= now:
            packet = arrivals.pop(0)[1]
            events = detector.feed(packet.payload, packet.timestamp, packet.marker, now * TICK)
            heard += "".join(event.digit for event in events)
        heard += "".join(event.digit for event in detector.tick(now * TICK))
    heard += "".join(event.digit for event in detector.tick(tick * TICK + 2 * LOST_END_NS))
    assert heard == keys


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), starts)
def test_loss_count_is_what_never_came(numbers: list[int], sequence: int) -> None:
    """Cumulative loss is exact for any order and repetition within the window."""
    numbers = [min(numbers), *numbers]
    statistics = ReceiverStatistics()
    for number in numbers:
        statistics.receive((sequence + number) & 0xFFFF, 160 * number, 1, number * TICK)
    different = set(numbers)
    assert statistics.expected == max(different) - min(different) + 1
    assert statistics.duplicate == len(numbers) - len(different)
    assert statistics.lost == statistics.expected - len(numbers)
    block = statistics.report_block(0)
    assert block is not None
    assert block.cumulative_lost == statistics.lost
