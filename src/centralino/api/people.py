# SPDX-License-Identifier: Apache-2.0
"""Finding colleagues over HTTP: who he is, what Teams says of him, when he is free.

The directory is asked for each request and nothing of it is kept. While presence cannot be
read, people are found without it.
"""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from centralino.api.door import Door
from centralino.api.errors import problem_specs
from centralino.api.views import Shown
from centralino.core.kernel.instant import SECOND, Instant, to_iso
from centralino.exchange.directory import PersonFound
from centralino.exchange.presence import PresenceReading

TAGS = ["people"]
PROBLEMS = problem_specs(400, 401, 404, 422, 502, 503)
MOST_FOUND = 50
MOST_MAILS = 20
LONGEST_MIN = 7 * 24 * 60

Text = Annotated[
    str,
    QueryParameter(
        min_length=2, max_length=100, description="The beginning of a name, address or department."
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST_FOUND, description="How many to return.")]
Mails = Annotated[
    list[str],
    QueryParameter(min_items=1, max_items=MOST_MAILS, description="Mail addresses."),
]
Minutes = Annotated[int, QueryParameter(ge=5, le=LONGEST_MIN, description="How far to look.")]


class PersonPresence(Shown, frozen=True, kw_only=True):
    """What Teams said of somebody, and when."""

    availability: str
    activity: str
    is_out_of_office: bool
    source: str
    """``poll`` or ``notification``."""
    read_at: str
    age_s: float


class FoundPerson(Shown, frozen=True, kw_only=True):
    """Somebody of the organisation."""

    id: str
    name: str
    user: str
    job: str
    department: str
    phone: str
    presence: PersonPresence | None
    """Missing when it cannot be read now."""


class PeoplePage(Shown, frozen=True, kw_only=True):
    """Some people, in the directory's order."""

    at: str
    people: tuple[FoundPerson, ...]


class FreeView(Shown, frozen=True, kw_only=True):
    """When somebody is free."""

    person: str
    view: str
    """One digit per interval: 0 free, 1 tentative, 2 busy, 3 out of office, 4 elsewhere; empty
    when the calendar cannot be read."""
    interval_min: int
    is_free_now: bool | None


class AvailabilityPage(Shown, frozen=True, kw_only=True):
    """When some people are free, from now on."""

    at: str
    people: tuple[FreeView, ...]


@get("/v1/people", tags=TAGS, operation_id="find_people", responses=PROBLEMS)
async def find_people(door: Door, text: Text, limit: Limit = 20) -> PeoplePage:
    """Find colleagues with their presence, for a transfer or a question."""
    found = await door.directory().search(text, most=limit)
    now = door.now()
    return PeoplePage(at=to_iso(now), people=tuple(_person(one, now) for one in found))


@get("/v1/people/availability", tags=TAGS, operation_id="read_availability", responses=PROBLEMS)
async def read_availability(door: Door, mail: Mails, minutes: Minutes = 120) -> AvailabilityPage:
    """Read when colleagues are free by their calendars."""
    now = door.now()
    found = await door.directory().availability(mail, now, minutes)
    people = tuple(
        FreeView(
            person=one.person,
            view=one.view,
            interval_min=one.interval_min,
            is_free_now=one.is_free_at(0),
        )
        for one in found
    )
    return AvailabilityPage(at=to_iso(now), people=people)


def _person(found: PersonFound, now: Instant) -> FoundPerson:
    person = found.person
    return FoundPerson(
        id=person.id,
        name=person.name,
        user=person.user,
        job=person.job,
        department=person.department,
        phone=person.phone,
        presence=None if found.presence is None else _presence(found.presence, now),
    )


def _presence(reading: PresenceReading, now: Instant) -> PersonPresence:
    return PersonPresence(
        availability=reading.availability,
        activity=reading.activity,
        is_out_of_office=reading.is_out_of_office,
        source=reading.source.value,
        read_at=to_iso(Instant(reading.read_at)),
        age_s=round(max(0, now - reading.read_at) / SECOND, 3),
    )


ROUTES = (find_people, read_availability)
