# SPDX-License-Identifier: Apache-2.0
"""Ids of calls, operations and participants in their two spellings.

The same id comes as a dashed lower-case GUID and as 32 upper-case hexadecimal digits without
dashes; they are compared without case and dashes (cloud communications samples).
"""

from __future__ import annotations

import re
from typing import Literal

Spelling = Literal["dashed", "packed"]
"""How an id is written: ``ab12...-...`` or ``AB12...``."""

_HEX = re.compile(r"[0-9a-fA-F]{32}")


def id_key(text: str) -> str:
    """Return what equal ids have in common; text that is no GUID only loses its case.

    >>> id_key("0FE0623FD62842EDB4BD8AC290072CC5") == id_key("0fe0623f-d628-42ed-b4bd-8ac290072cc5")
    True
    """
    plain = text.replace("-", "").lower()
    return plain if _HEX.fullmatch(plain) else text.lower()


def spell_id(text: str, spelling: Spelling) -> str:
    """Write an id one way or the other; text that is no GUID stays as it is.

    >>> spell_id("0FE0623FD62842EDB4BD8AC290072CC5", "dashed")
    '0fe0623f-d628-42ed-b4bd-8ac290072cc5'
    """
    plain = text.replace("-", "")
    if not _HEX.fullmatch(plain):
        return text
    if spelling == "packed":
        return plain.upper()
    plain = plain.lower()
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
