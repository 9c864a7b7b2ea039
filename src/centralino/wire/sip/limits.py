# SPDX-License-Identifier: Apache-2.0
"""How much of a peer's input the SIP side is willing to hold.

One value object, passed to the framer and to the parser. The figures leave ample room
for the largest genuine messages seen on Direct Routing trunks (several kilobytes with
ICE candidates, History-Info and long opaque transfer parameters).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one message. All of them inclusive."""

    head_bytes: int = 64 * 1024
    """Start line and headers with the empty line. Unit: bytes."""
    body_bytes: int = 256 * 1024
    """Body of one message. Unit: bytes."""
    header_count: int = 256
    """Header lines in one message, folded lines counted once."""
    via_count: int = 70
    """Via values in one message; more than Max-Forwards allows is a loop."""
    line_bytes: int = 16 * 1024
    """One header line with its folds. Unit: characters, which is at most the bytes."""


DEFAULT_LIMITS = Limits()
