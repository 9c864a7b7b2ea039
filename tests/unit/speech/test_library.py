# SPDX-License-Identifier: Apache-2.0
"""Spoken prompts: said once, found again, bounded, and clear about what went wrong."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.speech.espeak import EspeakEngine
from centralino.adapters.speech.library import AT_ONCE, SpokenPromptLibrary
from centralino.adapters.speech.sound import read_wave
from centralino.core.kernel.errors import (
    AppError,
    InvalidInput,
    RemoteTimeout,
    RemoteUnavailable,
    StorageError,
)
from centralino.exchange.speech import MAX_TEXT_CHARACTERS
from centralino.wire.rtp.tone import has_tone, sine

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.exchange.speech import SpeechPort
    from centralino.wire.rtp.samples import Samples

pytestmark = pytest.mark.unit


class SimulatedEngine:
    """Says every text as half a second of 600 Hz."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    def voice(self, language: str) -> str:
        return EspeakEngine().voice(language)

    async def synthesise(self, text: str, language: str, sample_rate: int) -> Samples:
        del language
        self.said.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.to_thread(lambda: None)
        self.at_once -= 1
        return sine(600, 500, sample_rate=sample_rate)


async def spoken(port: SpeechPort, *texts: str, language: str = "it") -> list[str]:
    return [
        prompt.name for prompt in await asyncio.gather(*(port.speak(t, language) for t in texts))
    ]


def test_text_becomes_a_prompt_once(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    library = SpokenPromptLibrary(engine, tmp_path / "spoken")

    async def scenario() -> None:
        first = await library.speak("Buongiorno  a\ntutti", "it")
        again = await library.speak("Buongiorno a tutti", "it-IT")
        assert (first.duration_ms, first.was_cached) == (500, False)
        assert (again.name, again.duration_ms, again.was_cached) == (first.name, 500, True)
        rate, samples = read_wave((tmp_path / "spoken" / f"{first.name}.wav").read_bytes())
        assert has_tone(samples, 600, sample_rate=rate)

    asyncio.run(scenario())
    assert engine.said == ["Buongiorno a tutti"]


def test_language_and_text_make_the_name(tmp_path: Path) -> None:
    library = SpokenPromptLibrary(SimulatedEngine(), tmp_path)

    async def scenario() -> list[str]:
        return [
            *await spoken(library, "one", "two"),
            *await spoken(library, "one", language="en"),
            *await spoken(library, "one", language="en-US"),
        ]

    names = asyncio.run(scenario())
    assert len(set(names)) == 4
    assert all(name.startswith("spoken-") and len(name) == 47 for name in names)


def test_only_so_many_at_once(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    library = SpokenPromptLibrary(engine, tmp_path)
    asyncio.run(spoken(library, *(f"text {number}" for number in range(8))))
    assert len(engine.said) == 8
    assert engine.most_at_once <= AT_ONCE


def test_same_text_at_the_same_time_is_said_no_more_than_the_slots_allow(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    library = SpokenPromptLibrary(engine, tmp_path)
    names = asyncio.run(spoken(library, *["the same"] * 10))
    assert len(set(names)) == 1
    assert len(engine.said) <= AT_ONCE


def test_damaged_file_is_said_again(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    library = SpokenPromptLibrary(engine, tmp_path)
    name = asyncio.run(library.speak("hello", "en")).name
    (tmp_path / f"{name}.wav").write_bytes(b"RIFF")
    assert not asyncio.run(library.speak("hello", "en")).was_cached
    assert len(engine.said) == 2


def test_oldest_files_make_room(tmp_path: Path) -> None:
    library = SpokenPromptLibrary(SimulatedEngine(), tmp_path, max_bytes=40_000)
    names = []
    for age, text in enumerate(["a", "b", "c", "d"]):
        names.append(asyncio.run(library.speak(text, "en")).name)
        for name in names:
            if (path := tmp_path / f"{name}.wav").exists():
                moment = 1_000_000_000 + (100 if name == names[-1] else 0) + age
                os.utime(path, (moment, moment))
    kept = {path.stem for path in tmp_path.glob("*.wav")}
    assert names[-1] in kept
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("text", "language"),
    [("", "it"), ("   ", "it"), ("x" * (MAX_TEXT_CHARACTERS + 1), "it"), ("hello", "tlh")],
)
def test_what_cannot_be_said(tmp_path: Path, text: str, language: str) -> None:
    engine = SimulatedEngine()
    with pytest.raises(InvalidInput):
        asyncio.run(SpokenPromptLibrary(engine, tmp_path).speak(text, language))
    assert engine.said == []


def test_full_or_forbidden_directory_is_a_storage_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(StorageError):
        asyncio.run(SpokenPromptLibrary(SimulatedEngine(), blocked / "x").speak("hello", "en"))


def program(tmp_path: Path, script: str) -> str:
    path = tmp_path / "engine"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("exit 3", RemoteUnavailable),
        ("cat >/dev/null", RemoteUnavailable),
        ("cat >/dev/null; echo no sound", RemoteUnavailable),
        ("exec tail -f /dev/null", RemoteTimeout),
    ],
)
def test_engine_that_fails(tmp_path: Path, script: str, error: type[AppError]) -> None:
    engine = EspeakEngine(program(tmp_path, script), timeout_s=0.2)
    with pytest.raises(error):
        asyncio.run(engine.synthesise("hello", "en", 8_000))


def test_missing_engine_says_what_to_do() -> None:
    engine = EspeakEngine("no-such-program-here")
    assert not engine.is_installed
    with pytest.raises(RemoteUnavailable, match="install the package espeak-ng"):
        asyncio.run(engine.synthesise("hello", "en", 8_000))
