# SPDX-License-Identifier: Apache-2.0
"""What agreed media must be like before a worker takes it; a driver may be wrong too."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from centralino.adapters.media.codec import is_known_codec
from centralino.wire.rtp.srtp_index import KEY_BYTES, SUITE_32, SUITE_80

if TYPE_CHECKING:
    from centralino.exchange.media import LegMedia, SrtpKeys


@lru_cache(256)
def parse_address(text: str) -> IPv4Address | IPv6Address:
    """Return an IP address; kept, because a trunk's legs have the same ones.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text)


def media_problem(media: LegMedia) -> str:
    """Return what is wrong with agreed media, empty when nothing is."""
    if not is_known_codec(media.codec):
        return f"codec {media.codec} is not one this worker speaks"
    try:
        parse_address(media.remote_address)
    except ValueError:
        return "the remote address is no IP address"
    if not (0 < media.remote_rtp_port < 65536 and 0 < media.remote_rtcp_port < 65536):
        return "a remote port is out of range"
    types = (media.payload_type, media.event_payload_type, media.comfort_noise_payload_type)
    if any(one is not None and not 0 <= one <= 127 for one in types):
        return "a payload type is between 0 and 127"
    return _keys_problem(media.srtp) if media.srtp is not None else ""


def _keys_problem(keys: SrtpKeys) -> str:
    if keys.suite not in (SUITE_80, SUITE_32):
        return f"crypto suite {keys.suite} is not one this worker speaks"
    if len(keys.local) != KEY_BYTES or len(keys.remote) != KEY_BYTES:
        return f"an SDES key has {KEY_BYTES} bytes"
    return "" if 0 <= keys.remote_mki_bytes <= 128 else "a key identifier has at most 128 bytes"
