# SPDX-License-Identifier: Apache-2.0
"""Prompts: fetched once from where the application keeps them, read, and kept.

A ``resourceId`` is the key of the service's cache: the same id is not fetched again even when the
file behind it has changed, unless the scenario says otherwise. Without one each use is fetched.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.sound import ClipError, read_wav

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.wire.rtp.samples import Samples

MOST_KEPT: Final = 500
MOST_BYTES: Final = 32 << 20
"""A larger file is refused. Unit: bytes."""


@dataclass(slots=True, eq=False)
class Prompt:
    """One file, on its way or there."""

    uri: str
    samples: Samples | None = None
    failure: str = ""
    """The word of its ending when it cannot be played."""
    _ready: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether it is there, or known never to be."""
        return self.samples is not None or bool(self.failure)

    def when_ready(self, action: Callable[[], None]) -> None:
        """Do something when it is settled; at once leaves it to the caller's own look."""
        if not self.is_settled:
            self._ready.append(action)

    def settle(self, samples: Samples | None, failure: str) -> None:
        """It has come, or it has not."""
        if self.is_settled:
            return
        self.samples, self.failure = samples, failure
        ready, self._ready = self._ready, []
        for action in ready:
            action()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One file to fetch now."""

    number: int
    uri: str
    prompt: Prompt


class PromptLibrary:
    """All prompts."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world
        self._kept: OrderedDict[tuple[str, str], Prompt] = OrderedDict()
        self._wanted: deque[Fetch] = deque()
        self._number = 0
        self.on_wanted: Callable[[], None] = _ignore
        """Told that something is to be fetched."""

    def get(self, application_id: str, uri: str, resource_id: str) -> Prompt:
        """Return a prompt, on its way if it was never fetched."""
        key = (application_id, resource_id)
        keeps = bool(resource_id) and self._world.settings.habits.same_resource_is_cached
        if keeps and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        prompt = Prompt(uri)
        if keeps:
            self._kept[key] = prompt
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._number += 1
        self._wanted.append(Fetch(self._number, uri, prompt))
        limit_ms = self._world.settings.timing.fetch_ms
        self._world.later(limit_ms, partial(self._fail, prompt, "prompt-not-found"))
        self.on_wanted()
        return prompt

    def take(self) -> list[Fetch]:
        """Return what is to be fetched now."""
        taken = list(self._wanted)
        self._wanted.clear()
        return taken

    def fetched(self, fetch: Fetch, content: bytes | None) -> None:
        """Take a file, or that there is none."""
        if content is None or len(content) > MOST_BYTES:
            self._fail(fetch.prompt, "prompt-not-found")
            return
        try:
            samples = read_wav(content)
        except ClipError as error:
            self._world.tell("prompt-refused", uri=fetch.uri, why=str(error))
            self._fail(fetch.prompt, "prompt-unreadable")
            return
        fetch.prompt.settle(samples, "")

    def _fail(self, prompt: Prompt, failure: str) -> None:
        """What has failed is not kept, so that the next use fetches it anew."""
        if prompt.is_settled:
            return
        for key in [key for key, value in self._kept.items() if value is prompt]:
            del self._kept[key]
        prompt.settle(None, failure)


def _ignore() -> None:
    """Leave it to the next look."""
