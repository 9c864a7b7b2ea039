# SPDX-License-Identifier: Apache-2.0
"""How messages of the proxies look: upper-case names, product string, Reason, Contact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

PRODUCT = "Microsoft.PSTNHub.SIPProxy v.2026.11.1.1 i.EUWE.3"
ALLOW = ("INVITE", "ACK", "OPTIONS", "CANCEL", "BYE", "NOTIFY")
_NAME = re.compile(rb"(?m)^([A-Za-z][A-Za-z0-9-]*)(?=[ \t]*:)")


def upper_case_names(message: bytes) -> bytes:
    """Return the message with its header names in upper case, bodies untouched."""
    head, blank, body = message.partition(b"\r\n\r\n")
    first, line, rest = head.partition(b"\r\n")
    raised = _NAME.sub(lambda match: match.group(1).upper(), rest)
    return first + line + raised + blank + body


def guid(rng: random.Random) -> str:
    """Return a random identifier in Microsoft's form."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def reason(rng: random.Random, sentence: str, cause: int = 63) -> str:
    """Return a Reason value: the Q.850 cause says little, the text starts with a GUID."""
    return f'Q.850;cause={cause};text="{guid(rng)};{sentence}"'


def opaque(rng: random.Random) -> str:
    """Return Contact parameters that mean nothing to anybody else."""
    return f"x-i={guid(rng)};x-c={rng.getrandbits(96):024x}/s/1/{rng.getrandbits(64):016x}"
