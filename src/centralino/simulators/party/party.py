# SPDX-License-Identifier: Apache-2.0
"""One end of one audio stream: speaks a tone, presses keys, hears the other side.

Media towards the address that was signalled first stays there for the life of the
call, as Microsoft's media processors do (Direct Routing media, fact sheet 10.4).
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from centralino.simulators.party.description import DescriptionError, Heard, Spoken, Style, read
from centralino.simulators.party.ear import RATE, Ear, Samples
from centralino.wire.rtp.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

if TYPE_CHECKING:
    from centralino.simulators.party.hub import MediaHub

FRAME = 160
FRAMES_PER_SECOND = 50
AMPLITUDE = 8000.0
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_KEYS = "0123456789*#ABCD"
KEY_FRAMES = 5
END_PACKETS = 3
READ_AT_ONCE = 32


@lru_cache(maxsize=512)
def tone_frames(hz: int, codec: str) -> tuple[bytes, ...]:
    """Return one second of a tone, encoded, as 50 frames that join without a click."""
    t = np.arange(RATE) / RATE
    samples: Samples = (AMPLITUDE * np.sin(2 * np.pi * hz * t)).astype(np.int16)
    encoded = alaw_encode(samples) if codec == "PCMA" else ulaw_encode(samples)
    return tuple(encoded[i * FRAME : (i + 1) * FRAME] for i in range(FRAMES_PER_SECOND))


@dataclass(slots=True)
class PartyFigures:
    """What one party sent and received."""

    sent: int = 0
    received: int = 0
    refused: int = 0
    longest_gap_ms: float = 0.0
    """Longest time between two packets while media was expected."""


class Party:
    """A scripted person's ear and mouth in one call."""

    def __init__(
        self,
        hub: MediaHub,
        style: Style,
        *,
        tone_hz: int,
        listen_for: tuple[int, ...] = (),
        is_muted: bool = False,
    ) -> None:
        self._hub = hub
        self._rtp, self._rtcp = hub.open_sockets()
        rng = hub.rng
        self._spoken = Spoken(
            style=style,
            address=hub.address,
            port=self._rtp.getsockname()[1],
            session=rng.getrandbits(31),
            key=rng.randbytes(30),
        )
        self.on_heard: Callable[[int], None] | None = None
        self.on_key: Callable[[str], None] | None = None
        self.ear = Ear(listen_for, self._heard_tone)
        self.figures = PartyFigures()
        self.is_muted = is_muted
        self.is_sending = True
        self.keys_heard = ""
        self._tone_hz = tone_hz
        self._codec: tuple[str, int] = ("PCMA", 8)
        self._events: int | None = None
        self._remote: Heard | None = None
        self._target: tuple[str, int] | None = None
        self._keys: deque[str] = deque()
        self._key_frame = 0
        self._key_started = 0
        self._last_event: int | None = None
        self._seq = rng.getrandbits(15)
        self._timestamp = rng.getrandbits(31)
        self._ssrc = rng.getrandbits(32)
        self._frame = 0
        self._handle: int | None = None
        self._protect: Session | None = None
        self._unprotect: Session | None = None
        self._last_arrival: float | None = None
        self._ticks = 0
        asyncio.get_running_loop().add_reader(self._rtp.fileno(), self._readable)

    # ---- description

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Describe what we can do, or a change of direction once agreed."""
        if self._remote is not None:
            self._spoken.version += 1
            return self._spoken.write(direction, self._codec, self._events)
        return self._spoken.write(direction)

    def repeat_offer(self) -> bytes:
        """Describe the same as last time, as a session refresh does."""
        return self._spoken.write("sendrecv", self._codec, self._events)

    def accept(self, sdp: bytes) -> Heard:
        """Take the answer to our offer.

        Raises:
            DescriptionError: it cannot be used.
        """
        heard = read(sdp)
        self._agree(heard)
        return heard

    def answer(self, sdp: bytes) -> bytes:
        """Answer an offer.

        Raises:
            DescriptionError: it cannot be used.
        """
        heard = read(sdp)
        if self._remote is not None and heard.rtcp_mux != self._remote.rtcp_mux:
            raise DescriptionError("CannotChangeRtcpMultiplexing")
        repeated = self._remote is not None and heard.version == self._remote.version
        self._agree(heard)
        if self._spoken.style.rtcp_mux and not heard.rtcp_mux:
            self._spoken.style = _without_mux(self._spoken.style)
        if not repeated:
            self._spoken.version += 1
        direction = _reverse(heard.direction)
        return self._spoken.write(direction, self._codec, self._events)

    def _agree(self, heard: Heard) -> None:
        self._codec = heard.codec(self._spoken.style.codecs)
        self._events = heard.event_payload_type()
        if self._spoken.style.is_secure:
            self._secure(heard)
        if self._target is None or not self._spoken.style.is_microsoft:
            self._target = (heard.address, heard.port)
        self._remote = heard

    def _secure(self, heard: Heard) -> None:
        line = heard.crypto()
        self._spoken.crypto_tag = line.tag
        if self._protect is None:
            self._protect = Session(
                Policy(key=self._spoken.key, ssrc_type=Policy.SSRC_ANY_OUTBOUND)
            )
        if self._remote is None or self._remote.crypto().key != line.key:
            self._unprotect = Session(Policy(key=line.key, ssrc_type=Policy.SSRC_ANY_INBOUND))

    # ---- sending

    def start(self) -> None:
        """Speak from now on."""
        if self._handle is None and self._target is not None:
            self._handle = self._hub.join(self)

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self._keys.extend(keys)

    def tick(self) -> None:
        """Send the packet of this 20 ms; every five seconds a receiver report too."""
        self._ticks += 1
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if self._target is None or not self.is_sending:
            return
        if self._keys and self._events is not None:
            self._send_key()
            return
        frame = (
            tone_frames(self._tone_hz, self._codec[0])[self._frame % FRAMES_PER_SECOND]
            if not self.is_muted
            else (b"\xd5" if self._codec[0] == "PCMA" else b"\xff") * FRAME
        )
        self._frame += 1
        self._send(self._codec[1], self._timestamp, frame, marker=self._frame == 1)
        if self._ticks % 250 == 0:
            self._send_report()

    def _send_key(self) -> None:
        event = _KEYS.index(self._keys[0])
        first = self._key_frame == 0
        if first:
            self._key_started = self._timestamp
        self._key_frame += 1
        duration = self._key_frame * FRAME
        is_end = self._key_frame >= KEY_FRAMES
        payload = _EVENT.pack(event, (0x80 if is_end else 0) | 10, duration)
        assert self._events is not None  # noqa: S101 - checked by the caller
        for _ in range(END_PACKETS if is_end else 1):
            self._send(self._events, self._key_started, payload, marker=first)
        if is_end:
            self._keys.popleft()
            self._key_frame = 0

    def _send(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> None:
        self._seq = (self._seq + 1) & 0xFFFF
        second = payload_type | (0x80 if marker else 0)
        packet = _HEADER.pack(0x80, second, self._seq, timestamp, self._ssrc) + payload
        if self._protect is not None:
            packet = self._protect.protect(packet)
        self._write(self._rtp, packet, self._target)
        self.figures.sent += 1

    def _send_report(self) -> None:
        if self._remote is None or self._target is None:
            return
        report = struct.pack(
            "!BBHIIIIII", 0x80, 200, 6, self._ssrc, 0, 0, self._timestamp, self.figures.sent, 0
        )
        if self._protect is not None:
            report = self._protect.protect_rtcp(report)
        port = self._target[1] if self._remote.rtcp_mux else self._remote.rtcp_port
        self._write(self._rtcp, report, (self._target[0], port))

    @staticmethod
    def _write(sock: object, data: bytes, target: tuple[str, int] | None) -> None:
        if target is None or target[1] == 0:
            return
        try:
            sock.sendto(data, target)  # type: ignore[attr-defined] # a datagram socket
        except OSError:
            return

    # ---- hearing

    def _readable(self) -> None:
        now = asyncio.get_running_loop().time()
        for _ in range(READ_AT_ONCE):
            try:
                data = self._rtp.recv(2048)
            except OSError:
                return
            self._packet(data, now)

    def _packet(self, data: bytes, now: float) -> None:
        if len(data) < 12 or 192 <= data[1] <= 223:
            return
        if self._unprotect is not None:
            try:
                data = self._unprotect.unprotect(data)
            except SrtpError:
                self.figures.refused += 1
                return
        self.figures.received += 1
        if self._last_arrival is not None:
            gap = (now - self._last_arrival) * 1000
            self.figures.longest_gap_ms = max(self.figures.longest_gap_ms, gap)
        self._last_arrival = now
        payload_type, timestamp = data[1] & 0x7F, int.from_bytes(data[4:8], "big")
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        if payload_type == self._events:
            self._event_packet(payload, timestamp)
        elif payload_type == 0:
            self.ear.hear(ulaw_decode(payload))
        elif payload_type == 8:
            self.ear.hear(alaw_decode(payload))

    def _event_packet(self, payload: bytes, timestamp: int) -> None:
        if len(payload) < 4 or timestamp == self._last_event or not payload[1] & 0x80:
            return
        self._last_event = timestamp
        if payload[0] < len(_KEYS):
            self.keys_heard += _KEYS[payload[0]]
            if self.on_key is not None:
                self.on_key(_KEYS[payload[0]])

    def _heard_tone(self, hz: int) -> None:
        if self.on_heard is not None:
            self.on_heard(hz)

    def expect_pause(self) -> None:
        """Do not count the time until the next packet as a gap (hold)."""
        self._last_arrival = None

    def close(self) -> None:
        """Fall silent and give the ports back."""
        if self._handle is not None:
            self._hub.leave(self._handle)
            self._handle = None
        if self._rtp.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._rtp.fileno())
            self._rtp.close()
            self._rtcp.close()


def _without_mux(style: Style) -> Style:
    return replace(style, rtcp_mux=False)


def _reverse(direction: str) -> Literal["sendrecv", "sendonly", "recvonly", "inactive"]:
    if direction == "sendonly":
        return "recvonly"
    if direction == "recvonly":
        return "sendonly"
    return "inactive" if direction == "inactive" else "sendrecv"
