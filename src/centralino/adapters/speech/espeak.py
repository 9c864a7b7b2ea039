# SPDX-License-Identifier: Apache-2.0
"""The local engine: espeak-ng as a child process, text in, samples out.

What lives here: which voice speaks which language, how the program is called, its timeout
and its failures. What must not: files and caching (see `library`). The text goes in on
standard input, so nothing in it can be taken for an option; markup is not interpreted.

espeak-ng is a program of its own (GPL-3), found on the path; the product runs without it
as long as no flow plays a text.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Final

import structlog

from centralino.adapters.speech.sound import MAX_WAVE_BYTES, SoundError, as_prompt, read_wave
from centralino.core.kernel.errors import InvalidInput, RemoteTimeout, RemoteUnavailable

if TYPE_CHECKING:
    from centralino.wire.rtp.samples import Samples

log = structlog.get_logger(__name__)

PROGRAM: Final = "espeak-ng"
TIMEOUT_S: Final = 20.0
"""How long one text may take."""
WORDS_PER_MINUTE: Final = 145
"""A little slower than the engine's own 175: telephones blur."""
INSTALL_HINT: Final = "install the package espeak-ng, or play recorded prompts only"

VOICES: Final = {
    "de": "de",
    "en": "en-gb",
    "en-GB": "en-gb",
    "en-US": "en-us",
    "es": "es",
    "fr": "fr-fr",
    "it": "it",
}
"""Voice of each language that we offer; the engine has more."""


class EspeakEngine:
    """Speaks one text at a time in a child process."""

    def __init__(self, program: str = PROGRAM, *, timeout_s: float = TIMEOUT_S) -> None:
        """Use a program by name or path.

        Args:
            program: Looked up when something is to be spoken, not before.
            timeout_s: Seconds that one text may take; the child is killed then.
        """
        self._program = program
        self._timeout_s = timeout_s

    @property
    def is_installed(self) -> bool:
        """Whether the program is on the path."""
        return shutil.which(self._program) is not None

    def voice(self, language: str) -> str:
        """Return the voice for a language tag, its region left out where we have only one.

        Raises:
            InvalidInput: no voice of ours speaks it.
        """
        voice = VOICES.get(language) or VOICES.get(language.partition("-")[0].lower())
        if voice is None:
            raise InvalidInput(
                f"no voice speaks the language {language!r}; there are {', '.join(VOICES)}",
                details={"path": "language"},
            )
        return voice

    async def synthesise(self, text: str, language: str, sample_rate: int) -> Samples:
        """Return a text as a prompt's samples at 8 or 16 kHz.

        Raises:
            InvalidInput: no voice of ours speaks the language.
            RemoteTimeout: it took longer than allowed.
            RemoteUnavailable: the program is missing or failed.
        """
        output = await self._run(self.voice(language), text)
        try:
            rate, samples = read_wave(output)
        except SoundError as error:
            raise RemoteUnavailable("speech", "speak", f"espeak-ng: {error}") from error
        return await asyncio.to_thread(as_prompt, samples, rate, sample_rate)

    async def _run(self, voice: str, text: str) -> bytes:
        program = shutil.which(self._program)
        if program is None:
            raise RemoteUnavailable(
                "speech", "speak", f"{self._program} is not installed: {INSTALL_HINT}"
            )
        child = await asyncio.create_subprocess_exec(
            program,
            *("-v", voice, "-s", str(WORDS_PER_MINUTE), "-b", "1", "--stdin", "--stdout"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                output, problems = await child.communicate(text.encode())
        except TimeoutError as error:
            raise RemoteTimeout("speech", "speak") from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode or not output or len(output) > MAX_WAVE_BYTES:
            log.warning("speech.engine_failed", exit_code=child.returncode, problem=problems[:200])
            raise RemoteUnavailable("speech", "speak", "espeak-ng failed")
        return output
