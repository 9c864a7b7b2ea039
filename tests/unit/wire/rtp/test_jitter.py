# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer tick by tick: order, loss, silence, jumps, and how long it waits."""

from __future__ import annotations

import random

import pytest

from centralino.wire.rtp.jitter import MAX_CONCEALED, MAX_PACKETS, Frame, JitterBuffer

pytestmark = pytest.mark.unit

TICK = 20_000_000


def frame(number: int) -> bytes:
    return b"%08d" % number


def put(buffer: JitterBuffer, number: int, now: int | None = None, *, ssrc: int = 0) -> bool:
    """Put packet ``number`` of a stream, at its own time when ``now`` is not given."""
    at = number * TICK if now is None else now
    return buffer.put(number & 0xFFFF, (number * 160) & 0xFFFFFFFF, frame(number), at, ssrc)


def play(buffer: JitterBuffer, start: int, count: int) -> list[Frame | None]:
    return [buffer.take((start + step) * TICK) for step in range(count)]


def run(buffer: JitterBuffer, arrivals: dict[int, int], ticks: int) -> list[Frame | None]:
    """Feed packets (number to arrival in nanoseconds) and take one frame per tick."""
    heard = []
    waiting = sorted(arrivals.items(), key=lambda one: one[1])
    for tick in range(ticks):
        while waiting and waiting[0][1] <= tick * TICK:
            number, at = waiting.pop(0)
            put(buffer, number, at)
        heard.append(buffer.take(tick * TICK))
    return heard


def test_waits_two_frames_and_then_plays_each_once() -> None:
    heard = run(JitterBuffer(), {number: number * TICK for number in range(10)}, 12)
    assert heard == [None, None, *(Frame(frame(number)) for number in range(10))]


def test_reordered_packets_come_out_in_order() -> None:
    buffer = JitterBuffer()
    for number in (0, 2, 1, 4, 3):
        assert put(buffer, number, 0)
    assert play(buffer, 2, 5) == [Frame(frame(number)) for number in range(5)]


def test_duplicates_are_refused_before_and_after_playing() -> None:
    buffer = JitterBuffer()
    assert put(buffer, 0, 0)
    assert not put(buffer, 0, 0)
    assert play(buffer, 2, 1) == [Frame(frame(0))]
    assert not put(buffer, 0, 3 * TICK)
    assert (buffer.duplicate, buffer.late) == (2, 0)


def test_both_counters_wrap() -> None:
    buffer = JitterBuffer()
    first = 0x10000 * 3 - 2
    for number in range(first, first + 5):
        buffer.put(number & 0xFFFF, (number * 160 + 0xFF_000000) & 0xFFFFFFFF, frame(number), 0)
    assert play(buffer, 2, 5) == [Frame(frame(first + step)) for step in range(5)]
    assert buffer.lost == 0


def test_lost_packet_is_concealed_by_the_one_before() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 3, 4):
        put(buffer, number, 0)
    heard = play(buffer, 2, 5)
    assert heard[2] == Frame(frame(1), is_concealed=True)
    assert heard[3:] == [Frame(frame(3)), Frame(frame(4))]
    assert (buffer.lost, buffer.concealed) == (1, 1)


def test_long_loss_fades_into_silence() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 9):
        put(buffer, number, 0)
    heard = play(buffer, 2, 10)
    made_up = [one for one in heard if one is not None and one.is_concealed]
    assert len(made_up) == MAX_CONCEALED
    assert heard[-1] == Frame(frame(9))
    assert buffer.lost == 7


def test_late_packet_is_not_played() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 3, 4):
        put(buffer, number, 0)
    play(buffer, 2, 3)
    assert not put(buffer, 2, 5 * TICK)
    assert buffer.late == 1
    assert play(buffer, 5, 1) == [Frame(frame(3))]


def test_dtx_is_silence_and_no_loss() -> None:
    buffer = JitterBuffer()
    # Three frames, then the far end says nothing for four frame times, numbers go on.
    for number in (0, 1, 2):
        put(buffer, number, 0)
    buffer.put(3, 7 * 160, frame(3), 0)
    heard = play(buffer, 2, 8)
    assert heard[3:7] == [None] * 4
    assert heard[7] == Frame(frame(3))
    assert (buffer.lost, buffer.concealed) == (0, 0)


