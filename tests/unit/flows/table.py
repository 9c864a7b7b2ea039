# SPDX-License-Identifier: Apache-2.0
"""A table for tests of flows: one flow, a caller, and hands to let things happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from centralino.core.calendars.calendar import Calendar
from centralino.core.flows import happenings as happened
from centralino.core.flows.actions import AnyAction, Clip, Play
from centralino.core.flows.document import Catalogue, Flow, Person, Value, publish
from centralino.core.flows.interpreter import begin, resume
from centralino.core.flows.library import FlowLibrary
from centralino.core.flows.nodes import Target
from centralino.core.flows.position import CallFacts
from centralino.core.kernel.instant import SECOND, Instant

if TYPE_CHECKING:
    from centralino.core.flows.turn import Turn

START = Instant(1_768_381_200 * SECOND)
"""Wednesday 2026-01-14, 10:00 in Rome."""
PROMPTS = ("greeting", "menu", "invalid", "silent", "hold", "goodbye", "position", "minutes")
OPERATOR = Target(number="+390212345699")
CALENDAR = Calendar(
    name="shop", zone="Europe/Rome", hours={"wed": ("09:00-18:00",)}, exceptions=(), holidays=()
)
PEOPLE = (
    Person(name="Anna Riva", target=Target(number="+390212345611"), extension="201"),
    Person(
        name="Bruno Riva",
        target=Target(number="+390212345612"),
        extension="202",
        groups=("sales",),
    ),
)
ActionKind = TypeVar("ActionKind", bound=AnyAction)


def flow_of(nodes: dict[str, Any], **fields: Any) -> Flow:  # noqa: ANN401
    """Return a flow that starts with the first of ``nodes``."""
    document = {
        "flow": "main",
        "languages": ["en", "it"],
        "start": next(iter(nodes)),
        "nodes": nodes | {"bye": {"type": "hang-up"}, "left": {"type": "hang-up"}},
    }
    return msgspec.convert(document | fields, Flow)


def catalogue_of(*flows: Flow, operator: Target | None = None) -> Catalogue:
    """Publish flows together with people, a calendar and prompts."""
    prompts: dict[str, tuple[str, ...]] = {"music": ("",), "english-only": ("en",)}
    digits = [f"digit-{digit}" for digit in range(10)]
    prompts |= dict.fromkeys((*PROMPTS, *digits), ("en", "it"))
    catalogue = Catalogue(
        calendars=(CALENDAR,),
        prompts=prompts,
        directory=PEOPLE,
        operator=operator,
    )
    for flow in flows:
        catalogue = publish(catalogue, flow)
    return catalogue


class Table:
    """A call in a flow."""

    def __init__(
        self,
        *flows: Flow,
        operator: Target | None = None,
        caller: str = "+390612345678",
        language: str = "",
    ) -> None:
        self.library = FlowLibrary(catalogue_of(*flows, operator=operator))
        self.now = START
        self.path: list[str] = []
        facts = CallFacts(called_number="+390212345600", caller_number=caller, language=language)
        self.turn = self._note(begin(self.library, flows[0].flow, facts, self.now))

    def tell(self, happening: happened.AnyHappening, after_s: float = 1) -> Turn:
        """Let something happen some time later."""
        self.now = Instant(self.now + round(after_s * SECOND))
        self.turn = self._note(resume(self.library, self.turn.position, happening, self.now))
        return self.turn

    def expire(self) -> Turn:
        """Let the deadline come."""
        deadline = self.turn.position.deadline
        assert deadline is not None
        self.now = deadline
        return self.tell(happened.Deadline(), 0)

    def press(self, digits: str, after_s: float = 1) -> Turn:
        """Answer what is collected."""
        return self.tell(happened.Collected(ask=self.ask, digits=digits), after_s)

    def finish_play(self) -> Turn:
        """End what is playing."""
        return self.tell(happened.PlayFinished(ask=self.ask))

    @property
    def ask(self) -> str:
        """The newest ask that is awaited."""
        return self.turn.position.expects[-1]

    @property
    def node(self) -> str:
        """Where the caller is."""
        return self.turn.position.frames[-1].node

    @property
    def edges(self) -> list[str]:
        """The edges that the last turn took."""
        return [entry.edge for entry in self.turn.entries]

    @property
    def variables(self) -> dict[str, Value]:
        """What the flow knows."""
        return self.turn.position.variables

    def only(self, kind: type[ActionKind]) -> ActionKind:
        """Return the one action of a kind in the last turn."""
        (found,) = [action for action in self.turn.actions if isinstance(action, kind)]
        return found

    def heard(self) -> list[str]:
        """Return the recordings and texts of the last turn."""
        return [
            sound.name if isinstance(sound, Clip) else sound.text
            for action in self.turn.actions
            if isinstance(action, Play)
            for sound in action.sounds
        ]

    def _note(self, turn: Turn) -> Turn:
        self.path += [entry.to for entry in turn.entries if entry.to]
        return turn
