# SPDX-License-Identifier: Apache-2.0
"""Finds pure tones in received audio and measures the gaps between them.

Audio is cut into windows of 100 ms. In each the power at every watched frequency is
compared with the power of the whole window (the Goertzel idea, as one matrix product);
a tone is heard when it carries more than half of it, so music and speech that happen
to touch a frequency do not count. Pure: samples and times come in, nothing is played.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from centralino.wire.rtp.g711 import alaw_decode, ulaw_decode

RATE = 8000
WINDOW_MS = 100
WINDOW = RATE * WINDOW_MS // 1000
MIN_RMS = 120.0
"""About -49 dBFS; quieter windows are silence."""
MIN_SHARE = 0.5
"""Share of a window's power that a tone must carry."""
SURE_MS = 200
"""A tone counts as heard after this much of it."""

Samples = npt.NDArray[np.int16]


@lru_cache(maxsize=64)
def _basis(tones: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return the sine and cosine rows of the tones, shape (2 * tones, WINDOW)."""
    t = np.arange(WINDOW) / RATE
    rows = [wave(2 * np.pi * hz * t) for hz in tones for wave in (np.cos, np.sin)]
    return np.array(rows, dtype=np.float32).reshape(2 * len(tones), WINDOW)


class Ear:
    """Listens to one stream for a set of tones."""

    def __init__(
        self, tones: tuple[int, ...], on_heard: Callable[[int], None] | None = None
    ) -> None:
        """Listen for ``tones`` (Hz); ``on_heard`` is told of each once, when it is sure."""
        self._tones = tones
        self._on_heard = on_heard
        self._buffer: list[Samples] = []
        self._buffered = 0
        self._encoded: list[bytes] = []
        self._encoded_bytes = 0
        self._is_alaw = True
        self.heard_ms: dict[int, int] = {}
        """Hz to how long it was heard in all."""
        self.audible_ms = 0
        """How long anything at all was heard."""
        self.windows = 0

    def hear(self, samples: Samples) -> None:
        """Take the next samples of the stream, in order."""
        self._buffer.append(samples)
        self._buffered += samples.size
        if self._buffered < WINDOW:
            return
        joined = np.concatenate(self._buffer)
        whole = joined.size // WINDOW
        for index in range(whole):
            self._judge(joined[index * WINDOW : (index + 1) * WINDOW])
        rest = joined[whole * WINDOW :]
        self._buffer = [rest] if rest.size else []
        self._buffered = rest.size

    def hear_encoded(self, payload: bytes, *, is_alaw: bool) -> None:
        """Take the next G.711 payload; it is decoded together with its neighbours."""
        if is_alaw != self._is_alaw:
            self._decode()
            self._is_alaw = is_alaw
        self._encoded.append(payload)
        self._encoded_bytes += len(payload)
        if self._encoded_bytes + self._buffered >= WINDOW:
            self._decode()

    def _decode(self) -> None:
        if self._encoded:
            joined = b"".join(self._encoded)
            self._encoded.clear()
            self._encoded_bytes = 0
            self.hear(alaw_decode(joined) if self._is_alaw else ulaw_decode(joined))

    def _judge(self, window: Samples) -> None:
        self.windows += 1
        floats = window.astype(np.float32)
        power = float(floats @ floats)
        if power < MIN_RMS * MIN_RMS * WINDOW:
            return
        self.audible_ms += WINDOW_MS
        if not self._tones:
            return
        projected = _basis(self._tones) @ floats
        powers = (projected * projected).reshape(-1, 2).sum(axis=1) * (2.0 / WINDOW)
        for index in np.flatnonzero(powers > MIN_SHARE * power):
            self._count(self._tones[int(index)])

    def _count(self, tone: int) -> None:
        before = self.heard_ms.get(tone, 0)
        self.heard_ms[tone] = before + WINDOW_MS
        if before < SURE_MS <= before + WINDOW_MS and self._on_heard is not None:
            self._on_heard(tone)

    def tones_heard(self) -> list[int]:
        """Return the tones that were surely heard, lowest first."""
        return sorted(hz for hz, length in self.heard_ms.items() if length >= SURE_MS)
