# SPDX-License-Identifier: Apache-2.0
"""An ear hears its tones, and neither silence nor music nor other tones."""

from __future__ import annotations

import numpy as np
import pytest

from centralino.simulators.party.ear import RATE, Ear, Samples

pytestmark = pytest.mark.unit


def tone(hz: float, length_s: float = 0.5, amplitude: float = 8000.0) -> Samples:
    t = np.arange(int(RATE * length_s)) / RATE
    samples: Samples = (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.int16)
    return samples


def test_its_tone_is_heard_once_sure() -> None:
    told: list[int] = []
    ear = Ear((500, 700), told.append)
    ear.hear(tone(500, 0.19))
    assert told == []
    ear.hear(tone(500, 0.4))
    assert told == [500]
    assert ear.tones_heard() == [500]


def test_another_tone_is_not_taken_for_it() -> None:
    ear = Ear((500, 700))
    ear.hear(tone(600, 2.0))
    assert ear.tones_heard() == []
    assert ear.audible_ms == 2000


def test_silence_is_not_audible() -> None:
    ear = Ear((500,))
    ear.hear(np.zeros(RATE, dtype=np.int16))
    assert (ear.audible_ms, ear.tones_heard()) == (0, [])


def test_a_chord_that_contains_the_tone_is_not_the_tone() -> None:
    ear = Ear((500,))
    ear.hear((tone(500, 1.0) // 3 + tone(630, 1.0) // 3 + tone(790, 1.0) // 3).astype(np.int16))
    assert ear.tones_heard() == []


def test_frames_of_any_size_give_the_same() -> None:
    whole, cut = Ear((440,)), Ear((440,))
    samples = tone(440, 1.0)
    whole.hear(samples)
    for start in range(0, samples.size, 160):
        cut.hear(samples[start : start + 160])
    assert whole.heard_ms == cut.heard_ms
