# SPDX-License-Identifier: Apache-2.0
"""A scripted person's ear and mouth: speaks a tone, presses keys, hears the other side."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from centralino.simulators.party.ear import RATE, Ear, Samples
from centralino.simulators.party.stream import PCMA, PCMU, Stream
from centralino.wire.rtp.g711 import alaw_encode, ulaw_encode

if TYPE_CHECKING:
    from centralino.simulators.party.description import Style
    from centralino.simulators.party.hub import MediaHub

FRAME = 160
FRAMES_PER_SECOND = 50
AMPLITUDE = 8000.0
_EVENT = struct.Struct("!BBH")
_KEYS = "0123456789*#ABCD"
KEY_FRAMES = 5
END_PACKETS = 3
REPORT_TICKS = 250
EVENTS_REMEMBERED = 16
SILENCE = {"PCMA": b"\xd5" * FRAME, "PCMU": b"\xff" * FRAME}


@lru_cache(maxsize=512)
def tone_frames(hz: int, codec: str) -> tuple[bytes, ...]:
    """Return one second of a tone, encoded, as 50 frames that join without a click."""
    t = np.arange(RATE) / RATE
    samples: Samples = (AMPLITUDE * np.sin(2 * np.pi * hz * t)).astype(np.int16)
    encoded = alaw_encode(samples) if codec == "PCMA" else ulaw_encode(samples)
    return tuple(encoded[i * FRAME : (i + 1) * FRAME] for i in range(FRAMES_PER_SECOND))


class Party(Stream):
    """One person in one call."""

    def __init__(
        self,
        hub: MediaHub,
        style: Style,
        *,
        tone_hz: int,
        listen_for: tuple[int, ...] = (),
        is_muted: bool = False,
    ) -> None:
        super().__init__(hub, style)
        self.on_heard: Callable[[int], None] | None = None
        self.on_key: Callable[[str], None] | None = None
        self.ear = Ear(listen_for, self._heard_tone)
        self.tone_hz = tone_hz
        self.is_muted = is_muted
        self.keys_heard = ""
        self._keys: deque[str] = deque()
        self._key_frame = 0
        self._key_started = 0
        self._known_events: deque[int] = deque(maxlen=EVENTS_REMEMBERED)
        self._timestamp = hub.rng.getrandbits(31)
        self._frame = 0
        self._ticks = 0
        self._handle: int | None = None

    # ---- speaking

    def start(self) -> None:
        """Speak from now on."""
        if self._handle is None and self._target is not None:
            self._handle = self._hub.join(self)

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self._keys.extend(keys)

    def act(self, do: str, keys: str = "") -> None:
        """Do what a scenario's action says about media; other words do nothing."""
        match do:
            case "keys":
                self.press(keys)
            case "mute" | "unmute":
                self.is_muted = do == "mute"
            case "stop-media" | "start-media":
                self.is_sending = do == "start-media"
            case "new-stream":
                self.begin_anew()
            case _:
                return

    def tick(self) -> None:
        """Send the packet of this 20 ms; every five seconds a sender report too.

        While another stream is joined, that one is heard through this one instead.
        """
        self._ticks += 1
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if not self.is_sending:
            return
        if self._ticks % REPORT_TICKS == 0:
            self.send_report(self._timestamp)
        if self._joined is not None:
            return
        if self._keys and self._events is not None:
            self._send_key(self._events)
            return
        codec, payload_type = self._codec
        if self.is_muted:
            frame = SILENCE["PCMA" if codec == "PCMA" else "PCMU"]
        else:
            frame = tone_frames(self.tone_hz, codec)[self._frame % FRAMES_PER_SECOND]
        self._frame += 1
        self.send(payload_type, self._timestamp, frame, marker=self._frame == 1)

    def _send_key(self, payload_type: int) -> None:
        event = _KEYS.index(self._keys[0])
        first = self._key_frame == 0
        if first:
            self._key_started = self._timestamp
        self._key_frame += 1
        duration = self._key_frame * FRAME
        is_end = self._key_frame >= KEY_FRAMES
        payload = _EVENT.pack(event, (0x80 if is_end else 0) | 10, duration)
        for _ in range(END_PACKETS if is_end else 1):
            self.send(payload_type, self._key_started, payload, marker=first)
        if is_end:
            self._keys.popleft()
            self._key_frame = 0

    # ---- hearing

    @override
    def _media(self, payload_type: int, timestamp: int, payload: bytes) -> None:
        if payload_type == self._events:
            self._event_packet(payload, timestamp)
        elif payload_type in (PCMU, PCMA):
            self.ear.hear_encoded(payload, is_alaw=payload_type == PCMA)

    def _event_packet(self, payload: bytes, timestamp: int) -> None:
        """Count a key once, by the timestamp it began at.

        Its packets may come late, doubled, mixed with the next key's, or without their end.
        """
        if len(payload) < 4 or timestamp in self._known_events:
            return
        self._known_events.append(timestamp)
        if payload[0] < len(_KEYS):
            self.keys_heard += _KEYS[payload[0]]
            if self.on_key is not None:
                self.on_key(_KEYS[payload[0]])

    def _heard_tone(self, hz: int) -> None:
        if self.on_heard is not None:
            self.on_heard(hz)

    @override
    def close(self) -> None:
        """Fall silent and give the ports back."""
        if self._handle is not None:
            self._hub.leave(self._handle)
            self._handle = None
        super().close()
