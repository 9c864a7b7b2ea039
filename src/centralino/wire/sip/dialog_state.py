# SPDX-License-Identifier: Apache-2.0
"""Lifecycle of a dialog (RFC 3261 12): early, confirmed, terminated."""

from __future__ import annotations

from enum import StrEnum

from centralino.wire.sip.lifecycle import Step

NAME = "dialog"


class State(StrEnum):
    """Where the dialog stands."""

    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Event(StrEnum):
    """What can happen to it."""

    PROVISIONAL = "101-199"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    END = "bye"


INITIAL = State.EARLY
TERMINAL = frozenset({State.TERMINATED})

TABLE: dict[tuple[State, Event], Step[State, StrEnum]] = {
    (State.EARLY, Event.PROVISIONAL): Step(State.EARLY),
    (State.EARLY, Event.SUCCESS): Step(State.CONFIRMED),
    (State.EARLY, Event.FAILURE): Step(State.TERMINATED),
    (State.EARLY, Event.END): Step(State.TERMINATED),
    (State.CONFIRMED, Event.SUCCESS): Step(State.CONFIRMED),
    (State.CONFIRMED, Event.END): Step(State.TERMINATED),
}
