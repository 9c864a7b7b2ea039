# SPDX-License-Identifier: Apache-2.0
"""One talker in front of the mixer: packets of any length in, 20 ms out per tick.

The jitter buffer is ``centralino.wire.rtp.jitter``; it wants packets of one length. This
finds out which length a far end uses (it may be another one than agreed), and cuts or
joins what the buffer gives into the mixer's frames.

Pure: no clock, no sockets.
"""

from __future__ import annotations

from centralino.adapters.media.settings import FRAME_BYTES
from centralino.wire.rtp.jitter import JitterBuffer

_BYTES_PER_MS = FRAME_BYTES // 20
_MAX_PACKET_MS = 120
_START_MS = 20


class TalkerInput:
    """Smooths one talker's stream."""

    def __init__(self) -> None:
        self._length_ms = _START_MS
        self._buffer = JitterBuffer(ptime_ms=_START_MS)
        self._other_length_ms = 0
        self._pending = b""

    def put(self, ssrc: int, sequence: int, timestamp: int, payload: bytes, now: int) -> None:
        """Take one packet; empty for what makes no sound (a key, comfort noise)."""
        if payload and len(payload) != self._length_ms * _BYTES_PER_MS:
            if not self._takes_length(len(payload)):
                return
            self._pending = b""
            self._buffer = JitterBuffer(ptime_ms=self._length_ms)
        self._buffer.put(sequence, timestamp, payload, now, ssrc)

    def _takes_length(self, size: int) -> bool:
        """Say whether packets have another length now: the second one in a row decides."""
        length_ms, odd = divmod(size, _BYTES_PER_MS)
        is_second = length_ms == self._other_length_ms
        self._other_length_ms = length_ms
        if odd or not 0 < length_ms <= _MAX_PACKET_MS or not is_second:
            return False
        self._length_ms, self._other_length_ms = length_ms, 0
        return True

    def take(self, now: int) -> bytes | None:
        """Return the next 20 ms, ``None`` when the talker is silent; once per tick."""
        pending = self._pending
        while len(pending) < FRAME_BYTES:
            frame = self._buffer.take(now)
            if frame is None:
                self._pending = b""
                return None
            pending += frame.payload
        self._pending = pending[FRAME_BYTES:]
        return pending[:FRAME_BYTES]
