# SPDX-License-Identifier: Apache-2.0
"""Sounds as functions of the sample number, and WAV files of them.

Everything is 16 kHz, 16 bit, mono, in frames of 20 ms: what service-hosted media plays and
records. A sound is rendered for any stretch of samples, so that nothing is computed until
somebody listens, and the same stretch always sounds the same. Sample numbers count from the
Unix epoch, so all mouths of the world share one clock.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from centralino.wire.graph.tones import KEY_PAIRS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.wire.rtp.samples import Samples

RATE: Final = 16_000
"""Samples per second."""
FRAME: Final = 320
"""Samples in 20 ms."""
FRAME_NS: Final = 20_000_000
TONE_AMPLITUDE: Final = 8_000.0
VOICE_LEVEL: Final = 300.0
"""A frame whose root mean square is above it is voice: about -41 dBFS."""
MOST_CLIP_SAMPLES: Final = RATE * 600
"""A prompt longer than ten minutes is refused."""


class ClipError(Exception):
    """A file that cannot be played; the message says why."""


class Sound(Protocol):
    """Something that sounds from a moment on."""

    @property
    def length(self) -> int | None:
        """Samples until it ends by itself; None for never."""
        ...

    def render(self, offset: int, count: int) -> NDArray[np.float32]:
        """Return samples from ``offset`` after its beginning on."""
        ...


@dataclass(frozen=True, slots=True)
class Tone:
    """Sines of one or two frequencies; who speaks such a tone is known by it."""

    frequencies_hz: tuple[int, ...]
    amplitude: float = TONE_AMPLITUDE
    length: int | None = None

    def render(self, offset: int, count: int) -> NDArray[np.float32]:
        """Return samples of the sines."""
        # Whole hertz repeat each second, so the phase stays exact however long it lasts.
        index = (np.arange(count) + offset % RATE) * (2 * np.pi / RATE)
        total = np.zeros(count, dtype=np.float32)
        for frequency in self.frequencies_hz:
            total += self.amplitude * np.sin(index * frequency)
        return total


@dataclass(frozen=True, slots=True)
class Clip:
    """Recorded samples, once, several times, or for ever."""

    samples: Samples
    times: int | None = 1
    """None repeats without end."""

    @property
    def length(self) -> int | None:
        """Samples until it ends by itself."""
        return None if self.times is None else self.samples.size * self.times

    def render(self, offset: int, count: int) -> NDArray[np.float32]:
        """Return samples of the recording."""
        size = self.samples.size
        if not size:
            return np.zeros(count, dtype=np.float32)
        index = np.arange(offset, offset + count)
        found = self.samples[index % size].astype(np.float32)
        if self.length is not None:
            found[index >= self.length] = 0
        return found


def speech(tone_hz: int) -> Tone:
    """Return the voice of somebody."""
    return Tone((tone_hz,))


def key_sound(key: str) -> Tone | None:
    """Return the two tones of a key for 100 ms; None for a flash."""
    pair = KEY_PAIRS.get(key)
    return Tone(pair, TONE_AMPLITUDE / 2, RATE // 10) if pair else None


def sample_at(now: int) -> int:
    """Return the first sample of the frame that begins at or after a moment (ns)."""
    return -(-now // FRAME_NS) * FRAME


def moment_of(sample: int) -> int:
    """Return the moment (ns) of the first sample of a frame."""
    return sample // FRAME * FRAME_NS


def frames_for(samples: int) -> int:
    """Return the samples of the frames that hold so many samples."""
    return -(-samples // FRAME) * FRAME


def to_samples(mix: NDArray[np.float32]) -> Samples:
    """Clip a mix to 16 bits."""
    return np.clip(np.rint(mix), -32_768, 32_767).astype(np.int16)


def is_voice(frame: Samples) -> bool:
    """Tell whether a frame is loud enough to be somebody who speaks."""
    power = float(np.mean(np.square(frame.astype(np.float64)))) if frame.size else 0.0
    return power > VOICE_LEVEL * VOICE_LEVEL


def write_wav(samples: Samples) -> bytes:
    """Return a WAV file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return target.getvalue()


def read_wav(content: bytes) -> Samples:
    """Return the samples of a prompt.

    Raises:
        ClipError: it is no WAV file of 16 kHz, 16 bit, mono, or too long.
    """
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            count = file.getnframes()
            frames = file.readframes(min(count, MOST_CLIP_SAMPLES + 1))
    except (wave.Error, EOFError, ValueError) as error:
        raise ClipError(f"not a WAV file of PCM: {error}") from error
    if shape != (1, 2, RATE):
        raise ClipError(f"channels, bytes, rate are {shape}, not (1, 2, {RATE})")
    if len(frames) > 2 * MOST_CLIP_SAMPLES:
        raise ClipError("longer than ten minutes")
    return np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2").astype(np.int16)
