# SPDX-License-Identifier: Apache-2.0
"""Lines that can be listened to, now and for some time after their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.sound import RATE, sample_at
from centralino.wire.graph.ids import id_key

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.line import Line
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.wire.rtp.samples import Samples

MOST_LINES: Final = 2_000
"""The oldest cannot be listened to any more."""
MOST_LISTENED_S: Final = 600


class LineArchive:
    """All of them, oldest first."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world
        self._kept: dict[str, Line] = {}

    def keep(self, line: Line) -> None:
        """Let a line be listened to."""
        self._kept[line.id] = line
        while len(self._kept) > MOST_LINES:
            del self._kept[next(iter(self._kept))]

    def all(self) -> list[Line]:
        """Return every line."""
        return list(self._kept.values())

    def of(self, owner: str) -> list[Line]:
        """Return the lines of a person or of a call."""
        wanted = id_key(owner)
        return [line for line in self._kept.values() if id_key(line.owner) == wanted]

    def listen(self, line_id: str, side: str, now: int) -> Samples | None:
        """Return what a line has heard or said, its last ten minutes at most; None for no line."""
        self._world.advance(now)
        line = self._kept.get(line_id)
        if line is None:
            return None
        end = sample_at(now if line.ended_at is None else line.ended_at)
        begin = max(sample_at(line.began_at), end - MOST_LISTENED_S * RATE)
        take = line.heard if side == "heard" else line.said
        return take(begin, max(end - begin, 0))
