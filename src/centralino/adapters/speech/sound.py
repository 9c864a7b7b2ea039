# SPDX-License-Identifier: Apache-2.0
"""From what an engine says to what a caller should hear: rate, level, dead air, WAV files.

Pure but for `write_wave`. A prompt is mono, 16 bits, at 8 or 16 kHz. Its level is set by
the loudest stretch of speech, so that prompts of different voices do not jump.
"""

from __future__ import annotations

import io
import os
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from centralino.wire.rtp.resample import resample
from centralino.wire.rtp.tone import FULL_SCALE, SILENCE_DBFS, level_dbfs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.wire.rtp.samples import Samples

SPEECH_DBFS: Final = -20.0
"""Level of the loud parts of a prompt against a full-scale sine."""
PEAK: Final = 0.9 * FULL_SCALE
"""No sample is made louder than this."""
MAX_WAVE_BYTES: Final = 32 << 20
"""The largest engine output that is read."""

PROMPT_MODE: Final = 0o644
"""Media workers may run as another user."""
_BLOCK_MS: Final = 50
_AUDIBLE_DBFS: Final = -50.0
_PAUSE_MS: Final = 100


class SoundError(Exception):
    """The bytes are no WAV file that can become a prompt."""


def read_wave(data: bytes) -> tuple[int, Samples]:
    """Return sample rate and samples of a 16-bit mono WAV file.

    Raises:
        SoundError: it is something else.
    """
    if len(data) > MAX_WAVE_BYTES:
        raise SoundError("the WAV file is too long")
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise SoundError("the WAV file is not mono with 16 bits")
            rate = file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise SoundError(f"not a WAV file: {error}") from error
    return rate, np.frombuffer(frames[: len(frames) & ~1], dtype="<i2").astype(np.int16)


def wave_bytes(samples: Samples, sample_rate: int) -> bytes:
    """Return a 16-bit mono WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def write_wave(path: Path, samples: Samples, sample_rate: int) -> None:
    """Write a WAV file so that a reader finds all of it or nothing.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(wave_bytes(samples, sample_rate))
        part.chmod(PROMPT_MODE)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def as_prompt(samples: Samples, source_rate: int, sample_rate: int) -> Samples:
    """Return an engine's output at a prompt's rate and level, with a short pause around it."""
    prompt = leveled(resample(samples, source_rate, sample_rate), sample_rate)
    return trimmed(prompt, sample_rate)


def leveled(samples: Samples, sample_rate: int, target_dbfs: float = SPEECH_DBFS) -> Samples:
    """Return a sound whose loud parts are at a level, clipped nowhere."""
    levels = _block_levels(samples, sample_rate)
    loud = float(np.quantile(levels, 0.9)) if len(levels) else SILENCE_DBFS
    if loud <= SILENCE_DBFS:
        return samples
    gain = 10 ** ((target_dbfs - loud) / 20)
    gain = min(gain, PEAK / max(1, int(np.max(np.abs(samples.astype(np.int32))))))
    louder: Samples = np.rint(samples * gain).astype(np.int16)
    return louder


def trimmed(samples: Samples, sample_rate: int) -> Samples:
    """Return a sound with `_PAUSE_MS` of silence before and after it, no more and no less."""
    audible = np.flatnonzero(_block_levels(samples, sample_rate) > _AUDIBLE_DBFS)
    pause = np.zeros(_PAUSE_MS * sample_rate // 1_000, dtype=np.int16)
    if not len(audible):
        return pause
    block = _BLOCK_MS * sample_rate // 1_000
    sound = samples[audible[0] * block : (audible[-1] + 1) * block]
    return np.concatenate((pause, sound, pause))


def _block_levels(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    block = _BLOCK_MS * sample_rate // 1_000
    return np.array(
        [level_dbfs(samples[at : at + block]) for at in range(0, len(samples), block)],
        dtype=np.float64,
    )
