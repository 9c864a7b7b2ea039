# SPDX-License-Identifier: Apache-2.0
"""G.722 at 64 kbit/s: 16 kHz sound in one byte per 125 microseconds.

Both directions keep state, so each stream needs objects of its own and frames must come in
order. By an old mistake the RTP clock of G.722 runs at 8000 hertz, though it samples 16000
times a second (RFC 3551, 4.5.2): a 20 ms payload is 160 bytes and 160 timestamp units, but
320 samples. The arithmetic is in the `G722` library (public domain).

Source: ITU-T G.722; RFC 3551 4.5.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import G722
import numpy as np

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

SAMPLE_RATE: Final = 16_000
"""Samples per second."""
CLOCK_RATE: Final = 8_000
"""RTP timestamp units per second."""
_BIT_RATE: Final = 64_000


class G722Decoder:
    """Decodes one stream."""

    __slots__ = ("_codec",)

    def __init__(self) -> None:
        self._codec = G722.G722(SAMPLE_RATE, _BIT_RATE)

    def decode(self, payload: bytes) -> Samples:
        """Return two samples for each byte, at `SAMPLE_RATE`."""
        if not payload:
            return np.zeros(0, dtype=np.int16)
        return np.asarray(self._codec.decode(payload), dtype=np.int16)


class G722Encoder:
    """Encodes one stream."""

    __slots__ = ("_codec",)

    def __init__(self) -> None:
        self._codec = G722.G722(SAMPLE_RATE, _BIT_RATE)

    def encode(self, samples: Samples) -> bytes:
        """Return one byte for each two samples at `SAMPLE_RATE`; give an even number."""
        if not len(samples):
            return b""
        return bytes(self._codec.encode(np.ascontiguousarray(samples, dtype=np.int16)))
