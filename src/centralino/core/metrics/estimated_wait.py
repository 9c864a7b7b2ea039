# SPDX-License-Identifier: Apache-2.0
"""How long somebody at a place in a queue waits yet, how sure that is, and whether it was right.

A queue with agents of its own is reckoned by its length: those before him are served by ``s``
agents or give up, so he waits for the sum over i of 1 / (s / handling + i / patience). Where
agents are shared with other queues nobody knows how many of them this one gets; then the pace
decides at which it has been left lately, and before there is one, the wait of the last who was
served. Waits are about gamma distributed around that; how far off they really were is counted
as normal scores, and the intervals are read from these counts.

Source: R. Ibrahim and W. Whitt, Real-time delay estimation in overloaded multiserver queues
with abandonments, Management Science 55 (2009); E. Wilson and M. Hilferty, The distribution
of chi-square, PNAS 17 (1931).
"""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

from centralino.core.kernel.instant import MILLISECOND, Duration, Instant

MOST_WEIGHT = 200
"""So many conversations make a mean; later ones count for one part in so many."""
_GAP_WEIGHT = 40
_MOST_LOST = 500
_MOST_SERVED = 10_000
_FEWEST_GAPS = 5
_EXACT_TERMS = 48
_BINS = 33
_BIN_WIDTH = 0.25
_MOST_SCORES = 1200
_PRIOR = tuple(
    40 * _BIN_WIDTH / math.sqrt(2 * math.pi) * math.exp(-(((n - _BINS // 2) * _BIN_WIDTH) ** 2) / 2)
    for n in range(_BINS)
)
"""What is believed before anything was counted: 40 waits that the gamma distribution fits."""


class WaitMethod(StrEnum):
    """How an estimate was made."""

    QUEUE_LENGTH = "queue-length"
    PACE = "pace"
    LAST_SERVED = "last-served"


class WaitEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """How long somebody waits yet."""

    method: WaitMethod
    expected_ms: int
    shape: float
    """Of the gamma distribution: the larger, the surer."""
    likely_ms: tuple[int, int]
    """Half of all waits end between these."""
    almost_ms: tuple[int, int]
    """Nine of ten waits end between these."""


class WaitRecord(msgspec.Struct):
    """What is known of the waits of one queue; part of a tenant's state."""

    handled: int = 0
    """Conversations in the mean handling time, at most :data:`MOST_WEIGHT`."""
    served: int = 0
    lost: int = 0
    waited: Duration = Duration(0)
    """Of both together; the three are halved together, so that the past fades."""
    last_wait: Duration = Duration(-1)
    """Of the last who was served; -1 before any."""
    gap: Duration = Duration(0)
    """Mean time between two who left the queue while others waited: a moving average."""
    gaps: int = 0
    left_at: Instant = Instant(0)
    is_queued: bool = False
    """Whether somebody was left waiting then."""
    scores: dict[WaitMethod, list[int]] = {}
    """How often waits had which normal score."""

    @property
    def patience(self) -> Duration | None:
        """Mean patience of the customers, ``None`` when nobody gave up yet."""
        return Duration(self.waited // self.lost) if self.lost and self.waited else None

    def note_handled(self, mean: Duration | None, took: Duration) -> Duration:
        """Take in a conversation; returns the new mean."""
        self.handled = min(self.handled + 1, MOST_WEIGHT)
        return took if mean is None else Duration(mean + (took - mean) // self.handled)

    def note_left(self, at: Instant, waited: Duration, waiting: int, *, is_served: bool) -> None:
        """Take in somebody who was connected or gave up; ``waiting`` stay behind."""
        if self.is_queued and at >= self.left_at:
            self.gaps = min(self.gaps + 1, _GAP_WEIGHT)
            self.gap = Duration(self.gap + (at - self.left_at - self.gap) // self.gaps)
        self.left_at, self.is_queued = at, waiting > 0
        self.waited = Duration(self.waited + waited)
        if is_served:
            self.last_wait = waited
            self.served += 1
        else:
            self.lost += 1
        if self.lost >= _MOST_LOST or self.served >= _MOST_SERVED:
            self.served, self.lost = self.served // 2, self.lost // 2
            self.waited = Duration(self.waited // 2)

    def judge(self, estimate: WaitEstimate, actual_ms: int) -> None:
        """Count how far off an estimate was."""
        counts = self.scores.setdefault(estimate.method, [0] * _BINS)
        place = round(score(estimate, actual_ms) / _BIN_WIDTH) + _BINS // 2
        counts[min(max(place, 0), _BINS - 1)] += 1
        if sum(counts) > _MOST_SCORES:
            counts[:] = [count // 2 for count in counts]

    def estimate(
        self, position: int, agents: int, handling: Duration | None, *, is_shared: bool
    ) -> WaitEstimate | None:
        """Return how long somebody at ``position`` (from 1) waits yet, ``None`` if it is unknown.

        ``agents`` are those at work who may take him; ``is_shared`` says that they have other
        queues too.
        """
        if not agents or position < 1:
            return None
        if is_shared and self.gaps >= _FEWEST_GAPS:
            mean_ms = position * self.gap / MILLISECOND
            return self._around(WaitMethod.PACE, mean_ms, float(position))
        if is_shared and self.last_wait > 0:
            return self._around(WaitMethod.LAST_SERVED, self.last_wait / MILLISECOND, 1.0)
        if handling is None or handling <= 0:
            return None
        mean_ms, shape = queue_length_wait(
            position,
            agents,
            handling / MILLISECOND,
            None if self.patience is None else self.patience / MILLISECOND,
        )
        return self._around(WaitMethod.QUEUE_LENGTH, mean_ms, shape)

    def _around(self, method: WaitMethod, mean_ms: float, shape: float) -> WaitEstimate:
        counts = self.scores.get(method)
        edges = [_quantile(counts, share) for share in (0.25, 0.75, 0.05, 0.95)]
        marks = [round(_at_score(mean_ms, shape, edge)) for edge in edges]
        return WaitEstimate(
            method=method,
            expected_ms=round(mean_ms),
            shape=round(shape, 3),
            likely_ms=(marks[0], marks[1]),
            almost_ms=(marks[2], marks[3]),
        )


def queue_length_wait(
    position: int, agents: int, handling: float, patience: float | None
) -> tuple[float, float]:
    """Return the mean wait at a place from 1, in the unit of ``handling``, and its gamma shape.

    >>> queue_length_wait(3, 10, 100.0, None)
    (30.0, 3.0)
    >>> mean, shape = queue_length_wait(3, 10, 100.0, 200.0)
    >>> round(mean, 3)
    28.615
    """
    pace = agents / handling
    if patience is None:
        return position / pace, float(position)
    mean = spread = 0.0
    exact = min(position, _EXACT_TERMS)
    for before in range(exact):
        rate = pace + before / patience
        mean += 1.0 / rate
        spread += 1.0 / (rate * rate)
    if position > exact:
        first, last = pace + (exact - 0.5) / patience, pace + (position - 0.5) / patience
        mean += patience * math.log(last / first)
        spread += patience * (1.0 / first - 1.0 / last)
    return mean, mean * mean / spread


def score(estimate: WaitEstimate, actual_ms: int) -> float:
    """Return the normal score of a wait: 0 is the middle of what was expected, -2 is short.

    >>> sure = WaitEstimate(method=WaitMethod.PACE, expected_ms=1000, shape=9.0,
    ...                     likely_ms=(0, 0), almost_ms=(0, 0))
    >>> round(score(sure, 1000), 2), score(sure, 100) < -3
    (0.11, True)
    """
    shape = estimate.shape
    root = math.pow(max(actual_ms, 0) / max(estimate.expected_ms, 1), 1 / 3)
    return (root - 1.0 + 1.0 / (9.0 * shape)) * 3.0 * math.sqrt(shape)


def _at_score(mean: float, shape: float, at: float) -> float:
    """Return the wait of a normal score: Wilson and Hilferty's cube."""
    root = 1.0 - 1.0 / (9.0 * shape) + at / (3.0 * math.sqrt(shape))
    return mean * math.pow(max(root, 0.0), 3)


def _quantile(counts: list[int] | None, share: float) -> float:
    """Return the score below which a share of all waits lies, the prior among them."""
    weights = _PRIOR if counts is None else [a + b for a, b in zip(counts, _PRIOR, strict=True)]
    wanted = share * sum(weights)
    for place, weight in enumerate(weights):
        if wanted <= weight:
            return (place - _BINS // 2 - 0.5 + wanted / weight) * _BIN_WIDTH
        wanted -= weight
    return (_BINS // 2 + 0.5) * _BIN_WIDTH
