# SPDX-License-Identifier: Apache-2.0
"""Scripted people: what they do when it rings, while they talk, and by hand.

A person has a `Ringing` for each call that rings him and a `Seat` for each call he is in: his line
and the room it hangs in. Everything he does by script can be done by hand at any moment, on the
call that he looks at: the newest ringing one to answer, the newest talking one for the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Protocol

from centralino.simulators.graph.calls.line import Line, Mouth, Utterance
from centralino.simulators.graph.calls.settings import Action, Behaviour, Person, Turn
from centralino.simulators.graph.calls.sound import frames_for, key_sound, sample_at, speech
from centralino.wire.graph.identity import Identity, IdentityKind
from centralino.wire.graph.tones import TONE_OF_KEY

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.room import Member
    from centralino.simulators.graph.calls.world import CallWorld

NS_PER_MS = 1_000_000
_KINDS = {
    "user": IdentityKind.USER,
    "phone": IdentityKind.PHONE,
    "guest": IdentityKind.GUEST,
}


class HandError(Exception):
    """Somebody pressed a button that does nothing now; the message says why."""


class Ringing(Protocol):
    """A call that rings somebody; see `ringing`."""

    id: str
    began_at: int
    caller_name: str

    def answer(self, *, is_voicemail: bool = False) -> None:
        """Connect it."""
        ...

    def fail(self, why: str) -> None:
        """End it without an answer."""
        ...


@dataclass(slots=True, eq=False)
class Seat:
    """One person in one call."""

    person: Somebody
    line: Line
    member: Member | None = None
    is_voicemail: bool = False
    holds: bool = False
    """He has put the others on hold."""
    is_muted: bool = False
    """By himself: he speaks and nobody hears."""
    voice: Utterance | None = None
    wants_to_speak: bool = False
    is_caller: bool = False
    has_begun: bool = False
    """His script runs."""


class Somebody:
    """A person at run time."""

    def __init__(self, world: CallWorld, person: Person) -> None:
        self.person = person
        self._world = world
        self._dice = Random(f"{world.settings.seed}/{person.id}")
        self._turn = 0
        self.ringing: list[Ringing] = []
        """What rings him, oldest first."""
        self.seats: list[Seat] = []
        """The calls he is in, oldest first."""
        self.override: Turn | None = None
        """Set by hand: what he does with his next calls instead of his script."""

    @property
    def identity(self) -> Identity:
        """Who he is in a call."""
        person = self.person
        kind = _KINDS[person.kind]
        tenant = (person.tenant_id or self._world.settings.tenant_id) if kind != "phone" else ""
        return Identity(kind, person.id, person.name, tenant)

    @property
    def status(self) -> str:
        """For the page: ``idle``, ``ringing``, ``talking`` or ``holding``."""
        if self.ringing:
            return "ringing"
        if self.seats:
            return "holding" if self.seats[-1].holds else "talking"
        return "idle"

    # ---- script

    def next_turn(self) -> Turn:
        """Return what he does with the call that comes now."""
        person = self.person
        if self.override is not None:
            return self.override
        if person.turns:
            self._turn += 1
            return person.turns[(self._turn - 1) % len(person.turns)]
        return Turn(
            behaviour=person.behaviour,
            answer_after_ms=self._reaction_ms(),
            talk_for_ms=person.talk_for_ms,
            actions=person.actions,
        )

    def _reaction_ms(self) -> int:
        person = self.person
        if not person.answer_sigma:
            return person.answer_after_ms
        centre = math.log(max(person.answer_after_ms, 1))
        return min(round(self._dice.lognormvariate(centre, person.answer_sigma)), 600_000)

    def behave(self, behaviour: Behaviour, answer_after_ms: int = 0) -> None:
        """From now on do this with every call, whatever the script says."""
        self.override = Turn(behaviour=behaviour, answer_after_ms=answer_after_ms)

    def sit_down(self, *, is_voicemail: bool = False) -> Seat:
        """Be in a call from now on."""
        for other in self.seats:
            if not other.holds and not other.is_voicemail:
                self.set_hold(other, on=True)
        line = Line(self._world.new_id(), self.person.id, self._world.now)
        seat = Seat(self, line, is_voicemail=is_voicemail)
        self.seats.append(seat)
        if is_voicemail or not self.person.is_silent:
            self.speak(seat)
        return seat

    def begin(self, seat: Seat, turn: Turn) -> None:
        """Begin what a turn says, counted from now; only once in a call."""
        if seat.has_begun:
            return
        seat.has_begun = True
        for action in turn.actions:
            self._world.later(action.at_ms, partial(self._act, seat, action))
        if turn.talk_for_ms:
            self._world.later(turn.talk_for_ms, partial(self.leave, seat))

    def _act(self, seat: Seat, action: Action) -> None:
        if seat not in self.seats:
            return
        match action.do:
            case "speak":
                self.speak(seat, action.for_ms)
            case "hush":
                self.hush(seat)
            case "keys":
                for index, key in enumerate(action.keys):
                    self._world.later(index * action.key_gap_ms, partial(self._key, seat, key))
            case "hold" | "resume":
                self.set_hold(seat, on=action.do == "hold")
            case "mute" | "unmute":
                self.set_mute(seat, on=action.do == "mute")
            case "hang-up":
                self.leave(seat)

    # ---- what he does in a call

    def speak(self, seat: Seat, for_ms: int = 0) -> None:
        """Speak his tone, for some time or until he is told otherwise."""
        self.hush(seat)
        person = self.person
        hertz = person.voicemail_tone_hz if seat.is_voicemail else person.tone_hz
        begin = sample_at(self._world.now)
        seat.voice = seat.line.mouth.say(speech(hertz), begin)
        if for_ms:
            Mouth.hush(seat.voice, begin + frames_for(for_ms * 16))

    def hush(self, seat: Seat) -> None:
        """Fall silent."""
        if seat.voice is not None:
            Mouth.hush(seat.voice, sample_at(self._world.now))
            seat.voice = None

    def _key(self, seat: Seat, key: str) -> None:
        if seat in self.seats and seat.member is not None:
            seat.member.room.key_pressed(seat.member, key)

    def set_hold(self, seat: Seat, *, on: bool) -> None:
        """Hold the others, or take them back."""
        if seat.holds != on and seat.member is not None:
            seat.holds = on
            seat.member.room.hold_changed(seat.member)

    def set_mute(self, seat: Seat, *, on: bool) -> None:
        """Mute himself, or not."""
        if seat.is_muted != on and seat.member is not None:
            seat.is_muted = on
            seat.member.room.roster_changed([seat.member])

    def leave(self, seat: Seat) -> None:
        """Hang up; nothing happens when the call is over."""
        if seat in self.seats and seat.member is not None:
            seat.member.room.leave(seat.member)

    def left(self, seat: Seat) -> None:
        """The call is over for him, whoever ended it."""
        self.hush(seat)
        seat.line.close(self._world.now)
        if seat in self.seats:
            self.seats.remove(seat)

    # ---- by hand

    def answer(self) -> None:
        """Take the call that rings.

        Raises:
            HandError: nothing rings.
        """
        self._newest_ringing().answer()

    def decline(self) -> None:
        """Refuse the call that rings.

        Raises:
            HandError: nothing rings.
        """
        self._newest_ringing().fail("declined")

    def hang_up(self) -> None:
        """End the call he is in, or stop ringing somebody.

        Raises:
            HandError: he is in no call.
        """
        self.leave(self._newest_seat())

    def press(self, keys: str) -> None:
        """Press keys one after the other, 300 ms apart.

        Raises:
            HandError: he is in no call, or a key is none.
        """
        seat = self._newest_seat()
        unknown = [key for key in keys if key.upper() not in TONE_OF_KEY]
        if unknown:
            raise HandError(f"{unknown[0]!r} is no key: 0-9, *, #, A-D, ! for a flash")
        for index, key in enumerate(keys.upper()):
            self._world.later(index * 300, partial(self._key, seat, key))

    def hold(self, *, on: bool = True) -> None:
        """Hold the others of the call he is in, or take them back.

        Raises:
            HandError: he is in no call.
        """
        self.set_hold(self._newest_seat(), on=on)

    def mute(self, *, on: bool = True) -> None:
        """Mute himself in the call he is in, or not.

        Raises:
            HandError: he is in no call.
        """
        self.set_mute(self._newest_seat(), on=on)

    def say(self, for_ms: int = 0) -> None:
        """Speak in the call he is in.

        Raises:
            HandError: he is in no call.
        """
        self.speak(self._newest_seat(), for_ms)

    def fall_silent(self) -> None:
        """Say nothing more in the call he is in.

        Raises:
            HandError: he is in no call.
        """
        self.hush(self._newest_seat())

    def _newest_ringing(self) -> Ringing:
        if not self.ringing:
            raise HandError(f"nothing rings {self.person.name or self.person.id}")
        return self.ringing[-1]

    def _newest_seat(self) -> Seat:
        if not self.seats:
            raise HandError(f"{self.person.name or self.person.id} is in no call")
        return self.seats[-1]


def press_sound(line: Line, key: str, now: int) -> None:
    """Let a line sound like a key that is pressed."""
    sound = key_sound(key)
    if sound is not None:
        line.mouth.say(sound, sample_at(now))
