# SPDX-License-Identifier: Apache-2.0
"""The people of an organisation as Microsoft knows them: to find, to import, to ask when free.

Nothing here is kept: names and addresses belong to the directory, we keep ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.microsoft import PersonId
    from centralino.exchange.presence import PresenceReading


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory."""

    id: PersonId
    name: str
    """For people to read."""
    user: str
    """User principal name, for Teams and sign-in."""
    mail: str = ""
    job: str = ""
    department: str = ""
    phone: str = ""
    """His first business number, empty without one."""


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person as a transfer picker shows him."""

    person: Person
    presence: PresenceReading | None = None
    """Where we follow him or could ask; with its source and age."""


@dataclass(frozen=True, slots=True)
class Availability:
    """When somebody is free by his calendar."""

    person: str
    """His mail address, as asked."""
    view: str
    """One digit per interval: 0 free, 1 tentative, 2 busy, 3 out of office, 4 elsewhere; empty
    when his calendar cannot be read."""
    interval_min: int

    def is_free_at(self, minutes: int) -> bool | None:
        """Tell whether he is free so many minutes after the beginning; ``None``: unknown.

        >>> Availability("a", "02", 30).is_free_at(29), Availability("a", "02", 30).is_free_at(30)
        (True, False)
        >>> Availability("a", "", 30).is_free_at(0) is None
        True
        """
        index = minutes // self.interval_min
        if not 0 <= index < len(self.view):
            return None
        return self.view[index] in "04"


class DirectoryPort(Protocol):
    """Finds people. Each call is bounded in time and in how many it returns."""

    async def search(self, text: str, *, most: int = 20) -> Sequence[PersonFound]:
        """Return people whose name, address or department begins with ``text``.

        Raises:
            InvalidInput: fewer than two characters.
            RemoteError: the directory cannot be asked now; who asks shows what he knows.
        """
        ...

    async def members(self, group: str, *, most: int = 10_000) -> Sequence[Person]:
        """Return the people of a security group, its nested groups included."""
        ...

    async def ids_of(self, users: Sequence[str]) -> dict[str, PersonId]:
        """Return the ids of user principal names (lower case); unknown ones are missing."""
        ...

    async def availability(
        self, mails: Sequence[str], start: int, minutes: int, *, interval_min: int = 30
    ) -> Sequence[Availability]:
        """Return when people are free from ``start`` (UTC nanoseconds) on."""
        ...


class DirectoriesPort(Protocol):
    """The directories of all organisations; the door asks for one."""

    def directory_of(self, tenant: TenantId) -> DirectoryPort | None:
        """Return an organisation's directory, ``None`` where none is followed."""
        ...
