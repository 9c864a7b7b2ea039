# SPDX-License-Identifier: Apache-2.0
"""Compressed sound files (mp3, ogg, opus, m4a, flac) as samples: an extra, through PyAV.

One function for the prompt library. Files come from whoever administers a tenant, so they
are judged by what is in them, bounded in size and length, and never trusted. Without the
extra the function says how to install it; WAV files need nothing of this.
"""

from __future__ import annotations

import importlib
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES: Final = (".mp3", ".ogg", ".opus", ".m4a", ".flac")
"""What is taken for a compressed prompt."""
_ONLY: Final = {"format_whitelist": "mp3,ogg,mov,flac", "protocol_whitelist": "file"}
"""What may be opened: no playlist, which could name other files, and nothing remote."""
MAX_FILE_BYTES: Final = 64 << 20
"""Larger files are refused."""
MAX_DURATION_S: Final = 1_800
"""Longer files are refused: decoded, they would fill the memory."""


class CompressedSoundError(Exception):
    """The file cannot become a prompt; the message says why."""


def is_available() -> bool:
    """Whether the extra is installed."""
    try:
        importlib.import_module("av")
    except ImportError:
        return False
    return True


def read_compressed(path: Path, sample_rate: int) -> NDArray[np.int16]:
    """Return the samples of a compressed file, mixed to one channel, at a rate in hertz.

    Cost: a minute of mp3 takes some tens of milliseconds; call it off the packet loop.

    Raises:
        CompressedSoundError: the extra is missing, or it is no sound file that we read.
        OSError: the file cannot be read.
    """
    try:
        library: Any = importlib.import_module("av")
    except ImportError as error:
        raise CompressedSoundError(
            f"{path.name} is compressed; that needs the extra: pip install 'centralino[audio]'"
        ) from error
    if path.stat().st_size > MAX_FILE_BYTES:
        raise CompressedSoundError(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    try:
        with library.open(str(path.absolute()), mode="r", options=dict(_ONLY)) as container:
            if not container.streams.audio:
                raise CompressedSoundError(f"there is no sound in {path.name}")
            parts = list(_decoded(library, container, path.name, sample_rate))
    except library.error.FFmpegError as error:
        raise CompressedSoundError(f"{path.name} is no sound file: {error.strerror}") from error
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)


def _decoded(
    library: Any,  # noqa: ANN401 - an extra's module
    container: Any,  # noqa: ANN401 - an extra's type
    name: str,
    sample_rate: int,
) -> Iterator[NDArray[np.int16]]:
    resampler = library.AudioResampler(format="s16", layout="mono", rate=sample_rate)
    left = MAX_DURATION_S * sample_rate
    frames = container.decode(container.streams.audio[0])
    for frame in itertools.chain(frames, (None,)):
        for piece in resampler.resample(frame):
            samples = np.asarray(piece.to_ndarray(), dtype=np.int16).ravel()
            left -= len(samples)
            if left < 0:
                raise CompressedSoundError(f"{name} is longer than {MAX_DURATION_S} seconds")
            yield samples
