# SPDX-License-Identifier: Apache-2.0
"""Sine tones and their detection, so that audio can be judged by its signal.

Tests, simulators and the demo put a tone of its own into each leg and look for it at the
other end: who hears whom is then a fact and not an impression. Also the tones that a
telephone exchange makes by itself. Nothing here knows packets.

Sources: Goertzel's recurrence (here as one dot product, which gives the same number);
ITU-T Q.35 annex and national practice for ringback; ITU-T Q.23 for keys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from centralino.wire.rtp.samples import Samples

FULL_SCALE: Final = 32_767
"""Amplitude of a sine at 0 dBFS; its own root mean square is 3 dB less."""
SILENCE_DBFS: Final = -96.0
"""What `level_dbfs` returns for digital silence."""


def amplitude(level_dbfs: float) -> float:
    """Return the peak amplitude of a sine whose root mean square is at a level.

    The level refers to a full-scale sine: 0 dBFS is a sine of amplitude `FULL_SCALE`.
    """
    return float(FULL_SCALE * 10 ** (level_dbfs / 20))


def sine(
    frequency_hz: float,
    duration_ms: float,
    *,
    sample_rate: int = 8_000,
    level_dbfs: float = -12.0,
    start_sample: int = 0,
) -> Samples:
    """Return a sine; ``start_sample`` continues one without a click.

    >>> sine(1_000, 1, sample_rate=8_000, level_dbfs=0).tolist()[:3]
    [0, 23170, 32767]
    """
    count = round(duration_ms * sample_rate / 1_000)
    index = np.arange(start_sample, start_sample + count, dtype=np.float64)
    wave = np.sin(index * (2 * math.pi * frequency_hz / sample_rate))
    return np.rint(wave * amplitude(level_dbfs)).astype(np.int16)


def mix(tones: Sequence[Samples]) -> Samples:
    """Add tones of equal length and clip."""
    total = np.sum(np.stack(tones), axis=0, dtype=np.int32)
    return np.clip(total, -32_768, 32_767).astype(np.int16)


def level_dbfs(samples: Samples) -> float:
    """Return the level of a signal against a full-scale sine, `SILENCE_DBFS` at least."""
    if not len(samples):
        return SILENCE_DBFS
    mean_square = float(np.mean(np.square(samples.astype(np.float64))))
    if mean_square <= 0:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 10 * math.log10(2 * mean_square / FULL_SCALE**2))


def tone_level_dbfs(samples: Samples, frequency_hz: float, *, sample_rate: int = 8_000) -> float:
    """Return the level that a signal has at one frequency (Goertzel).

    The signal is windowed (Hann), so tones a few hundred hertz away stay below -50 dB for
    100 ms of signal or more.
    """
    count = len(samples)
    if not count:
        return SILENCE_DBFS
    window = np.hanning(count + 1)[:count]
    phase = np.arange(count) * (2 * math.pi * frequency_hz / sample_rate)
    weighted = samples * window
    total = float(window.sum()) or 1.0
    real = float(np.dot(weighted, np.cos(phase)))
    imaginary = float(np.dot(weighted, np.sin(phase)))
    peak = 2 * math.hypot(real, imaginary) / total
    if peak <= 0:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 20 * math.log10(peak / FULL_SCALE))


def tone_share(samples: Samples, frequency_hz: float, *, sample_rate: int = 8_000) -> float:
    """Return which part of a signal's power is at one frequency, from 0 to about 1."""
    level = level_dbfs(samples)
    if level <= SILENCE_DBFS:
        return 0.0
    tone = tone_level_dbfs(samples, frequency_hz, sample_rate=sample_rate)
    return float(10 ** ((tone - level) / 10))


def has_tone(
    samples: Samples,
    frequency_hz: float,
    *,
    sample_rate: int = 8_000,
    threshold_dbfs: float = -40.0,
) -> bool:
    """Tell whether a tone is heard in a signal, other sounds beside it allowed."""
    level = tone_level_dbfs(samples, frequency_hz, sample_rate=sample_rate)
    return level >= threshold_dbfs


def strongest_tone(
    samples: Samples, candidates_hz: Iterable[float], *, sample_rate: int = 8_000
) -> tuple[float, float]:
    """Return the loudest of some frequencies, as (hertz, dBFS); the first wins a tie."""
    levels = [
        (frequency, tone_level_dbfs(samples, frequency, sample_rate=sample_rate))
        for frequency in candidates_hz
    ]
    return max(levels, key=lambda found: found[1], default=(0.0, SILENCE_DBFS))


@dataclass(frozen=True, slots=True)
class Cadence:
    """A call-progress tone: which frequencies, and how long on and off."""

    frequencies_hz: tuple[float, ...]
    on_off_ms: tuple[int, ...]
    """Alternating on and off times; repeated for ever."""
    level_dbfs: float = -16.0
    """Level of each frequency."""


RINGBACK: Final[dict[str, Cadence]] = {
    "IT": Cadence((425.0,), (1_000, 4_000)),
    "DE": Cadence((425.0,), (1_000, 4_000)),
    "FR": Cadence((440.0,), (1_500, 3_500)),
    "ES": Cadence((425.0,), (1_500, 3_000)),
    "GB": Cadence((400.0, 450.0), (400, 200, 400, 2_000)),
    "US": Cadence((440.0, 480.0), (2_000, 4_000)),
}
"""Ringback by ISO country code."""
DEFAULT_RINGBACK: Final = Cadence((425.0,), (1_000, 4_000))
"""Most of Europe."""


def ringback(country: str = "", *, sample_rate: int = 8_000) -> Samples:
    """Return one whole cycle of a country's ringback tone, to be played in a loop."""
    return cycle(RINGBACK.get(country.upper(), DEFAULT_RINGBACK), sample_rate=sample_rate)


def cycle(cadence: Cadence, *, sample_rate: int = 8_000) -> Samples:
    """Return one whole cycle of a cadence, on and off times included."""
    parts: list[Samples] = []
    for position, length_ms in enumerate(cadence.on_off_ms):
        if position % 2:
            parts.append(np.zeros(length_ms * sample_rate // 1_000, dtype=np.int16))
            continue
        tones = [
            sine(frequency, length_ms, sample_rate=sample_rate, level_dbfs=cadence.level_dbfs)
            for frequency in cadence.frequencies_hz
        ]
        parts.append(mix(tones))
    return np.concatenate(parts)
