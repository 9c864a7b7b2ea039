# SPDX-License-Identifier: Apache-2.0
"""Calls that came, from a table or from a tenant's journal, to be run again.

A journal tells when customers entered a queue and how long conversations took. How long those
who were answered would have waited it cannot tell; only those who gave up showed their
patience. So patience is exponential with the mean that fits both: everybody's wait over the
number that gave up.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from centralino.core.interactions.events import (
    InteractionEnded,
    InteractionQueued,
    InteractionReleased,
    OfferAccepted,
)
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND, Instant
from centralino.core.kernel.outcome import OutcomeReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from centralino.core.kernel.ids import InteractionId, QueueId
    from centralino.core.routing.events import Event

MOST_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One customer who came."""

    at_s: float
    """Since the recording's start."""
    queue: str
    handle_s: float | None
    """``None`` when nobody talked to him: drawn then."""
    patience_s: float | None
    """``None`` when it was not seen: drawn then."""


@dataclass(frozen=True, slots=True)
class Recording:
    """All customers of a span of time, by queue."""

    calls: dict[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]
    """Queue to arrival, handling and patience in seconds; ``nan`` where it is to be drawn."""
    length_s: float
    patience_s: dict[str, float] = field(default_factory=dict)
    """Queue to the mean patience of its customers, where it could be seen."""

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues that had calls."""
        return tuple(self.calls)


def recording_of(
    calls: Iterable[RecordedCall], patience_s: dict[str, float] | None = None
) -> Recording:
    """Return a recording of calls in any order.

    Raises:
        InvalidInput: there are none, or too many.
    """
    rows = sorted(calls, key=lambda call: (call.at_s, call.queue))
    if not rows:
        raise InvalidInput("there are no calls in the recording")
    if len(rows) > MOST_ROWS:
        raise InvalidInput(f"there are more than {MOST_ROWS} calls in the recording")
    by_queue: dict[str, list[RecordedCall]] = {}
    for row in rows:
        by_queue.setdefault(row.queue, []).append(row)
    return Recording(
        {
            name: (
                np.asarray([one.at_s for one in mine]),
                np.asarray([_known(one.handle_s) for one in mine]),
                np.asarray([_known(one.patience_s) for one in mine]),
            )
            for name, mine in by_queue.items()
        },
        length_s=max(rows[-1].at_s, 1.0),
        patience_s=patience_s or {},
    )


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def read_calls(text: str) -> Recording:
    """Read a table with the columns ``at``, ``queue`` and perhaps ``handle`` and ``patience``.

    ``at`` is seconds since the twin's start, or ``HH:MM:SS`` since it; the rest is seconds,
    empty where it is to be drawn.

    Raises:
        InvalidInput: a line cannot be used; the message names it.
    """
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    columns = set(rows.fieldnames or ())
    for name in ("at", "queue"):
        if name not in columns:
            raise InvalidInput(f"line 1: the column {name!r} is missing")
    strange = sorted(columns - {"at", "queue", "handle", "patience"})
    if strange:
        raise InvalidInput(f"line 1: there is no column {strange[0]!r}")
    return recording_of(_rows(rows))


def _rows(rows: csv.DictReader[str]) -> Iterator[RecordedCall]:
    for row in rows:
        try:
            yield RecordedCall(
                at_s=_moment(row["at"] or ""),
                queue=row["queue"] or "",
                handle_s=_length(row.get("handle")),
                patience_s=_length(row.get("patience")),
            )
        except ValueError as error:
            raise InvalidInput(f"line {rows.line_num}: {error}") from error


def _moment(text: str) -> float:
    parts = text.split(":")
    if len(parts) > 3:
        raise ValueError(f"{text!r} is no time")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + float(part)
    if not 0 <= seconds < 366 * 86400:
        raise ValueError(f"{text!r} is no time within a year")
    return seconds * (60 if len(parts) == 2 else 1)


def _length(text: str | None) -> float | None:
    if text is None or not text.strip():
        return None
    seconds = float(text)
    if not seconds >= 0:
        raise ValueError(f"{text!r} is no length")
    return seconds


@dataclass(slots=True)
class _Seen:
    """What is known of one customer so far."""

    queue: QueueId
    at: Instant
    connected_at: Instant | None = None
    released_at: Instant | None = None
    gave_up_at: Instant | None = None


@dataclass(slots=True)
class JournalCalls:
    """Gathers the calls of a journal, event by event."""

    _seen: dict[InteractionId, _Seen] = field(default_factory=dict)

    def take(self, event: Event, at: Instant) -> None:
        """Take in one event that happened ``at``."""
        match event:
            case InteractionQueued():
                self._seen.setdefault(event.interaction, _Seen(event.queue, at))
            case OfferAccepted() if event.interaction in self._seen:
                self._seen[event.interaction].connected_at = at
            case InteractionReleased() if event.interaction in self._seen:
                self._seen[event.interaction].released_at = at
            case InteractionEnded() if event.interaction in self._seen:
                seen = self._seen[event.interaction]
                is_abandoned = event.outcome.reason is OutcomeReason.ABANDONED
                if is_abandoned and seen.connected_at is None:
                    seen.gave_up_at = at
            case _:
                pass

    def recording(self) -> Recording:
        """Return what was gathered.

        Raises:
            InvalidInput: nobody entered a queue.
        """
        if not self._seen:
            raise InvalidInput("nobody entered a queue in this journal")
        start = min(seen.at for seen in self._seen.values())
        calls = (_call_of(seen, start) for seen in self._seen.values())
        return recording_of(calls, self._patience_s())

    def _patience_s(self) -> dict[str, float]:
        waited: dict[str, float] = {}
        lost: dict[str, int] = {}
        for seen in self._seen.values():
            until = seen.connected_at or seen.gave_up_at
            if until is not None:
                waited[seen.queue] = waited.get(seen.queue, 0.0) + (until - seen.at) / SECOND
            if seen.gave_up_at is not None:
                lost[seen.queue] = lost.get(seen.queue, 0) + 1
        return {name: waited[name] / count for name, count in lost.items() if waited[name] > 0}


def _call_of(seen: _Seen, start: Instant) -> RecordedCall:
    handle_s = None
    if seen.connected_at is not None and seen.released_at is not None:
        handle_s = (seen.released_at - seen.connected_at) / SECOND
    return RecordedCall((seen.at - start) / SECOND, seen.queue, handle_s, None)
