# SPDX-License-Identifier: Apache-2.0
"""Implements ``DirectoryPort`` on Graph.

What people type goes into a filter with its quotes doubled, never into a path.
Sources: Microsoft Graph, "List users", "List group transitive members", "calendar:
getSchedule".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from centralino.adapters.graph.presence import GraphPresence
from centralino.adapters.graph.request import GraphRequest
from centralino.core.kernel.errors import InvalidInput, NotFound, RemoteError
from centralino.core.kernel.instant import SECOND
from centralino.exchange.directory import Availability, Person, PersonFound
from centralino.exchange.microsoft import DirectoryId, PersonId
from centralino.exchange.presence import PresenceReading, PresenceSource

if TYPE_CHECKING:
    from centralino.adapters.graph.client import GraphClient
    from centralino.adapters.graph.presence_book import PresenceBook
    from centralino.exchange.ports import ClockPort

SHORTEST_TEXT = 2
LONGEST_TEXT = 100
MOST_FOUND = 50
MOST_SCHEDULES = 20
"""Mail addresses in one request for calendars."""
NAMES_PER_FILTER = 15
_SELECT = "id,displayName,userPrincipalName,mail,jobTitle,department,businessPhones"


_PERSON = "#microsoft.graph.user"
_CAMEL = {
    "display_name": "displayName",
    "user_principal_name": "userPrincipalName",
    "job_title": "jobTitle",
    "business_phones": "businessPhones",
}


class _User(msgspec.Struct, rename=_CAMEL):
    id: str
    display_name: str | None = None
    user_principal_name: str | None = None
    mail: str | None = None
    job_title: str | None = None
    department: str | None = None
    business_phones: list[str] = []

    def person(self) -> Person:
        return Person(
            id=PersonId(self.id.lower()),
            name=self.display_name or "",
            user=(self.user_principal_name or "").lower(),
            mail=self.mail or "",
            job=self.job_title or "",
            department=self.department or "",
            phone=self.business_phones[0] if self.business_phones else "",
        )


class _Member(_User, rename={**_CAMEL, "odata_type": "@odata.type"}):
    odata_type: str = _PERSON

    @property
    def is_person(self) -> bool:
        """A group's members may be groups, devices and applications too."""
        return self.odata_type == _PERSON


class _Users(msgspec.Struct):
    value: list[_User]


class _Presences(msgspec.Struct):
    value: list[GraphPresence]


class _Schedule(msgspec.Struct, rename="camel"):
    schedule_id: str
    availability_view: str | None = None


class _Schedules(msgspec.Struct):
    value: list[_Schedule]


