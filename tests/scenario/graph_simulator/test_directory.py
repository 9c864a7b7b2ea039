# SPDX-License-Identifier: Apache-2.0
"""Users, groups, people, photos and calendars, as their pages describe them."""

from __future__ import annotations

import asyncio

import pytest

from centralino.simulators.graph.scenario import Appointment, Person
from tests.kit.graph_stage import graph_in_memory
from tests.kit.graph_tenant import ANNA, BRUNO, CARLA, GUEST, SALES, TEAM, oid, scenario

pytestmark = pytest.mark.scenario

MIDNIGHT = "2026-01-01T00:00:00"


def test_a_user_is_found_by_id_and_by_name_and_shown_short() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("User.Read.All")
            row = (await asker.get(f"/users/{ANNA}")).body
            assert row["businessPhones"] == ["+390200000001"]
            assert "department" not in row
            same = (await asker.get("/users/ANNA@north.example?$select=id,department")).body
            assert {k: v for k, v in same.items() if "@" not in k} == {
                "id": ANNA, "department": "Sales"}  # fmt: skip
            own = (await stage.user(BRUNO, "User.Read").get("/me")).body
            assert own["displayName"] == "Bruno Conti"
            assert (await stage.user(BRUNO, "User.Read").get(f"/users/{ANNA}")).status == 403

    asyncio.run(scene())


def test_members_are_direct_or_transitive() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("GroupMember.Read.All")
            groups = (await asker.get("/groups")).value
            assert {row["displayName"] for row in groups} == {"Sales queue", "Support team"}
            direct = (await asker.get(f"/groups/{TEAM}/members")).value
            assert [row["id"] for row in direct] == [CARLA, SALES]
            everybody = (await asker.get(f"/groups/{TEAM}/transitiveMembers")).value
            assert {row["id"] for row in everybody} == {CARLA, SALES, ANNA, BRUNO}
            assert (await asker.get(f"/groups/{oid(4)}/members")).status == 404
            body = {"groupIds": [TEAM, SALES, oid(4)]}
            found = (await asker.post(f"/users/{ANNA}/checkMemberGroups", body)).value
            assert found == [TEAM, SALES]
            mine = (await asker.get(f"/users/{ANNA}/memberOf")).value
            assert [row["id"] for row in mine] == [SALES]

    asyncio.run(scene())


def test_people_come_with_the_nearest_first() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.user(ANNA, "People.Read")
            rows = (await asker.get("/me/people")).value
            assert [row["id"] for row in rows] == [BRUNO, CARLA, GUEST]
            rows = (await asker.get('/me/people?$search="carla"')).value
            assert [row["displayName"] for row in rows] == ["Carla Marchi"]

    asyncio.run(scene())


def test_a_photo_is_there_or_not() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("User.Read.All")
            reply = await asker.get(f"/users/{ANNA}/photo/$value")
            assert reply.headers["content-type"] == "image/jpeg"
            reply = await asker.get(f"/users/{BRUNO}/photo/$value")
            assert (reply.status, reply.code) == (404, "ImageNotFound")

    asyncio.run(scene())


def test_a_delta_ends_with_a_link_for_the_next_round() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("User.Read.All")
            first = (await asker.get("/users/delta")).body
            assert len(first["value"]) == 4
            again = (await asker.get(first["@odata.deltaLink"])).body
            assert again["value"] == []

    asyncio.run(scene())


def busy_person() -> Person:
    return Person(
        id=oid(30),
        upn="dora@north.example",
        name="Dora Fabbri",
        client="active",
        appointments=(
            Appointment(at_ms=3_600_000, for_ms=1_800_000, subject="Team"),
            Appointment(at_ms=7_200_000, for_ms=3_600_000, subject="Doctor", show_as="oof"),
            Appointment(at_ms=9_000_000, for_ms=3_600_000, show_as="tentative"),
        ),
    )


def test_a_schedule_says_who_is_free_when() -> None:
    async def scene() -> None:
        async with graph_in_memory(scenario(busy_person(), port=0)) as stage:
            asker = stage.user(CARLA, "Calendars.Read")
            body = {
                "schedules": ["dora@north.example", "nobody@north.example"],
                "startTime": {"dateTime": MIDNIGHT, "timeZone": "UTC"},
                "endTime": {"dateTime": "2026-01-01T04:00:00", "timeZone": "UTC"},
            }
            dora, nobody = (await asker.post("/me/calendar/getSchedule", body)).value
            assert dora["availabilityView"] == "00203310"
            assert [item["status"] for item in dora["scheduleItems"]] == [
                "busy",
                "oof",
                "tentative",
            ]
            assert nobody["error"]["responseCode"] == "ErrorMailRecipientNotFound"
            wrongs: list[dict[str, object]] = [
                {"availabilityViewInterval": 4},
                {"availabilityViewInterval": 1441},
                {"schedules": []},
                {"startTime": "now"},
                {"endTime": {"dateTime": MIDNIGHT, "timeZone": "UTC"}},
            ]
            for wrong in wrongs:
                assert (await asker.post("/me/calendar/getSchedule", body | wrong)).status == 400

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("zone", "starts"),
    [("", "2026-01-01T01:00:00.0000000"), ("Europe/Rome", "2026-01-01T02:00:00.0000000"),
     ("W. Europe Standard Time", "2026-01-01T02:00:00.0000000"),
     ("Pacific Standard Time", "2025-12-31T17:00:00.0000000")],
)  # fmt: skip
def test_a_view_speaks_the_zone_that_is_asked_for(zone: str, starts: str) -> None:
    async def scene() -> None:
        async with graph_in_memory(scenario(busy_person(), port=0)) as stage:
            asker = stage.app("Calendars.Read")
            span = f"startDateTime={MIDNIGHT}Z&endDateTime=2026-01-01T01:15:00Z"
            prefer = f'outlook.timezone="{zone}"' if zone else "nothing"
            reply = await asker.get(f"/users/{oid(30)}/calendarView?{span}", prefer=prefer)
            assert [row["start"]["dateTime"] for row in reply.value] == [starts]
            assert (await asker.get(f"/users/{oid(30)}/calendarView")).status == 400
            bad = 'outlook.timezone="Middle Earth"'
            reply = await asker.get(f"/users/{oid(30)}/calendarView?{span}", prefer=bad)
            assert reply.status == 400

    asyncio.run(scene())


def test_presence_follows_a_new_event() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Calendars.ReadWrite", "Presence.Read.All")
            body = {
                "subject": "Now",
                "start": {"dateTime": MIDNIGHT, "timeZone": "UTC"},
                "end": {"dateTime": "2026-01-01T00:30:00", "timeZone": "UTC"},
            }
            assert (await asker.post(f"/users/{ANNA}/events", body)).status == 201
            shown = (await asker.get(f"/users/{ANNA}/presence")).body
            assert shown["activity"] == "InAMeeting"
            stage.pass_time(1800)
            shown = (await asker.get(f"/users/{ANNA}/presence")).body
            assert shown["activity"] == "Available"

    asyncio.run(scene())
