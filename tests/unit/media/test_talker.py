# SPDX-License-Identifier: Apache-2.0
"""A talker's packets become 20 ms frames, whatever their length."""

from __future__ import annotations

import pytest

from centralino.adapters.media.talker import TalkerInput

pytestmark = pytest.mark.unit

MS = 1_000_000


def listen(packet_ms: int, *, lost: frozenset[int] = frozenset(), seconds: int = 1) -> list[int]:
    """Return the first byte of each frame of a stream whose bytes count its 20 ms steps."""
    talker = TalkerInput()
    stream = b"".join(bytes([step % 200 + 1]) * 160 for step in range(50 * seconds))
    heard = []
    size = 8 * packet_ms
    for at_ms in range(0, 1000 * seconds, 10):
        if at_ms % packet_ms == 0 and at_ms // packet_ms not in lost:
            number = at_ms // packet_ms
            payload = stream[number * size : (number + 1) * size]
            talker.put(1, number, number * size, payload, at_ms * MS)
        if at_ms % 20 == 0 and (frame := talker.take((at_ms + 5) * MS)) is not None:
            assert len(frame) == 160
            heard.append(frame[0])
    return heard


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60])
def test_any_packet_length_becomes_frames_in_order(packet_ms: int) -> None:
    heard = listen(packet_ms)
    assert len(heard) > 35
    assert heard == list(range(heard[0], heard[0] + len(heard)))


def test_thirty_ms_packets_are_cut_across_frames() -> None:
    heard = listen(30)
    assert len(heard) > 35
    assert heard == sorted(heard)


def test_one_odd_packet_changes_nothing() -> None:
    talker = TalkerInput()
    heard = []
    for number in range(30):
        payload = bytes([number + 1]) * (100 if number == 20 else 160)
        talker.put(1, number, number * 160, payload, number * 20 * MS)
        heard.append(talker.take((number * 20 + 5) * MS))
    numbers = [frame[0] for frame in heard if frame is not None]
    assert numbers[0] in (1, 2)
    assert len(numbers) > 25


def test_key_packets_are_no_loss() -> None:
    talker = TalkerInput()
    for number in range(10):
        payload = b"" if 4 <= number < 7 else bytes([number + 1]) * 160
        timestamp = (4 if 4 <= number < 7 else number) * 160
        talker.put(1, number, timestamp, payload, number * 20 * MS)
    heard = [talker.take((200 + 20 * tick) * MS) for tick in range(10)]
    numbers = [frame[0] if frame else 0 for frame in heard]
    assert [number for number in numbers if number] == [1, 2, 3, 4, 8, 9, 10]


def test_silent_talker_gives_nothing() -> None:
    assert TalkerInput().take(0) is None
