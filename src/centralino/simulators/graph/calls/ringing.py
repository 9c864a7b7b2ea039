# SPDX-License-Identifier: Apache-2.0
"""One attempt to reach somebody: a person, the one his calls go to, or another application.

It ends in exactly one of: answered, failed with a word, cancelled by who made it. Forwarding and
voicemail happen inside, up to `MOST_FORWARDS` deep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.settings import Turn
from centralino.wire.graph.identity import Identity, IdentityKind

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.agenda import Timer
    from centralino.simulators.graph.calls.people import Seat, Somebody
    from centralino.simulators.graph.calls.world import CallWorld

MOST_FORWARDS: Final = 5
_REFUSALS: Final = {
    "busy": "busy",
    "signed-out": "no-endpoints",
    "unreachable": "unreachable",
    "no-route": "no-route",
    "no-signalling": "no-signalling",
    "private": "private-calling-disabled",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to reach, and how."""

    target: Identity
    may_forward: bool = True
    timeout_ms: int = 0
    """0 leaves it to the settings."""
    depth: int = 0
    caller: str = ""
    """Whose name shows where it rings."""


class Attempt:
    """Rings one target."""

    def __init__(
        self,
        world: CallWorld,
        wish: Wish,
        on_answer: Callable[[Seat], None],
        on_fail: Callable[[str], None],
    ) -> None:
        """Begin to ring.

        Args:
            world: where the target is looked for.
            wish: whom to reach.
            on_answer: told once, of who answered.
            on_fail: told once, why nobody did.
        """
        self._world = world
        self._wish = wish
        self._on_answer = on_answer
        self._on_fail = on_fail
        self._timers: list[Timer] = []
        self._inner: Attempt | None = None
        self.id = world.new_id()
        self.began_at = world.now
        self.caller_name = wish.caller
        self._turn = Turn()
        self.somebody: Somebody | None = world.find_person(wish.target)
        self.is_over = False
        limit_ms = wish.timeout_ms or world.settings.timing.ring_ms
        self._later(limit_ms, partial(self.fail, "no-answer"))
        if self.somebody is None:
            self._refuse("no-route" if wish.target.kind is IdentityKind.PHONE else "no-endpoints")
        elif wish.may_forward and self.somebody.person.forward_to:
            self._forward(self.somebody.person.forward_to)
        else:
            self._ring(self.somebody)

    def _later(self, delay_ms: int, action: Callable[[], None]) -> None:
        self._timers.append(self._world.later(delay_ms, action))

    def _refuse(self, why: str) -> None:
        self._later(self._world.settings.timing.refuse_ms, partial(self.fail, why))

    def _ring(self, somebody: Somebody) -> None:
        person = somebody.person
        if person.when_busy == "busy" and somebody.seats:
            self._refuse("busy")
            return
        self._turn = turn = somebody.next_turn()
        if turn.behaviour in _REFUSALS:
            self._refuse(_REFUSALS[turn.behaviour])
            return
        somebody.ringing.append(self)
        self._world.tell("ringing", person=person.id)
        if turn.behaviour == "answer":
            self._later(turn.answer_after_ms, self.answer)
        elif turn.behaviour == "decline":
            self._later(turn.answer_after_ms, partial(self.fail, "declined"))
        elif self._wish.may_forward:
            self._plan_forward("voicemail" if turn.behaviour == "voicemail" else "")

    def _plan_forward(self, place: str) -> None:
        assert self.somebody is not None  # noqa: S101 - only rung people come here
        person = self.somebody.person
        place = place or person.unanswered_to
        if place == "voicemail":
            self._later(person.unanswered_after_ms, partial(self.answer, is_voicemail=True))
        elif place:
            self._later(person.unanswered_after_ms, partial(self._forward, place))

    def _forward(self, place: str) -> None:
        if self.is_over:
            return
        target = self._world.find_place(place)
        if target is None or self._wish.depth >= MOST_FORWARDS:
            self._refuse("no-route")
            return
        self._stop_ringing()
        wish = replace(self._wish, target=target, depth=self._wish.depth + 1)
        self._inner = Attempt(self._world, wish, self._answered, self.fail)

    def answer(self, *, is_voicemail: bool = False) -> None:
        """The person takes the call; nothing happens when it is over."""
        if self.is_over or self.somebody is None:
            return
        self._stop_ringing()
        seat = self.somebody.sit_down(is_voicemail=is_voicemail)
        turn = Turn() if is_voicemail else self._turn
        self._answered(seat)
        self.somebody.begin(seat, turn)

    def _answered(self, seat: Seat) -> None:
        self._finish()
        self._world.tell("answered", person=seat.person.person.id, is_voicemail=seat.is_voicemail)
        self._on_answer(seat)

    def fail(self, why: str) -> None:
        """Nobody takes the call; nothing happens when it is over."""
        if self.is_over:
            return
        self._finish()
        self._world.tell("not-answered", target=self._wish.target.id, why=why)
        self._on_fail(why)

    def cancel(self) -> None:
        """Who made the attempt gives it up."""
        if not self.is_over:
            self._finish()

    def _finish(self) -> None:
        self.is_over = True
        self._stop_ringing()
        for timer in self._timers:
            timer.cancel()
        if self._inner is not None:
            self._inner.cancel()

    def _stop_ringing(self) -> None:
        if self.somebody is not None and self in self.somebody.ringing:
            self.somebody.ringing.remove(self)
