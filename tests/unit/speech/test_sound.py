# SPDX-License-Identifier: Apache-2.0
"""Engine output becomes a prompt: level, dead air, rate, and files that are whole."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.adapters.speech.sound import (
    PEAK,
    SPEECH_DBFS,
    SoundError,
    as_prompt,
    leveled,
    read_wave,
    trimmed,
    wave_bytes,
    write_wave,
)
from centralino.wire.rtp.tone import has_tone, level_dbfs, sine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def test_wave_round_trip() -> None:
    tone = sine(440, 100, sample_rate=16_000)
    rate, samples = read_wave(wave_bytes(tone, 16_000))
    assert rate == 16_000
    assert np.array_equal(samples, tone)


def test_engines_that_write_to_a_pipe_do_not_know_the_length() -> None:
    data = bytearray(wave_bytes(sine(440, 100), 8_000))
    data[4:8] = data[40:44] = struct.pack("<I", 0x7FFFF000)
    assert len(read_wave(bytes(data))[1]) == 800


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no wave at all" * 8])
def test_what_is_no_wave(data: bytes) -> None:
    with pytest.raises(SoundError):
        read_wave(data)


def test_stereo_is_refused() -> None:
    data = bytearray(wave_bytes(sine(440, 100), 8_000))
    data[22] = 2
    with pytest.raises(SoundError, match="mono"):
        read_wave(bytes(data))


@pytest.mark.parametrize("level", [-45.0, -30.0, -10.0, 0.0])
def test_any_level_becomes_the_same(level: float) -> None:
    assert level_dbfs(leveled(sine(500, 500, level_dbfs=level), 8_000)) == pytest.approx(
        SPEECH_DBFS, abs=0.2
    )


def test_a_peak_limits_the_gain() -> None:
    quiet = sine(500, 500, level_dbfs=-50)
    quiet[1_000] = 30_000
    assert int(np.max(leveled(quiet, 8_000))) <= PEAK


def test_silence_stays_silence() -> None:
    nothing = np.zeros(8_000, dtype=np.int16)
    assert not np.any(leveled(nothing, 8_000))
    assert len(trimmed(nothing, 8_000)) == 800
    assert len(leveled(np.zeros(0, dtype=np.int16), 8_000)) == 0


def test_dead_air_is_cut() -> None:
    pause = np.zeros(8_000, dtype=np.int16)
    sound = trimmed(np.concatenate((pause, sine(500, 500), pause)), 8_000)
    assert len(sound) == pytest.approx(800 + 4_000 + 800, abs=400)
    assert not np.any(sound[:800])
    assert not np.any(sound[-800:])


def test_prompt_from_an_engines_own_rate() -> None:
    prompt = as_prompt(sine(700, 600, sample_rate=22_050, level_dbfs=-40), 22_050, 8_000)
    assert has_tone(prompt, 700, threshold_dbfs=-25)
    assert len(prompt) == pytest.approx(8_000 * 0.8, abs=400)


def test_file_appears_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wave(path, sine(440, 20), 8_000)
    assert [one.name for one in tmp_path.iterdir()] == ["a.wav"]
    assert len(read_wave(path.read_bytes())[1]) == 160
