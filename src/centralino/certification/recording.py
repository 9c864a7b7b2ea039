# SPDX-License-Identifier: Apache-2.0
"""Which tones a recording carries, channel by channel."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from centralino.simulators.party.ear import RATE, Ear


def tones_of(path: Path, watched: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the tones heard on each channel; empty when the file is no usable WAV."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, rate = file.getnchannels(), file.getframerate()
            if file.getsampwidth() != 2 or rate % RATE:
                return ()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (OSError, EOFError, wave.Error):
        return ()
    frames = samples.reshape(-1, channels)[:: rate // RATE]
    heard = []
    for channel in range(channels):
        ear = Ear(tuple(sorted(watched)))
        ear.hear(np.ascontiguousarray(frames[:, channel]))
        heard.append(tuple(ear.tones_heard()))
    return tuple(heard)
