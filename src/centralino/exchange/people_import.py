# SPDX-License-Identifier: Apache-2.0
"""From the people of a group to the agents of a tenant's file: what is new, what has gone.

Pure. Nobody is changed by himself: what comes out is a piece of the tenant's file, to be read
and put there, because queues and skills are the company's to decide. Somebody without a
business number cannot be rung, and is named instead of taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from centralino.exchange.directory import Person

_NUMBER = re.compile(r"\+[1-9][0-9]{3,14}")
_NOT_IN_NUMBERS = re.compile(r"[\s().\-/]")
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class NewAgent:
    """Somebody to take in."""

    id: str
    name: str
    number: str
    """E.164."""
    user: str
    """User principal name."""


@dataclass(frozen=True, slots=True)
class PeopleImport:
    """What an import would do."""

    new: tuple[NewAgent, ...]
    gone: tuple[str, ...]
    """Agents of the file whose user is not in the groups."""
    unreachable: tuple[str, ...]
    """Users without a business number that can be called."""
    known: int
    """How many are agents already."""


def plan_import(people: Iterable[Person], agents: Sequence[tuple[str, str]]) -> PeopleImport:
    """Return what is to be done to make agents of people.

    Args:
        people: the members of all groups; somebody may be in several.
        agents: the id and user of each agent of the tenant's file.
    """
    members = {person.user.lower(): person for person in people}
    by_user = {user.lower(): agent for agent, user in agents if user}
    taken = {agent for agent, _ in agents}
    new: list[NewAgent] = []
    unreachable: list[str] = []
    for user, person in sorted(members.items()):
        if user in by_user:
            continue
        number = number_of(person.phone)
        if number is None:
            unreachable.append(person.user)
            continue
        agent = _free_id(person.user, taken)
        taken.add(agent)
        new.append(NewAgent(agent, person.name, number, person.user))
    gone = tuple(agent for user, agent in sorted(by_user.items()) if user not in members)
    known = sum(user in members for user in by_user)
    return PeopleImport(tuple(new), gone, tuple(unreachable), known)


def number_of(phone: str) -> str | None:
    """Return a business number as E.164; ``None`` when it is none.

    >>> number_of("+39 02 1234-5611"), number_of("02 1234"), number_of("")
    ('+390212345611', None, None)
    """
    plain = _NOT_IN_NUMBERS.sub("", phone)
    return plain if _NUMBER.fullmatch(plain) else None


def agent_id(user: str) -> str:
    """Return an agent's id for a user principal name.

    >>> agent_id("Zoë.D'Angelo@aurora-outdoor.example")
    'zoe-d-angelo'
    """
    local = unicodedata.normalize("NFKD", user.partition("@")[0]).encode("ascii", "ignore")
    found = _NOT_IN_IDS.sub("-", local.decode().lower()).strip("-")[:60] or "agent"
    return found if found[0].isalpha() else f"a-{found}"


def as_yaml(new: Sequence[NewAgent], queues: Sequence[str]) -> str:
    """Return agents as a tenant's file has them; empty for none."""
    if not new:
        return ""
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "number": one.number,
            "user": one.user,
            "queues": list(queues),
        }
        for one in new
    ]
    return yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=100)


def _free_id(user: str, taken: set[str]) -> str:
    wanted = agent_id(user)
    number = 2
    found = wanted
    while found in taken:
        found = f"{wanted}-{number}"
        number += 1
    return found
