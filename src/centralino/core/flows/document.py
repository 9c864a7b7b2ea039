# SPDX-License-Identifier: Apache-2.0
"""A flow as people write it, and what a tenant publishes: flows, names, directory.

A flow is a document with a start and named nodes. A :class:`Catalogue` is what a tenant
has published: every version that a call may still need, the newest of each name being the
one that new calls get. It is plain data, so it travels through the journal with the
tenant's configuration; ``library`` makes it fast to run.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from centralino.core.calendars.calendar import Calendar
from centralino.core.flows.nodes import AnyNode, Identifier, Name, PromptName, Target

Value = str | int | float | bool
"""What a variable holds."""
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
"""A language such as ``it`` or ``en-GB``."""


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable of the interaction: flows that declare the same name share its value."""

    type: Literal["string", "int", "double", "bool"]
    default: Value

    def __post_init__(self) -> None:
        """Refuse a default of another type; a whole number will do for a ``double``.

        Raises:
            ValueError: the default does not fit the type.
        """
        if self.type == "double" and type(self.default) is int:
            msgspec.structs.force_setattr(self, "default", float(self.default))
        if not fits(self.type, self.default):
            raise ValueError(f"the default is not of type {self.type}")


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flow."""

    flow: Name
    """Its name."""
    note: str = ""
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1, max_length=32)]
    """Those it speaks; the first one stands in where a prompt has no other."""
    zone: str = "UTC"
    """Time zone of ``now`` in expressions, an IANA name."""
    variables: dict[Identifier, Variable] = {}
    start: Name
    fallback: Name | None = None
    """Where edges lead that are left out; without it such a call goes to the operator."""
    nodes: Annotated[dict[Name, AnyNode], msgspec.Meta(min_length=1, max_length=1000)]


class PublishedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a flow."""

    version: int
    """From 1, per name."""
    flow: Flow


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who can be dialled by name or extension."""

    name: str
    target: Target
    extension: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,8}$")] = ""
    groups: tuple[Name, ...] = ()
    name_prompt: PromptName | None = None
    """A recording of the name; a synthetic voice says it when left out."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a tenant has published for its flows."""

    flows: tuple[PublishedFlow, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    prompts: dict[str, tuple[str, ...]] = {}
    """Prompt to the languages it is recorded in; ``""`` is one without language (music)."""
    directory: tuple[Person, ...] = ()
    operator: Target | None = None

    def newest(self, name: str) -> PublishedFlow | None:
        """Return the version of a flow that new calls get."""
        versions = [one for one in self.flows if one.flow.flow == name]
        return max(versions, key=lambda one: one.version, default=None)


def publish(catalogue: Catalogue, flow: Flow) -> Catalogue:
    """Return a catalogue in which ``flow`` is the newest of its name.

    Idempotent: publishing what is already the newest changes nothing.
    """
    newest = catalogue.newest(flow.flow)
    if newest is not None and newest.flow == flow:
        return catalogue
    version = 1 if newest is None else newest.version + 1
    flows = (*catalogue.flows, PublishedFlow(version=version, flow=flow))
    return msgspec.structs.replace(catalogue, flows=flows)


def retire(catalogue: Catalogue, in_use: frozenset[tuple[str, int]]) -> Catalogue:
    """Return a catalogue without the old versions that no call of ``in_use`` began with."""
    newest = {one.flow.flow: one.version for one in sorted(catalogue.flows, key=_by_version)}
    kept = tuple(
        one
        for one in catalogue.flows
        if newest[one.flow.flow] == one.version or (one.flow.flow, one.version) in in_use
    )
    return msgspec.structs.replace(catalogue, flows=kept)


def fits(type_name: str, value: object) -> bool:
    """Say whether a value is of a variable's type; an int is no bool and no double.

    >>> fits("int", True), fits("int", 3), fits("double", 2.5)
    (False, True, True)
    """
    wanted = {"string": str, "int": int, "double": float, "bool": bool}[type_name]
    return type(value) is wanted


def _by_version(one: PublishedFlow) -> int:
    return one.version
