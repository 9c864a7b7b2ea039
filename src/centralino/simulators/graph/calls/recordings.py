# SPDX-License-Identifier: Apache-2.0
"""Recordings of recordResponse: WAV files behind an address and a token of their own.

They are deleted some time after their call has ended, as the service says it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.world import CallWorld

MOST_KEPT: Final = 1_000
PATH: Final = "/recordings"


@dataclass(frozen=True, slots=True)
class Recording:
    """One of them."""

    id: str
    token: str
    """The ``recordingAccessToken``."""
    content: bytes
    call_id: str


class Recordings:
    """All of them."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world
        self._kept: dict[str, Recording] = {}
        self.base_url = "http://127.0.0.1"
        """Where the simulator is reached; set by who serves it."""

    def keep(self, content: bytes, call: ServiceCall) -> Recording:
        """Keep a file; the oldest goes when there are too many."""
        made = Recording(self._world.new_id(), self._world.new_secret(), content, call.id)
        self._kept[made.id] = made
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return made

    def url(self, recording: Recording) -> str:
        """Return the ``recordingLocation``."""
        return f"{self.base_url}{PATH}/{recording.id}"

    def get(self, recording_id: str) -> Recording | None:
        """Return a recording that is still kept."""
        return self._kept.get(recording_id)

    def call_ended(self, call: ServiceCall) -> None:
        """Delete what the call has recorded, after a while."""
        delay_ms = self._world.settings.timing.recording_kept_s * 1000
        for kept in list(self._kept.values()):
            if kept.call_id == call.id:
                self._world.later(delay_ms, partial(self._delete, kept.id))

    def _delete(self, recording_id: str) -> None:
        self._kept.pop(recording_id, None)
