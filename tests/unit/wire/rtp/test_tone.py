# SPDX-License-Identifier: Apache-2.0
"""Tones are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from centralino.wire.rtp.tone import (
    RINGBACK,
    SILENCE_DBFS,
    has_tone,
    level_dbfs,
    mix,
    ringback,
    sine,
    strongest_tone,
    tone_level_dbfs,
    tone_share,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("frequency", [425.0, 1_000.0, 3_000.0])
def test_level_is_measured_as_it_was_made(frequency: float, rate: int) -> None:
    tone = sine(frequency, 200, sample_rate=rate, level_dbfs=-18)
    assert level_dbfs(tone) == pytest.approx(-18, abs=0.1)
    assert tone_level_dbfs(tone, frequency, sample_rate=rate) == pytest.approx(-18, abs=0.1)
    assert tone_share(tone, frequency, sample_rate=rate) == pytest.approx(1, abs=0.02)


def test_neighbours_stay_apart() -> None:
    tone = sine(800, 100)
    assert tone_level_dbfs(tone, 1_000) < -60
    assert not has_tone(tone, 1_000)
    assert has_tone(tone, 800)


def test_two_talkers_are_both_heard() -> None:
    both = mix([sine(600, 200, level_dbfs=-20), sine(900, 200, level_dbfs=-26)])
    assert has_tone(both, 600)
    assert has_tone(both, 900)
    frequency, level = strongest_tone(both, [500, 600, 900])
    assert frequency == 600
    assert level == pytest.approx(-20, abs=0.2)


def test_mix_clips_and_does_not_wrap() -> None:
    loud = sine(500, 20, level_dbfs=0)
    assert int(np.max(mix([loud, loud]))) == 32_767


@pytest.mark.parametrize("nothing", [np.zeros(0, dtype=np.int16), np.zeros(160, dtype=np.int16)])
def test_silence_has_a_floor(nothing: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    assert level_dbfs(nothing) == tone_level_dbfs(nothing, 440) == SILENCE_DBFS
    assert tone_share(nothing, 440) == 0
    assert strongest_tone(nothing, []) == (0.0, SILENCE_DBFS)


def test_a_sine_goes_on_without_a_click() -> None:
    whole = sine(440, 40)
    parts = [sine(440, 20), sine(440, 20, start_sample=160)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_ringback_cycles() -> None:
    italy = ringback("it")
    assert len(italy) == 5 * 8_000
    assert has_tone(italy[:8_000], 425)
    assert level_dbfs(italy[8_000:]) == SILENCE_DBFS
    assert np.array_equal(ringback("XX"), ringback())
    britain = ringback("GB", sample_rate=16_000)
    assert len(britain) == sum(RINGBACK["GB"].on_off_ms) * 16
