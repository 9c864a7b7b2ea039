# SPDX-License-Identifier: Apache-2.0
"""Shifts and telephone numbers: schedules, requests, assignments, policies."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from centralino.simulators.graph.scenario import ShiftPlan
from tests.kit.graph_stage import Asker, graph_in_memory
from tests.kit.graph_tenant import ANNA, CARLA, ROBOT, SALES, TEAM, oid, scenario, tenant

pytestmark = pytest.mark.scenario

BASE = f"/teams/{TEAM}/schedule"
SPAN = {"startDateTime": "2026-01-01T08:00:00Z", "endDateTime": "2026-01-01T16:00:00Z"}
ACTS = {"ms_app_acts_as": CARLA}
NUMBERS = "/admin/teams/telephoneNumberManagement"
SPACE = "microsoft.graph.teamsAdministration"


async def opened(asker: Asker) -> None:
    body = {"enabled": True, "timeZone": "Europe/Rome"}
    reply = await asker.ask("PUT", BASE, body, **ACTS)
    assert reply.body["provisionStatus"] == "Completed"


def test_an_application_says_for_whom_it_acts() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Schedule.ReadWrite.All")
            assert (await asker.get(BASE)).status == 403
            assert (await asker.get(BASE, **ACTS)).status == 404
            await opened(asker)
            assert (await asker.get(BASE, **ACTS)).body["timeZone"] == "Europe/Rome"
            assert (await stage.user(CARLA, "Schedule.Read.All").get(BASE)).status == 200
            assert (await asker.get(f"/teams/{SALES}/schedule", **ACTS)).status == 404

    asyncio.run(scene())


def test_the_life_of_a_shift() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Schedule.ReadWrite.All")
            await opened(asker)
            activity = SPAN | {"isPaid": True, "code": "", "displayName": "Break", "theme": "gray"}
            item = SPAN | {"displayName": "Early", "theme": "pink", "activities": [activity]}
            body = {"userId": CARLA, "draftShift": item}
            made = await asker.post(f"{BASE}/shifts", body, **ACTS)
            assert made.status == 201
            one = f"{BASE}/shifts/{made.body['id']}"
            assert made.body["id"].startswith("SHFT_")
            share = {"notifyTeam": False, "startDateTime": "2026-01-01T00:00:00Z",
                     "endDateTime": "2026-01-02T00:00:00Z"}  # fmt: skip
            assert (await asker.post(f"{BASE}/share", share, **ACTS)).status == 204
            row = (await asker.get(one, **ACTS)).body
            assert (row["draftShift"], row["sharedShift"]["displayName"]) == (None, "Early")
            within = ("$filter=sharedShift/startDateTime ge 2026-01-01T00:00:00Z and "
                      "sharedShift/endDateTime le {}")  # fmt: skip
            for end, count in (("2026-01-01T16:00:00Z", 1), ("2026-01-01T15:59:59Z", 0)):
                rows = await asker.get(f"{BASE}/shifts?{within.format(end)}", **ACTS)
                assert len(rows.value) == count
            twice = (
                within.format("2026-01-02T00:00:00Z") + " and sharedShift/endDateTime ge 2026-01-01"
            )
            assert (await asker.get(f"{BASE}/shifts?{twice}", **ACTS)).status == 400
            late = {"userId": CARLA, "sharedShift": item | {"displayName": "Late"}}
            changed = await asker.patch(one, late, **ACTS)
            assert changed.body["sharedShift"]["displayName"] == "Late"
            assert (await asker.delete(one, **ACTS)).status == 204
            assert (await asker.get(one, **ACTS)).status == 404

    asyncio.run(scene())


WRONG: list[dict[str, Any]] = [
    {"sharedShift": SPAN},
    {"userId": CARLA},
    {"userId": CARLA, "sharedShift": {"startDateTime": SPAN["startDateTime"]}},
    {"userId": CARLA, "sharedShift": SPAN | {"endDateTime": "2026-01-01T07:00:00Z"}},
    {"userId": CARLA, "sharedShift": SPAN | {"theme": "tartan"}},
    {"userId": CARLA, "sharedShift": "morning"},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_wrong_shift_is_refused(body: dict[str, Any]) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Schedule.ReadWrite.All")
            await opened(asker)
            assert (await asker.post(f"{BASE}/shifts", body, **ACTS)).status == 400

    asyncio.run(scene())


def test_a_request_is_approved_once() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Schedule.ReadWrite.All")
            await opened(asker)
            reason = await asker.post(f"{BASE}/timeOffReasons", {"displayName": "Holiday"}, **ACTS)
            body = SPAN | {"timeOffReasonId": reason.body["id"], "senderMessage": "please"}
            asked = (await asker.post(f"{BASE}/timeOffRequests", body, **ACTS)).body
            assert (asked["state"], asked["senderUserId"]) == ("pending", CARLA)
            one = f"{BASE}/timeOffRequests/{asked['id']}"
            assert (await asker.post(f"{one}/approve", {"message": "ok"}, **ACTS)).status == 204
            assert (await asker.get(one, **ACTS)).body["state"] == "approved"
            assert (await asker.post(f"{one}/decline", {}, **ACTS)).status == 409

    asyncio.run(scene())


def test_a_scenario_brings_shifts_and_times_off() -> None:
    async def scene() -> None:
        hour = 3_600_000
        rows = (
            ShiftPlan(team=TEAM, who=CARLA, at_ms=0, for_ms=8 * hour, label="Early"),
            ShiftPlan(team=TEAM, who=CARLA, at_ms=24 * hour, for_ms=8 * hour, is_time_off=True),
        )
        told = msgspec.structs.replace(tenant(), shifts=rows)
        async with graph_in_memory(scenario(port=0, tenants=(told,))) as stage:
            asker = stage.user(CARLA, "Schedule.Read.All")
            (shift,) = (await asker.get(f"{BASE}/shifts")).value
            assert shift["sharedShift"]["displayName"] == "Early"
            assert len((await asker.get(f"{BASE}/timesOff")).value) == 1

    asyncio.run(scene())


def test_a_number_is_assigned_and_given_back() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app(
                "TeamsTelephoneNumber.ReadWrite.All", "TeamsUserConfiguration.Read.All"
            )
            path = f"{NUMBERS}/numberAssignments"
            free = "$filter=assignmentStatus eq 'unassigned'"
            assert len((await asker.get(f"{path}?{free}")).value) == 2
            order = {"telephoneNumber": "+390200000099", "assignmentTargetId": CARLA,
                     "numberType": "directRouting"}  # fmt: skip
            reply = await asker.post(f"{path}/{SPACE}.assignNumber", order)
            assert reply.status == 202
            place = reply.headers["location"]
            assert (await asker.get(place)).body["status"] == "running"
            stage.pass_time(2)
            assert (await asker.get(place)).body["status"] == "succeeded"
            users = "/admin/teams/userConfigurations"
            held = (await asker.get(f"{users}/{CARLA}")).body
            assert held["telephoneNumbers"][0]["telephoneNumber"] == "+390200000099"
            assert (await asker.get(f"{users}/{ROBOT}")).body["accountType"] == "resourceAccount"
            assert (await asker.post(f"{path}/{SPACE}.assignNumber", order)).status == 409
            back = {"telephoneNumber": "+390200000099", "numberType": "directRouting"}
            assert (await asker.post(f"{path}/{SPACE}.unassignNumber", back)).status == 202
            assert (await asker.post(f"{path}/{SPACE}.unassignNumber", back)).status == 409
            wrongs = (({"telephoneNumber": "+1"}, 404), ({"assignmentTargetId": oid(404)}, 404),
                      ({"numberType": "callingPlan"}, 400))  # fmt: skip
            for wrong, status in wrongs:
                reply = await asker.post(f"{path}/{SPACE}.assignNumber", order | wrong)
                assert reply.status == status

    asyncio.run(scene())


def test_policies_are_given_to_users() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("TeamsPolicyUserAssign.ReadWrite.All")
            base = "/admin/teams/policy"
            found = await asker.get(
                f"{base}/{SPACE}.getPolicyId(type='TeamsCallingPolicy',name='Desk')"
            )
            policy = {"userId": ANNA, "policyType": "TeamsCallingPolicy",
                      "policyId": found.value[0]["policyId"]}  # fmt: skip
            given = await asker.post(f"{base}/userAssignments/{SPACE}.assign", {"value": [policy]})
            assert given.status == 204
            assert len((await asker.get(f"{base}/userAssignments")).value) == 1
            await asker.post(f"{base}/userAssignments/{SPACE}.unassign", {"value": [policy]})
            assert (await asker.get(f"{base}/userAssignments")).value == []

    asyncio.run(scene())
