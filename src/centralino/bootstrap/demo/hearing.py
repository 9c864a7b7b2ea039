# SPDX-License-Identifier: Apache-2.0
"""What the far side says that it did and heard, gathered from its report.

The report is the only witness: nothing the product claims about audio is used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_CALLER = re.compile(r"sips?:(\+?[0-9]+)@")


@dataclass(slots=True)
class CallerWitness:
    """One call as its caller lived it."""

    number: str
    tone_hz: int
    is_over: bool = False
    was_answered: bool = False
    heard: tuple[int, ...] = ()
    """Parties' tones, hertz, lowest first."""
    heard_in_turn: tuple[int, ...] = ()
    """The same in the order of their first being heard."""
    has_given_up: bool = False
    """He hung up because nobody came."""
    ended_at: float = 0.0
    """Seconds since the Unix epoch."""


@dataclass(slots=True)
class PartyWitness:
    """One call as somebody lived it who was called: a Teams user, or a carrier's number."""

    number: str
    tone_hz: int
    caller: str
    """The caller's number, as the From line has it."""
    is_over: bool = False
    was_answered: bool = False
    heard: tuple[int, ...] = ()
    """Callers' tones, hertz."""
    has_referred: bool = False
    """He passed the caller on."""
    answered_at: float = 0.0
    """Seconds since the Unix epoch."""


@dataclass(slots=True)
class Hearing:
    """All witnesses; takes the report line by line."""

    callers: dict[str, CallerWitness] = field(default_factory=dict)
    """By the caller's number."""
    parties: dict[str, PartyWitness] = field(default_factory=dict)
    """By the far side's part and session."""
    _of_caller: dict[str, list[PartyWitness]] = field(default_factory=dict)
    """The same by the caller's number."""
    is_ready: bool = False
    are_arrivals_done: bool = False

    def take(self, text: str) -> None:
        """Take a line of the report; one that is none is passed over."""
        try:
            line = json.loads(text)
        except ValueError:
            return
        if not isinstance(line, dict):
            return
        kind, _, what = str(line.get("what")).partition(".")
        match kind:
            case "ready":
                self.is_ready = True
            case "arrivals":
                self.are_arrivals_done = True
            case "call" if "number" in line:
                self._take_caller(what, line)
            case "user" | "subscriber" if "session" in line:
                self._take_party(what, line)
            case _:
                pass

    def parties_of(self, caller_number: str) -> list[PartyWitness]:
        """Return the answered calls that somebody had with a caller, in their order."""
        found = [one for one in self._of_caller.get(caller_number, ()) if one.was_answered]
        return sorted(found, key=lambda one: one.answered_at)

    def _take_caller(self, what: str, line: dict[str, Any]) -> None:
        number = str(line["number"])
        if what == "placed":
            self.callers[number] = CallerWitness(number, int(line["own_tone_hz"]))
        witness = self.callers.get(number)
        if witness is None:
            return
        match what:
            case "heard":
                witness.heard_in_turn = (*witness.heard_in_turn, int(line["tone_hz"]))
            case "impatient":
                witness.has_given_up = True
            case "ended":
                witness.ended_at = float(line.get("at", 0.0))
                _end(witness, line)
            case _:
                pass

    def _take_party(self, what: str, line: dict[str, Any]) -> None:
        session = f"{line.get('part')}/{line['session']}"
        if what == "called":
            found = _CALLER.search(str(line.get("from_", "")))
            caller = found[1] if found is not None else ""
            party = PartyWitness(str(line["number"]), int(line["own_tone_hz"]), caller)
            self.parties[session] = party
            self._of_caller.setdefault(caller, []).append(party)
        witness = self.parties.get(session)
        if witness is None:
            return
        match what:
            case "answered":
                witness.answered_at = float(line.get("at", 0.0))
            case "referred":
                witness.has_referred = True
            case "ended":
                _end(witness, line)
            case _:
                pass


def _end(witness: CallerWitness | PartyWitness, line: dict[str, Any]) -> None:
    witness.is_over = True
    witness.was_answered = bool(line.get("was_answered"))
    witness.heard = tuple(int(hz) for hz in line.get("tones_heard", ()))
