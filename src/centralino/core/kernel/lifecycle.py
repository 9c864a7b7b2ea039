# SPDX-License-Identifier: Apache-2.0
"""A lifecycle as one table: states, events, and nothing that is not listed.

Each lifecycle lives in one file as a :class:`Lifecycle`; the diagrams in the docs are
generated from it. An unlisted transition raises
:class:`~centralino.core.kernel.errors.IllegalTransition`; a terminal state has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from centralino.core.kernel.errors import Bug, IllegalTransition

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class _Steps(dict[State, State]):
    lifecycle: str
    event: str

    def __missing__(self, state: State) -> State:
        raise IllegalTransition(self.lifecycle, str(state), self.event)


@dataclass(frozen=True)
class Lifecycle(Generic[State, Event]):
    """A table of transitions.

    Raises:
        Bug: a terminal state has transitions, or a state cannot be reached.
    """

    name: str
    """What lives this life, e.g. ``offer``."""
    initial: State
    """The state of a new one."""
    terminal: frozenset[State]
    """States that are never left."""
    table: Mapping[tuple[State, Event], State]
    """(state, event) to the next state."""

    def __post_init__(self) -> None:
        reached = {self.initial} | set(self.table.values())
        for state, event in self.table:
            if state in self.terminal:
                raise Bug(f"{self.name}: terminal state {state} has a transition on {event}")
            if state not in reached:
                raise Bug(f"{self.name}: state {state} cannot be reached")

    def next(self, state: State, event: Event) -> State:
        """Return the state after ``event``.

        Raises:
            IllegalTransition: the table has no such row.
        """
        try:
            return self.table[state, event]
        except KeyError:
            raise IllegalTransition(self.name, str(state), str(event)) from None

    def step(self, event: Event) -> Mapping[State, State]:
        """Return the state before to the state after of one event, for steps taken often.

        An unlisted state raises :class:`IllegalTransition` when it is looked up.
        """
        steps = _Steps({before: after for (before, by), after in self.table.items() if by is event})
        steps.lifecycle, steps.event = self.name, str(event)
        return steps

    def allows(self, state: State, event: Event) -> bool:
        """Say whether the table has a row for ``event`` in ``state``."""
        return (state, event) in self.table
