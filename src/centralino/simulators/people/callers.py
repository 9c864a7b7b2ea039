# SPDX-License-Identifier: Apache-2.0
"""The public: who calls, what he wants, how he uses the keys, and when he gives up.

An errand is what somebody calls for and the keys that lead there; its manner says what he
does instead. Callers are dealt from a deck, so a round of callers holds every errand as
often as its ``count``. Tones repeat only after all of them were used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

from centralino.simulators.people.draws import Patience, Span, deal
from centralino.simulators.scenario import Caller

Manner = Literal["right", "wrong-first", "silent", "leaves-menu", "leaves-queue", "stays"]
"""What he does with the keys: the right one; a wrong one and then the right one; none; none,
because he hangs up in the menu; the right one, but he hangs up shortly after; the right one,
and he waits whatever comes."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody calls for."""

    name: str
    called: str
    """The number he calls, E.164."""
    keys: str
    """The keys that lead there."""
    count: int = 1
    """How many of a round have it."""
    manner: Manner = "right"


@dataclass(frozen=True, slots=True)
class Public:
    """Everybody who may call."""

    errands: tuple[Errand, ...]
    tones_hz: tuple[int, ...]
    """What they speak, one after the other."""
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    prefix: str
    """Their numbers begin with it, E.164."""
    patience: Patience
    """From the answer to an agent."""
    talk: Span
    reaction: Span
    """From the answer to the first key."""
    stays_ms: int
    """How long those wait who wait whatever comes."""
    leaves_after: Span
    """From the last key to hanging up, of those who leave a queue."""
    leaves_menu_after: Span
    """From the answer to hanging up, of those who leave a menu."""
    wrong_key: str = "7"
    key_gap_ms: int = 900


def make_callers(seed: int, count: int, public: Public) -> tuple[Caller, ...]:
    """Return ``count`` callers with numbers of their own; the same for the same seed.

    The first callers are the same whatever ``count`` is.
    """
    order = Random(f"{seed}/errands")
    errands = islice(deal(order, {errand: errand.count for errand in public.errands}), count)
    return tuple(_caller(seed, index, errand, public) for index, errand in enumerate(errands))


def _caller(seed: int, index: int, errand: Errand, public: Public) -> Caller:
    dice = Random(f"{seed}/caller/{index}")
    reaction_ms = public.reaction.draw(dice)
    keys = _keys(errand, public)
    return Caller(
        number=f"{public.prefix}{index:05}",
        name=f"{_one_of(dice, public.first_names)} {_one_of(dice, public.last_names)}",
        called=errand.called,
        tone_hz=public.tones_hz[index % len(public.tones_hz)],
        keys=keys,
        keys_after_ms=reaction_ms,
        key_gap_ms=public.key_gap_ms,
        patience_ms=_patience_ms(dice, errand, public, reaction_ms, len(keys)),
        talk_for_ms=public.talk.draw(dice),
    )


def _keys(errand: Errand, public: Public) -> str:
    match errand.manner:
        case "silent" | "leaves-menu":
            return ""
        case "wrong-first":
            return public.wrong_key + errand.keys
        case _:
            return errand.keys


def _patience_ms(dice: Random, errand: Errand, public: Public, reaction_ms: int, keys: int) -> int:
    pressed_ms = reaction_ms + max(0, keys - 1) * public.key_gap_ms
    match errand.manner:
        case "leaves-menu":
            return public.leaves_menu_after.draw(dice)
        case "leaves-queue":
            return pressed_ms + public.leaves_after.draw(dice)
        case "stays":
            return public.stays_ms
        case _:
            return pressed_ms + public.patience.draw(dice)


def _one_of(dice: Random, names: Sequence[str]) -> str:
    return names[dice.randrange(len(names))]
