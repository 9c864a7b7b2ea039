# SPDX-License-Identifier: Apache-2.0
"""The words all formulas share: the load that comes in, and how customers fare.

Times are seconds, rates are per second, shares lie between 0 and 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from centralino.core.kernel.errors import InvalidInput

MOST_SERVERS = 100_000
"""More agents in one queue are taken for a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Load:
    """Work that comes in at random (a Poisson stream) and takes ``handle_s`` each on average.

    >>> Load(rate_per_s=100 / 3600, handle_s=180).erlangs
    5.0

    Raises:
        InvalidInput: a figure is negative, not finite, or nobody would ever be done.
    """

    rate_per_s: float
    """Customers per second, 0 or more."""
    handle_s: float
    """Mean time an agent is busy with one, talk and wrap-up; more than 0."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require_number("calls", self.rate_per_s, least=0.0)
        require_number("handling time", self.handle_s, more_than=0.0)

    @property
    def erlangs(self) -> float:
        """The work that comes in, in agents who would be busy all the time."""
        return self.rate_per_s * self.handle_s


@dataclass(frozen=True, slots=True)
class Fare:
    """How customers and agents fare in the long run."""

    servers: int
    wait_ratio: float
    """Of those taken into the queue, who does not get an agent at once."""
    service_level_ratio: float
    """Of all who came, who got an agent within the threshold (``sl_met_negative_abandon``)."""
    mean_wait_s: float
    """Of those taken in, whether they were served or gave up; ``inf`` when the queue only grows."""
    answer_wait_s: float
    """Average speed of answer: of those who got an agent; ``inf`` when the queue only grows."""
    abandoned_ratio: float
    """Of all who came, who gave up."""
    blocked_ratio: float
    """Of all who came, who found no place."""
    occupancy_ratio: float
    """Of the agents' time, what they are busy."""
    waiting_mean: float
    """Customers who wait, on average."""


def require_servers(servers: int) -> None:
    """Check a number of agents.

    Raises:
        InvalidInput: it is negative or beyond :data:`MOST_SERVERS`.
    """
    if not 0 <= servers <= MOST_SERVERS:
        raise InvalidInput(
            f"agents: {servers} is not between 0 and {MOST_SERVERS}", details={"path": "agents"}
        )


def require_number(
    name: str, value: float, *, least: float | None = None, more_than: float | None = None
) -> None:
    """Check that a figure is finite and large enough.

    Raises:
        InvalidInput: it is not.
    """
    if not math.isfinite(value):
        raise InvalidInput(f"{name}: {value} is not a number to count with", details={"path": name})
    if least is not None and value < least:
        raise InvalidInput(f"{name}: {value:g} is less than {least:g}", details={"path": name})
    if more_than is not None and value <= more_than:
        raise InvalidInput(
            f"{name}: {value:g} is not more than {more_than:g}", details={"path": name}
        )
