# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer of the mixer, one take per tick."""

from __future__ import annotations

import random

import pytest

from centralino.adapters.media.playout import PlayoutBuffer

pytestmark = pytest.mark.unit


def payload(number: int, size: int = 160) -> bytes:
    return bytes([number % 256]) * size


def drain(buffer: PlayoutBuffer, ticks: int) -> list[int | None]:
    """Return which frame each take gave, ``None`` for silence."""
    return [frame[0] if (frame := buffer.take()) else None for _ in range(ticks)]


def test_frames_come_in_order_after_two_frames_of_delay() -> None:
    buffer = PlayoutBuffer()
    for number in range(1, 6):
        buffer.put(number * 160, payload(number))
    assert drain(buffer, 7) == [None, None, 1, 2, 3, 4, 5]


def test_reordered_and_doubled_packets_do_no_harm() -> None:
    buffer = PlayoutBuffer()
    for number in (1, 3, 2, 2, 5, 4):
        buffer.put(number * 160, payload(number))
    assert drain(buffer, 7) == [None, None, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("size", [80, 160, 240, 320, 480])
def test_any_packet_length_becomes_frames_of_20_ms(size: int) -> None:
    buffer = PlayoutBuffer()
    stream = b"".join(payload(number) for number in range(1, 13))
    for at in range(0, len(stream), size):
        buffer.put(at, stream[at : at + size])
    assert drain(buffer, 14) == [None, None, *range(1, 13)]


def test_timestamp_wraps() -> None:
    buffer = PlayoutBuffer()
    for number in range(1, 6):
        buffer.put((0xFFFFFFFF - 300 + number * 160) & 0xFFFFFFFF, payload(number))
    assert drain(buffer, 7)[2:] == [1, 2, 3, 4, 5]


def test_one_lost_frame_is_stood_in_for_and_more_are_silence() -> None:
    buffer = PlayoutBuffer()
    for number in (1, 2, 6):
        buffer.put(number * 160, payload(number))
    assert drain(buffer, 8)[2:] == [1, 2, 2, None, None, 6]
    assert buffer.concealed_frames == 1


def test_late_packets_lengthen_the_delay_once() -> None:
    buffer = PlayoutBuffer()
    buffer.put(0, payload(1))
    drain(buffer, 4)
    buffer.put(160, payload(2))
    assert buffer.late_packets == 1
    buffer.put(320, payload(3))
    assert drain(buffer, 4) == [None, 3, 3, None]


def test_stream_that_moves_starts_anew() -> None:
    buffer = PlayoutBuffer()
    buffer.put(0, payload(1))
    drain(buffer, 3)
    buffer.put(5_000_000, payload(9))
    assert drain(buffer, 3) == [None, None, 9]


def test_jitter_below_the_delay_is_not_heard() -> None:
    rng = random.Random(7)  # a seeded generator; nothing here must not be guessed
    buffer = PlayoutBuffer()
    arrivals = sorted((number + 2 * rng.random(), number) for number in range(1, 200))
    heard: list[int | None] = []
    for tick in range(203):
        while arrivals and arrivals[0][0] <= tick:
            number = arrivals.pop(0)[1]
            buffer.put(number * 160, payload(number))
        heard += drain(buffer, 1)
    numbers = [number for number in heard if number is not None]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 195


def test_oversize_payload_is_ignored() -> None:
    buffer = PlayoutBuffer()
    buffer.put(0, bytes(5000))
    assert buffer.take() is None
