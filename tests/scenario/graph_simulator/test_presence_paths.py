# SPDX-License-Identifier: Apache-2.0
"""Presence over HTTP: who may read and set what, batches of 650, expiry, what others see."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from centralino.simulators.graph.scenario import Appointment, Person, PresenceSettings, Step
from tests.kit.graph_stage import Asker, graph_in_memory
from tests.kit.graph_tenant import ANNA, APP, BRUNO, CARLA, OTHER_APP, oid, scenario

pytestmark = pytest.mark.scenario

ALL = "Presence.ReadWrite.All"


async def shown(asker: Asker, user: str) -> tuple[str, str]:
    body = (await asker.get(f"/users/{user}/presence")).body
    return body["availability"], body["activity"]


async def set_session(asker: Asker, user: str, pair: str, length: str = "PT1H") -> int:
    availability, _, activity = pair.partition("/")
    body: dict[str, Any] = {"sessionId": APP, "availability": availability, "activity": activity}
    body["expirationDuration"] = length
    return (await asker.post(f"/users/{user}/presence/setPresence", body)).status


def test_650_people_in_one_request_and_not_651() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Presence.Read.All")
            ids = [ANNA, *(oid(5000 + n) for n in range(649))]
            reply = await asker.post("/communications/getPresencesByUserId", {"ids": ids})
            assert [row["id"] for row in reply.value] == ids
            assert reply.value[0]["availability"] == "Available"
            assert reply.value[1]["availability"] == "PresenceUnknown"
            for wrong in ([*ids, BRUNO], [], "all", [7]):
                body = {"ids": wrong}
                reply = await asker.post("/communications/getPresencesByUserId", body)
                assert reply.status == 400

    asyncio.run(scene())


def test_own_presence_needs_less_than_that_of_others() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.user(ANNA, "Presence.Read")
            assert (await asker.get("/me/presence")).body["id"] == ANNA
            reply = await asker.get(f"/users/{BRUNO}/presence")
            assert reply.status == 403
            assert "Presence.Read.All" in reply.message
            assert (await stage.user(ANNA, "Presence.Read.All").get(
                f"/communications/presences/{BRUNO}")).status == 200  # fmt: skip

    asyncio.run(scene())


def test_an_application_sets_clears_and_lets_expire() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app(ALL)
            assert await set_session(asker, CARLA, "Busy/InACall", "PT10M") == 200
            assert await shown(asker, CARLA) == ("Busy", "InACall")
            stage.pass_time(599)
            assert await shown(asker, CARLA) == ("Busy", "InACall")
            stage.pass_time(1)
            assert await shown(asker, CARLA) == ("Offline", "Offline")
            await set_session(asker, CARLA, "Available/Available")
            assert await shown(asker, CARLA) == ("Available", "Available")
            stage.pass_time(300)
            assert await shown(asker, CARLA) == ("Available", "AvailableInactive")
            stage.pass_time(300)
            assert await shown(asker, CARLA) == ("Away", "Away")
            reply = await asker.post(f"/users/{CARLA}/presence/clearPresence", {"sessionId": APP})
            assert reply.status == 200
            assert await shown(asker, CARLA) == ("Offline", "Offline")

    asyncio.run(scene())


@pytest.mark.parametrize(
    "changes",
    [
        {"sessionId": OTHER_APP},
        {"sessionId": None},
        {"availability": "Available", "activity": "InACall"},
        {"availability": "Offline", "activity": "OffWork"},
        {"expirationDuration": "PT4M59S"},
        {"expirationDuration": "PT4H1M"},
        {"expirationDuration": "1:00:00"},
        {"expirationDuration": 60},
    ],
)
def test_what_an_application_cannot_set_is_refused(changes: dict[str, Any]) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            body = {"sessionId": APP, "availability": "Busy", "activity": "InACall"} | changes
            reply = await stage.app(ALL).post(f"/users/{CARLA}/presence/setPresence", body)
            assert reply.status == 400, reply.body

    asyncio.run(scene())


def test_an_application_session_is_not_set_on_behalf_of_a_user() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            assert await set_session(stage.user(ANNA, ALL), ANNA, "Busy/InACall") == 403

    asyncio.run(scene())


def test_a_person_chooses_and_chooses_no_more() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna, watcher = stage.user(ANNA, "Presence.ReadWrite"), stage.app("Presence.Read.All")
            body = {"availability": "DoNotDisturb", "activity": "DoNotDisturb"}
            path = "/me/presence/microsoft.graph.setUserPreferredPresence"
            assert (await anna.post(path, body)).status == 200
            assert await shown(watcher, ANNA) == ("DoNotDisturb", "DoNotDisturb")
            stage.pass_time(24 * 3600)
            assert await shown(watcher, ANNA) == ("Available", "Available")
            await anna.post("/me/presence/setUserPreferredPresence", body)
            reply = await anna.post("/me/presence/clearUserPreferredPresence", {})
            assert reply.status == 200
            assert await shown(watcher, ANNA) == ("Available", "Available")
            other = f"/users/{BRUNO}/presence/setUserPreferredPresence"
            assert (await anna.post(other, body)).status == 403

    asyncio.run(scene())


def test_a_status_message_shows_its_times_to_its_author_only_and_expires() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna = stage.user(ANNA, "Presence.ReadWrite")
            expiry = {"dateTime": "2026-01-01T01:00:00", "timeZone": "UTC"}
            message = {"content": "At the fair", "contentType": "text"}
            body = {"statusMessage": {"message": message, "expiryDateTime": expiry}}
            assert (await anna.post("/me/presence/setStatusMessage", body)).status == 200
            own = (await anna.get("/me/presence")).body["statusMessage"]
            assert own["message"] == message
            assert own["expiryDateTime"] == expiry
            assert "publishedDateTime" in own
            watcher = stage.app("Presence.Read.All")
            seen = (await watcher.get(f"/users/{ANNA}/presence")).body["statusMessage"]
            assert seen == {"message": message}
            stage.pass_time(3600)
            gone = (await watcher.get(f"/users/{ANNA}/presence")).body["statusMessage"]
            assert gone is None
            for wrong in ({}, {"statusMessage": {"message": message, "expiryDateTime": expiry}}):
                assert (await anna.post("/me/presence/setStatusMessage", wrong)).status == 400

    asyncio.run(scene())


def test_work_location_is_the_persons_own() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            anna = stage.user(ANNA, "Presence.ReadWrite")
            body = {"workLocationType": "office", "placeId": None}
            assert (await anna.post("/me/presence/setManualLocation", body)).status == 204
            seen = (await anna.get("/me/presence")).body["workLocation"]
            assert (seen["workLocationType"], seen["source"]) == ("office", "manual")
            assert (await anna.post("/me/presence/clearLocation", {})).status == 204
            wrong = {"workLocationType": "moon"}
            assert (await anna.post("/me/presence/setManualLocation", wrong)).status == 400

    asyncio.run(scene())


def test_presence_follows_calls_meetings_and_scripts() -> None:
    async def scene() -> None:
        dora = Person(
            id=oid(20),
            upn="dora@north.example",
            name="Dora Fabbri",
            client="active",
            appointments=(Appointment(at_ms=600_000, for_ms=600_000),),
            script=(
                Step(at_ms=60_000, do="call", who=BRUNO),
                Step(at_ms=120_000, do="hang-up"),
                Step(at_ms=1_300_000, do="out-of-office", text="Back in May"),
                Step(at_ms=1_300_000, do="sign-out"),
            ),
        )
        async with graph_in_memory(scenario(dora, port=0)) as stage:
            asker, seen, at = stage.app("Presence.Read.All"), [], 0
            for second in (30, 60, 61, 119, 120, 600, 1199, 1200, 1300):
                stage.pass_time(second - at)
                at = second
                seen.append("/".join(await shown(asker, dora.id)))
            free = "Available/Available"
            assert seen == [free, free, "Busy/InACall", "Busy/InACall", free,
                            "Busy/InAMeeting", "Busy/InAMeeting", free,
                            "Offline/OutOfOffice"]  # fmt: skip
            body = (await asker.get(f"/users/{dora.id}/presence")).body
            assert body["outOfOfficeSettings"] == {"message": "Back in May", "isOutOfOffice": True}

    asyncio.run(scene())


def test_between_a_fact_and_its_sight_lie_up_to_sixty_seconds() -> None:
    async def scene() -> None:
        lagging = PresenceSettings(lag_mean_ms=20_000)
        async with graph_in_memory(scenario(port=0, presence=lagging)) as stage:
            asker = stage.app(ALL)
            await set_session(asker, CARLA, "Busy/InACall")
            before = (await asker.get(f"/users/{CARLA}/presence")).body
            assert before["availability"] == "Offline"
            stage.pass_time(60)
            after = (await asker.get(f"/users/{CARLA}/presence")).body
            assert after["availability"] == "Busy"
            assert after["sequenceNumber"] > before["sequenceNumber"]

    asyncio.run(scene())
