# SPDX-License-Identifier: Apache-2.0
"""How a lifecycle of the SIP stack is written down: one table in one file.

Each lifecycle module has its states and events as enums, `INITIAL`, `TERMINAL` and `TABLE`, a
mapping of (state, event) to a `Step`: the next state and the actions done on the way, in order.
The diagrams of the docs are generated from these tables. What is not listed is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from centralino.wire.errors import LocalProtocolError

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


class Step(NamedTuple, Generic[S, A]):
    """One transition."""

    state: S
    """The state afterwards."""
    actions: tuple[A, ...] = ()
    """What is done once the state is set, in order."""


class IllegalTransition(LocalProtocolError):
    """A machine got an event that its table does not list for its state."""

    def __init__(self, machine: str, state: str, event: str) -> None:
        """Name the machine, the state it was in and the event it got."""
        super().__init__("illegal-transition", f"{machine}: no step from {state} on {event}")
        self.machine = machine
        self.state = state
        self.event = event


def step(table: Mapping[tuple[S, E], Step[S, A]], machine: str, state: S, event: E) -> Step[S, A]:
    """Return the row of `table`.

    Raises:
        IllegalTransition: there is no such row.
    """
    row = table.get((state, event))
    if row is None:
        raise IllegalTransition(machine, state, event)
    return row
