# SPDX-License-Identifier: Apache-2.0
"""One party's connection: what it says, whom it hears, and what both sounded like.

A line outlives the room it hangs in: a transfer moves it, and its audio goes on. What was said
and heard is kept as stretches of sounds, not as samples, so hours cost nothing until somebody
listens. Older stretches are forgotten above `MOST_STRETCHES`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from centralino.simulators.graph.calls.sound import sample_at, to_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.simulators.graph.calls.sound import Sound
    from centralino.wire.rtp.samples import Samples

MOST_STRETCHES: Final = 20_000
"""Of one mouth and of one ear."""


@dataclass(slots=True)
class Utterance:
    """A sound from one sample to another."""

    sound: Sound
    begin: int
    end: int | None


class Mouth:
    """What one source sounded like over time."""

    def __init__(self) -> None:
        self._said: deque[Utterance] = deque(maxlen=MOST_STRETCHES)

    def say(self, sound: Sound, begin: int) -> Utterance:
        """Let a sound begin at a sample; it ends by itself or by `hush`."""
        length = sound.length
        said = Utterance(sound, begin, None if length is None else begin + length)
        self._said.append(said)
        return said

    @staticmethod
    def hush(said: Utterance, end: int) -> None:
        """End a sound at a sample, unless it ended before."""
        if said.end is None or said.end > end:
            said.end = max(end, said.begin)

    def render(self, begin: int, count: int) -> NDArray[np.float32]:
        """Return what it sounded like."""
        total = np.zeros(count, dtype=np.float32)
        for said in self._said:
            start = max(begin, said.begin)
            stop = begin + count if said.end is None else min(begin + count, said.end)
            if start < stop:
                part = said.sound.render(start - said.begin, stop - start)
                total[start - begin : stop - begin] += part
        return total


@dataclass(slots=True)
class Stretch:
    """Whom somebody heard from one sample to another."""

    mouths: tuple[Mouth, ...]
    begin: int
    end: int | None = None


@dataclass(slots=True)
class Line:
    """One party in one call after the other."""

    id: str
    owner: str
    """Of a person his id, of an application its call's id."""
    began_at: int
    """Nanoseconds since the Unix epoch."""
    mouth: Mouth = field(default_factory=Mouth)
    ended_at: int | None = None
    keys: list[tuple[int, str]] = field(default_factory=list)
    """Keys that the other side pressed: when, and which."""
    _heard: deque[Stretch] = field(default_factory=lambda: deque(maxlen=MOST_STRETCHES))

    def listen(self, mouths: Iterable[Mouth], now: int) -> None:
        """Hear these from now on, and nobody else."""
        wanted = tuple(mouths)
        sample = sample_at(now)
        last = self._heard[-1] if self._heard else None
        if last is not None and last.end is None:
            if last.mouths == wanted:
                return
            last.end = sample
        if wanted:
            self._heard.append(Stretch(wanted, sample))

    def hears(self, mouth: Mouth) -> bool:
        """Tell whether somebody is heard now."""
        last = self._heard[-1] if self._heard else None
        return last is not None and last.end is None and mouth in last.mouths

    def close(self, now: int) -> None:
        """Hear and say nothing more."""
        if self.ended_at is None:
            self.listen((), now)
            self.ended_at = now

    def heard(self, begin: int, count: int) -> Samples:
        """Return what it heard: the mix of the mouths, sample by sample."""
        total = np.zeros(count, dtype=np.float32)
        for stretch in self._heard:
            start = max(begin, stretch.begin)
            stop = begin + count if stretch.end is None else min(begin + count, stretch.end)
            if start >= stop:
                continue
            for mouth in stretch.mouths:
                total[start - begin : stop - begin] += mouth.render(start, stop - start)
        return to_samples(total)

    def said(self, begin: int, count: int) -> Samples:
        """Return what it said itself."""
        return to_samples(self.mouth.render(begin, count))
