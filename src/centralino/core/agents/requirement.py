# SPDX-License-Identifier: Apache-2.0

"""What an agent must be to take something: a small closed language over skills and attributes.

A requirement is data, in a configuration or with a wait; there is nothing in it that could be
run. Skills have levels from 1 to 10, an agent without a skill has level 0. Attributes are
texts, whole numbers or yes and no; an agent without an attribute meets nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from centralino.core.kernel.errors import InvalidInput

AttributeValue = bool | int | str
MOST_NODES = 100
"""A requirement has at most so many parts."""
MOST_LEVEL = 10


class _Node(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True
):
    """What all parts of a requirement share."""


class HasSkill(_Node, frozen=True, tag="skill"):
    """The level of a skill is in a range."""

    skill: str
    at_least: int = 1
    at_most: int = MOST_LEVEL


class AttributeIs(_Node, frozen=True, tag="is"):
    """An attribute has one of these values."""

    attribute: str
    any_of: tuple[AttributeValue, ...]


class AttributeBetween(_Node, frozen=True, tag="between"):
    """An attribute that is a number is in a range, ends included; no end when left out."""

    attribute: str
    at_least: int | None = None
    at_most: int | None = None


class AllOf(_Node, frozen=True, tag="all"):
    """Every part holds; true of no parts."""

    of: tuple[Requirement, ...]


class AnyOf(_Node, frozen=True, tag="any"):
    """At least one part holds; false of no parts."""

    of: tuple[Requirement, ...]


class NoneOf(_Node, frozen=True, tag="none"):
    """No part holds: with one part, *not*."""

    of: tuple[Requirement, ...]


Requirement = HasSkill | AttributeIs | AttributeBetween | AllOf | AnyOf | NoneOf
"""One requirement."""


class Skilled(Protocol):
    """Whoever can be held against a requirement."""

    @property
    def skills(self) -> Mapping[str, int]:
        """Skill to level."""
        ...

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """Attribute to value."""
        ...


def meets(agent: Skilled, requirement: Requirement) -> bool:
    """Tell whether an agent meets a requirement."""
    match requirement:
        case HasSkill():
            level = agent.skills.get(requirement.skill, 0)
            return requirement.at_least <= level <= requirement.at_most
        case AttributeIs():
            value = agent.attributes.get(requirement.attribute)
            return value is not None and any(_is_same(value, one) for one in requirement.any_of)
        case AttributeBetween():
            return _is_between(agent.attributes.get(requirement.attribute), requirement)
        case AllOf():
            return all(meets(agent, part) for part in requirement.of)
        case AnyOf():
            return any(meets(agent, part) for part in requirement.of)
        case NoneOf():
            return not any(meets(agent, part) for part in requirement.of)


def key_of(requirement: Requirement) -> bytes:
    """Return what only the same requirement has; a yes is another than the number 1."""
    return msgspec.json.encode(requirement)


def parts_of(requirement: Requirement) -> Iterator[Requirement]:
    """Yield a requirement and all parts of it."""
    yield requirement
    if isinstance(requirement, AllOf | AnyOf | NoneOf):
        for part in requirement.of:
            yield from parts_of(part)


def require_sensible(requirement: Requirement, path: str) -> None:
    """Check the ranges and the size of a requirement.

    Raises:
        InvalidInput: a range nobody can be in, or too many parts.
    """
    for count, part in enumerate(parts_of(requirement), start=1):
        if count > MOST_NODES:
            raise InvalidInput(f"{path}: more than {MOST_NODES} parts", details={"path": path})
        match part:
            case HasSkill(at_least=least, at_most=most):
                is_empty = not 0 <= least <= most <= MOST_LEVEL
            case AttributeBetween(at_least=low, at_most=high):
                is_empty = low is not None and high is not None and low > high
            case AttributeIs():
                is_empty = not part.any_of
            case _:
                is_empty = False
        if is_empty:
            raise InvalidInput(f"{path}: nobody can be in this range", details={"path": path})


def _is_same(value: AttributeValue, wanted: AttributeValue) -> bool:
    """Compare values of one type; a yes is not the number 1."""
    return type(value) is type(wanted) and value == wanted


def _is_between(value: AttributeValue | None, part: AttributeBetween) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    is_enough = part.at_least is None or value >= part.at_least
    return is_enough and (part.at_most is None or value <= part.at_most)
