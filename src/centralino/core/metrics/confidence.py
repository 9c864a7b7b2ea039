# SPDX-License-Identifier: Apache-2.0
"""How sure a mean of a few independent runs is: Student's t.

Source: W. S. Gosset 1908; the incomplete beta function by Lentz's continued fraction,
Abramowitz and Stegun 26.5.8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from centralino.core.kernel.errors import InvalidInput

_TINY = 1e-300
_STEPS = 300


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and how far off it may be."""

    mean: float
    half_width: float
    """The true value lies within ``mean`` +- this with the confidence asked for; ``inf`` for
    a single run, which says nothing about how much runs differ."""

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width


def spread_of(values: Sequence[float], confidence: float = 0.95) -> Spread:
    """Return mean and confidence interval of independent runs.

    >>> found = spread_of([1.0, 2.0, 3.0])
    >>> round(found.mean, 3), round(found.half_width, 3)
    (2.0, 2.484)

    Raises:
        InvalidInput: there is no value, or the confidence is not between 0 and 1.
    """
    if not values:
        raise InvalidInput("there are no runs to take a mean of")
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Spread(mean, math.inf)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return Spread(mean, student_t(confidence, count - 1) * math.sqrt(variance / count))


@lru_cache(maxsize=256)
def student_t(confidence: float, degrees: int) -> float:
    """Return the t within which a share ``confidence`` lies, on both sides together.

    >>> round(student_t(0.95, 9), 6)
    2.262157

    Raises:
        InvalidInput: the confidence is not between 0 and 1, or there is no degree of freedom.
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"confidence: {confidence:g} is not between 0 and 1")
    if degrees < 1:
        raise InvalidInput("confidence: one run alone has no spread")
    low, high = 0.0, 1.0
    while _inside(high, degrees) < confidence:
        low, high = high, high * 2
    for _ in range(100):
        middle = (low + high) / 2
        if _inside(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _inside(point: float, degrees: int) -> float:
    """Return the chance that |t| is at most ``point``."""
    return 1.0 - _beta_share(degrees / (degrees + point * point), degrees / 2, 0.5)


def _beta_share(point: float, first: float, second: float) -> float:
    """Return the regularised incomplete beta function."""
    if point <= 0.0 or point >= 1.0:
        return min(max(point, 0.0), 1.0)
    log_front = (
        math.lgamma(first + second)
        - math.lgamma(first)
        - math.lgamma(second)
        + first * math.log(point)
        + second * math.log1p(-point)
    )
    if point < (first + 1) / (first + second + 2):
        return math.exp(log_front) * _fraction(point, first, second) / first
    return 1.0 - math.exp(log_front) * _fraction(1.0 - point, second, first) / second


def _fraction(point: float, first: float, second: float) -> float:
    above, below = 1.0, _away(1.0 - (first + second) * point / (first + 1))
    below = 1.0 / below
    value = below
    for step in range(1, _STEPS):
        twice = 2 * step
        even = step * (second - step) * point / ((first + twice - 1) * (first + twice))
        odd = -(first + step) * (first + second + step) * point
        odd /= (first + twice) * (first + twice + 1)
        change = 1.0
        for part in (even, odd):
            below = 1.0 / _away(1.0 + part * below)
            above = _away(1.0 + part / above)
            change = above * below
            value *= change
        if abs(change - 1.0) < 1e-16:
            break
    return value


def _away(value: float) -> float:
    """Keep a divisor away from zero."""
    return value if abs(value) > _TINY else _TINY
