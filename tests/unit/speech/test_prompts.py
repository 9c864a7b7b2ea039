# SPDX-License-Identifier: Apache-2.0
"""The sounds that come with the product: complete, small, at the right level, and playable."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from centralino.adapters.speech.sound import SPEECH_DBFS, read_wave
from centralino.wire.rtp.tone import has_tone, level_dbfs
from tools.make_prompts import MUSIC_DBFS, MUSIC_RATE, MUSIC_SECONDS, music

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

pytestmark = pytest.mark.unit

DIRECTORY = Path(str(files("centralino").joinpath("prompts")))
MANIFEST: dict[str, Any] = yaml.safe_load((DIRECTORY / "prompts.yaml").read_text("utf-8"))
FILES = [entry["file"] for entry in MANIFEST["prompts"]]


def sound(name: str) -> tuple[int, Samples]:
    return read_wave((DIRECTORY / name).read_bytes())


def test_every_prompt_in_both_languages_and_nothing_else() -> None:
    spoken = {(entry["id"], entry["language"]) for entry in MANIFEST["prompts"]}
    ids = {one for one, _ in spoken}
    assert spoken == {(one, language) for one in ids for language in ("en", "it")}
    assert {path.name for path in DIRECTORY.glob("*.wav")} == {*FILES, "music.wav", "beep.wav"}
    assert all(entry["text"].strip() for entry in MANIFEST["prompts"])
    assert [f"{one['id']}.{one['language']}.wav" for one in MANIFEST["prompts"]] == FILES


def test_the_ones_that_flows_rely_on() -> None:
    ids = {entry["id"] for entry in MANIFEST["prompts"]}
    needed = {"greeting", "menu", "hold", "no-agents", "closed", "degraded", "recording"}
    assert needed | {"goodbye", "position", "transfer", "invalid"} <= ids


def test_all_together_are_small() -> None:
    assert sum(path.stat().st_size for path in DIRECTORY.iterdir()) < 3_000_000


@pytest.mark.parametrize("name", FILES)
def test_speech_is_there_and_of_even_level(name: str) -> None:
    rate, samples = sound(name)
    assert rate in (8_000, 16_000)
    assert 300 <= len(samples) * 1_000 / rate <= 10_000
    assert level_dbfs(samples) == pytest.approx(SPEECH_DBFS - 3, abs=4)
    assert int(np.max(np.abs(samples.astype(np.int32)))) < 32_767


def test_music_is_what_the_tool_computes() -> None:
    rate, committed = sound("music.wav")
    made = music()
    assert (rate, len(committed)) == (MUSIC_RATE, MUSIC_RATE * MUSIC_SECONDS)
    assert int(np.max(np.abs(committed.astype(np.int32) - made))) <= 1


def test_music_is_recognisable_anywhere_and_at_its_level() -> None:
    rate, samples = sound("music.wav")
    assert level_dbfs(samples) == pytest.approx(MUSIC_DBFS, abs=0.5)
    for second in range(MUSIC_SECONDS):
        part = samples[second * rate : (second + 1) * rate]
        assert has_tone(part, 440, sample_rate=rate, threshold_dbfs=-38)
        assert level_dbfs(part) > -30


def test_music_repeats_without_a_seam() -> None:
    _, samples = sound("music.wav")
    wave = samples.astype(np.int32)
    inside = np.abs(np.diff(wave, 2))
    seam = np.abs(np.diff(np.concatenate((wave[-8:], wave[:8])), 2))
    assert np.max(seam) <= np.max(inside)
    assert np.max(seam) < 600
