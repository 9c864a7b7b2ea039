# SPDX-License-Identifier: Apache-2.0
"""The packet index of SRTP, and how to bring a libsrtp session to one.

What lives here: suites and their sizes, the inference of an index from a sequence number,
the sequence of packets that makes libsrtp believe it has come as far as an index. What must
not: the state of a stream (see `srtp`).

Source: RFC 3711 3.3.1 and appendix A; RFC 4568 6.2.
"""

from __future__ import annotations

import struct
from typing import Final

from pylibsrtp import Policy, Session

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError

SUITE_80: Final = "AES_CM_128_HMAC_SHA1_80"
SUITE_32: Final = "AES_CM_128_HMAC_SHA1_32"
KEY_BYTES: Final = 30
"""Master key and master salt together."""
MAX_ROLLOVER: Final = 1 << 14
"""The highest roll-over count that `resume` walks to: 248 days at 50 packets a second."""
MAX_RTCP_INDEX: Final = 1 << 20
"""The highest SRTCP index that `resume` walks to: 60 days at one report in 5 seconds."""
REPLAY_WINDOW: Final = 128
"""Packets behind the highest one that libsrtp still tells apart."""

TAG_BYTES: Final = {SUITE_80: 10, SUITE_32: 4}
"""Length of the authentication tag of an RTP packet, by suite."""
RTCP_TAG_BYTES: Final = 10
"""Length of the tag of an RTCP packet, in both suites (RFC 4568, 6.2)."""

_PROFILES: Final = {
    SUITE_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SUITE_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
_WALK_STEP: Final = 0x4000
_MASK_16: Final = 0xFFFF
_HALF: Final = 0x8000
_FIXED = struct.Struct(">BBHII")


class SrtpRefused(RemoteProtocolError):
    """A protected packet was refused; ``code`` says why.

    ``srtp-authentication`` (wrong key, wrong roll-over count or altered), ``srtp-replay``
    or ``srtp-malformed``.
    """


def _session(suite: str, key: bytes, direction: int) -> Session:
    profile = _PROFILES.get(suite)
    if profile is None:
        raise LocalProtocolError("srtp-suite", "Unknown SRTP crypto suite")
    if len(key) != KEY_BYTES:
        raise LocalProtocolError("srtp-key-length", "An SRTP master key and salt is 30 bytes")
    return Session(Policy(key=bytes(key), ssrc_type=direction, srtp_profile=profile))


def sender_session(suite: str, key: bytes) -> Session:
    """Return a libsrtp session that protects any source.

    Raises:
        LocalProtocolError: the suite is unknown or the key has the wrong length.
    """
    return _session(suite, key, Policy.SSRC_ANY_OUTBOUND)


def receiver_session(suite: str, key: bytes) -> Session:
    """Return a libsrtp session that opens packets of any source.

    Raises:
        LocalProtocolError: the suite is unknown or the key has the wrong length.
    """
    return _session(suite, key, Policy.SSRC_ANY_INBOUND)


def dummy(ssrc: int, index: int) -> bytes:
    """Return an empty RTP packet with the sequence number of an index."""
    return _FIXED.pack(0x80, 0, index & _MASK_16, 0, ssrc)


def walk(index: int, seen_before: int = 0) -> list[int]:
    """Return the indices to visit, so that libsrtp ends at ``index`` and knows its ROC.

    The last ``seen_before`` ones below ``index`` are visited one by one.

    Raises:
        LocalProtocolError: ``srtp-rollover-range``, beyond `MAX_ROLLOVER`.
    """
    if not 0 <= index >> 16 <= MAX_ROLLOVER:
        raise LocalProtocolError("srtp-rollover-range", "Roll-over count too high to walk to")
    near = max(index - seen_before, 0)
    return [*range(min(near, _MASK_16), near, _WALK_STEP), *range(near, index + 1)]


def next_index(highest: int | None, sequence: int) -> int:
    """Return the packet index that libsrtp infers for a sequence number (RFC 3711, 3.3.1).

    In the first half of the sequence space at roll-over count 0 the count cannot go back,
    so any sequence number is taken as it is.
    """
    if highest is None or highest <= _HALF:
        return sequence
    roc, last = highest >> 16, highest & _MASK_16
    if last < _HALF:
        if sequence - last > _HALF:
            roc -= 1
    elif last - _HALF > sequence:
        roc += 1
    return (roc << 16) | sequence


def refusal(error: Exception) -> str:
    """Return the code of `SrtpRefused` for what libsrtp said."""
    text = str(error)
    if "replay" in text or "too old" in text:
        return "srtp-replay"
    if "authentication" in text:
        return "srtp-authentication"
    return "srtp-malformed"
