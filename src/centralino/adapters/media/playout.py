# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer in front of the mixer: packets in when they come, 20 ms out per tick.

All codecs of a worker carry one byte per timestamp unit, so the buffer is a ring of bytes
indexed by timestamp: reordering, duplicates and any packet length need no bookkeeping.
The delay starts at two frames, grows by one when packets come too late, and shrinks by
one after ten seconds in which it was not needed.

Pure: one ``take`` per tick, no clock.
"""

from __future__ import annotations

from centralino.adapters.media.settings import FRAME_BYTES

_RING = 8192
_MASK = _RING - 1
_MASK_32 = 0xFFFFFFFF
_SIGN_32 = 0x80000000
_START_DELAY = 2 * FRAME_BYTES
_MAX_DELAY = 10 * FRAME_BYTES
_RESYNC = 20 * FRAME_BYTES
"""A stream this far from where it is awaited (400 ms) has moved: start anew."""
_SHRINK_AFTER = 500
"""Takes (ten seconds) in which a frame of delay was not needed."""
_FILLED = b"\x01" * FRAME_BYTES


class PlayoutBuffer:
    """Smooths one talker's stream."""

    def __init__(self) -> None:
        self._ring = bytearray(_RING)
        self._filled = bytearray(_RING)
        self._head = 0
        """Timestamp of the next byte to be taken."""
        self._is_started = False
        self._delay = _START_DELAY
        self._spare = _MAX_DELAY
        self._takes = 0
        self._last = b""
        self._grow = False
        self.late_packets = 0
        """Packets that came when their time was over."""
        self.concealed_frames = 0
        """Frames that were missing and stood in for by the one before."""

    def put(self, timestamp: int, payload: bytes) -> None:
        """Take one packet's payload, at most 200 ms long."""
        size = len(payload)
        if not 0 < size <= _MAX_DELAY:
            return
        ahead = ((timestamp - self._head + _SIGN_32) & _MASK_32) - _SIGN_32
        if not self._is_started or not -_RESYNC < ahead < _RESYNC:
            self._restart(timestamp)
            ahead = self._delay
        if ahead < 0:
            self.late_packets += 1
            self._grow = True
            if ahead + size <= 0:
                return
        elif ahead < self._spare:
            self._spare = ahead
        self._store(timestamp & _MASK, payload)

    def _restart(self, timestamp: int) -> None:
        self._is_started = True
        self._head = (timestamp - self._delay) & _MASK_32
        self._filled[:] = bytes(_RING)
        self._spare, self._takes, self._last = _MAX_DELAY, 0, b""

    def _store(self, at: int, payload: bytes) -> None:
        size = len(payload)
        first = min(size, _RING - at)
        self._ring[at : at + first] = payload[:first]
        self._filled[at : at + first] = b"\x01" * first
        if first < size:
            self._ring[: size - first] = payload[first:]
            self._filled[: size - first] = b"\x01" * (size - first)

    def take(self) -> bytes | None:
        """Return the next 20 ms, ``None`` when the talker is silent or starved us.

        One missing frame is stood in for by the one before it (G.711 appendix I in its
        simplest form).
        """
        if not self._is_started:
            return None
        if self._grow and self._delay < _MAX_DELAY:
            self._grow = False
            self._delay += FRAME_BYTES
            return self._conceal()
        at = self._head & _MASK
        frame, filled = self._cut(self._ring, at), self._cut(self._filled, at)
        self._clear(at)
        self._head = (self._head + FRAME_BYTES) & _MASK_32
        self._shrink_if_idle()
        if filled == _FILLED:
            self._last = frame
            return frame
        return self._conceal()

    def _conceal(self) -> bytes | None:
        frame, self._last = self._last, b""
        if not frame:
            return None
        self.concealed_frames += 1
        return frame

    def _cut(self, ring: bytearray, at: int) -> bytes:
        end = at + FRAME_BYTES
        return (
            bytes(ring[at:end]) if end <= _RING else bytes(ring[at:]) + bytes(ring[: end - _RING])
        )

    def _clear(self, at: int) -> None:
        end = at + FRAME_BYTES
        if end <= _RING:
            self._filled[at:end] = bytes(FRAME_BYTES)
        else:
            self._filled[at:] = bytes(_RING - at)
            self._filled[: end - _RING] = bytes(end - _RING)

    def _shrink_if_idle(self) -> None:
        """Skip a frame when all packets came early enough for long."""
        self._takes += 1
        if self._takes < _SHRINK_AFTER:
            return
        if self._spare >= _START_DELAY and self._delay > _START_DELAY:
            self._delay -= FRAME_BYTES
            self._head = (self._head + FRAME_BYTES) & _MASK_32
        self._spare, self._takes = _MAX_DELAY, 0
