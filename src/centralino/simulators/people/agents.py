# SPDX-License-Identifier: Apache-2.0
"""Those who answer: how fast, how often not, and what they do while they talk.

Habits are dealt from a deck of ``round`` calls, so that each habit occurs as often as it
says; what comes out is the list of a Teams user's turns, one per call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

from centralino.simulators.people.draws import Span, deal
from centralino.simulators.scenario import Action, Behaviour, UserTurn

Habit = Literal["plain", "decline", "miss", "busy", "transfer", "hold"]
_TRANSFER_AFTER = Span(1_500, 0.2, 1_000, 3_000)
_HOLD_AFTER = Span(1_500, 0.2, 1_000, 2_500)
_HOLD_FOR = Span(1_000, 0.2, 600, 2_000)
_REFUSALS: dict[Habit, Behaviour] = {"decline": "decline", "miss": "no-answer", "busy": "busy"}


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody treats his calls; counts are of ``round`` calls."""

    answer: Span
    """From the INVITE to the answer."""
    round: int = 10
    declines: int = 0
    misses: int = 0
    busy: int = 0
    """Calls of his own, dealt as one spell: his phone says busy so often in a row."""
    transfers: int = 0
    transfers_to: tuple[str, ...] = ()
    """``oid`` of a Teams user or a number, in turn."""
    transfer_after: Span = _TRANSFER_AFTER
    """From the answer to the transfer."""
    holds: int = 0
    hold_after: Span = _HOLD_AFTER
    hold_for: Span = _HOLD_FOR


def make_turns(seed: int, name: str, habits: Habits, count: int) -> tuple[UserTurn, ...]:
    """Return what ``name`` does with his first ``count`` calls; the same for the same seed.

    Raises:
        ValueError: more calls have a habit than there are in a round.
    """
    dice = Random(f"{seed}/agent/{name}")
    targets = _in_turn(habits.transfers_to)
    return tuple(
        _turn(dice, habit, habits, targets) for habit in islice(_habits(dice, habits), count)
    )


def _habits(dice: Random, habits: Habits) -> Iterator[Habit]:
    transfers = habits.transfers if habits.transfers_to else 0
    spell = min(habits.busy, 1)
    plain = habits.round - habits.declines - habits.misses - habits.busy - transfers
    plain -= habits.holds
    if plain < 0:
        raise ValueError(f"more than {habits.round} calls in a round of {habits.round}")
    counts: dict[Habit, int] = {
        "plain": plain,
        "decline": habits.declines,
        "miss": habits.misses,
        "busy": spell,
        "transfer": transfers,
        "hold": habits.holds,
    }
    for habit in deal(dice, counts):
        yield from [habit] * (habits.busy if habit == "busy" else 1)


def _turn(dice: Random, habit: Habit, habits: Habits, targets: Iterator[str]) -> UserTurn:
    return UserTurn(
        behaviour=_REFUSALS.get(habit, "answer"),
        answer_after_ms=habits.answer.draw(dice),
        actions=_actions(dice, habit, habits, targets),
    )


def _actions(
    dice: Random, habit: Habit, habits: Habits, targets: Iterator[str]
) -> tuple[Action, ...]:
    if habit == "transfer":
        after_ms = habits.transfer_after.draw(dice)
        return (Action(at_ms=after_ms, do="refer", target=next(targets)),)
    if habit == "hold":
        after_ms = habits.hold_after.draw(dice)
        back_ms = after_ms + habits.hold_for.draw(dice)
        return (Action(at_ms=after_ms, do="hold"), Action(at_ms=back_ms, do="resume"))
    return ()


def _in_turn(targets: tuple[str, ...]) -> Iterator[str]:
    while targets:
        yield from targets
