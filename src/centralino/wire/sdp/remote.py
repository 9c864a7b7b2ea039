# SPDX-License-Identifier: Apache-2.0
"""Reading the peer's side of one audio stream out of its description.

Address, ports, direction and security of a media line, with the old ways of saying them:
a hold written as the address 0.0.0.0 (RFC 2543), attributes on session level, an RTCP
port left out. No decision is made here; that is `audio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sdp.format import Direction

if TYPE_CHECKING:
    from centralino.wire.sdp.description import MediaDescription, SessionDescription

SECURE_PROTOCOLS = ("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
"""Profiles that may carry SDES keys here ("Plan for media bypass" names the third)."""
PLAIN_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
"""Profiles of unencrypted RTP."""

_NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - an address we read, not one we bind


@dataclass(frozen=True, slots=True)
class RemoteStream:
    """Where and how the peer wants its audio."""

    address: str
    """Host as written; empty while the peer wants none (address 0.0.0.0)."""
    rtp_port: int
    rtcp_port: int
    """Where RTCP goes without rtcp-mux."""
    rtcp_mux: bool
    direction: Direction
    """As the peer means it: its `sends` is what we would receive."""
    protocol: str
    ptime_ms: int | None
    """Packet time the peer asks for, 10 to 60, or None."""
    crypto_texts: tuple[str, ...]

    @property
    def is_secure(self) -> bool:
        """Whether the profile demands SRTP."""
        return self.protocol.upper() in SECURE_PROTOCOLS

    @property
    def is_known(self) -> bool:
        """Whether the profile is RTP over UDP as we speak it."""
        return self.is_secure or self.protocol.upper() in PLAIN_PROTOCOLS


def read_stream(description: SessionDescription, media: MediaDescription) -> RemoteStream:
    """Read one media line. Raises `NegotiationError` (`no-address`, `bad-sdp`)."""
    address = media.connection or description.connection
    if not address:
        raise NegotiationError("no-address")
    direction = _direction(description, media)
    if address in _NOWHERE:
        address = ""
        direction = Direction.of(sends=direction.sends, receives=False)
    ptime = media.attribute("ptime") or ""
    ptime_ms = int(ptime) if ptime.isascii() and ptime.isdigit() and len(ptime) < 4 else 0
    return RemoteStream(
        address,
        media.port,
        _rtcp_port(media),
        media.attribute("rtcp-mux") is not None,
        direction,
        media.profile,
        ptime_ms if 10 <= ptime_ms <= 60 and ptime_ms % 10 == 0 else None,
        tuple(media.attributes("crypto")),
    )


def _direction(description: SessionDescription, media: MediaDescription) -> Direction:
    for source in (media, description):
        for direction in Direction:
            if source.attribute(direction.value) is not None:
                return direction
    return Direction.SENDRECV


def _rtcp_port(media: MediaDescription) -> int:
    written = media.attribute("rtcp")
    if not written:
        return min(media.port + 1, 65535)
    port = written.split()[0]
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or not 0 < int(port) < 65536:
        raise NegotiationError("bad-sdp", status=400)
    return int(port)
