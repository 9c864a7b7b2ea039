# SPDX-License-Identifier: Apache-2.0
"""Lengths of time as people have them, and shuffled decks of what they do.

Talk times and reaction times are close to lognormal; patience has a hump of people who
leave at once and a long tail (Brown et al., "Statistical Analysis of a Telephone Call
Center", 2005), here a Weibull part beside a lognormal one. A deck deals fixed counts in
random order, so that rare habits are sure to occur in any run that is long enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from random import Random

Card = TypeVar("Card")


@dataclass(frozen=True, slots=True)
class Span:
    """A lognormal length of time, cut off at both ends; milliseconds."""

    median_ms: int
    sigma: float = 0.4
    """Of the logarithm; 0 always gives the median."""
    least_ms: int = 0
    most_ms: int = 600_000

    def draw(self, dice: Random) -> int:
        """Return one length."""
        return _cut(dice.lognormvariate(math.log(self.median_ms), self.sigma), self)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long somebody waits: hasty people by Weibull, the others lognormally."""

    median_ms: int
    """Of those who are not hasty."""
    sigma: float = 0.5
    hasty_share: float = 0.0
    """Of all; 0 to 1."""
    hasty_scale_ms: int = 5_000
    """63 % of the hasty have left by then."""
    hasty_shape: float = 1.5
    """Below 1 most leave at the very start."""
    least_ms: int = 1_000
    most_ms: int = 600_000

    def draw(self, dice: Random) -> int:
        """Return one patience in milliseconds."""
        if dice.random() < self.hasty_share:
            return _cut(dice.weibullvariate(self.hasty_scale_ms, self.hasty_shape), self)
        return _cut(dice.lognormvariate(math.log(self.median_ms), self.sigma), self)


def deal(dice: Random, counts: Mapping[Card, int]) -> Iterator[Card]:
    """Yield cards without end: each round holds every card as often as ``counts`` says.

    Raises:
        ValueError: there is no card at all.
    """
    cards = [card for card, count in counts.items() for _ in range(count)]
    if not cards:
        raise ValueError("a deck needs a card")
    while True:
        dice.shuffle(cards)
        yield from cards


def _cut(length: float, span: Span | Patience) -> int:
    return round(min(max(length, span.least_ms), span.most_ms))
