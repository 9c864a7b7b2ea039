# SPDX-License-Identifier: Apache-2.0
"""One turn of a flow in the making: the position opened up, actions and log so far.

The node modules read and change a :class:`Run`; nothing else of the interpreter does.
A node is never entered from within another: :meth:`Run.follow` only names the next one, and
the interpreter's loop enters it, so that long chains need no stack.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from centralino.core.calendars.calendar import WEEKDAYS
from centralino.core.calendars.hours import time_zone
from centralino.core.flows import actions
from centralino.core.flows.expressions import Failure, Scope
from centralino.core.flows.position import CallFacts, FlowPosition, Frame, Progress
from centralino.core.flows.turn import LogEntry, Turn
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND, Instant, milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from centralino.core.flows.document import Value
    from centralino.core.flows.library import CompiledFlow, FlowLibrary
    from centralino.core.flows.nodes import AnyNode, Target

PLAY_WITHIN_MS = 300_000
"""Longest playing; a driver that does not tell its end is not waited for any longer."""
CONNECT_WITHIN_MS = 15_000
"""Added to the time that a telephone rings, before a transfer counts as failed."""
MOST_DEPTH = 8
"""Flows inside each other."""
MOST_IN_BURST = 100
"""Nodes and queue steps within one second; more is a loop in which no time passes."""
MOST_ENTERED = 2000
"""Nodes and queue steps of one call."""
LONGEST = 12 * 3600 * SECOND
"""A call that is longer in its flows takes no further step."""
EMERGENCY = "emergency"
"""The stage in which the operator is rung because a flow cannot go on."""


class Run:
    """A position that is being moved on."""

    def __init__(self, library: FlowLibrary, position: FlowPosition, now: Instant) -> None:
        self.library = library
        self.now = now
        self.facts: CallFacts = position.facts
        self.frames = list(position.frames)
        self.versions = position.versions
        self.language = position.language
        self.variables = dict(position.variables)
        self.progress: Progress = position.progress
        self.expects: tuple[str, ...] = position.expects
        self.deadline = position.deadline
        self.end = position.end
        self.pending: str | None = None
        """The node to be entered next."""
        self.queue_names: dict[str, int] | None = None
        """What a queue has told in this very turn."""
        self._position = position
        self._asks = position.asks
        self._entered = position.entered
        self._burst_at, self._burst = position.burst_at, position.burst
        self._has_tried_operator = position.has_tried_operator
        self._actions: list[actions.AnyAction] = []
        self._entries: list[LogEntry] = []

    @property
    def compiled(self) -> CompiledFlow | None:
        """The innermost flow in the version of this call."""
        name = self.frames[-1].flow
        return self.library.flow(name, self.versions.get(name, 0))

    @property
    def node(self) -> AnyNode | None:
        """The present node."""
        compiled = self.compiled
        return None if compiled is None else compiled.flow.nodes.get(self.frames[-1].node)

    def turn(self) -> Turn:
        """Return what came of it."""
        position = msgspec.structs.replace(
            self._position,
            frames=tuple(self.frames),
            versions=self.versions,
            language=self.language,
            variables=self.variables,
            progress=self.progress,
            asks=self._asks,
            expects=self.expects,
            deadline=self.deadline,
            entered=self._entered,
            burst_at=self._burst_at,
            burst=self._burst,
            has_tried_operator=self._has_tried_operator,
            end=self.end,
        )
        return Turn(position=position, actions=tuple(self._actions), entries=tuple(self._entries))

    # what a node does -----------------------------------------------------------------------

    def do(self, action: actions.AnyAction) -> None:
        """Ask for something."""
        self._actions.append(action)

    def ask(self) -> str:
        """Return a new name for an action that will be answered."""
        self._asks += 1
        return f"flow-{self._asks}"

    def wait(self, *asks: str, within_ms: int) -> None:
        """Wait for one of ``asks``, at most so long."""
        self.expects = asks
        self.deadline = Instant(self.now + milliseconds(within_ms))

    def mark(self, **changes: object) -> None:
        """Change how far the present node is."""
        self.progress = msgspec.structs.replace(self.progress, **changes)

    def log(self, edge: str, to: str = "", detail: str = "") -> None:
        """Note a step."""
        frame = self.frames[-1]
        self._entries.append(
            LogEntry(
                flow=frame.flow,
                version=self.versions.get(frame.flow, 0),
                node=frame.node,
                edge=edge,
                to=to,
                detail=detail,
            )
        )

    def follow(self, edge: str, to: str | None, detail: str = "") -> None:
        """Take an edge; without a target that is the flow's fallback, then the operator."""
        compiled = self.compiled
        if to is None and compiled is not None and self.frames[-1].node != compiled.flow.fallback:
            to = compiled.flow.fallback
        self.log(edge, to or "", detail)
        if to is None:
            self.give_up(detail or f"the edge {edge} leads nowhere")
        else:
            self.pending = to

    def arrive(self, node: str) -> None:
        """Make a node the present one, as new."""
        self.frames[-1] = Frame(self.frames[-1].flow, node)
        self.progress = Progress(entered_at=self.now)
        self.expects, self.deadline = (), None

    def finish(self, end: str, cause: str = "normal") -> None:
        """End the flow: ``connected`` hands the caller over, ``hung-up`` ends the call."""
        if end == "hung-up":
            self.do(actions.HangUp(cause=cause))
        self.log("end", detail=end)
        self.end = "connected" if end == "connected" else "hung-up"
        self.expects, self.deadline, self.pending = (), None, None

    def give_up(self, reason: str) -> None:
        """Go on without the flow: ring the operator once, else end the call."""
        self.pending = None
        operator = self.library.catalogue.operator
        if operator is None or self._has_tried_operator:
            self.log("give-up", detail=reason)
            self.finish("hung-up", "error")
            return
        self._has_tried_operator = True
        self.log("operator", detail=reason)
        self.progress = Progress(stage=EMERGENCY)
        self.ring(operator, 60)

    def ring(self, target: Target, ring_for_s: int) -> None:
        """Ring somebody and wait for the end of it."""
        ask = self.ask()
        self.do(actions.Transfer(ask=ask, target=target, ring_for_ms=ring_for_s * 1000))
        self.wait(ask, within_ms=ring_for_s * 1000 + CONNECT_WITHIN_MS)

    def is_endless(self) -> bool:
        """Count one step; say whether there were too many, or too many in too little time."""
        self._entered += 1
        if self.now - self._burst_at >= SECOND:
            self._burst_at, self._burst = self.now, 0
        self._burst += 1
        is_late = self.now - self._position.began_at > LONGEST
        return is_late or self._burst > MOST_IN_BURST or self._entered > MOST_ENTERED

    # sounds ---------------------------------------------------------------------------------

    def languages(self) -> tuple[str, ...]:
        """Return in which languages to look for a prompt, the best first."""
        compiled = self.compiled
        fallback = compiled.flow.languages[:1] if compiled is not None else ()
        return (self.language, self.language.split("-", maxsplit=1)[0], *fallback)

    def sounds(self, prompts: Sequence[str]) -> list[actions.Sound]:
        """Return recordings of prompts; those that are not there are left out and noted."""
        found: list[actions.Sound] = []
        for prompt in prompts:
            clip = self.library.clip(prompt, self.languages())
            if clip is None:
                self.log("no-prompt", detail=prompt)
            else:
                found.append(clip)
        return found

    def number(self, value: int) -> list[actions.Sound]:
        """Return how a number is said: recordings of its digits, or the synthetic voice."""
        clips = [self.library.clip(f"digit-{digit}", self.languages()) for digit in str(value)]
        if all(clip is not None for clip in clips):
            return [clip for clip in clips if clip is not None]
        return [actions.Speech(str(value), self.language)]

    def play(self, sounds: Sequence[actions.Sound], *, may_interrupt: bool = False) -> str | None:
        """Play sounds; return the ask whose answer is their end, ``None`` when there are none."""
        if not sounds:
            return None
        ask = self.ask()
        self.do(actions.Play(ask=ask, sounds=tuple(sounds), may_interrupt=may_interrupt))
        return ask

    def loop(self, prompts: Sequence[str]) -> None:
        """Play prompts again and again; what cannot be found is silence."""
        sounds = tuple(self.sounds(prompts))
        if sounds:
            self.do(actions.Play(ask=self.ask(), sounds=sounds, is_looped=True))
        else:
            self.do(actions.StopPlay())

    # expressions ----------------------------------------------------------------------------

    def value(
        self, source: str, scope: Scope, wanted: str, more: Mapping[str, object] | None = None
    ) -> Value | Failure:
        """Evaluate an expression of the present flow."""
        compiled = self.compiled
        program = None if compiled is None else compiled.program(source, scope, wanted)
        if program is None:
            return Failure("the expression is broken")
        names: dict[str, object] = {
            "caller.number": self.facts.caller_number,
            "caller.name": self.facts.caller_name,
            "caller.language": self.language,
            "called.number": self.facts.called_number,
        }
        if "now" in source:
            names |= self._now_names()
        names |= {f"vars.{name}": value for name, value in self.variables.items()}
        if more is not None:
            names |= more
        return program.value(names)

    def _now_names(self) -> dict[str, object]:
        compiled = self.compiled
        try:
            zone = time_zone("UTC" if compiled is None else compiled.flow.zone)
            local = datetime.fromtimestamp(self.now // SECOND, tz=zone)
        except (InvalidInput, OverflowError, ValueError, OSError):
            return {}
        return {
            "now.hour": local.hour,
            "now.minute": local.minute,
            "now.weekday": WEEKDAYS[local.weekday()],
            "now.date": local.date().isoformat(),
        }

    # nesting --------------------------------------------------------------------------------

    def open_flow(self, name: str) -> bool:
        """Go into a flow; say whether there is one of that name and room for it."""
        compiled = self.library.flow(name, self.versions.get(name, 0))
        if compiled is None or len(self.frames) >= MOST_DEPTH:
            return False
        self.frames.append(Frame(name, ""))
        for variable, declared in compiled.flow.variables.items():
            self.variables.setdefault(variable, declared.default)
        self.follow("begin", compiled.flow.start)
        return True

    def close_flow(self) -> bool:
        """Leave the innermost flow; say whether there is another around it."""
        if len(self.frames) == 1:
            return False
        self.frames.pop()
        return True
