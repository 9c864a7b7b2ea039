# SPDX-License-Identifier: Apache-2.0
"""Which facts have been taken: each once, by (driver, generation, fact).

The cursor needs no storage of its own: the keys of journal records tell after a restart
which facts are durable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.exchange.facts import AnyFact

_PREFIX = "fact"


class FactCursor:
    """Remembers the highest fact of each generation of each driver."""

    def __init__(self) -> None:
        self._highest: dict[tuple[str, int], int] = {}

    def recover(self, keys: Iterable[str]) -> None:
        """Learn from the keys of a journal's records."""
        for key in keys:
            prefix, *rest = key.split("/")
            if prefix == _PREFIX and len(rest) == 3:
                self._note(rest[0], int(rest[1]), int(rest[2]))

    def take(self, driver: str, fact: AnyFact) -> bool:
        """Return whether a fact is new, and remember it."""
        if fact.fact <= self._highest.get((driver, fact.generation), 0):
            return False
        self._note(driver, fact.generation, fact.fact)
        return True

    def _note(self, driver: str, generation: int, fact: int) -> None:
        name = (driver, generation)
        self._highest[name] = max(fact, self._highest.get(name, 0))


def key_of(driver: str, fact: AnyFact) -> str:
    """Return the idempotency key of a fact's command."""
    return f"{_PREFIX}/{driver}/{fact.generation}/{fact.fact}"
