# SPDX-License-Identifier: Apache-2.0
"""The values of one audio stream: what we want, where we listen, what was agreed.

Plain data for `audio`, and the one place that writes our own description. The order of
the lines is fixed, so that an unchanged stream gives an unchanged text.
Sources: RFC 8866, RFC 3605 (`a=rtcp`), RFC 5761 (`a=rtcp-mux`), RFC 4733.
"""

from __future__ import annotations

from dataclasses import dataclass

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sdp.crypto import CryptoLine  # noqa: TC001 - msgspec reads annotations
from centralino.wire.sdp.format import OWN_PAYLOAD_TYPES, Codec, CodecName, Direction
from centralino.wire.sdp.security import SrtpPolicy  # noqa: TC001 - as above

__all__ = ["AudioProfile", "AudioSession", "LocalEndpoint", "LocalStream"]


@dataclass(frozen=True, slots=True)
class AudioProfile:
    """What a trunk wants and allows."""

    codecs: tuple[CodecName, ...] = ("G722", "PCMA", "PCMU")
    """Best first; this order decides, not the peer's."""
    srtp: SrtpPolicy = "optional"
    """`optional` accepts both, and offers plain RTP with a key beside it."""
    telephone_event_pt: int = 101
    """Payload type of DTMF in our offers. Range: 96 to 127, not 111."""
    ptime_ms: int = 20
    """Packet time we ask for. Unit: ms."""
    rtcp_mux: bool = False
    """Whether we offer and accept RTCP on the RTP port."""
    hold_as_inactive: bool = False
    """Write `inactive` where we would write `sendonly` or `recvonly`: Teams reads only that."""
    comfort_noise: bool = False
    """Whether we list comfort noise (payload type 13)."""

    def __post_init__(self) -> None:
        """Refuse a profile whose own offer would be illegal."""
        dynamic = 96 <= self.telephone_event_pt <= 127
        taken = self.telephone_event_pt in OWN_PAYLOAD_TYPES.values()
        if not self.codecs or len(set(self.codecs)) != len(self.codecs) or not dynamic or taken:
            raise LocalProtocolError("bad-audio-profile")


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """Where our media listens; constant for the life of the leg."""

    address: str
    rtp_port: int
    rtcp_port: int


@dataclass(frozen=True, slots=True)
class AudioSession:
    """The agreed state of one leg's audio stream."""

    codec: Codec
    """What we send, under the payload type the peer wants."""
    telephone_event: tuple[int, int] | None
    """Payload type and clock rate of the DTMF we send, or None."""
    remote_address: str
    """Host of the peer's media as written, which may be a name."""
    remote_rtp_port: int
    remote_rtcp_port: int
    rtcp_mux: bool
    direction: Direction
    """Ours: whether we may send and will receive."""
    local_crypto: CryptoLine | None
    """Key we send under; None for plain RTP."""
    remote_crypto: CryptoLine | None
    """Key the peer sends under. With an MKI its bytes stand in every packet."""
    ptime_ms: int
    """Packet time to send. Unit: ms."""
    comfort_noise_pt: int | None = None
    """Payload type of comfort noise both sides listed, or None."""
    receive_payload_type: int = 0
    """The payload type under which the peer sends us `codec`."""
    receive_telephone_event_pt: int | None = None
    """The payload type under which the peer sends us DTMF, or None."""


@dataclass(frozen=True, slots=True)
class LocalStream:
    """What our side of the description says, apart from address and version."""

    codecs: tuple[Codec, ...]
    telephone_event: tuple[int, int] | None
    comfort_noise_pt: int | None
    direction: Direction
    protocol: str
    """Such as `RTP/SAVP`."""
    crypto: CryptoLine | None
    rtcp_mux: bool
    ptime_ms: int
    slots: tuple[str | None, ...] = (None,)
    """The media in order: None is the audio stream, a text is a refused `m=` line."""

    def render(self, local: LocalEndpoint, session_id: int, version: int) -> bytes:
        """Write the whole description."""
        family = "IP6" if ":" in local.address else "IP4"
        lines = [
            "v=0",
            f"o=- {session_id} {version} IN {family} {local.address}",
            "s=-",
            f"c=IN {family} {local.address}",
            "t=0 0",
        ]
        for slot in self.slots:
            lines += self._audio_lines(local) if slot is None else [slot]
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")

    def _audio_lines(self, local: LocalEndpoint) -> list[str]:
        formats = [codec.payload_type for codec in self.codecs]
        lines = [f"a=rtpmap:{codec.rtpmap}" for codec in self.codecs]
        if self.comfort_noise_pt is not None:
            formats.append(self.comfort_noise_pt)
            lines.append(f"a=rtpmap:{self.comfort_noise_pt} CN/8000")
        if self.telephone_event is not None:
            number, rate = self.telephone_event
            formats.append(number)
            lines += [f"a=rtpmap:{number} telephone-event/{rate}", f"a=fmtp:{number} 0-16"]
        listed = " ".join(map(str, formats))
        lines.insert(0, f"m=audio {local.rtp_port} {self.protocol} {listed}")
        lines.append(f"a=ptime:{self.ptime_ms}")
        if self.crypto is not None:
            lines.append(f"a=crypto:{self.crypto}")
        lines.append("a=rtcp-mux" if self.rtcp_mux else f"a=rtcp:{local.rtcp_port}")
        lines.append(f"a={self.direction.value}")
        return lines