class GraphDirectory:
    """People of one directory."""

    def __init__(
        self, client: GraphClient, directory: DirectoryId, book: PresenceBook, clock: ClockPort
    ) -> None:
        self._client = client
        self._directory = directory
        self._book = book
        self._clock = clock

    async def search(self, text: str, *, most: int = 20) -> Sequence[PersonFound]:
        """Find people with their presence; see ``DirectoryPort``."""
        wanted = text.strip()
        if not SHORTEST_TEXT <= len(wanted) <= LONGEST_TEXT:
            problem = f"type {SHORTEST_TEXT} to {LONGEST_TEXT} characters of a name"
            raise InvalidInput(problem, details={"path": "text"})
        quoted = _quoted(wanted)
        fields = ("displayName", "givenName", "surname", "userPrincipalName", "department")
        request = self._request(
            "find people",
            "/users",
            query={
                "$filter": " or ".join(f"startswith({name},{quoted})" for name in fields),
                "$select": _SELECT,
                "$top": str(min(most, MOST_FOUND)),
                "$count": "true",
            },
            headers={"ConsistencyLevel": "eventual"},
        )
        found = (await self._client.ask(request, _Users)).value
        people = [user.person() for user in found][:most]
        presence = await self._presence_of([person.id for person in people])
        return [PersonFound(person, presence.get(person.id)) for person in people]

    async def members(self, group: str, *, most: int = 10_000) -> Sequence[Person]:
        """Return a group's people; see ``DirectoryPort``."""
        request = self._request(
            "read a group",
            f"/groups/{_id(group)}/transitiveMembers",
            query={"$select": _SELECT, "$top": "999"},
            permission="GroupMember.Read.All",
        )
        people: list[Person] = []
        try:
            async for member in self._client.pages(request, _Member):
                if member.is_person:
                    people.append(member.person())
                if len(people) >= most:
                    break
        except NotFound as error:
            raise NotFound(f"there is no group {group} in the directory") from error
        return people

    async def ids_of(self, users: Sequence[str]) -> dict[str, PersonId]:
        """Return ids of user principal names; see ``DirectoryPort``."""
        names = sorted({user.lower() for user in users if user})
        found: dict[str, PersonId] = {}
        for start in range(0, len(names), NAMES_PER_FILTER):
            some = ",".join(_quoted(name) for name in names[start : start + NAMES_PER_FILTER])
            query = {"$filter": f"userPrincipalName in ({some})", "$select": _SELECT}
            async for user in self._pages(self._request("find users", "/users", query=query)):
                person = user.person()
                found[person.user] = person.id
        return found

    async def availability(
        self, mails: Sequence[str], start: int, minutes: int, *, interval_min: int = 30
    ) -> Sequence[Availability]:
        """Return when people are free; see ``DirectoryPort``."""
        found: list[Availability] = []
        for first in range(0, len(mails), MOST_SCHEDULES):
            asked = list(mails[first : first + MOST_SCHEDULES])
            body = {
                "schedules": asked,
                "startTime": _moment(start),
                "endTime": _moment(start + minutes * 60 * SECOND),
                "availabilityViewInterval": interval_min,
            }
            request = GraphRequest(
                operation="read calendars",
                method="POST",
                path=f"/users/{_id(asked[0])}/calendar/getSchedule",
                directory=self._directory,
                permission="Calendars.Read",
                body=body,
                reads_only=True,
            )
            answer = await self._client.ask(request, _Schedules)
            found += [
                Availability(one.schedule_id, one.availability_view or "", interval_min)
                for one in answer.value
            ]
        return found

    async def _presence_of(self, people: Sequence[PersonId]) -> dict[PersonId, PresenceReading]:
        """Return presence: what we follow as we know it, the others asked for now."""
        known = {one: reading for one in people if (reading := self._book.reading(one))}
        missing = [one for one in people if one not in known]
        if not missing:
            return known
        asked_at = self._clock.utc()
        request = GraphRequest(
            operation="read presences",
            method="POST",
            path="/communications/getPresencesByUserId",
            directory=self._directory,
            permission="Presence.Read.All",
            body={"ids": missing},
            area="presence",
            reads_only=True,
        )
        try:
            answer = await self._client.ask(request, _Presences)
        except RemoteError:
            return known  # people can be found without it
        readings = [one.reading(PresenceSource.POLL, asked_at) for one in answer.value]
        return known | {one.person: one for one in readings}

    def _pages(self, request: GraphRequest) -> AsyncIterator[_User]:
        return self._client.pages(request, _User)

    def _request(
        self,
        operation: str,
        path: str,
        *,
        query: dict[str, str],
        permission: str = "User.Read.All",
        headers: dict[str, str] | None = None,
    ) -> GraphRequest:
        return GraphRequest(
            operation=operation,
            method="GET",
            path=path,
            directory=self._directory,
            permission=permission,
            query=query,
            headers=headers or {},
        )


def _quoted(text: str) -> str:
    """Return an OData string literal.

    >>> _quoted("O'Hara")
    "'O''Hara'"
    """
    return "'" + text.replace("'", "''") + "'"


def _id(text: str) -> str:
    """Return an id that may stand in a path.

    Raises:
        InvalidInput: it would be more than one segment.
    """
    if not text or any(char in text for char in "/?#%\\") or not text.isprintable():
        raise InvalidInput("this is no id of the directory", details={"path": "id"})
    return text


def _moment(at: int) -> dict[str, str]:
    stamp = datetime.fromtimestamp(at // SECOND, tz=UTC)
    return {"dateTime": f"{stamp:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
