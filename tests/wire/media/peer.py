# SPDX-License-Identifier: Apache-2.0
"""A far end with a voice of its own: sends a tone in real time, keeps what it hears."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from centralino.adapters.media.codec import FrameDecoder, FrameEncoder
from centralino.exchange.media import LegMedia, SrtpKeys
from centralino.wire.rtp.opus import OpusDecoder, OpusEncoder
from centralino.wire.rtp.packet import RtpPacket, is_rtcp
from centralino.wire.rtp.srtp import SrtpReceiver, SrtpSender
from centralino.wire.rtp.tone import sine, tone_level_dbfs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from centralino.wire.rtp.samples import Samples

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9, "opus": 111}
EVENT = 101
FRAME_S = 0.02
AUDIBLE_DBFS = -35.0
INAUDIBLE_DBFS = -50.0


@dataclass(frozen=True)
class Heard:
    """One packet that came."""

    at: float
    packet: RtpPacket


class OpusVoice(OpusEncoder):
    """An encoder in the shape of the worker's others."""

    sample_rate = 48_000


class Peer(asyncio.DatagramProtocol):
    """One far end; ``await Peer.open(...)`` makes it."""

    def __init__(self, codec: str, hertz: float, keys: SrtpKeys | None) -> None:
        self.codec = codec
        self.hertz = hertz
        self.keys = keys
        self.heard: list[Heard] = []
        self.rtcp: list[bytes] = []
        self.refused = 0
        self.ssrc = int(hertz) * 7919 + 1
        self.sequence = 65_500
        self.timestamp = 0xFFFFFF00
        self.is_muted = False
        self._sender = SrtpSender(keys.suite, keys.remote) if keys else None
        self._receiver = SrtpReceiver(keys.suite, keys.local) if keys else None
        self._encoder = OpusVoice() if codec == "opus" else FrameEncoder(codec)
        self._sample = 0
        self._target: tuple[str, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = 0.0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._frames = 0
        self._spoken: list[tuple[int, asyncio.Future[None]]] = []
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(
        cls, codec: str = "PCMU", hertz: float = 440.0, keys: SrtpKeys | None = None
    ) -> Peer:
        """Open a far end on a free port of the loopback."""
        loop = asyncio.get_running_loop()
        transport, peer = await loop.create_datagram_endpoint(
            lambda: cls(codec, hertz, keys), local_addr=("127.0.0.1", 0)
        )
        peer._transport = transport
        return peer

    @property
    def port(self) -> int:
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def media(self, **changes: object) -> LegMedia:
        """Return what a leg towards this far end has agreed."""
        agreed: dict[str, object] = {
            "remote_address": "127.0.0.1",
            "remote_rtp_port": self.port,
            "remote_rtcp_port": self.port,
            "rtcp_mux": True,
            "codec": self.codec,
            "payload_type": PAYLOAD_TYPES[self.codec],
            "event_payload_type": EVENT,
            "srtp": self.keys,
        }
        return LegMedia(**(agreed | changes))  # type: ignore[arg-type]  # built from names

    def rekey(self, keys: SrtpKeys) -> None:
        """Use other keys from now on."""
        self.keys = keys
        self._sender = SrtpSender(keys.suite, keys.remote)
        self._receiver = SrtpReceiver(keys.suite, keys.local)

    # ------------------------------------------------------------ sending
    def talk_to(self, port: int) -> None:
        """Send the tone to a port, a frame every 20 ms, until ``stop``."""
        self._target = ("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        self._next_at = loop.time()
        self._send_frame()

    async def speak(self, frames: int) -> None:
        """Wait until so many further frames of the tone were sent, whether heard or not."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spoken.append((self._frames + frames, future))
        await future

    def stop(self) -> None:
        """Send no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Close the far end."""
        self.stop()
        if self._transport is not None:
            self._transport.close()

    def _send_frame(self) -> None:
        rate = self._encoder.sample_rate
        if self.is_muted:
            samples = np.zeros(rate // 50, dtype=np.int16)
        else:
            samples = sine(self.hertz, 20, sample_rate=rate, start_sample=self._sample)
        self._sample += rate // 50
        self.send(PAYLOAD_TYPES[self.codec], self._encoder.encode(samples), self.timestamp)
        step = 960 if self.codec == "opus" else 160
        self.timestamp = (self.timestamp + step) & 0xFFFFFFFF
        self._next_at += FRAME_S
        self._frames += 1
        for count, future in self._spoken:
            if self._frames >= count and not future.done():
                future.set_result(None)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._next_at, self._send_frame)

    def send(self, payload_type: int, payload: bytes, timestamp: int, marker: bool = False) -> None:
        """Send one packet with the next sequence number."""
        assert self._transport is not None
        self.sequence = (self.sequence + 1) & 0xFFFF
        data = RtpPacket(
            payload_type, self.sequence, timestamp, self.ssrc, payload, marker
        ).to_bytes()
        if self._sender is not None:
            data = self._sender.protect(data)
        self._transport.sendto(data, self._target)

    # ------------------------------------------------------------ hearing
    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep one packet."""
        if is_rtcp(data):
            self.rtcp.append(data)
            return
        if self._receiver is not None:
            try:
                data = self._receiver.unprotect(data)
            except Exception:  # noqa: BLE001 - counted; the test looks at the count
                self.refused += 1
                return
        loop = asyncio.get_running_loop()
        self.heard.append(Heard(loop.time(), RtpPacket.parse(data)))
        for count, future in self._waiters:
            if len(self.heard) >= count and not future.done():
                future.set_result(None)

    async def hear(self, packets: int, *, timeout_s: float = 10.0) -> list[RtpPacket]:
        """Wait for so many further packets and return them."""
        begin = len(self.heard)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((begin + packets, future))
        async with asyncio.timeout(timeout_s):
            await future
        return [one.packet for one in self.heard[begin:]]

    def sound(self, packets: Iterable[RtpPacket]) -> Samples:
        """Decode the audio of packets, in the order they came."""
        decoder = OpusDecoder() if self.codec == "opus" else FrameDecoder(self.codec)
        own = PAYLOAD_TYPES[self.codec]
        parts = [decoder.decode(one.payload) for one in packets if one.payload_type == own]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def level(self, packets: Iterable[RtpPacket], hertz: float) -> float:
        """Return the level of a tone in packets, dBFS."""
        rate = self._encoder.sample_rate
        return tone_level_dbfs(self.sound(packets), hertz, sample_rate=rate)

    async def hears(self, hertz: float, *, packets: int = 15) -> bool:
        """Listen for 300 ms and say whether a tone is there.

        Raises:
            AssertionError: it is neither clearly there nor clearly absent.
        """
        level = self.level(await self.hear(packets), hertz)
        assert level > AUDIBLE_DBFS or level < INAUDIBLE_DBFS, f"{hertz} Hz at {level:.0f} dBFS"
        return level > AUDIBLE_DBFS
