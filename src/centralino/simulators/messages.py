# SPDX-License-Identifier: Apache-2.0
"""Every SIP message of the far side, as JSON lines and as a ladder.

A line is ``{"ts", "part", "dir", "flow", "peer", "what", "call_id", "cseq", "raw"}``;
``what`` is the method or the status. The ladder is the evidence of certification
reports: one row per message of a call, seen from the far side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import Request, parse_message

if TYPE_CHECKING:
    from centralino.wire.sip.flow import Flow

LADDER_WIDTH = 46


@dataclass(frozen=True, slots=True)
class Seen:
    """One message that passed."""

    at: float
    part: str
    is_incoming: bool
    peer: str
    what: str
    call_id: str
    cseq: str
    raw: bytes


class MessageRecorder:
    """Keeps the messages of one or more parts."""

    def __init__(
        self, utc: Callable[[], float], *, sink: IO[str] | None = None, keep: int = 20_000
    ) -> None:
        """Keep ``keep`` messages in memory; write each to ``sink`` as well."""
        self._utc = utc
        self._sink = sink
        self._keep = keep
        self.messages: list[Seen] = []

    def recorder(self, part: str) -> Callable[[str, Flow | None, bytes], None]:
        """Return the hook for the stack of ``part``."""

        def record(direction: str, flow: Flow | None, raw: bytes) -> None:
            self._add(part, direction == "in", flow, raw)

        return record

    def _add(self, part: str, is_incoming: bool, flow: Flow | None, raw: bytes) -> None:
        try:
            message = parse_message(raw)
        except SipParseError as error:
            what, call_id, cseq = f"unreadable ({error.code})", "", ""
        else:
            what = message.method if isinstance(message, Request) else str(message.status)
            call_id = message.headers.get("Call-ID") or ""
            cseq = message.headers.get("CSeq") or ""
        peer = f"{flow.transport}:{flow.peer[0]}:{flow.peer[1]}" if flow is not None else ""
        seen = Seen(self._utc(), part, is_incoming, peer, what, call_id, cseq, raw)
        if len(self.messages) < self._keep:
            self.messages.append(seen)
        if self._sink is not None:
            self._sink.write(json.dumps(_line(seen), ensure_ascii=False) + "\n")
            self._sink.flush()

    def ladder(self, call_id: str) -> str:
        """Return the messages of a Call-ID as text, oldest first."""
        rows = [seen for seen in self.messages if seen.call_id == call_id]
        if not rows:
            return ""
        start = rows[0].at
        lines = [f"Call-ID {call_id}", f"{'':>9}  {'product':<{LADDER_WIDTH}}far side"]
        for seen in rows:
            text = f" {seen.what} ({seen.cseq}) "
            line = text.center(LADDER_WIDTH, "-")
            arrow = f"|{line}>|" if seen.is_incoming else f"|<{line}|"
            lines.append(f"{(seen.at - start) * 1000:7.0f}ms  {arrow}")
        return "\n".join(lines) + "\n"


def _line(seen: Seen) -> dict[str, object]:
    return {
        "ts": round(seen.at, 6),
        "part": seen.part,
        "dir": "in" if seen.is_incoming else "out",
        "peer": seen.peer,
        "what": seen.what,
        "call_id": seen.call_id,
        "cseq": seen.cseq,
        "raw": seen.raw.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode(),
    }
