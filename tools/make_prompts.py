# SPDX-License-Identifier: Apache-2.0
"""Make the sounds that come with the product: speak every prompt, compute the music.

``python -m tools.make_prompts`` writes `src/centralino/prompts` from its `prompts.yaml`;
``--check`` writes nothing and exits 1 when a committed file is missing, unknown or not what
this would make. The same espeak-ng gives the same bytes; another version may not, so the
check compares speech by length and level, and music sample by sample.

Speech is 8 kHz (what most calls carry), music 16 kHz. Needs espeak-ng.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from centralino.adapters.speech.espeak import EspeakEngine
from centralino.adapters.speech.sound import read_wave, write_wave
from centralino.wire.rtp.tone import level_dbfs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.wire.rtp.samples import Samples

DIRECTORY = Path(__file__).resolve().parents[1] / "src" / "centralino" / "prompts"
SPEECH_RATE = 8_000
MUSIC_RATE = 16_000
MUSIC_SECONDS = 24
MUSIC_DBFS = -20.0
MAX_TOTAL_BYTES = 3_000_000

_A4 = 440.0
_BAR_S = 3.0
_CHORDS = (
    (-12, 0, 3, 7, 14),
    (-16, -4, 0, 3, 8),
    (-19, -7, -4, 0, 5),
    (-12, -5, 0, 2, 7),
) * 2
"""Semitones from A4 of each bar: A minor, F major 7, D minor, A suspended; A in all."""


def music() -> Samples:
    """Return the hold music: notes that swell and fade, wrapped around the loop's end."""
    total = MUSIC_RATE * MUSIC_SECONDS
    wave = np.zeros(total)
    time = np.arange(total) / MUSIC_RATE
    for bar, chord in enumerate(_CHORDS):
        for step, semitone in enumerate(chord):
            start = round((bar + step / len(chord)) * _BAR_S * MUSIC_RATE)
            _add_note(wave, start, _A4 * 2 ** (semitone / 12), strength=1.0 if step else 1.4)
    wave += 0.35 * np.sin(2 * np.pi * _A4 * time)
    peak = float(np.max(np.abs(wave)))
    loud = np.rint(wave / peak * 20_000).astype(np.int16)
    gain = 10 ** ((MUSIC_DBFS - level_dbfs(loud)) / 20)
    leveled: Samples = np.rint(loud * gain).astype(np.int16)
    return leveled


def beep() -> Samples:
    """Return what tells a caller that his message is being recorded: half a second of 1 kHz."""
    time = np.arange(SPEECH_RATE // 2) / SPEECH_RATE
    envelope = np.minimum(np.minimum(time, time[::-1]) / 0.02, 1.0)
    wave: Samples = np.rint(6000 * envelope * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
    return wave


def _add_note(wave: NDArray[np.float64], start: int, hertz: float, *, strength: float) -> None:
    """Add one note with a soft attack and a long fall; what runs over goes to the front."""
    length = round(4.5 * MUSIC_RATE)
    time = np.arange(length) / MUSIC_RATE
    envelope = np.minimum(time / 0.12, 1.0) * np.exp(-time / 1.1)
    envelope *= np.minimum((length / MUSIC_RATE - time) / 0.5, 1.0)
    note = sum(np.sin(2 * np.pi * hertz * (part + 1) * time) / (part + 1) ** 2 for part in range(3))
    at = (start + np.arange(length)) % len(wave)
    np.add.at(wave, at, strength * envelope * note)


async def speech(entries: list[dict[str, str]]) -> dict[str, Samples]:
    """Return the samples of every prompt by file name."""
    engine = EspeakEngine()
    return {
        entry["file"]: await engine.synthesise(entry["text"], entry["language"], SPEECH_RATE)
        for entry in entries
    }


def differences(made: dict[str, Samples]) -> list[str]:
    """Return what is wrong with the committed files, as sentences."""
    problems = [
        f"{path.name} is in no manifest"
        for path in sorted(DIRECTORY.glob("*.wav"))
        if path.name not in made
    ]
    for name, samples in made.items():
        path = DIRECTORY / name
        if not path.is_file():
            problems.append(f"{name} is missing")
            continue
        _, committed = read_wave(path.read_bytes())
        if name in {"music.wav", "beep.wav"}:
            same = len(committed) == len(samples) and _largest_difference(committed, samples) <= 1
        else:
            same = abs(len(committed) - len(samples)) <= SPEECH_RATE // 4
            same = same and abs(level_dbfs(committed) - level_dbfs(samples)) < 3
        if not same:
            problems.append(f"{name} is not what its text sounds like")
    return problems


def _largest_difference(one: Samples, other: Samples) -> int:
    return int(np.max(np.abs(one.astype(np.int32) - other)))


def main(arguments: list[str]) -> int:
    """Write or check every file and return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m tools.make_prompts [--check]", file=sys.stderr)
        return 2
    manifest = yaml.safe_load((DIRECTORY / "prompts.yaml").read_text(encoding="utf-8"))
    made = {"music.wav": music(), "beep.wav": beep(), **asyncio.run(speech(manifest["prompts"]))}
    if arguments:
        problems = differences(made)
        print("\n".join(problems) or "All prompts are what their texts say.")
        return 1 if problems else 0
    for name, samples in made.items():
        write_wave(DIRECTORY / name, samples, MUSIC_RATE if name == "music.wav" else SPEECH_RATE)
    total = sum(path.stat().st_size for path in DIRECTORY.iterdir())
    print(f"{len(made)} files, {total} bytes")
    return 0 if total <= MAX_TOTAL_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
