# SPDX-License-Identifier: Apache-2.0
"""Sample rates: twice or half as many samples in a stream, any rate for a whole file.

The streaming pair goes between narrow-band (8 kHz) and wide-band (16 kHz) telephony in
frames; each keeps the tail of its filter, so frames join without a seam. The filter is a
windowed half-band low-pass of 31 taps: flat to 3.4 kHz within 0.5 dB and 40 dB down from
4.7 kHz on, 15 samples (at the high rate, under one millisecond) of delay.

`resample` is for files: better, slower, without delay. Nothing here knows codecs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.wire.rtp.samples import Samples

_TAPS: Final = 31
_FILE_REACH: Final = 24
"""Zero crossings of the file resampler's kernel on each side."""


def _half_band(gain: float) -> NDArray[np.float32]:
    index = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(index / 2) * np.kaiser(_TAPS, 5.0)
    scaled: NDArray[np.float32] = (taps * (gain / taps.sum())).astype(np.float32)
    return scaled


_UP: Final = _half_band(2.0)
_DOWN: Final = _half_band(1.0)
_UP_EVEN: Final = np.ascontiguousarray(_UP[0::2])
_UP_ODD: Final = np.ascontiguousarray(_UP[1::2])


def _to_samples(wave: NDArray[np.float32] | NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(wave), -32_768, 32_767).astype(np.int16)


class Upsampler:
    """Doubles the sample rate of one stream."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = np.zeros(len(_UP_EVEN) - 1, dtype=np.float32)

    def process(self, samples: Samples) -> Samples:
        """Return twice as many samples, of any number."""
        if not len(samples):
            return samples
        wave = np.concatenate((self._tail, samples.astype(np.float32)))
        self._tail = wave[len(samples) :].copy()
        doubled = np.empty(2 * len(samples), dtype=np.float32)
        doubled[0::2] = np.convolve(wave, _UP_EVEN, "valid")
        doubled[1::2] = np.convolve(wave[1:], _UP_ODD, "valid")
        return _to_samples(doubled)


class Downsampler:
    """Halves the sample rate of one stream."""

    __slots__ = ("_is_odd", "_tail")

    def __init__(self) -> None:
        self._tail = np.zeros(_TAPS - 1, dtype=np.float32)
        self._is_odd = False

    def process(self, samples: Samples) -> Samples:
        """Return half as many samples; of an odd number the rest counts next time."""
        if not len(samples):
            return samples
        wave = np.concatenate((self._tail, samples.astype(np.float32)))
        self._tail = wave[len(samples) :].copy()
        kept = np.convolve(wave, _DOWN, "valid")[self._is_odd :: 2]
        self._is_odd ^= bool(len(samples) % 2)
        return _to_samples(kept)


def _low_pass(step: int, gain: float) -> NDArray[np.float32]:
    """Return a windowed low-pass at nine tenths of the lower rate's half, `step` times its taps."""
    count = 25 * step
    index = np.arange(count) - (count - 1) / 2
    taps = np.sinc(index * 0.9 / step) * np.kaiser(len(index), 6.0)
    scaled: NDArray[np.float32] = (taps * (gain / taps.sum())).astype(np.float32)
    return scaled


class Interpolator:
    """Raises the sample rate of one stream by a whole factor."""

    __slots__ = ("_phases", "_step", "_tail")

    def __init__(self, step: int) -> None:
        """Make ``step`` samples of each."""
        taps = _low_pass(step, float(step))
        self._step = step
        self._phases = [np.ascontiguousarray(taps[phase::step]) for phase in range(step)]
        self._tail = np.zeros(len(self._phases[0]) - 1, dtype=np.float32)

    def process(self, samples: Samples) -> Samples:
        """Return so many times as many samples, of any number."""
        if not len(samples):
            return samples
        wave = np.concatenate((self._tail, samples.astype(np.float32)))
        self._tail = wave[len(samples) :].copy()
        more = np.empty(self._step * len(samples), dtype=np.float32)
        for phase, taps in enumerate(self._phases):
            more[phase :: self._step] = np.convolve(wave, taps, "valid")
        return _to_samples(more)


class Decimator:
    """Lowers the sample rate of one stream by a whole factor."""

    __slots__ = ("_skip", "_step", "_tail", "_taps")

    def __init__(self, step: int) -> None:
        """Keep one sample of ``step``."""
        self._taps = _low_pass(step, 1.0)
        self._tail = np.zeros(len(self._taps) - 1, dtype=np.float32)
        self._step = step
        self._skip = 0

    def process(self, samples: Samples) -> Samples:
        """Return so many times fewer samples; what is over counts next time."""
        if not len(samples):
            return samples
        wave = np.concatenate((self._tail, samples.astype(np.float32)))
        self._tail = wave[len(samples) :].copy()
        kept = np.convolve(wave, self._taps, "valid")[self._skip :: self._step]
        self._skip = (self._skip - len(samples)) % self._step
        return _to_samples(kept)


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """Return a whole recording at another rate; band-limited, no delay.

    Cost: about 100 multiplications per sample of the longer side; for files, not for calls.
    """
    if source_rate == target_rate or not len(samples):
        return samples.copy()
    divisor = math.gcd(source_rate, target_rate)
    up, down = target_rate // divisor, source_rate // divisor
    count = -(-len(samples) * up // down)
    scale = min(1.0, up / down) * 0.95
    reach = math.ceil(_FILE_REACH / scale)
    wave = np.pad(samples.astype(np.float64), (reach, reach + 1))
    result = np.empty(count)
    offsets = np.arange(-reach + 1, reach + 1)
    for phase in range(min(up, count)):
        position = np.arange(phase, count, up) * down
        whole = position // up
        distance = offsets - (position[0] % up) / up
        window = np.cos(np.clip(distance / reach, -1, 1) * (math.pi / 2)) ** 2
        taps = np.sinc(distance * scale) * window
        taps /= taps.sum()
        result[phase::up] = _strided(wave, whole + 1, 2 * reach) @ taps
    return _to_samples(result)


def _strided(
    wave: NDArray[np.float64], starts: NDArray[np.int64], length: int
) -> NDArray[np.float64]:
    views = np.lib.stride_tricks.sliding_window_view(wave, length)
    return views[starts]
