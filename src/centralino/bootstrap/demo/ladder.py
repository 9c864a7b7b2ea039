# SPDX-License-Identifier: Apache-2.0
"""The SIP messages of one call on both sides of the product, as a ladder.

The far side writes every message it sends and gets; what belongs to a caller is known by his
number in the From line of an INVITE. Only the newest calls are kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

MOST_DIALOGS = 500
MOST_ROWS = 200
"""Per dialog."""
_READ_BYTES = 4 << 20
"""At most so much is read at a time."""
_NUMBER = re.compile(r"^From:.*?<sips?:(\+?[0-9]+)@", re.MULTILINE | re.IGNORECASE)
_LANE = 25
_HEADS = ("carrier", "Centralino", "Teams")


@dataclass(frozen=True, slots=True)
class Rung:
    """One message."""

    at: float
    """Seconds since the Unix epoch."""
    part: str
    """``carrier`` or ``direct-routing``."""
    is_from_product: bool
    what: str
    """Method or status."""
    method: str
    """Of the request it belongs to."""


@dataclass(slots=True)
class MessageLog:
    """Follows the far side's message files."""

    files: tuple[Path, ...]
    _read: dict[Path, int] = field(default_factory=dict)
    _dialogs: dict[str, list[Rung]] = field(default_factory=dict)
    """Call-ID to its messages."""
    _callers: dict[str, str] = field(default_factory=dict)
    """Call-ID to the caller's number."""

    def refresh(self) -> None:
        """Read what is new."""
        for path in self.files:
            if not path.is_file():
                continue
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                text = file.read(_READ_BYTES)
            whole = text[: text.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self._take(line)

    def rungs(self, caller_number: str) -> list[Rung]:
        """Return the messages of a caller's call, oldest first."""
        found = [
            rung
            for call_id, number in self._callers.items()
            if number == caller_number
            for rung in self._dialogs[call_id]
        ]
        return sorted(found, key=lambda rung: rung.at)

    def _take(self, text: bytes) -> None:
        line = json.loads(text)
        call_id = str(line["call_id"])
        if call_id not in self._dialogs:
            found = _NUMBER.search(line["raw"]) if line["what"] == "INVITE" else None
            if found is None:
                return
            self._dialogs[call_id] = []
            self._callers[call_id] = found[1]
            self._drop_oldest()
        rungs = self._dialogs[call_id]
        if len(rungs) < MOST_ROWS:
            method = str(line["cseq"]).partition(" ")[2]
            is_from_product = line["dir"] == "in"
            part = str(line["part"])
            rungs.append(Rung(float(line["ts"]), part, is_from_product, line["what"], method))

    def _drop_oldest(self) -> None:
        if len(self._dialogs) > MOST_DIALOGS:
            oldest = next(iter(self._dialogs))
            del self._dialogs[oldest], self._callers[oldest]


def draw_ladder(rungs: list[Rung], most: int | None = None) -> list[str]:
    """Return a ladder as lines of at most 79 characters; of the rungs the last ``most``.

    >>> for line in draw_ladder([Rung(5.0, "carrier", False, "INVITE", "INVITE"),
    ...                          Rung(5.1, "direct-routing", True, "INVITE", "INVITE")]):
    ...     print(line)
          ms  carrier               Centralino                   Teams
           0  |-------- INVITE -------->|                         |
         100  |                         |-------- INVITE -------->|
    """
    if not rungs:
        return []
    start = rungs[0].at
    shown = rungs if most is None else rungs[-most:] if most > 0 else []
    first, second, third = _HEADS
    lines = [f"{'ms':>8}  {first:<{_LANE - 3}}{second:<{_LANE + 4}}{third}"]
    for rung in shown:
        is_left = rung.part == "carrier"
        arrow = _arrow(rung, is_right=rung.is_from_product != is_left)
        lanes = (arrow, " " * _LANE) if is_left else (" " * _LANE, arrow)
        lines.append(f"{(rung.at - start) * 1000:8.0f}  |{lanes[0]}|{lanes[1]}|")
    return lines


def _arrow(rung: Rung, *, is_right: bool) -> str:
    is_status = rung.what.isdigit()
    text = f" {rung.what} {rung.method} " if is_status else f" {rung.what} "
    line = text.center(_LANE - 1, "-")
    return f"{line}>" if is_right else f"<{line}"
