# SPDX-License-Identifier: Apache-2.0
"""Telephone events: one key out per key pressed, whatever the network does (MED-04)."""

from __future__ import annotations

import struct

import pytest

from centralino.wire.errors import LocalProtocolError
from centralino.wire.rtp.telephone_event import (
    FORGET_NS,
    LOST_END_NS,
    MAX_QUEUED_KEYS,
    DtmfEvent,
    EventDetector,
    EventPacket,
    EventSender,
)

pytestmark = pytest.mark.unit

TICK = 20_000_000


def payload(event: int, duration: int, *, end: bool = False) -> bytes:
    return struct.pack(">BBH", event, 10 | (0x80 if end else 0), duration)


def sent(sender: EventSender, start: int = 0, step: int = 160) -> list[EventPacket | None]:
    """Run the sender's clock until it has nothing more to say."""
    timestamp, packets = start, []
    while sender.is_busy:
        packets.append(sender.next_packet(timestamp))
        timestamp += step
    return packets


def heard(packets: list[EventPacket | None]) -> list[DtmfEvent]:
    detector, events = EventDetector(), []
    for position, packet in enumerate(packets):
        now = position * TICK
        if packet is not None:
            events += detector.feed(packet.payload, packet.timestamp, packet.marker, now)
        events += detector.tick(now)
    return events + detector.tick(len(packets) * TICK + LOST_END_NS)


def test_sender_follows_the_rfc() -> None:
    sender = EventSender(tone_ms=60, gap_ms=100)
    sender.queue("5")
    packets = [packet for packet in sent(sender, 1_000) if packet is not None]
    assert [packet.marker for packet in packets] == [True, False, False, False, False]
    assert {packet.timestamp for packet in packets} == {1_000}
    fields = [struct.unpack(">BBH", packet.payload) for packet in packets]
    assert fields == [(5, 10, 160), (5, 10, 320)] + [(5, 0x8A, 480)] * 3


def test_nothing_to_send() -> None:
    sender = EventSender()
    assert not sender.is_busy
    assert sender.next_packet(0) is None


def test_keys_are_apart() -> None:
    sender = EventSender(tone_ms=100, gap_ms=60)
    sender.queue("11")
    starts = sorted({packet.timestamp for packet in sent(sender) if packet is not None})
    assert starts == [0, 1_280]


def test_audio_goes_on_between_keys() -> None:
    sender = EventSender(tone_ms=40, gap_ms=100)
    sender.queue("12")
    assert sent(sender).count(None) > 0


def test_all_keys_arrive_in_order_and_with_their_length() -> None:
    sender = EventSender(tone_ms=120)
    sender.queue("0123456789*#abcd")
    events = heard(sent(sender))
    assert "".join(event.digit for event in events) == "0123456789*#ABCD"
    assert {event.duration_ms for event in events} == {120}


def test_timestamps_may_wrap_within_a_key() -> None:
    sender = EventSender()
    sender.queue("77")
    assert [event.digit for event in heard(sent(sender, 0xFFFFFF00))] == ["7", "7"]


@pytest.mark.parametrize("text", ["x", "1 2", "+"])
def test_only_keys_can_be_sent(text: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        EventSender().queue(text)
    assert caught.value.code == "event-digit"


def test_queue_is_bounded() -> None:
    sender = EventSender()
    sender.queue("1" * MAX_QUEUED_KEYS)
    with pytest.raises(LocalProtocolError) as caught:
        sender.queue("1")
    assert caught.value.code == "event-queue-full"


@pytest.mark.parametrize("timing", [{"tone_ms": 9_000}, {"volume": 64}, {"ptime_ms": 0}])
def test_timing_is_checked(timing: dict[str, int]) -> None:
    with pytest.raises(LocalProtocolError):
        EventSender(**timing)


def test_48_khz_clock() -> None:
    sender = EventSender(48_000, tone_ms=100)
    sender.queue("3")
    detector, events = EventDetector(48_000), []
    for position, packet in enumerate(sent(sender, step=960)):
        assert packet is not None
        events += detector.feed(packet.payload, packet.timestamp, packet.marker, position * TICK)
    assert events == [DtmfEvent("3", 100)]


def test_all_ends_lost_is_ended_by_silence() -> None:
    detector = EventDetector()
    assert detector.feed(payload(4, 160), 0, True, 0) == []
    assert detector.next_deadline() == LOST_END_NS
    assert detector.tick(LOST_END_NS - 1) == []
    assert detector.tick(LOST_END_NS) == [DtmfEvent("4", 20)]
    assert detector.next_deadline() is None
    assert detector.feed(payload(4, 800, end=True), 0, False, LOST_END_NS + 1) == []


def test_all_ends_lost_is_ended_by_the_next_key() -> None:
    detector = EventDetector()
    detector.feed(payload(4, 160), 0, True, 0)
    assert detector.feed(payload(4, 160), 1_600, True, TICK * 8) == [DtmfEvent("4", 20)]


def test_only_an_end_packet_arrives() -> None:
    assert EventDetector().feed(payload(9, 800, end=True), 5, False, 0) == [DtmfEvent("9", 100)]


def test_straggler_of_the_key_before_is_no_key() -> None:
    detector = EventDetector()
    detector.feed(payload(1, 800, end=True), 0, False, 0)
    detector.feed(payload(2, 160), 1_600, True, TICK)
    assert detector.feed(payload(1, 800, end=True), 0, False, TICK) == []
    assert detector.feed(payload(2, 800, end=True), 1_600, False, TICK) == [DtmfEvent("2", 100)]


def test_long_key_in_segments_is_one_key() -> None:
    detector, events = EventDetector(), []
    events += detector.feed(payload(8, 0xFFFF), 0, True, 0)
    events += detector.feed(payload(8, 160), 0xFFFF, False, TICK)
    events += detector.feed(payload(8, 8_000, end=True), 0xFFFF, False, 2 * TICK)
    assert events == [DtmfEvent("8", (0xFFFF + 8_000) // 8)]


def test_peer_that_counts_the_timestamp_up_presses_one_key() -> None:
    detector, events = EventDetector(), []
    for step in range(8):
        end = step >= 5
        duration = 160 * min(step + 1, 6)
        events += detector.feed(payload(6, duration, end=end), 160 * step, step == 0, step * TICK)
    assert [event.digit for event in events] == ["6"]


@pytest.mark.parametrize("data", [b"", b"\x01\x0a\x00", payload(16, 160, end=True), payload(66, 1)])
def test_what_is_no_key_is_ignored(data: bytes) -> None:
    detector = EventDetector()
    assert detector.feed(data, 0, True, 0) == []
    assert detector.next_deadline() is None


@pytest.mark.parametrize("how", ["reset", "pause"])
def test_lower_timestamps_count_after_a_new_source(how: str) -> None:
    detector = EventDetector()
    detector.feed(payload(1, 800, end=True), 900_000, True, 0)
    now = TICK
    if how == "reset":
        detector.reset()
    else:
        now = FORGET_NS + 1
    assert detector.feed(payload(2, 800, end=True), 100, True, now) == [DtmfEvent("2", 100)]
