# SPDX-License-Identifier: Apache-2.0
"""What is being played to one leg: a list of prompts and a place in it.

Pure: takes encoded prompts from the library, gives one frame per tick.
"""

from __future__ import annotations

from typing import Protocol

from centralino.adapters.media.codec import silence_frame
from centralino.adapters.media.settings import FRAME_BYTES


class EncodedPrompts(Protocol):
    """Where encoded prompts come from."""

    def encoded(self, name: str, codec: str) -> bytes | None:
        """Return a prompt as whole frames, ``None`` while it is not ready."""
        ...


class Playing:
    """One playing; survives a change of codec in the middle."""

    def __init__(
        self,
        play: str,
        prompts: tuple[str, ...],
        library: EncodedPrompts,
        *,
        loop: bool = False,
        barge_in: bool = False,
    ) -> None:
        self.play = play
        """Its id; empty for a ringback tone, whose end is not told."""
        self.prompts = prompts
        self.barge_in = barge_in
        self._library = library
        self._loop = loop
        self._current = 0
        self._offset = 0

    def next_frame(self, codec: str) -> bytes | None:
        """Return the next 20 ms, ``None`` when everything was played.

        Raises:
            PromptError: the prompt cannot be played.
        """
        while self._current < len(self.prompts):
            data = self._library.encoded(self.prompts[self._current], codec)
            if data is None:
                return silence_frame(codec)
            frame = data[self._offset : self._offset + FRAME_BYTES]
            if frame:
                self._offset += FRAME_BYTES
                return frame
            self._offset = 0
            self._current += 1
            if self._loop and self._current == len(self.prompts):
                self._current = 0
        return None
