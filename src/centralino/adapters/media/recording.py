# SPDX-License-Identifier: Apache-2.0
"""A recording while it runs: what two legs sent, in time, until it is handed to the disk.

The packet path only appends encoded payloads with their place; decoding and writing
happen in batches elsewhere (``recording_file``). A payload's place follows its RTP
timestamp, anchored to the wall at the first packet of a stream, so that reordering and
jitter do not matter and both channels stay together. What comes later than the
hold-back is lost and counted.

Pure. Positions are RTP clock units (8 kHz) since the recording's start.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_RATE = 8000
_NANOSECONDS = 1_000_000_000
_MASK_32 = 0xFFFFFFFF
_SIGN_32 = 0x80000000
_AHEAD_LIMIT = _RATE * 2 // 5
"""A stream this far before the wall (0.4 s) has another clock: anchor it anew."""
_BEHIND_LIMIT = _RATE
"""A stream this far behind the wall (1 s) was interrupted: anchor it anew."""
_HOLD_BACK = _RATE * 3 // 10
"""Packets later than this (0.3 s) miss their place."""
_MAX_CHUNKS = 1500
"""Packets a track holds at most: 30 s at 20 ms, when the disk does not take them."""

Chunk = tuple[int, str, bytes]
"""(position, codec, encoded payload)."""


class Track:
    """One channel: the packets of one leg that are not handed over yet."""

    __slots__ = ("_anchor", "_is_anchored", "_ssrc", "_start", "chunks", "lost_packets", "paused")

    def __init__(self, start: int) -> None:
        self._start = start
        self._ssrc = 0
        self._is_anchored = False
        self._anchor = 0
        self.chunks: list[Chunk] = []
        self.lost_packets = 0
        self.paused = False

    def put(self, ssrc: int, timestamp: int, codec: str, payload: bytes, now: int) -> None:
        """Take one packet's payload; costs about a microsecond."""
        if self.paused:
            return
        wall = (now - self._start) * _RATE // _NANOSECONDS
        position = ((timestamp + self._anchor - wall + _SIGN_32) & _MASK_32) - _SIGN_32 + wall
        if (
            ssrc != self._ssrc
            or not self._is_anchored
            or not -_BEHIND_LIMIT < position - wall < _AHEAD_LIMIT
        ):
            self._ssrc, self._is_anchored = ssrc, True
            self._anchor = wall - timestamp
            position = wall
        if len(self.chunks) < _MAX_CHUNKS:
            self.chunks.append((position, codec, payload))
        else:
            self.lost_packets += 1

    def shift(self, start: int, by: int) -> None:
        """Count positions from another start, ``by`` units earlier."""
        self._start = start
        self._is_anchored = False
        self.chunks = [(position + by, codec, data) for position, codec, data in self.chunks]

    def take(self, begin: int, end: int) -> list[Chunk]:
        """Hand over the packets that start in ``[begin, end)``, in order of place."""
        taken = [chunk for chunk in self.chunks if begin <= chunk[0] < end]
        self.lost_packets += sum(1 for chunk in self.chunks if chunk[0] < begin)
        self.chunks = [chunk for chunk in self.chunks if chunk[0] >= end]
        taken.sort(key=lambda chunk: chunk[0])
        return taken


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of both channels, ready to be decoded and written."""

    begin: int
    end: int
    first: list[Chunk]
    second: list[Chunk]


@dataclass(slots=True)
class Recording:
    """One running recording."""

    start: int
    """When it began, monotonic nanoseconds; also that of a worker before a crash."""
    first: Track = field(init=False)
    second: Track = field(init=False)
    written: int = 0
    """Everything before this position was handed over."""

    def __post_init__(self) -> None:
        self.first = Track(self.start)
        self.second = Track(self.start)

    def position(self, now: int) -> int:
        """Return the place that ``now`` has in the recording."""
        return max(0, (now - self.start) * _RATE // _NANOSECONDS)

    def duration_ms(self, now: int) -> int:
        """Return how long it runs, pauses included."""
        return self.position(now) * 1000 // _RATE

    def shift_start(self, start: int) -> None:
        """Go on with a recording that began at ``start``, before a crash."""
        by = (self.start - start) * _RATE // _NANOSECONDS
        self.start = start
        self.written += by
        self.first.shift(start, by)
        self.second.shift(start, by)

    def set_paused(self, paused: bool) -> None:
        """Take no packets from now on, or take them again."""
        self.first.paused = self.second.paused = paused

    @property
    def is_paused(self) -> bool:
        """Whether packets are left out at the moment."""
        return self.first.paused

    def take_batch(self, now: int, *, is_last: bool = False) -> Batch:
        """Hand over what is old enough that no packet is awaited any more."""
        end = max(self.written, self.position(now) - (0 if is_last else _HOLD_BACK))
        batch = Batch(
            self.written,
            end,
            self.first.take(self.written, end),
            self.second.take(self.written, end),
        )
        self.written = end
        return batch
