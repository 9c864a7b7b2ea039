# SPDX-License-Identifier: Apache-2.0
"""Prompts, music and tones, encoded once per codec and kept, so that playing is slicing.

A prompt is named by its path below one of the prompt directories, without its suffix
(``it/welcome``). ``tone:ringback:<country>`` names a generated tone. Files are mono or
stereo 16-bit WAV at 8 to 48 kHz, or compressed where the extra for that is installed.
Reading and encoding happen on a thread of their own; until a prompt is ready its
listener hears silence.
"""

from __future__ import annotations

import queue
import threading
import wave
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from centralino.adapters.media.codec import CODECS, FrameEncoder, silence_frame
from centralino.adapters.media.compressed import SUFFIXES as COMPRESSED
from centralino.adapters.media.compressed import CompressedSoundError, read_compressed
from centralino.adapters.media.settings import FRAME_BYTES
from centralino.wire.rtp.resample import resample
from centralino.wire.rtp.tone import ringback

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

log = structlog.get_logger(__name__)

_SUFFIXES = (".wav", *COMPRESSED)
_TONE = "tone:ringback:"
_MAX_FILE_BYTES = 64 << 20
_MAX_CACHE_BYTES = 256 << 20
_MAX_WAITING = 1000
_ENCODE_SAMPLES = 3200
"""Encoded at a time, so that the packet loop gets the interpreter in between."""


class PromptError(Exception):
    """A prompt does not exist or is not what we can play; the message says which and why."""


class PromptLibrary:
    """All prompts of one worker."""

    def __init__(self, directories: tuple[str, ...]) -> None:
        self._directories = tuple(Path(one).resolve() for one in directories)
        self._ready: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._failed: dict[tuple[str, str], str] = {}
        self._cached_bytes = 0
        self._asked: set[tuple[str, str]] = set()
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="prompts", daemon=True)
        self._thread.start()

    def require(self, name: str) -> None:
        """Check that there is such a prompt.

        Raises:
            PromptError: there is not.
        """
        if name.startswith(_TONE):
            return
        if not any((name, codec) in self._ready for codec in CODECS):
            self._find(name)
        for key in [key for key in self._failed if key[0] == name]:
            del self._failed[key]

    def prepare(self, name: str, codec: str) -> None:
        """Have a prompt read and encoded soon."""
        key = (name, codec)
        if key not in self._ready and key not in self._asked:
            try:
                self._waiting.put_nowait(key)
            except queue.Full:
                return
            self._asked.add(key)

    def prepare_all(self, codecs: tuple[str, ...]) -> None:
        """Have every prompt of the directories encoded; what a warm start is made of."""
        for directory in self._directories:
            for path in sorted(directory.rglob("*")):
                if path.suffix not in _SUFFIXES:
                    continue
                name = path.relative_to(directory).with_suffix("").as_posix()
                for codec in codecs:
                    self.prepare(name, codec)

    def wait_ready(self) -> None:
        """Wait until everything that was asked for is ready or has failed."""
        self._waiting.join()

    def encoded(self, name: str, codec: str) -> bytes | None:
        """Return a prompt as whole frames, ``None`` while it is not ready.

        Raises:
            PromptError: it cannot be played.
        """
        key = (name, codec)
        data = self._ready.get(key)
        if data is None:
            if key in self._failed:
                raise PromptError(self._failed[key])
            self.prepare(name, codec)
        return data

    def close(self) -> None:
        """End the thread."""
        self._waiting.put(None)

    def _find(self, name: str) -> Path:
        for directory in self._directories:
            for suffix in _SUFFIXES:
                path = (directory / f"{name.removesuffix(suffix)}{suffix}").resolve()
                if path.is_relative_to(directory) and path.is_file():
                    return path
        raise PromptError(f"there is no prompt {name!r} in the prompt directories")

    def _run(self) -> None:
        while (key := self._waiting.get()) is not None:
            try:
                self._keep(key, self._load(*key))
            except (PromptError, OSError, EOFError, wave.Error) as error:
                log.warning("media.prompt_failed", prompt=key[0], problem=str(error))
                self._failed[key] = str(error)
            finally:
                self._asked.discard(key)
                self._waiting.task_done()

    def _keep(self, key: tuple[str, str], data: bytes) -> None:
        self._cached_bytes += len(data)
        while self._ready and self._cached_bytes > _MAX_CACHE_BYTES:
            _, oldest = self._ready.popitem(last=False)
            self._cached_bytes -= len(oldest)
        self._ready[key] = data

    def _load(self, name: str, codec: str) -> bytes:
        encoder = FrameEncoder(codec)
        if name.startswith(_TONE):
            samples = ringback(name.removeprefix(_TONE), sample_rate=encoder.sample_rate)
        else:
            samples = read_sound(self._find(name), encoder.sample_rate)
        parts = [
            encoder.encode(samples[at : at + _ENCODE_SAMPLES])
            for at in range(0, len(samples), _ENCODE_SAMPLES)
        ]
        data = b"".join(parts)
        missing = -len(data) % FRAME_BYTES if data else FRAME_BYTES
        return data + silence_frame(codec)[FRAME_BYTES - missing :] if missing else data


def read_sound(path: Path, sample_rate: int) -> Samples:
    """Return the samples of a prompt file at a rate in hertz.

    Raises:
        PromptError: a format that we do not play.
        OSError: it cannot be read.
        wave.Error: it is no WAV file.
    """
    if path.suffix in COMPRESSED:
        try:
            return read_compressed(path, sample_rate)
        except CompressedSoundError as error:
            raise PromptError(str(error)) from error
    rate, samples = read_wave(path)
    return resample(samples, rate, sample_rate)


def read_wave(path: Path) -> tuple[int, Samples]:
    """Return sample rate and samples of a WAV file, both channels mixed to one.

    Raises:
        PromptError: a format that we do not play.
        OSError: it cannot be read.
        wave.Error: it is no WAV file.
    """
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise PromptError(f"{path.name} is larger than {_MAX_FILE_BYTES >> 20} MiB")
    with wave.open(str(path), "rb") as file:
        rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
        if not 8000 <= rate <= 48000 or width != 2 or channels not in (1, 2):
            raise PromptError(
                f"{path.name} has {channels} channels of {8 * width} bits at {rate} Hz; "
                "a prompt has one or two of 16 bits at 8000 to 48000 Hz"
            )
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    if channels == 2:
        samples = samples.reshape(-1, 2).mean(axis=1)
    return rate, samples.astype(np.int16)
