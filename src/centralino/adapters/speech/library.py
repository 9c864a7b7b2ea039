# SPDX-License-Identifier: Apache-2.0
"""What was spoken once is kept as a file, named after what makes it sound as it does.

Implements `SpeechPort`. The directory is one of the media workers' prompt directories. It
is a cache: any file may be deleted at any time, and the ones unused for longest are when it
grows beyond its size.
"""

from __future__ import annotations

import asyncio
import hashlib
import wave
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from centralino.adapters.speech.espeak import VOICES, WORDS_PER_MINUTE
from centralino.adapters.speech.sound import write_wave
from centralino.core.kernel.errors import InvalidInput, StorageError
from centralino.exchange.speech import MAX_TEXT_CHARACTERS, SpokenPrompt

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.wire.rtp.samples import Samples

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 256 << 20
"""Size that the directory is kept below, bytes."""
AT_ONCE: Final = 2
"""Texts that are spoken at the same time."""
_PREFIX: Final = "spoken-"
_FORM: Final = 1
"""Counted up when the same text should sound different from before."""


class SpeechEngine(Protocol):
    """What speaks; see `EspeakEngine`."""

    def voice(self, language: str) -> str:
        """Return the voice for a language tag, or raise ``InvalidInput``."""
        ...

    async def synthesise(self, text: str, language: str, sample_rate: int) -> Samples:
        """Return a text as a prompt's samples."""
        ...


class SpokenPromptLibrary:
    """Spoken texts as files in one directory."""

    def __init__(
        self,
        engine: SpeechEngine,
        directory: Path,
        *,
        sample_rate: int = 16_000,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Keep what ``engine`` says in ``directory``, which is made when needed.

        Args:
            engine: What speaks.
            directory: One of the media workers' prompt directories.
            sample_rate: 8000 or 16000 hertz.
            max_bytes: Size of the directory beyond which the oldest files go.
        """
        self._engine = engine
        self._directory = directory
        self._sample_rate = sample_rate
        self._max_bytes = max_bytes
        self._slots = asyncio.Semaphore(AT_ONCE)

    def languages(self) -> tuple[str, ...]:
        """Return the languages that can be spoken."""
        return tuple(VOICES)

    async def speak(self, text: str, language: str) -> SpokenPrompt:
        """Have a text spoken, or find that it was; see `SpeechPort`."""
        text = " ".join(text.split())
        if not 0 < len(text) <= MAX_TEXT_CHARACTERS:
            raise InvalidInput(
                f"a spoken text has 1 to {MAX_TEXT_CHARACTERS} characters",
                details={"path": "text"},
            )
        name = self._name(text, language)
        path = self._directory / f"{name}.wav"
        if (found := _duration_ms(path)) is not None:
            return SpokenPrompt(name, found, was_cached=True)
        async with self._slots:
            if (found := _duration_ms(path)) is not None:
                return SpokenPrompt(name, found, was_cached=True)
            samples = await self._engine.synthesise(text, language, self._sample_rate)
            await asyncio.to_thread(self._keep, path, samples)
        return SpokenPrompt(name, len(samples) * 1_000 // self._sample_rate, was_cached=False)

    def _name(self, text: str, language: str) -> str:
        voice = self._engine.voice(language)
        parts = (str(_FORM), voice, str(WORDS_PER_MINUTE), str(self._sample_rate), text)
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return f"{_PREFIX}{digest[:40]}"

    def _keep(self, path: Path, samples: Samples) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            write_wave(path, samples, self._sample_rate)
            self._evict(path)
        except OSError as error:
            raise StorageError(f"a spoken prompt could not be written: {error}") from error

    def _evict(self, newest: Path) -> None:
        files = [(one.stat(), one) for one in self._directory.glob(f"{_PREFIX}*.wav")]
        total = sum(stat.st_size for stat, _ in files)
        for stat, one in sorted(files, key=lambda found: (found[0].st_mtime_ns, found[1].name)):
            if total <= self._max_bytes:
                return
            if one != newest:
                one.unlink(missing_ok=True)
                total -= stat.st_size
                log.info("speech.prompt_evicted", prompt=one.stem)


def _duration_ms(path: Path) -> int | None:
    """Return the length of a kept file and note that it was used, ``None`` without one."""
    try:
        with wave.open(str(path), "rb") as file:
            length = file.getnframes() * 1_000 // file.getframerate()
        path.touch()
    except (OSError, EOFError, wave.Error):
        return None
    return length
