# SPDX-License-Identifier: Apache-2.0
"""What a company has, as far as its flows name it: what a flow is checked and rehearsed against.

In a running product this is a part of the tenant; beside a flow on somebody's disk it is a
file of its own (``company.yaml``).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from centralino.core.calendars.calendar import Calendar
from centralino.core.flows.document import Catalogue, Flow, Person, PublishedFlow
from centralino.core.flows.nodes import Name, PromptName, Target


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that customers call, and what answers it."""

    number: Annotated[str, msgspec.Meta(pattern=r"^(\+[1-9][0-9]{3,14})?$")]
    flow: Name
    model: str = "connect"
    """``connect``, ``extend`` or ``power``."""
    profile: str = "behind-sbc"


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All names that flows may use."""

    queues: tuple[Name, ...] = ()
    skills: tuple[Name, ...] = ()
    agents: tuple[Name, ...] = ()
    voicemail_boxes: tuple[Name, ...] = ()
    secrets: tuple[Name, ...] = ()
    prompts: dict[PromptName, tuple[str, ...]] = {}
    """Prompt to the languages it is recorded in; none for one without language (music)."""
    calendars: tuple[Calendar, ...] = ()
    directory: tuple[Person, ...] = ()
    operator: Target | None = None
    numbers: tuple[Line, ...] = ()

    def catalogue(self, flows: tuple[Flow, ...]) -> Catalogue:
        """Return a catalogue in which each flow is published once."""
        return Catalogue(
            flows=tuple(PublishedFlow(version=1, flow=flow) for flow in flows),
            calendars=self.calendars,
            prompts={name: languages or ("",) for name, languages in self.prompts.items()},
            directory=self.directory,
            operator=self.operator,
        )
