# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer: packets in as they come, one frame out for each tick of a listener.

What lives here: order, duplicates, the wrap of both counters, how long to wait, which
missing frame is a loss and which is silence. What must not: decoding (a concealed frame
repeats the last one; how to fade it is the decoder's business), sockets, clocks.

Order is by sequence number, time is by timestamp. A hole in the sequence is a loss and is
concealed for `MAX_CONCEALED` frames; a hole in time without one is silence that the far end
did not send (DTX), and nothing is made up for it. Comfort noise and telephone events are
put with an empty payload: they take a number and no time.

The wait adapts. It is set anew whenever the buffer has run dry, to what the arrivals of the
last seconds asked for; and when it has been longer than needed for two seconds, one frame is
left out. Source: RFC 3550 A.1 (jumps) and 6.4.1 (transit); the rest is our own.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from centralino.wire.rtp.packet import extend_sequence, timestamp_delta

MAX_CONCEALED: Final = 3
"""Frames in a row that are made up."""
MAX_PACKETS: Final = 64
"""Packets kept; the oldest is left out beyond that."""
MAX_AHEAD: Final = 500
"""Packets ahead (10 s) that still belong to the stream; see `MAX_BEHIND`."""
MAX_BEHIND: Final = 100
"""Packets behind that are merely late; farther off, two in a row begin a new stream."""
TIME_JUMP_FRAMES: Final = 25
"""Silence between two packets that are both here already cannot be longer (500 ms)."""

_TRANSITS: Final = 128
_TRIM_AFTER: Final = 100
_RECENT: Final = 128
_NS: Final = 1_000_000_000
_MASK_32: Final = 0xFFFFFFFF


class Frame(NamedTuple):
    """What a listener gets for one tick."""

    payload: bytes
    """Never empty."""
    is_concealed: bool = False
    """The frame is lost; ``payload`` is the last one that was not."""


class JitterBuffer:
    """Smooths one received stream."""

    __slots__ = (
        "_candidate",
        "_concealed_run",
        "_is_playing",
        "_is_silence",
        "_last",
        "_least_depth",
        "_max_wait",
        "_next_sequence",
        "_next_timestamp",
        "_origin",
        "_packets",
        "_play_at",
        "_rate",
        "_recent",
        "_ssrc",
        "_takes",
        "_tick_ns",
        "_transits",
        "_units",
        "concealed",
        "duplicate",
        "late",
        "lost",
        "trimmed",
    )

    def __init__(
        self, *, clock_rate: int = 8_000, ptime_ms: int = 20, max_wait_ms: int = 200
    ) -> None:
        """Expect packets of ``ptime_ms``, one for each `take`.

        Args:
            clock_rate: Hertz of the RTP timestamps.
            ptime_ms: Milliseconds of sound in a packet and between two takes.
            max_wait_ms: The longest that a packet is made to wait.
        """
        self._rate = clock_rate
        self._units = clock_rate * ptime_ms // 1_000
        self._tick_ns = ptime_ms * 1_000_000
        self._max_wait = max_wait_ms * 1_000_000
        self.lost = 0
        """Frames that were played over because their packet was not there."""
        self.late = 0
        """Packets that came when their turn was over."""
        self.duplicate = 0
        """Packets that were here before."""
        self.concealed = 0
        """Frames made up."""
        self.trimmed = 0
        """Frames left out to shorten the wait, or because the buffer was full."""
        self._ssrc: int | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the stream; totals stay. A change of the source does this by itself."""
        self._packets: dict[int, tuple[int, bytes]] = {}
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._transits: deque[int] = deque(maxlen=_TRANSITS)
        self._origin: tuple[int, int] | None = None
        self._next_sequence: int | None = None
        self._next_timestamp = 0
        self._is_playing = False
        self._is_silence = True
        self._play_at = 0
        self._last = b""
        self._concealed_run = 0
        self._candidate: int | None = None
        self._takes = 0
        self._least_depth = MAX_PACKETS

    def put(self, sequence: int, timestamp: int, payload: bytes, now: int, ssrc: int = 0) -> bool:
        """Take a packet in; tell whether it will be played or counted.

        Args:
            sequence: 16 bits.
            timestamp: 32 bits.
            payload: One frame; empty for what makes no sound (comfort noise, a key).
            now: Arrival, monotonic nanoseconds.
            ssrc: Its source; another one than before begins anew.
        """
        if ssrc != self._ssrc:
            self.reset()
            self._ssrc = ssrc
        place = self._place(sequence)
        if place is None:
            return False
        if place in self._packets or place in self._recent:
            self.duplicate += 1
            return False
        if self._next_sequence is not None and place < self._next_sequence:
            self.late += 1
            return False
        if not self._packets and not self._is_playing:
            self._play_at = now + self.wait_ns
        self._packets[place] = (timestamp & _MASK_32, payload)
        if payload:
            self._measure(timestamp, now)
        if len(self._packets) > MAX_PACKETS:
            self._skip_to(sorted(self._packets)[1])
            self.trimmed += 1
        return True

    def take(self, now: int) -> Frame | None:
        """Return the frame for this tick; ``None`` is silence.

        Call it once every packet time while somebody listens.
        """
        if not self._is_playing and not self._begin(now):
            return self._conceal() if self._is_awaited() else None
        self._drop_soundless()
        if not self._packets:
            self._is_playing = False
            return self._conceal()
        head = min(self._packets)
        ahead = timestamp_delta(self._packets[head][0], self._next_timestamp)
        if self._units <= ahead <= TIME_JUMP_FRAMES * self._units:
            return self._pass_time(is_lost=head != self._next_sequence)
        frame = self._play(head)
        self._trim()
        return frame

    @property
    def wait_ns(self) -> int:
        """How long a packet that finds the buffer dry waits, nanoseconds.

        One frame more than the spread of the arrivals of the last seconds, two at least.
        """
        if not self._transits:
            return 2 * self._tick_ns
        spread = max(self._transits) - min(self._transits)
        return min(self._max_wait, max(2 * self._tick_ns, spread + self._tick_ns))

    @property
    def depth(self) -> int:
        """Packets that wait."""
        return len(self._packets)

    def _place(self, sequence: int) -> int | None:
        """Return the extended sequence number, ``None`` for a packet from nowhere."""
        reference = self._next_sequence
        if reference is None:
            reference = min(self._packets, default=0x10000 + sequence)
        place = extend_sequence(sequence, reference)
        if -MAX_BEHIND <= place - reference <= MAX_AHEAD:
            self._candidate = None
            return place
        if sequence != self._candidate:
            self._candidate = (sequence + 1) & 0xFFFF
            return None
        self.reset()
        return 0x10000 + sequence

    def _measure(self, timestamp: int, now: int) -> None:
        """Note how late a packet is against the others, from an arbitrary origin."""
        if self._origin is None:
            self._origin = (timestamp, now)
        first_timestamp, first_at = self._origin
        sent_ns = timestamp_delta(timestamp, first_timestamp) * _NS // self._rate
        transit = now - first_at - sent_ns
        if self._transits and abs(transit - self._transits[-1]) > 2 * self._max_wait:
            self._transits.clear()
            self._origin = (timestamp, now)
            transit = 0
        self._transits.append(transit)

    def _begin(self, now: int) -> bool:
        """Start to play when the first packet has waited long enough."""
        if not self._packets or now < self._play_at:
            return False
        head = min(self._packets)
        self._is_playing = True
        self._skip_to(head)
        self._next_timestamp = self._packets[head][0]
        self._takes = 0
        self._least_depth = MAX_PACKETS
        return True

    def _is_awaited(self) -> bool:
        return bool(self._last) and self._concealed_run > 0

    def _skip_to(self, place: int) -> None:
        """Give up what comes before a place."""
        for older in [one for one in self._packets if one < place]:
            del self._packets[older]
        self._next_sequence = place

    def _drop_soundless(self) -> None:
        """Take packets without sound off the front: nothing is played in their place."""
        while self._packets:
            head = min(self._packets)
            if head != self._next_sequence or self._packets[head][1]:
                return
            self._pop(head)
            self._is_silence = True

    def _pass_time(self, *, is_lost: bool) -> Frame | None:
        """Let a frame of time pass that is lost, or in which the far end sent nothing."""
        self._advance_time()
        if not is_lost or self._next_sequence is None:
            self._is_silence = True
            return None
        self._next_sequence += 1
        self.lost += 1
        return self._conceal()

    def _play(self, head: int) -> Frame | None:
        timestamp, payload = self._pop(head)
        self._next_timestamp = timestamp
        self._advance_time()
        self._concealed_run = 0
        self._is_silence = not payload
        if not payload:
            return None
        self._last = payload
        return Frame(payload)

    def _pop(self, place: int) -> tuple[int, bytes]:
        self._next_sequence = place + 1
        self._recent.append(place)
        return self._packets.pop(place)

    def _advance_time(self) -> None:
        self._next_timestamp = (self._next_timestamp + self._units) & _MASK_32

    def _conceal(self) -> Frame | None:
        """Make up a frame, if sound was going on until just now."""
        if self._is_silence or self._concealed_run >= MAX_CONCEALED:
            self._concealed_run = 0 if self._is_silence else MAX_CONCEALED
            return None
        self._concealed_run += 1
        self.concealed += 1
        return Frame(self._last, is_concealed=True)

    def _trim(self) -> None:
        """Leave a frame out when more than needed has been waiting for two seconds."""
        self._takes += 1
        self._least_depth = min(self._least_depth, len(self._packets))
        if self._takes < _TRIM_AFTER:
            return
        too_deep = self._least_depth * self._tick_ns > self.wait_ns + self._tick_ns
        if too_deep and self._next_sequence in self._packets:
            self._pop(self._next_sequence)
            self._advance_time()
            self.trimmed += 1
        self._takes = 0
        self._least_depth = MAX_PACKETS
