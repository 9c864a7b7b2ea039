# SPDX-License-Identifier: Apache-2.0
"""Which facts have been taken: each once, by (driver, generation, fact).

The cursor needs no storage of its own: the keys of journal records tell after a restart
which facts are durable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from centralino.exchange.facts import AnyFact

MOST_GENERATIONS = 500
"""Starts of drivers whose last fact is remembered; a driver keeps no facts of older ones."""
MOST_KEYS = 10_000
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


class KeyDigest:
    """The keys of a journal that still matter, however long it is.

    Of facts the highest of each of the last generations of a driver; of everything else,
    such as commands over the API, the last ``MOST_KEYS``.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._facts: dict[tuple[str, int], int] = {}
        self._others: dict[str, None] = {}
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Take the next key of the journal; an empty one is none."""
        prefix, *rest = key.split("/")
        if prefix == _PREFIX and len(rest) == 3:
            name = (rest[0], int(rest[1]))
            self._facts[name] = max(int(rest[2]), self._facts.get(name, 0))
            _bound(self._facts, MOST_GENERATIONS)
        elif key:
            self._others[key] = None
            _bound(self._others, MOST_KEYS)

    def keys(self) -> tuple[str, ...]:
        """Return the keys, oldest first within facts and within the rest."""
        facts = (f"{_PREFIX}/{name}/{gen}/{fact}" for (name, gen), fact in self._facts.items())
        return (*facts, *self._others)


def _bound(entries: dict[Any, Any], most: int) -> None:
    if len(entries) > most:
        del entries[next(iter(entries))]


def key_of(driver: str, fact: AnyFact) -> str:
    """Return the idempotency key of a fact's command."""
    return f"{_PREFIX}/{driver}/{fact.generation}/{fact.fact}"
