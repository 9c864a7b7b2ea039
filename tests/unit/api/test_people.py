# SPDX-License-Identifier: Apache-2.0
"""Colleagues are found in one's own organisation only, with presence and its age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.errors import InvalidInput, RemoteThrottled
from centralino.core.kernel.instant import SECOND
from centralino.exchange.directory import Availability, Person, PersonFound
from centralino.exchange.microsoft import PersonId
from centralino.exchange.presence import PresenceReading, PresenceSource
from tests.unit.api.reception import ACME, NOW, STRANGER, Reception

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId

pytestmark = pytest.mark.unit

ANNA = Person(PersonId("1"), "Anna Riva", "anna@acme.example", department="Sales")
BRUNO = Person(PersonId("2"), "Bruno Conti", "bruno@acme.example", mail="bruno@acme.example")
READING = PresenceReading(
    person=ANNA.id,
    availability="Busy",
    activity="InACall",
    is_out_of_office=False,
    source=PresenceSource.NOTIFICATION,
    read_at=NOW - 3 * SECOND,
)


@dataclass
class InMemoryDirectory:
    """Two people; may be out of reach."""

    is_away: bool = False
    asked: list[object] = field(default_factory=list)

    async def search(self, text: str, *, most: int = 20) -> Sequence[PersonFound]:
        self.asked.append((text, most))
        if self.is_away:
            raise RemoteThrottled("graph", "find people", retry_after_s=9)
        if len(text.strip()) < 2:
            raise InvalidInput("too short", details={"path": "text"})
        return [PersonFound(ANNA, READING), PersonFound(BRUNO)][:most]

    async def members(self, group: str, *, most: int = 10_000) -> Sequence[Person]:
        raise AssertionError((group, most))

    async def ids_of(self, users: Sequence[str]) -> dict[str, PersonId]:
        raise AssertionError(users)

    async def availability(
        self, mails: Sequence[str], start: int, minutes: int, *, interval_min: int = 30
    ) -> Sequence[Availability]:
        assert start == NOW
        self.asked.append((tuple(mails), minutes))
        return [Availability(mail, "02" if "bruno" in mail else "", interval_min) for mail in mails]


@dataclass
class OneDirectory:
    """Acme's, and nobody else's."""

    directory: InMemoryDirectory = field(default_factory=InMemoryDirectory)

    def directory_of(self, tenant: TenantId) -> InMemoryDirectory | None:
        return self.directory if tenant == ACME else None


def test_people_are_found_with_presence_and_its_age() -> None:
    answer = Reception(directories=OneDirectory()).ask("GET", "/v1/people?text=an&limit=5")
    assert answer.status_code == 200
    anna, bruno = answer.json()["people"]
    assert (anna["name"], anna["department"]) == ("Anna Riva", "Sales")
    assert anna["presence"] == {
        "availability": "Busy",
        "activity": "InACall",
        "is_out_of_office": False,
        "source": "notification",
        "read_at": anna["presence"]["read_at"],
        "age_s": 3.0,
    }
    assert bruno["presence"] is None


def test_calendars_say_who_is_free() -> None:
    path = "/v1/people/availability?mail=bruno@acme.example&mail=anna@acme.example&minutes=60"
    found = Reception(directories=OneDirectory()).ask("GET", path).json()["people"]
    assert [(one["person"], one["is_free_now"]) for one in found] == [
        ("bruno@acme.example", True),
        ("anna@acme.example", None),
    ]


@pytest.mark.parametrize(
    "query", ["", "?text=a", f"?text={'x' * 101}", "?text=ann&limit=51", "?text=ann&limit=0"]
)
def test_a_question_that_is_none_is_refused(query: str) -> None:
    directories = OneDirectory()
    answer = Reception(directories=directories).ask("GET", f"/v1/people{query}")
    assert answer.status_code in {400, 422}
    assert directories.directory.asked == []


def test_another_organisation_finds_nobody_and_nobody_without_a_token() -> None:
    reception = Reception(directories=OneDirectory())
    assert reception.ask("GET", "/v1/people?text=ann", token=STRANGER).status_code == 404
    assert reception.ask("GET", "/v1/people?text=ann", token=None).status_code == 401
    assert Reception().ask("GET", "/v1/people?text=ann").status_code == 404


def test_a_directory_that_is_out_of_reach_is_said_in_words() -> None:
    directories = OneDirectory(InMemoryDirectory(is_away=True))
    answer = Reception(directories=directories).ask("GET", "/v1/people?text=ann")
    assert answer.status_code == 503
    assert answer.json()["code"] == "remote-throttled"
