# SPDX-License-Identifier: Apache-2.0
"""Prompts from files to frames, and what is played of them tick by tick."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.adapters.media.codec import CODECS, FrameDecoder, silence_frame
from centralino.adapters.media.player import Playing
from centralino.adapters.media.prompts import PromptError, PromptLibrary, read_wave
from centralino.wire.rtp.tone import has_tone, sine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def write(path: Path, rate: int = 8000, channels: int = 1, width: int = 2, ms: int = 250) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.repeat(sine(700, ms, sample_rate=rate), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (8000, 2), (44100, 2)])
def test_prompt_sounds_the_same_in_every_codec(
    tmp_path: Path, codec: str, rate: int, channels: int
) -> None:
    write(tmp_path / "it" / "welcome.wav", rate, channels)
    library = PromptLibrary((str(tmp_path),))
    assert library.encoded("it/welcome", codec) is None
    library.wait_ready()
    data = library.encoded("it/welcome", codec)
    library.close()
    assert data is not None
    assert len(data) == 13 * 160, "250 ms are filled up to whole frames"
    decoder = FrameDecoder(codec)
    assert has_tone(decoder.decode(data), 700, sample_rate=decoder.sample_rate)


def test_names_stay_inside_the_directories(tmp_path: Path) -> None:
    write(tmp_path / "secret.wav")
    inside = tmp_path / "prompts"
    write(inside / "welcome.wav")
    library = PromptLibrary((str(inside),))
    library.require("welcome")
    library.require("tone:ringback:it")
    for name in ("../secret", str(tmp_path / "secret"), "missing", ""):
        with pytest.raises(PromptError):
            library.require(name)
    library.close()


def test_broken_file_fails_once_and_is_tried_again_when_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "welcome.wav"
    path.write_bytes(b"RIFF but not really")
    library = PromptLibrary((str(tmp_path),))
    library.prepare("welcome", "PCMU")
    library.wait_ready()
    with pytest.raises(PromptError):
        library.encoded("welcome", "PCMU")
    write(path)
    library.require("welcome")
    library.prepare("welcome", "PCMU")
    library.wait_ready()
    assert library.encoded("welcome", "PCMU")
    library.close()


@pytest.mark.parametrize("change", [{"width": 1}, {"channels": 3}, {"rate": 4000}])
def test_format_that_is_not_played_is_named(tmp_path: Path, change: dict[str, int]) -> None:
    write(tmp_path / "odd.wav", **change)
    with pytest.raises(PromptError, match=r"odd\.wav"):
        read_wave(tmp_path / "odd.wav")


class TwoFrames:
    """Prompts of two frames each; ``slow`` is never ready, ``bad`` cannot be played."""

    def encoded(self, name: str, codec: str) -> bytes | None:
        if name == "bad":
            raise PromptError(name)
        return None if name == "slow" else f"{name}{codec[-1]}".encode() * 160


def frames(playing: Playing, count: int, codec: str = "PCMU") -> list[str]:
    return [
        frame[:2].decode() if (frame := playing.next_frame(codec)) else "" for _ in range(count)
    ]


def test_prompts_follow_each_other_and_end() -> None:
    assert frames(Playing("p", ("a", "b"), TwoFrames()), 6) == ["aU", "aU", "bU", "bU", "", ""]


def test_loop_goes_round() -> None:
    assert frames(Playing("p", ("a",), TwoFrames(), loop=True), 5) == ["aU"] * 5


def test_codec_may_change_in_the_middle() -> None:
    playing = Playing("p", ("a",), TwoFrames())
    assert frames(playing, 1) + frames(playing, 1, "PCMA") == ["aU", "aA"]


def test_prompt_that_is_not_ready_is_awaited_in_silence() -> None:
    assert Playing("p", ("slow",), TwoFrames()).next_frame("PCMU") == silence_frame("PCMU")
    with pytest.raises(PromptError):
        Playing("p", ("bad",), TwoFrames()).next_frame("PCMU")
