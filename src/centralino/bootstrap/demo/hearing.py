# SPDX-License-Identifier: Apache-2.0
"""What the far side says that it did and heard, gathered from its report.

The report is the only witness: nothing the product claims about audio is used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CallerWitness:
    """One call as its caller lived it."""

    number: str
    tone_hz: int
    is_over: bool = False
    was_answered: bool = False
    heard: tuple[int, ...] = ()
    """Agents' tones, hertz."""


@dataclass(slots=True)
class AgentWitness:
    """One call as a Teams user lived it."""

    number: str
    tone_hz: int
    caller: str
    """Text of the From header."""
    is_over: bool = False
    was_answered: bool = False
    heard: tuple[int, ...] = ()
    """Callers' tones, hertz."""


@dataclass(slots=True)
class Hearing:
    """All witnesses; takes the report line by line."""

    callers: dict[str, CallerWitness] = field(default_factory=dict)
    """By the caller's number."""
    agents: dict[str, AgentWitness] = field(default_factory=dict)
    """By the far side's session."""
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
        match line.get("what"):
            case "ready":
                self.is_ready = True
            case "arrivals.done":
                self.are_arrivals_done = True
            case "call.placed":
                number = str(line["number"])
                self.callers[number] = CallerWitness(number, int(line["own_tone_hz"]))
            case "call.ended":
                self._end(self.callers.get(str(line["number"])), line)
            case "user.called":
                self.agents[str(line["session"])] = AgentWitness(
                    str(line["number"]), int(line["own_tone_hz"]), str(line.get("from_", ""))
                )
            case "user.ended":
                self._end(self.agents.get(str(line["session"])), line)
            case _:
                pass

    def agent_for(self, agent_number: str, caller_number: str) -> AgentWitness | None:
        """Return the answered call of a Teams user with a caller."""
        for witness in self.agents.values():
            is_pair = witness.number == agent_number and caller_number in witness.caller
            if is_pair and witness.was_answered:
                return witness
        return None

    @staticmethod
    def _end(witness: CallerWitness | AgentWitness | None, line: dict[str, Any]) -> None:
        if witness is not None:
            witness.is_over = True
            witness.was_answered = bool(line.get("was_answered"))
            witness.heard = tuple(int(hz) for hz in line.get("tones_heard", ()))
