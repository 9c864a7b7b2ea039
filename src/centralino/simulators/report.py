# SPDX-License-Identifier: Apache-2.0
"""What happened on the far side, as JSON lines and as awaitable facts.

Each line is ``{"at", "part", "what", ...}``. A test or the demo may also wait for a
line in the same process. Lines carry what scripted people did and heard; they are
fictional, so nothing here is a secret.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import IO

Line = dict[str, object]


class Report:
    """A stream of lines that can be written, kept and waited for."""

    def __init__(
        self,
        utc: Callable[[], float],
        *,
        sink: IO[str] | None = None,
        keep: int = 100_000,
    ) -> None:
        """Make a report.

        Args:
            utc: seconds since the Unix epoch.
            sink: where each line is written, flushed at once.
            keep: how many lines stay in memory for waiting and reading.
        """
        self.utc = utc
        self._sink = sink
        self._keep = keep
        self.lines: list[Line] = []
        self.on_line: Callable[[Line], None] = _ignore
        """Told of each line."""
        self._waiting: list[tuple[Callable[[Line], bool], asyncio.Future[Line]]] = []

    def add(self, part: str, what: str, **fields: object) -> None:
        """Add a line."""
        line: Line = {"at": round(self.utc(), 6), "part": part, "what": what, **fields}
        if len(self.lines) < self._keep:
            self.lines.append(line)
        if self._sink is not None:
            self._sink.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._sink.flush()
        self.on_line(line)
        for entry in list(self._waiting):
            matches, future = entry
            if matches(line) and not future.done():
                future.set_result(line)
                self._waiting.remove(entry)

    async def wait_for(self, what: str, *, timeout_s: float = 10.0, **fields: object) -> Line:
        """Return the first line, past or future, of that kind with those fields.

        Raises:
            TimeoutError: none came in time.
        """

        def matches(line: Line) -> bool:
            return line["what"] == what and all(line.get(k) == v for k, v in fields.items())

        for line in self.lines:
            if matches(line):
                return line
        future: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting.append((matches, future))
        async with asyncio.timeout(timeout_s):
            return await future

    def of(self, what: str, **fields: object) -> list[Line]:
        """Return all lines so far of that kind with those fields."""
        return [
            line
            for line in self.lines
            if line["what"] == what and all(line.get(k) == v for k, v in fields.items())
        ]


def _ignore(line: Line) -> None:
    """Leave a line alone."""
