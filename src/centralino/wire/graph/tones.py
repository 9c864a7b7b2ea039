# SPDX-License-Identifier: Apache-2.0
"""Keys of a telephone and their names in Graph (``tone``).

``flash`` is in Graph's set and is no key of a pad; it has the letter ``!`` here. The frequencies
are those of ITU-T Q.23.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

TONE_OF_KEY: Final = MappingProxyType(
    {str(digit): f"tone{digit}" for digit in range(10)}
    | {"*": "star", "#": "pound", "A": "a", "B": "b", "C": "c", "D": "d", "!": "flash"}
)
"""Key to Graph's word."""
KEY_OF_TONE: Final = MappingProxyType({tone: key for key, tone in TONE_OF_KEY.items()})
"""Graph's word to key."""

_LOW: Final = (697, 770, 852, 941)
_HIGH: Final = (1209, 1336, 1477, 1633)
KEY_PAIRS: Final = MappingProxyType(
    {
        key: (low, high)
        for low, row in zip(_LOW, ("123A", "456B", "789C", "*0#D"), strict=True)
        for high, key in zip(_HIGH, row, strict=True)
    }
)
"""Key to its two frequencies. Unit: hertz."""


def read_stop_tone(text: str) -> str | None:
    """Return the key that a stop tone of recordResponse names, or None.

    Samples write keys (``#``, ``1``); Graph's words are understood as well.

    >>> read_stop_tone("pound"), read_stop_tone("1"), read_stop_tone("x")
    ('#', '1', None)
    """
    if text.upper() in TONE_OF_KEY:
        return text.upper()
    return KEY_OF_TONE.get(text.lower())
