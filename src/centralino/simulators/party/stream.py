# SPDX-License-Identifier: Apache-2.0
"""One end of one audio stream: description, keys, sockets, RTP. Who speaks is not said here.

Media towards the address that was signalled first stays there for the life of the
call, as Microsoft's media processors do (Direct Routing media, fact sheet 10.4).
Two streams can be joined: what one receives, the other sends.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from centralino.simulators.party.description import DescriptionError, Heard, Spoken, Style, read
from centralino.wire.rtp.g711 import alaw_to_ulaw, ulaw_to_alaw

if TYPE_CHECKING:
    import socket

    from centralino.simulators.party.hub import MediaHub

_HEADER = struct.Struct("!BBHII")
READ_AT_ONCE = 32
PCMU, PCMA = 0, 8
NOWHERE = "0.0.0.0"  # noqa: S104 - said by a peer that holds, never bound
_TRANSCODE = {("PCMA", "PCMU"): alaw_to_ulaw, ("PCMU", "PCMA"): ulaw_to_alaw}


@dataclass(slots=True)
class StreamFigures:
    """What one end sent and received."""

    sent: int = 0
    received: int = 0
    refused: int = 0
    sources: int = 0
    """How often another SSRC was heard than before."""
    reports: int = 0
    """RTCP packets received, compound ones as one."""
    longest_gap_ms: float = 0.0
    """Longest time between two packets while media was expected."""


class Stream:
    """One end of one audio stream in one call."""

    def __init__(self, hub: MediaHub, style: Style) -> None:
        """Open the sockets and listen."""
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
        self.figures = StreamFigures()
        self.is_sending = True
        """False while the call is on hold: nothing leaves."""
        self._codec: tuple[str, int] = ("PCMA", PCMA)
        self._events: int | None = None
        self._remote: Heard | None = None
        self._target: tuple[str, int] | None = None
        self._joined: Stream | None = None
        self._seq = rng.getrandbits(15)
        self._ssrc = rng.getrandbits(32)
        self._protect: Session | None = None
        self._unprotect: Session | None = None
        self._last_arrival: float | None = None
        self._heard_source = b""
        hub.opened(self)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._rtp.fileno(), self._readable)
        loop.add_reader(self._rtcp.fileno(), self._reported)

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

    @property
    def may_send(self) -> bool:
        """Whether the other side wants to hear us, by its last description."""
        remote = self._remote
        if remote is None:
            return False
        return remote.direction in ("sendrecv", "recvonly") and remote.address != NOWHERE

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

    def send(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> None:
        """Send one RTP packet; nothing while on hold or before an address is agreed."""
        if self._target is None or not self.is_sending:
            return
        self._seq = (self._seq + 1) & 0xFFFF
        second = payload_type | (0x80 if marker else 0)
        packet = _HEADER.pack(0x80, second, self._seq, timestamp, self._ssrc) + payload
        if self._protect is not None:
            packet = self._protect.protect(packet)
        _write(self._rtp, packet, self._target)
        self.figures.sent += 1

    def begin_anew(self) -> None:
        """Go on as another source: a new SSRC and new numbers, as after a media switch."""
        rng = self._hub.rng
        self._ssrc, self._seq = rng.getrandbits(32), rng.getrandbits(15)

    def send_report(self, timestamp: int) -> None:
        """Send an RTCP sender report."""
        if self._remote is None or self._target is None:
            return
        report = struct.pack(
            "!BBHIIIIII", 0x80, 200, 6, self._ssrc, 0, 0, timestamp, self.figures.sent, 0
        )
        if self._protect is not None:
            report = self._protect.protect_rtcp(report)
        port = self._target[1] if self._remote.rtcp_mux else self._remote.rtcp_port
        _write(self._rtcp, report, (self._target[0], port))

    # ---- two streams as one

    def join(self, other: Stream) -> None:
        """From now on each sends what the other receives."""
        self._joined, other._joined = other, self

    def part(self) -> None:
        """Undo a join."""
        if self._joined is not None:
            self._joined._joined = None
            self._joined = None

    @property
    def is_joined(self) -> bool:
        """Whether another stream is joined to this one."""
        return self._joined is not None

    def _forward(
        self, other: Stream, payload_type: int, timestamp: int, payload: bytes, *, marker: bool
    ) -> None:
        if payload_type == self._events:
            if other._events is not None:
                other.send(other._events, timestamp, payload, marker=marker)
            return
        if payload_type != self._codec[1]:
            return
        transcode = _TRANSCODE.get((self._codec[0], other._codec[0]))
        if transcode is not None:
            payload = transcode(payload)
        other.send(other._codec[1], timestamp, payload, marker=marker)

    # ---- hearing

    def _readable(self) -> None:
        now = asyncio.get_running_loop().time()
        for _ in range(READ_AT_ONCE):
            try:
                data = self._rtp.recv(2048)
            except OSError:
                return
            self._packet(data, now)

    def _reported(self) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                data = self._rtcp.recv(2048)
            except OSError:
                return
            if len(data) >= 8 and 192 <= data[1] <= 223:
                self.figures.reports += 1

    def _packet(self, data: bytes, now: float) -> None:
        if len(data) < 12:
            return
        if 192 <= data[1] <= 223:
            self.figures.reports += 1
            return
        if self._unprotect is not None:
            try:
                data = self._unprotect.unprotect(data)
            except SrtpError:
                self.figures.refused += 1
                return
        figures = self.figures
        figures.received += 1
        if self._last_arrival is not None:
            gap_ms = (now - self._last_arrival) * 1000
            figures.longest_gap_ms = max(figures.longest_gap_ms, gap_ms)
        self._last_arrival = now
        if data[8:12] != self._heard_source:
            self._heard_source = data[8:12]
            figures.sources += 1
        payload_type, timestamp = data[1] & 0x7F, int.from_bytes(data[4:8], "big")
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        if self._joined is not None:
            marker = bool(data[1] & 0x80)
            self._forward(self._joined, payload_type, timestamp, payload, marker=marker)
        self._media(payload_type, timestamp, payload)

    def _media(self, payload_type: int, timestamp: int, payload: bytes) -> None:
        """Take one packet; somebody who listens overrides this."""

    def expect_pause(self) -> None:
        """Do not count the time until the next packet as a gap (hold)."""
        self._last_arrival = None

    def close(self) -> None:
        """Fall silent and give the ports back."""
        self.part()
        self._hub.closed(self)
        if self._rtp.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._rtp.fileno())
            loop.remove_reader(self._rtcp.fileno())
            self._rtp.close()
            self._rtcp.close()


def _write(sock: socket.socket, data: bytes, target: tuple[str, int]) -> None:
    if target[1] == 0:
        return
    try:
        sock.sendto(data, target)
    except OSError:
        return


def _without_mux(style: Style) -> Style:
    return replace(style, rtcp_mux=False)


def _reverse(direction: str) -> Literal["sendrecv", "sendonly", "recvonly", "inactive"]:
    if direction == "sendonly":
        return "recvonly"
    if direction == "recvonly":
        return "sendonly"
    return "inactive" if direction == "inactive" else "sendrecv"
