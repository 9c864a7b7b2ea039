# SPDX-License-Identifier: Apache-2.0
"""The one outgoing line of a leg: SSRC, sequence number, timestamp through all sources.

A far end must not notice whether a prompt, music, another party or a mix is sent to it
(RFC 3550, 5.1 and 6.4.1: a new SSRC or a jump would reset its jitter buffer and ask for
a re-INVITE in practice). So every source borrows the same line: a source that takes
over is anchored to the time by the wall, its first packet carries the marker.

A line reserves sequence numbers in small steps in the checkpoint before it uses them.
After a crash it goes on behind what was reserved, so that under SRTP no packet index is
ever used for two payloads (RFC 3711, 9.1).

Pure: knows neither sockets nor keys.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

import msgspec

from centralino.adapters.media.settings import FRAME_TIMESTAMP

_HEADER = Struct(">BBHII")
_VERSION = 0x80
_MARKER = 0x80
_MASK_16 = 0xFFFF
_MASK_32 = 0xFFFFFFFF
_NANOSECONDS = 1_000_000_000
_MAX_GAP = 2000
"""Packets that a talker may skip before its line is anchored anew (RFC 3550, A.1: 3000)."""

RESERVE_STEP = 16
"""Packets per reservation: the most that a crash adds to the gap in the sequence."""


class Source:
    """Whoever uses the line at the moment; compared by identity."""

    __slots__ = ("first_index", "sequence_offset", "timestamp_offset")

    def __init__(self) -> None:
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.first_index = 0


class LinePosition(msgspec.Struct, frozen=True):
    """Where a line stands, or where it may stand at most: what a checkpoint keeps."""

    ssrc: int
    index: int
    """Sequence number with the roll-over count above its 16 bits."""
    timestamp: int
    at: int
    """When ``timestamp`` was current, monotonic nanoseconds."""


class OutgoingLine:
    """Sequence and timestamp of what one leg sends."""

    def __init__(
        self,
        start: LinePosition,
        *,
        on_reserve: Callable[[], None],
        clock_rate: int = 8000,
    ) -> None:
        self.ssrc = start.ssrc
        self.index = start.index
        """Highest packet index sent so far (or never to be used)."""
        self.reserved = start.index
        """Every index up to this one is in the checkpoint as used."""
        self.timestamp = start.timestamp
        """Timestamp of the last packet."""
        self.sent_packets = 0
        self.sent_bytes = 0
        self._anchor_timestamp = start.timestamp
        self._anchor_at = start.at
        self._clock_rate = clock_rate
        self._on_reserve = on_reserve
        self._source: Source | None = None
        self._frames = Source()
        self._marker = True

    @property
    def rollover(self) -> int:
        """How often the sequence number has wrapped (the ROC of RFC 3711, 3.3.1)."""
        return self.index >> 16

    @property
    def is_relaying(self) -> bool:
        """Whether the last packet was one passed on."""
        return self._source is not None and self._source is not self._frames

    def position(self, now: int) -> LinePosition:
        """Return where the line may stand at most, for the checkpoint."""
        return LinePosition(self.ssrc, self.reserved, self.wall_timestamp(now), now)

    def resume(self, start: LinePosition, now: int) -> None:
        """Go on where a crashed worker was, behind everything that it may have sent."""
        self.ssrc = start.ssrc
        self.index = self.reserved = start.index
        self._anchor_timestamp, self._anchor_at = start.timestamp, start.at
        self.timestamp = self.wall_timestamp(now)
        self.release_source()

    def restart_rollover(self) -> None:
        """Forget the wraps: new keys start a new context (RFC 4568, 6.4)."""
        self.index &= _MASK_16
        self.reserved = self.index
        self.release_source()

    def wall_timestamp(self, now: int) -> int:
        """Return the timestamp that belongs to ``now``."""
        elapsed = (now - self._anchor_at) * self._clock_rate // _NANOSECONDS
        return (self._anchor_timestamp + elapsed) & _MASK_32

    def release_source(self) -> None:
        """Make the next packet start a talk spurt, whoever sends it."""
        self._source = None

    def end_source(self, source: Source) -> None:
        """Make the next packet of ``source``, if it has the line, start a talk spurt."""
        if self._source is source:
            self._source = None

    def _take_over(self, source: Source, now: int) -> int:
        """Give the line to ``source``; return the timestamp of its first packet."""
        timestamp = self.wall_timestamp(now)
        ahead = (timestamp - self.timestamp) & _MASK_32
        if ahead < FRAME_TIMESTAMP or ahead > _MASK_32 >> 1:
            timestamp = (self.timestamp + FRAME_TIMESTAMP) & _MASK_32
        self._anchor_timestamp, self._anchor_at = timestamp, now
        self._source = source
        self._marker = True
        return timestamp

    def _reserve(self) -> None:
        self.reserved = self.index + RESERVE_STEP
        self._on_reserve()

    def frame_header(self, payload_type: int, tick: int, now: int) -> bytes:
        """Return the header of a frame that we make ourselves in tick number ``tick``."""
        return self.next_header(payload_type, self.frame_timestamp(tick, now), marker=False)

    def frame_timestamp(self, tick: int, now: int) -> int:
        """Return the timestamp that a frame of our own has in a tick; takes the line for it."""
        frames = self._frames
        if self._source is not frames:
            first = self._take_over(frames, now)
            frames.timestamp_offset = first - tick * FRAME_TIMESTAMP
        return (frames.timestamp_offset + tick * FRAME_TIMESTAMP) & _MASK_32

    def next_header(self, payload_type: int, timestamp: int, *, marker: bool) -> bytes:
        """Return the header of the next packet in sequence, at a given timestamp."""
        self.index += 1
        if self.index > self.reserved:
            self._reserve()
        self.timestamp = timestamp
        self.sent_packets += 1
        if marker or self._marker:
            self._marker = False
            payload_type |= _MARKER
        return _HEADER.pack(_VERSION, payload_type, self.index & _MASK_16, timestamp, self.ssrc)

    def relay_header(
        self, source: Source, second: int, sequence: int, timestamp: int, now: int
    ) -> bytes | None:
        """Return the header of a packet that is passed on.

        Gaps and reordering of the talker are kept, so that the listener's far end can
        conceal and reorder as if it heard the talker directly.

        Args:
            source: the talker's hold on this line.
            second: marker bit and our payload type, the second octet of the header.
            sequence: the talker's sequence number.
            timestamp: the talker's timestamp.
            now: monotonic nanoseconds.

        Returns:
            ``None`` for a packet sent already, or from before the talker took over.
        """
        if self._source is not source:
            self._anchor_relay(source, sequence, timestamp, now)
        out = (sequence + source.sequence_offset) & _MASK_16
        stamp = (timestamp + source.timestamp_offset) & _MASK_32
        ahead = (out - self.index) & _MASK_16
        if 0 < ahead < _MAX_GAP:
            self.index += ahead
            if self.index > self.reserved:
                self._reserve()
            self.timestamp = stamp
        elif (behind := -ahead & _MASK_16) < _MAX_GAP:
            if behind == 0 or self.index - behind < source.first_index:
                return None
        else:
            self._anchor_relay(source, sequence, timestamp, now)
            return self.relay_header(source, second, sequence, timestamp, now)
        self.sent_packets += 1
        if self._marker:
            self._marker = False
            second |= _MARKER
        return _HEADER.pack(_VERSION, second, out, stamp, self.ssrc)

    def _anchor_relay(self, source: Source, sequence: int, timestamp: int, now: int) -> None:
        source.timestamp_offset = self._take_over(source, now) - timestamp
        source.sequence_offset = self.index + 1 - sequence
        source.first_index = self.index + 1
