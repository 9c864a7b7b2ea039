# SPDX-License-Identifier: Apache-2.0
"""Service level: which calls count as answered in time, in every way the field counts them.

Whoever wants to compare with Teams, Asterisk or a contract picks the definition by its name
and keeps name, version and threshold beside the figure. A wait runs from entering the queue
until an agent is connected; the threshold itself is in time; without calls there is no
figure, which is not the same as 100 %.

Source: Microsoft, Teams call queue metrics; Asterisk, app_queue; the glossary of this product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from centralino.core.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What came of the calls of a queue in a span of time."""

    offered: int
    """Entered the queue."""
    answered: int
    answered_in_time: int
    """At the threshold at the latest."""
    abandoned: int
    abandoned_in_time: int
    """Gave up at the threshold at the latest."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One definition."""

    name: str
    version: int
    """Grows when the meaning changes; figures of different versions are not compared."""
    formula: str
    """For people."""
    used_by: str
    _parts: Callable[[QueueCounts], tuple[int, int]]

    def ratio(self, counts: QueueCounts) -> float | None:
        """Return the share between 0 and 1, ``None`` when there is nothing to divide by.

        >>> counts = QueueCounts(
        ...     offered=10, answered=8, answered_in_time=6, abandoned=2, abandoned_in_time=1
        ... )
        >>> [SERVICE_LEVELS[name].ratio(counts) for name in ("sl_met_handled", "asterisk_sl2")]
        [0.75, 0.7]
        """
        good, whole = self._parts(counts)
        return good / whole if whole > 0 else None


_ALL = (
    ServiceLevel(
        "sl_met_handled",
        1,
        "answered in time / answered",
        "Teams call queues, Asterisk",
        lambda one: (one.answered_in_time, one.answered),
    ),
    ServiceLevel(
        "sl_met_no_abandon",
        1,
        "answered in time / (offered - abandoned in time)",
        "Teams call queues",
        lambda one: (one.answered_in_time, one.offered - one.abandoned_in_time),
    ),
    ServiceLevel(
        "sl_met_positive_abandon",
        1,
        "(answered in time + abandoned in time) / offered",
        "Teams call queues",
        lambda one: (one.answered_in_time + one.abandoned_in_time, one.offered),
    ),
    ServiceLevel(
        "sl_met_negative_abandon",
        1,
        "answered in time / offered",
        "Teams call queues; the strictest",
        lambda one: (one.answered_in_time, one.offered),
    ),
    ServiceLevel(
        "asterisk_sl2",
        1,
        "(answered in time + abandoned in time) / (answered + abandoned)",
        "Asterisk",
        lambda one: (
            one.answered_in_time + one.abandoned_in_time,
            one.answered + one.abandoned,
        ),
    ),
)

SERVICE_LEVELS: Mapping[str, ServiceLevel] = MappingProxyType({one.name: one for one in _ALL})
"""Every definition by its name."""

DEFAULT = SERVICE_LEVELS["sl_met_negative_abandon"]
"""What is meant where nothing else is said."""


def service_level(name: str) -> ServiceLevel:
    """Return a definition.

    Raises:
        NotFound: there is none of this name; the message lists those there are.
    """
    if name not in SERVICE_LEVELS:
        known = ", ".join(SERVICE_LEVELS)
        raise NotFound(f"there is no service level {name}; there are: {known}")
    return SERVICE_LEVELS[name]
