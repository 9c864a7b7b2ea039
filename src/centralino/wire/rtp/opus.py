# SPDX-License-Identifier: Apache-2.0
"""Opus at 48 kHz, mono, one packet per 20 ms, through PyAV: an extra.

Costs about half a millisecond per encoded packet, some ten times G.722, so it is for a
handful of legs. Both directions keep state; each stream needs objects of its own. Without
the extra everything else works, and making a coder here says how to install it.

Source: RFC 6716; RFC 7587 4.1 and 4.2 (the RTP clock is always 48000 hertz).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from centralino.wire.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

SAMPLE_RATE: Final = 48_000
"""Samples, and RTP timestamp units, per second."""
FRAME_SAMPLES: Final = 960
"""Samples of one packet: 20 ms."""
MAX_PACKET_BYTES: Final = 1_275
"""The longest Opus frame (RFC 6716, 3.2.1)."""
DEFAULT_BIT_RATE: Final = 24_000
"""Bits per second: full-band speech (RFC 7587, 3.1.1)."""


def is_available() -> bool:
    """Whether the extra is installed."""
    try:
        importlib.import_module("av")
    except ImportError:
        return False
    return True


def _codec(mode: str) -> tuple[Any, Any]:
    try:
        library: Any = importlib.import_module("av")
    except ImportError as error:
        raise LocalProtocolError(
            "opus-unavailable", "Opus needs the extra: pip install 'centralino[audio]'"
        ) from error
    context = library.CodecContext.create("libopus", mode)
    context.sample_rate = SAMPLE_RATE
    context.layout = "mono"
    return library, context


class OpusEncoder:
    """Encodes one stream."""

    __slots__ = ("_at", "_context", "_library")

    def __init__(self, bit_rate: int = DEFAULT_BIT_RATE) -> None:
        """Encode speech at ``bit_rate`` bits per second.

        Raises:
            LocalProtocolError: ``opus-unavailable``, the extra is missing.
        """
        self._library, self._context = _codec("w")
        self._context.format = "s16"
        self._context.bit_rate = bit_rate
        self._context.options = {"application": "voip", "frame_duration": "20"}
        self._at = 0

    def encode(self, samples: Samples) -> bytes:
        """Return the packet of exactly `FRAME_SAMPLES` samples.

        Raises:
            LocalProtocolError: ``opus-frame-size``.
        """
        if len(samples) != FRAME_SAMPLES:
            raise LocalProtocolError("opus-frame-size", "An Opus frame here is 960 samples")
        row = np.ascontiguousarray(samples, dtype=np.int16).reshape(1, -1)
        frame = self._library.AudioFrame.from_ndarray(row, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._at
        self._at += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class OpusDecoder:
    """Decodes one stream; a stereo one comes out mixed to mono."""

    __slots__ = ("_context", "_library")

    def __init__(self) -> None:
        """Decode to `SAMPLE_RATE`.

        Raises:
            LocalProtocolError: ``opus-unavailable``, the extra is missing.
        """
        self._library, self._context = _codec("r")

    def decode(self, payload: bytes) -> Samples:
        """Return the samples of one packet, whatever length of time it holds.

        Raises:
            RemoteProtocolError: ``opus-payload``, it is no Opus packet.
        """
        if not 0 < len(payload) <= 3 * MAX_PACKET_BYTES:
            raise RemoteProtocolError("opus-payload", "Opus packet of a wrong size")
        try:
            frames = self._context.decode(self._library.Packet(payload))
        except self._library.error.FFmpegError as error:
            message = "No Opus packet"
            raise RemoteProtocolError("opus-payload", message, offending=payload) from error
        parts = [np.asarray(frame.to_ndarray(), dtype=np.int16).ravel() for frame in frames]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)
