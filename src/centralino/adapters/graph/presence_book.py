# SPDX-License-Identifier: Apache-2.0
"""What is known of everybody's presence, and when to ask again. Pure; time is handed in.

Readings arrive by polling and by notifications, late, twice and out of order: the newer one
wins, by Microsoft's own number where both have one, otherwise by when it was asked or told.
A poll counts as read when it was *asked*, so that a notification that came meanwhile wins.
Source: Microsoft Graph, "presence resource type", "presence: setPresence" (precedence).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from centralino.core.kernel.instant import SECOND
from centralino.exchange.presence import PresenceReading, PresenceSource

if TYPE_CHECKING:
    from centralino.exchange.microsoft import PersonId

MOST_PER_REQUEST = 650
"""Ids in one ``getPresencesByUserId``."""
LAG_S = 60.0
"""Microsoft's own longest delay between a fact and what Graph says."""

CONFIRM_AFTER_S = 600.0
_CONFIRM_AFTER = round(CONFIRM_AFTER_S * SECOND)

_WEAKER: Mapping[str, frozenset[str]] = {
    "Available": frozenset({"Away", "BeRightBack", "Offline"}),
    "Busy": frozenset({"Available", "AvailableIdle", "Away", "BeRightBack", "Offline"}),
}
"""What cannot show while we say the key, unless the person has set it by hand."""


@dataclass(slots=True)
class Told:
    """What we told Teams about one person."""

    availability: str
    at: int
    """UTC nanoseconds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some readings."""

    changed: list[PresenceReading]
    """Those that say something else than what was known."""
    confirmed: list[PresenceReading]
    """Those that say the same, and were not told for ``CONFIRM_AFTER_S``: whoever judges
    presence by its age must hear that it still holds."""


class PresenceBook:
    """The newest reading of everybody who is followed."""

    def __init__(self) -> None:
        self.told: dict[PersonId, Told] = {}
        self._noted_at: dict[PersonId, int] = {}
        self._readings: dict[PersonId, PresenceReading] = {}
        self._confirmed: dict[PersonId, int] = {}

    def __len__(self) -> int:
        return len(self._readings)

    def reading(self, person: PersonId) -> PresenceReading | None:
        """Return the newest reading of somebody."""
        return self._readings.get(person)

    def readings(self) -> Sequence[PresenceReading]:
        """Return everybody's newest reading."""
        return tuple(self._readings.values())

    def age_ns(self, person: PersonId, now: int) -> int | None:
        """Return how long ago somebody's presence was last confirmed; ``None``: never read."""
        at = self._confirmed.get(person)
        return None if at is None else now - at

    def take(self, readings: Iterable[PresenceReading]) -> Taken:
        """Take readings; the newer one of somebody wins."""
        taken = Taken([], [])
        for reading in readings:
            known = self._readings.get(reading.person)
            if known is not None and _is_older(reading, known):
                continue
            judged = replace(reading, is_override=self._is_override(reading))
            confirmed = self._confirmed.get(reading.person, 0)
            self._confirmed[reading.person] = max(confirmed, reading.read_at)
            self._readings[reading.person] = judged
            if known is None or known.fact != judged.fact:
                taken.changed.append(judged)
            elif reading.read_at - self._noted_at[reading.person] >= _CONFIRM_AFTER:
                taken.confirmed.append(judged)
            else:
                continue
            self._noted_at[reading.person] = reading.read_at
        return taken

    def forget_all_but(self, people: Iterable[PersonId]) -> None:
        """Drop everybody who is followed no longer."""
        kept = frozenset(people)
        for book in (self._readings, self._confirmed, self._noted_at, self.told):
            for person in [one for one in book if one not in kept]:
                del book[person]

    def _is_override(self, reading: PresenceReading) -> bool:
        """Tell whether the person must have set this by hand, against what we told."""
        told = self.told.get(reading.person)
        if told is None or reading.read_at - told.at < LAG_S * SECOND:
            return False
        return reading.availability in _WEAKER.get(told.availability, frozenset())


def _is_older(reading: PresenceReading, known: PresenceReading) -> bool:
    if reading.sequence and known.sequence and reading.sequence != known.sequence:
        return reading.sequence < known.sequence
    return reading.read_at < known.read_at


@dataclass(slots=True)
class _Batch:
    people: tuple[PersonId, ...]
    every_ns: int
    due_at: int


@dataclass(slots=True)
class PollPlan:
    """Who is to be asked for next: batches spread evenly, so that no second is crowded.

    People whose notifications come are asked for at the slow pace, the others at the fast.
    """

    fast_s: float
    slow_s: float
    _batches: list[_Batch] = field(default_factory=list)

    def set_people(self, fast: Sequence[PersonId], slow: Sequence[PersonId], now: int) -> None:
        """Begin anew with who is to be asked at which pace; everybody is asked soon."""
        self._batches = [
            *_spread(sorted(fast), self.fast_s, now),
            *_spread(sorted(slow), self.slow_s, now),
        ]

    def next_due(self) -> int | None:
        """Return when somebody is to be asked for; ``None``: nobody is."""
        return min((batch.due_at for batch in self._batches), default=None)

    def take_due(self, now: int) -> tuple[PersonId, ...]:
        """Return the people of the batch that is due longest, and plan its next turn.

        A turn that was missed is not made up for: the plan never asks twice in one interval.
        """
        due = [batch for batch in self._batches if batch.due_at <= now]
        if not due:
            return ()
        batch = min(due, key=lambda one: one.due_at)
        batch.due_at = max(batch.due_at + batch.every_ns, now + batch.every_ns // 2)
        return batch.people

    def hasten(self, now: int) -> None:
        """Ask for everybody now: something may have been missed."""
        for batch in self._batches:
            batch.due_at = min(batch.due_at, now)

    @property
    def requests_per_min(self) -> float:
        """How many requests a minute this makes."""
        return sum(60 * SECOND / batch.every_ns for batch in self._batches)


def _spread(people: Sequence[PersonId], every_s: float, now: int) -> list[_Batch]:
    count = -(-len(people) // MOST_PER_REQUEST)
    every_ns = round(every_s * SECOND)
    return [
        _Batch(
            people=tuple(people[n * MOST_PER_REQUEST : (n + 1) * MOST_PER_REQUEST]),
            every_ns=every_ns,
            due_at=now + n * every_ns // count,
        )
        for n in range(count)
    ]


@dataclass(slots=True)
class SilenceDetector:
    """Finds out that a subscription has died although Graph calls it alive.

    Being quiet proves nothing at night; having kept quiet about a change that polling saw does.
    """

    silent_after_s: float
    _heard_at: int = 0
    _unheard_since: int | None = None

    def begin(self, now: int) -> None:
        """A new subscription is there."""
        self._heard_at = now
        self._unheard_since = None

    def hear(self, now: int) -> None:
        """A notification came."""
        self._heard_at = now
        self._unheard_since = None

    def see(self, changed: Iterable[PresenceReading], covered: frozenset[PersonId]) -> None:
        """Polling has seen changes; those of covered people should have been told."""
        for reading in changed:
            is_missed = reading.source is PresenceSource.POLL and reading.person in covered
            if is_missed and self._unheard_since is None:
                self._unheard_since = reading.read_at

    def is_dead(self, now: int) -> bool:
        """Tell whether the subscription is to be given up."""
        if self._unheard_since is None:
            return False
        is_late = now - self._unheard_since > LAG_S * SECOND
        return is_late and now - self._heard_at >= round(self.silent_after_s * SECOND)
