# SPDX-License-Identifier: Apache-2.0
"""The codecs of a worker behind one shape: G.711 both laws and G.722.

All three carry one byte per RTP timestamp unit, 160 bytes in 20 ms; recording, mixing
and playing rely on that (Opus does not, and stays outside: ``opus_edge``). The codecs
themselves are in ``centralino.wire.rtp``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from centralino.adapters.media.settings import FRAME_BYTES
from centralino.wire.rtp import g711, g722, opus
from centralino.wire.rtp.resample import Downsampler, Upsampler

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

NARROW = 8000
WIDE = 16000

CODECS = ("PCMU", "PCMA", "G722")
"""Codecs that a worker speaks."""

_DECODE: dict[str, Callable[[bytes], Samples]] = {
    "PCMU": g711.ulaw_decode,
    "PCMA": g711.alaw_decode,
}
_ENCODE: dict[str, Callable[[Samples], bytes]] = {
    "PCMU": g711.ulaw_encode,
    "PCMA": g711.alaw_encode,
}
_TRANSLATIONS = {("PCMU", "PCMA"): g711.ULAW_TO_ALAW, ("PCMA", "PCMU"): g711.ALAW_TO_ULAW}


def is_known_codec(codec: str) -> bool:
    """Say whether a worker speaks a codec; Opus only with the extra ``audio``."""
    return codec in CODECS or (codec == "opus" and opus.is_available())


def translation(source: str, target: str) -> bytes | None:
    """Return the byte table that turns one codec into another, ``None`` where there is none."""
    return _TRANSLATIONS.get((source, target))


def sample_rate(codec: str) -> int:
    """Return samples per second of a codec's sound."""
    return WIDE if codec == "G722" else NARROW


def silence_frame(codec: str) -> bytes:
    """Return 20 ms of silence in a codec."""
    return _SILENCE[codec]


class FrameDecoder:
    """Decodes one stream of one codec; keeps the codec's state."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.sample_rate = sample_rate(codec)
        self.decode: Callable[[bytes], Samples] = (
            _DECODE[codec] if codec in _DECODE else g722.G722Decoder().decode
        )
        """Return the samples of a payload."""


class FrameEncoder:
    """Encodes one stream of one codec; keeps the codec's state."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.sample_rate = sample_rate(codec)
        self.encode: Callable[[Samples], bytes] = (
            _ENCODE[codec] if codec in _ENCODE else g722.G722Encoder().encode
        )
        """Return the payload of samples."""


class Resampler:
    """Turns one stream of samples from one rate into another; keeps the filter's state."""

    def __init__(self, source: int, target: int) -> None:
        self.convert: Callable[[Samples], Samples] = _same
        """Return the samples at the other rate."""
        if source < target:
            self.convert = Upsampler().process
        elif source > target:
            self.convert = Downsampler().process


def _same(samples: Samples) -> Samples:
    return samples


def decode_frames(codec: str, payloads: Sequence[bytes]) -> Samples:
    """Return the frames of many legs at once, one row each; G.711 only."""
    return _DECODE[codec](b"".join(payloads)).reshape(len(payloads), -1)


def encode_frames(codec: str, frames: Samples) -> list[bytes]:
    """Return the payloads of many legs at once, one per row; G.711 only."""
    codes = _ENCODE[codec](frames)
    return [codes[at : at + FRAME_BYTES] for at in range(0, len(codes), FRAME_BYTES)]


def decode_alone(codec: str, payload: bytes) -> Samples:
    """Return the samples of one payload without what came before; for looking at levels."""
    return FrameDecoder(codec).decode(payload)


_SILENCE = {
    codec: FrameEncoder(codec).encode(np.zeros(sample_rate(codec) // 50, dtype=np.int16))
    for codec in CODECS
}
