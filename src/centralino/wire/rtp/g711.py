# SPDX-License-Identifier: Apache-2.0
"""G.711: mu-law and A-law to and from 16-bit samples, and straight into each other.

All by look-up tables that are computed once from the definition of the two laws; nothing
here keeps state, so a packet can be decoded alone or a thousand legs at once. Payloads of
many legs go through in one call by joining them, or by stacking them in an array.

Samples are 16-bit: full scale is 32767, the codecs' own scale shifted left (mu-law 14 bits
by 2, A-law 13 bits by 3). Source: ITU-T G.711 (tables 1a to 2b), RFC 3551 4.5.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Codes, Samples

SAMPLE_RATE: Final = 8_000
"""Samples per second; one code byte each."""
ULAW_SILENCE: Final = 0xFF
"""The mu-law code of zero."""
ALAW_SILENCE: Final = 0xD5
"""The A-law code of the smallest positive step (A-law has no zero)."""

_ULAW_BIAS: Final = 0x84
_ULAW_CLIP: Final = 32_635


def _ulaw_decode_table() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _ULAW_BIAS) << ((code >> 4) & 0x07)) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_decode_table() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code >> 4) & 0x07
    magnitude = ((code & 0x0F) << 4) + 8
    magnitude = np.where(
        exponent > 0, (magnitude + 0x100) << np.maximum(exponent - 1, 0), magnitude
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _ulaw_encode_table() -> Codes:
    sample = np.arange(-32_768, 32_768, dtype=np.int32)
    biased = np.minimum(np.abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    return _by_word((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def _alaw_encode_table() -> Codes:
    sample = np.arange(-32_768, 32_768, dtype=np.int32)
    magnitude = np.where(sample < 0, -sample - 1, sample)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 7, 0)
    mantissa = (magnitude >> np.maximum(exponent + 3, 4)) & 0x0F
    sign = np.where(sample < 0, 0, 0x80)
    return _by_word(((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8))


def _by_word(codes: Codes) -> Codes:
    """Reorder a table over -32768 to 32767 so that an unsigned 16-bit word indexes it."""
    return np.concatenate((codes[32_768:], codes[:32_768]))


ULAW_TO_LINEAR: Final = _ulaw_decode_table()
"""Sample of each mu-law code, indexed by the code."""
ALAW_TO_LINEAR: Final = _alaw_decode_table()
"""Sample of each A-law code, indexed by the code."""
LINEAR_TO_ULAW: Final = _ulaw_encode_table()
"""mu-law code of each sample, indexed by the sample viewed as an unsigned word."""
LINEAR_TO_ALAW: Final = _alaw_encode_table()
"""A-law code of each sample, indexed by the sample viewed as an unsigned word."""

for _table in (ULAW_TO_LINEAR, ALAW_TO_LINEAR, LINEAR_TO_ULAW, LINEAR_TO_ALAW):
    _table.setflags(write=False)

ULAW_TO_ALAW: Final = LINEAR_TO_ALAW[ULAW_TO_LINEAR.view(np.uint16)].tobytes()
"""Translation table for ``bytes.translate``: the A-law code nearest to each mu-law code."""
ALAW_TO_ULAW: Final = LINEAR_TO_ULAW[ALAW_TO_LINEAR.view(np.uint16)].tobytes()
"""Translation table for ``bytes.translate``: the mu-law code nearest to each A-law code."""


def ulaw_decode(payload: bytes | bytearray | memoryview) -> Samples:
    """Return the samples of a mu-law payload, as many as it has bytes."""
    return ULAW_TO_LINEAR[np.frombuffer(payload, dtype=np.uint8)]


def alaw_decode(payload: bytes | bytearray | memoryview) -> Samples:
    """Return the samples of an A-law payload, as many as it has bytes."""
    return ALAW_TO_LINEAR[np.frombuffer(payload, dtype=np.uint8)]


def ulaw_encode(samples: Samples) -> bytes:
    """Return samples of any shape as mu-law, in memory order."""
    return ulaw_codes(samples).tobytes()


def alaw_encode(samples: Samples) -> bytes:
    """Return samples of any shape as A-law, in memory order."""
    return alaw_codes(samples).tobytes()


def ulaw_codes(samples: Samples) -> Codes:
    """Return the mu-law codes of samples, shape kept (one row per leg, say)."""
    return LINEAR_TO_ULAW[np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)]


def alaw_codes(samples: Samples) -> Codes:
    """Return the A-law codes of samples, shape kept (one row per leg, say)."""
    return LINEAR_TO_ALAW[np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)]


def ulaw_to_alaw(payload: bytes) -> bytes:
    """Turn a mu-law payload into A-law without going through samples."""
    return payload.translate(ULAW_TO_ALAW)


def alaw_to_ulaw(payload: bytes) -> bytes:
    """Turn an A-law payload into mu-law without going through samples."""
    return payload.translate(ALAW_TO_ULAW)