def test_comfort_noise_takes_a_number_and_no_sound() -> None:
    buffer = JitterBuffer()
    put(buffer, 0, 0)
    buffer.put(1, 160, b"", 0)
    buffer.put(2, 8 * 160, frame(2), 0)
    buffer.put(3, 9 * 160, b"", 0)
    heard = play(buffer, 2, 12)
    assert heard[:10] == [Frame(frame(0)), *[None] * 7, Frame(frame(2)), None]
    assert (buffer.lost, buffer.concealed) == (0, 0)


def test_keys_between_sound_are_no_loss() -> None:
    buffer = JitterBuffer()
    put(buffer, 0, 0)
    for number in range(1, 6):
        buffer.put(number, 160, b"", number * TICK)
    for number in range(6, 9):
        put(buffer, number, 6 * TICK)
    heard = play(buffer, 2, 9)
    assert [one.payload for one in heard if one] == [frame(n) for n in (0, 6, 7, 8)]
    assert (buffer.lost, buffer.concealed) == (0, 0)


def test_dry_buffer_conceals_a_little_and_starts_again() -> None:
    buffer = JitterBuffer()
    put(buffer, 0, 0)
    heard = play(buffer, 2, 6)
    assert [one is not None and one.is_concealed for one in heard] == [False] + [True] * 3 + [
        False
    ] * 2
    put(buffer, 20)
    assert play(buffer, 20, 3) == [None, None, Frame(frame(20))]


def test_spikes_make_it_wait_longer_and_calm_shortens_it() -> None:
    generator = random.Random(4)
    buffer = JitterBuffer()
    rough = {n: n * TICK + generator.randrange(60_000_000) for n in range(400)}
    heard = run(buffer, rough, 400)
    assert buffer.wait_ns > 3 * TICK
    assert sum(one is not None and not one.is_concealed for one in heard) > 380
    calm = {n: n * TICK + 30_000_000 for n in range(400, 1_200)}
    run_from(buffer, calm, 400, 800)
    assert buffer.wait_ns == 2 * TICK
    assert buffer.depth <= 3


def run_from(buffer: JitterBuffer, arrivals: dict[int, int], start: int, ticks: int) -> None:
    waiting = sorted(arrivals.items(), key=lambda one: one[1])
    for tick in range(start, start + ticks):
        while waiting and waiting[0][1] <= tick * TICK:
            number, at = waiting.pop(0)
            put(buffer, number, at)
        buffer.take(tick * TICK)


@pytest.mark.parametrize("how", ["source", "sequence", "time"])
def test_recovers_from_a_media_switch_in_half_a_second(how: str) -> None:
    """A new source, a new sequence or a new time base is playing again (MED-07)."""
    buffer = JitterBuffer()
    run(buffer, {number: number * TICK for number in range(50)}, 50)
    missing = 0
    for tick in range(50, 100):
        sequence, timestamp = tick, tick * 160
        if how != "time":
            sequence = (tick + 40_000) & 0xFFFF
        if how != "sequence":
            timestamp = (timestamp + 0x90000000) & 0xFFFFFFFF
        buffer.put(sequence, timestamp, frame(tick), tick * TICK, int(how == "source"))
        got = buffer.take(tick * TICK)
        missing += got is None or got.is_concealed
    assert missing * 20 <= 500
    assert buffer.take(100 * TICK) is not None


def test_single_stray_packet_changes_nothing() -> None:
    buffer = JitterBuffer()
    for number in range(3):
        put(buffer, number, 0)
    assert not buffer.put(30_000, 5, b"stray", 0)
    put(buffer, 3, 0)
    assert play(buffer, 2, 4) == [Frame(frame(number)) for number in range(4)]


def test_buffer_is_bounded_when_nobody_listens() -> None:
    buffer = JitterBuffer()
    for number in range(1_000):
        put(buffer, number)
    assert buffer.depth == MAX_PACKETS
    assert play(buffer, 1_000, 1) == [Frame(frame(1_000 - MAX_PACKETS))]


def test_key_after_a_loss_is_passed_over() -> None:
    buffer = JitterBuffer()
    put(buffer, 0, 0)
    buffer.put(2, 160, b"", 0)
    buffer.put(3, 320, frame(3), 0)
    assert play(buffer, 2, 3) == [Frame(frame(0)), None, Frame(frame(3))]
