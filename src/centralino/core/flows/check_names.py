# SPDX-License-Identifier: Apache-2.0
"""Names that a flow uses and the company should have: queues, prompts, calendars, people.

A prompt is looked for in every language the flow speaks. Missing in one of them is advice
while another can stand in, and an error when a caller would hear nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from centralino.core.flows import nodes
from centralino.core.flows.edges import prompts_of

if TYPE_CHECKING:
    from centralino.core.flows.document import Flow
    from centralino.core.flows.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Finding:
    """One name that is not there."""

    node: str
    path: tuple[str, ...]
    reason: str
    is_error: bool = True


def unknown(kind: str, name: str, known: Collection[str]) -> str:
    """Say that there is no such name, and which was perhaps meant.

    >>> unknown("queue", "sale", ["sales", "support"])
    'there is no queue sale; perhaps sales'
    """
    close = get_close_matches(name, list(known), n=1)
    return f"there is no {kind} {name}" + (f"; perhaps {close[0]}" if close else "")


@dataclass(frozen=True, slots=True)
class NameCheck:
    """A flow, and the names there are."""

    flow: Flow
    surroundings: Surroundings
    others: Mapping[str, Flow]

    def findings(self) -> Iterator[Finding]:
        """Return every name that is missing."""
        for name, node in self.flow.nodes.items():
            yield from self._prompts(name, node)
            for path, kind, wanted, known in self._uses(node):
                if wanted not in known:
                    reason = f"{'.'.join(path)}: {unknown(kind, wanted, known)}"
                    yield Finding(name, path, reason)
            yield from self._people(name, node)

    def _uses(
        self, node: nodes.AnyNode
    ) -> Iterator[tuple[tuple[str, ...], str, str, Collection[str]]]:
        around = self.surroundings
        match node:
            case nodes.QueueNode() | nodes.CallbackNode():
                yield ("queue",), "queue", node.queue, around.queues
                for skill in node.skills:
                    yield ("skills", skill), "skill", skill, around.skills
                if isinstance(node, nodes.QueueNode):
                    for at, agent in enumerate(node.agents):
                        yield ("agents", str(at)), "agent", agent, around.agents
            case nodes.HoursNode():
                calendars = [calendar.name for calendar in around.calendars]
                yield ("calendar",), "calendar", node.calendar, calendars
            case nodes.FlowNode():
                yield ("flow",), "flow", node.flow, (*self.others, self.flow.flow)
            case nodes.VoicemailNode():
                yield ("box",), "voicemail box", node.box, around.voicemail_boxes
            case nodes.LookupNode():
                for header, secret in node.secrets.items():
                    yield ("secrets", header), "secret", secret, around.secrets
            case _:
                return

    def _people(self, name: str, node: nodes.AnyNode) -> Iterator[Finding]:
        around = self.surroundings
        if isinstance(node, nodes.OperatorNode) and around.operator is None:
            yield Finding(name, (), "the company has no operator")
        dials = isinstance(node, nodes.MenuNode) and node.direct_dial
        if (dials or isinstance(node, nodes.DirectoryNode)) and not around.directory:
            yield Finding(name, (), "the company's directory is empty")
        if isinstance(node, nodes.DirectoryNode):
            groups = {group for person in around.directory for group in person.groups}
            for field in ("groups", "except_groups"):
                for number, group in enumerate(getattr(node, field)):
                    if group not in groups:
                        path = (field, str(number))
                        yield Finding(name, path, f"{field}: {unknown('group', group, groups)}")

    def _prompts(self, name: str, node: nodes.AnyNode) -> Iterator[Finding]:
        known = self.surroundings.prompts
        for path, prompt in prompts_of(node):
            if prompt not in known:
                reason = f"{'.'.join(path)}: {unknown('prompt', prompt, known)}"
                yield Finding(name, path, reason)
                continue
            recorded = known[prompt]
            missing = [one for one in self.flow.languages if one not in recorded]
            if not recorded or "" in recorded or not missing:
                continue
            lacks = f"{'.'.join(path)}: {prompt} is not recorded in {', '.join(missing)}"
            stand_in = self.flow.languages[0]
            if stand_in in recorded:
                yield Finding(name, path, f"{lacks}; {stand_in} is played", is_error=False)
            else:
                yield Finding(name, path, f"{lacks}, and nothing can stand in")
