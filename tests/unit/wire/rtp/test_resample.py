# SPDX-License-Identifier: Apache-2.0
"""Rates change, tones stay: pass band, stop band, seams; and G.722 keeps a tone."""

from __future__ import annotations

import numpy as np
import pytest

from centralino.wire.rtp.g722 import G722Decoder, G722Encoder
from centralino.wire.rtp.resample import (
    Decimator,
    Downsampler,
    Interpolator,
    Upsampler,
    resample,
)
from centralino.wire.rtp.tone import level_dbfs, sine, tone_level_dbfs

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("frequency", [200.0, 1_000.0, 3_000.0, 3_400.0])
def test_speech_band_passes_both_ways(frequency: float) -> None:
    up = Upsampler().process(sine(frequency, 400, level_dbfs=-12))
    assert tone_level_dbfs(up[160:], frequency, sample_rate=16_000) == pytest.approx(-12, abs=0.5)
    wide = sine(frequency, 400, sample_rate=16_000, level_dbfs=-12)
    down = Downsampler().process(wide)
    assert tone_level_dbfs(down[80:], frequency) == pytest.approx(-12, abs=0.5)


def test_no_images_and_no_aliases() -> None:
    up = Upsampler().process(sine(1_000, 400, level_dbfs=-6))
    assert tone_level_dbfs(up[160:], 7_000, sample_rate=16_000) < -55
    down = Downsampler().process(sine(5_200, 400, sample_rate=16_000, level_dbfs=-6))
    assert level_dbfs(down[80:]) < -46


@pytest.mark.parametrize("sizes", [[160] * 10, [1, 7, 152, 160, 320, 960]])
def test_frames_join_without_a_seam(sizes: list[int]) -> None:
    whole = sine(700, 200, level_dbfs=-10)
    for kind in (Upsampler, Downsampler):
        resampler, parts, start = kind(), [], 0
        for size in sizes:
            parts.append(resampler.process(whole[start : start + size]))
            start += size
        assert np.array_equal(np.concatenate(parts), kind().process(whole))


def test_loud_input_clips_and_does_not_wrap() -> None:
    square = np.where(np.arange(800) // 20 % 2, 32_767, -32_768).astype(np.int16)
    up = Upsampler().process(square).astype(np.int32)
    assert np.max(np.abs(np.diff(up))) < 50_000


@pytest.mark.parametrize(
    ("source", "target"), [(22_050, 8_000), (22_050, 16_000), (8_000, 16_000), (44_100, 8_000)]
)
def test_files_change_to_any_rate(source: int, target: int) -> None:
    tone = sine(1_000, 500, sample_rate=source, level_dbfs=-12)
    changed = resample(tone, source, target)
    assert len(changed) == pytest.approx(target / 2, abs=1)
    middle = changed[target // 20 : -target // 20]
    assert tone_level_dbfs(middle, 1_000, sample_rate=target) == pytest.approx(-12, abs=0.1)
    expected = sine(1_000, 500, sample_rate=target, level_dbfs=-12)[target // 20 :]
    error = middle.astype(np.int32) - expected[: len(middle)]
    assert np.max(np.abs(error)) < 40


def test_files_lose_what_the_lower_rate_cannot_carry() -> None:
    high = sine(6_000, 300, sample_rate=22_050, level_dbfs=-6)
    assert level_dbfs(resample(high, 22_050, 8_000)[200:-200]) < -60


def test_same_rate_is_a_copy() -> None:
    tone = sine(500, 20)
    assert np.array_equal(resample(tone, 8_000, 8_000), tone)


@pytest.mark.parametrize("frequency", [440.0, 1_000.0, 5_000.0])
def test_g722_keeps_a_wide_band_tone(frequency: float) -> None:
    tone = sine(frequency, 400, sample_rate=16_000, level_dbfs=-15)
    encoder, decoder = G722Encoder(), G722Decoder()
    frames = [encoder.encode(tone[at : at + 320]) for at in range(0, len(tone), 320)]
    assert {len(frame) for frame in frames} == {160}
    heard = np.concatenate([decoder.decode(frame) for frame in frames])
    assert len(heard) == len(tone)
    level = tone_level_dbfs(heard[800:], frequency, sample_rate=16_000)
    assert level == pytest.approx(-15, abs=1)


def test_g722_of_nothing_is_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int16)
    assert G722Encoder().encode(nothing) == b""
    assert len(G722Decoder().decode(b"")) == 0


@pytest.mark.parametrize("frequency", [200.0, 3_000.0, 6_000.0])
def test_three_times_the_rate_and_back_keeps_a_tone(frequency: float) -> None:
    tone = sine(frequency, 400, sample_rate=16_000, level_dbfs=-12)
    up = Interpolator(3).process(tone)
    assert len(up) == 3 * len(tone)
    assert tone_level_dbfs(up[960:], frequency, sample_rate=48_000) == pytest.approx(-12, abs=0.5)
    assert tone_level_dbfs(up[960:], 16_000 - frequency, sample_rate=48_000) < -50
    down = Decimator(3).process(up)
    assert tone_level_dbfs(down[320:], frequency, sample_rate=16_000) == pytest.approx(-12, abs=1)


def test_what_a_third_of_the_rate_cannot_carry_is_gone() -> None:
    down = Decimator(3).process(sine(11_000, 400, sample_rate=48_000, level_dbfs=-6))
    assert level_dbfs(down[320:]) < -46


def test_frames_of_any_size_join_at_three_times_the_rate() -> None:
    whole = sine(700, 200, sample_rate=16_000, level_dbfs=-10)
    for kind in (Interpolator, Decimator):
        resampler, parts, start = kind(3), [], 0
        for size in (1, 7, 152, 160, 320, 2560):
            parts.append(resampler.process(whole[start : start + size]))
            start += size
        assert np.array_equal(np.concatenate(parts), kind(3).process(whole))
