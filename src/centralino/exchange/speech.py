# SPDX-License-Identifier: Apache-2.0
"""What the product needs from whoever turns text into sound.

A flow may play a text instead of a recorded prompt. The text is spoken into a file once and
is from then on a prompt like any other: media workers play it by its name. Speech to text
is no part of this port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MAX_TEXT_CHARACTERS = 2_000
"""The longest text that is spoken: about two minutes."""


@dataclass(frozen=True, slots=True)
class SpokenPrompt:
    """A text that has become a prompt."""

    name: str
    """What ``PlayMedia.prompts`` calls it, below the directory of spoken prompts."""
    duration_ms: int
    was_cached: bool
    """It had been spoken before; nothing was synthesised."""


class SpeechPort(Protocol):
    """Text to speech.

    Back-pressure: a bounded number of texts is spoken at once, later callers wait; each
    wait has the implementation's timeout. The same text gives the same name, always.
    """

    def languages(self) -> tuple[str, ...]:
        """Return the languages it can speak, as BCP 47 tags such as ``it`` or ``en-GB``."""
        ...

    async def speak(self, text: str, language: str) -> SpokenPrompt:
        """Have a text spoken, or find that it was.

        Idempotent: by text and language.

        Raises:
            InvalidInput: the text is empty or too long, or the language is not spoken.
            RemoteTimeout: the engine did not finish in time.
            RemoteUnavailable: there is no engine, or it failed.
            StorageError: the file could not be written.
        """
        ...
