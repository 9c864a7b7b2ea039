# SPDX-License-Identifier: Apache-2.0
"""Keys as telephone events: exactly one key out for each key pressed, and the way back.

What lives here: the four-byte payload, the receiver that survives lost, repeated and
reordered packets, the sender that times packets to the caller's ticks. What must not:
packet headers (the caller knows sequence number and SSRC), meaning of digits.

A key press is one stretch of RTP time. Packets of it share a timestamp; only the duration
grows. Its end is marked three times over; where all three are lost, the next key or a
pause ends it. Events 0 to 15 are keys; anything else (flash hook, fax tones) is ignored.

Source: RFC 4733 2.3 (payload), 2.5.1 (sending), 2.5.2 (receiving), 3.2 (keys).
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from centralino.wire.errors import LocalProtocolError
from centralino.wire.rtp.packet import timestamp_delta

KEYS: Final = "0123456789*#ABCD"
"""Key of each event number, 0 to 15."""
MAX_QUEUED_KEYS: Final = 256
"""How many keys an `EventSender` keeps waiting."""
LOST_END_NS: Final = 200_000_000
"""A key whose packets stop this long without an end mark has ended."""
FORGET_NS: Final = 1_000_000_000
"""After this long without a packet, timestamps are compared with nothing any more."""
END_PACKETS: Final = 3
"""How often the end of a key is sent."""

_PAYLOAD = struct.Struct(">BBH")
_END_BIT: Final = 0x80
_VOLUME_MASK: Final = 0x3F
_MAX_DURATION: Final = 0xFFFF
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class DtmfEvent:
    """A key was pressed and released."""

    digit: str
    """One of `KEYS`."""
    duration_ms: int
    """How long, as far as its packets told."""


@dataclass(frozen=True, slots=True)
class EventPacket:
    """A telephone-event packet to send."""

    payload: bytes
    timestamp: int
    """RTP time at which the key went down: the same for all packets of a key."""
    marker: bool
    """Set on the first packet of a key."""


@dataclass(slots=True)
class _Press:
    timestamp: int
    event: int
    duration: int
    seen_at: int
    finished_units: int = 0
    is_reported: bool = False


class EventDetector:
    """Turns received telephone-event packets of one source into key presses."""

    __slots__ = ("_clock_rate", "_press")

    def __init__(self, clock_rate: int = 8_000) -> None:
        """Expect durations in units of ``clock_rate`` hertz."""
        self._clock_rate = clock_rate
        self._press: _Press | None = None

    def feed(self, payload: bytes, timestamp: int, marker: bool, now: int) -> list[DtmfEvent]:
        """Take one packet; return the keys that it shows to be finished, usually none.

        Args:
            payload: What the packet carries; malformed or unknown events are ignored.
            timestamp: Its RTP timestamp.
            marker: Its marker bit.
            now: Monotonic nanoseconds.
        """
        if len(payload) < _PAYLOAD.size:
            return []
        event, second, duration = _PAYLOAD.unpack_from(payload)
        if event >= len(KEYS):
            return []
        finished = self.tick(now)
        press = self._press
        if press is None or now - press.seen_at > FORGET_NS:
            press = self._begin(timestamp, event, now)
        else:
            ahead = timestamp_delta(timestamp, press.timestamp)
            if ahead < 0:
                return finished
            if ahead > 0:
                if self._goes_on(press, event, ahead, marker):
                    press.timestamp = timestamp
                    if ahead == press.duration:
                        press.finished_units += press.duration
                        press.duration = 0
                else:
                    finished += self._finish()
                    press = self._begin(timestamp, event, now)
        press.seen_at = now
        press.duration = max(press.duration, duration)
        if second & _END_BIT:
            finished += self._finish()
        return finished

    def tick(self, now: int) -> list[DtmfEvent]:
        """End a key whose packets have stopped; call it at `next_deadline`."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return []
        return self._finish()

    def next_deadline(self) -> int | None:
        """Return when `tick` has something to end, ``None`` while no key is down."""
        press = self._press
        return None if press is None or press.is_reported else press.seen_at + LOST_END_NS

    def reset(self) -> None:
        """Forget the source, because another one (SSRC) took its place."""
        self._press = None

    def _begin(self, timestamp: int, event: int, now: int) -> _Press:
        self._press = _Press(timestamp, event, 0, now)
        return self._press

    @staticmethod
    def _goes_on(press: _Press, event: int, ahead: int, marker: bool) -> bool:
        """Tell whether a packet with a later timestamp still belongs to the press.

        Either it begins before the press was over (a peer that counts the timestamp up),
        or right where it was: the next segment of a long one (RFC 4733, 2.5.1.3).
        """
        if event != press.event:
            return False
        return ahead < press.duration or (ahead == press.duration and not marker)

    def _finish(self) -> list[DtmfEvent]:
        press = self._press
        if press is None or press.is_reported:
            return []
        press.is_reported = True
        units = press.finished_units + press.duration
        return [DtmfEvent(KEYS[press.event], units * 1_000 // self._clock_rate)]


class EventSender:
    """Sends queued keys, one packet for each tick of the caller's audio clock."""

    __slots__ = (
        "_clock_rate",
        "_ends",
        "_gap",
        "_keys",
        "_pause_until",
        "_start",
        "_step",
        "_tone",
        "_volume",
    )

    def __init__(
        self,
        clock_rate: int = 8_000,
        *,
        ptime_ms: int = 20,
        tone_ms: int = 120,
        gap_ms: int = 80,
        volume: int = 10,
    ) -> None:
        """Fix the timing.

        Args:
            clock_rate: Hertz of the RTP clock.
            ptime_ms: Time between two calls of `next_packet`.
            tone_ms: How long a key is down; rounded up to whole packets.
            gap_ms: Pause between the end of a key and the next one.
            volume: dBm0 below zero, 0 to 63.

        Raises:
            LocalProtocolError: ``event-timing``, a number is out of range.
        """
        self._clock_rate = clock_rate
        self._step = ptime_ms * clock_rate // 1_000
        self._tone = max(1, -(-tone_ms // max(1, ptime_ms))) * self._step
        self._gap = gap_ms * clock_rate // 1_000
        self._volume = volume
        if not 0 < self._step <= self._tone <= _MAX_DURATION or not 0 <= volume <= _VOLUME_MASK:
            raise LocalProtocolError("event-timing", "Key length or volume out of range")
        self._keys: deque[int] = deque()
        self._start: int | None = None
        self._ends = 0
        self._pause_until: int | None = None

    def queue(self, digits: str) -> None:
        """Add keys to send.

        Raises:
            LocalProtocolError: ``event-digit``, a character is no key; ``event-queue-full``.
        """
        events = [KEYS.find(digit) for digit in digits.upper()]
        if -1 in events:
            raise LocalProtocolError("event-digit", "Only 0-9, *, # and A-D can be sent")
        if len(self._keys) + len(events) > MAX_QUEUED_KEYS:
            raise LocalProtocolError("event-queue-full", "Too many keys are waiting")
        self._keys.extend(events)

    @property
    def is_busy(self) -> bool:
        """Whether keys are being sent or wait to be."""
        return bool(self._keys)

    def next_packet(self, timestamp: int) -> EventPacket | None:
        """Return the packet that goes out at this tick in place of audio, if there is one.

        Args:
            timestamp: RTP time of the tick, as an audio packet would carry it.
        """
        if not self._keys:
            return None
        if self._start is None:
            if self._pause_until is not None:
                if timestamp_delta(timestamp, self._pause_until) < 0:
                    return None
                self._pause_until = None
            self._start = timestamp & 0xFFFFFFFF
            return self._packet(self._step, is_end=self._step >= self._tone, marker=True)
        elapsed = timestamp_delta(timestamp, self._start) + self._step
        return self._packet(min(elapsed, self._tone), is_end=elapsed >= self._tone, marker=False)

    def _packet(self, duration: int, *, is_end: bool, marker: bool) -> EventPacket:
        start = self._start or 0
        second = self._volume | (_END_BIT if is_end else 0)
        payload = _PAYLOAD.pack(self._keys[0], second, duration)
        if is_end:
            self._ends += 1
            if self._ends == END_PACKETS:
                self._keys.popleft()
                self._pause_until = (start + self._tone + self._gap) & 0xFFFFFFFF
                self._start = None
                self._ends = 0
        return EventPacket(payload, start, marker)
