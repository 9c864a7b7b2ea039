# SPDX-License-Identifier: Apache-2.0
"""What people do by hand, tenant settings, and the service's mishaps: the simulator's own paths."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from centralino.simulators.graph.scenario import RouteFault, RouteLatency
from centralino.simulators.graph.tenant_settings import SETTINGS
from tests.kit.graph_stage import GraphStage, graph_in_memory
from tests.kit.graph_tenant import ANNA, BRUNO, CARLA, TENANT, oid, scenario

pytestmark = pytest.mark.scenario

BASE = f"http://localhost/simulator/tenants/{TENANT}"


async def send(stage: GraphStage, path: str, body: object, **headers: str) -> int:
    answer = await stage.http.post(f"{BASE}{path}", json=body, headers=headers)
    return answer.status_code


async def shown(stage: GraphStage, user: str) -> str:
    reply = await stage.app("Presence.Read.All").get(f"/users/{user}/presence")
    return f"{reply.body['availability']}/{reply.body['activity']}"


def test_a_person_rings_and_another_answers_by_hand() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            assert await send(stage, f"/people/{ANNA}/ring", {"who": CARLA}) == 200
            (call,) = stage.graph.world.tenants[TENANT].phones.calls_of(CARLA)
            assert (call["state"], call["incoming"], call["with"]) == ("ringing", True, "Anna Riva")
            path = f"/people/{CARLA}/calls/{call['id']}"
            assert await send(stage, f"/people/{ANNA}/calls/{call['id']}", {"do": "answer"}) == 409
            assert await send(stage, path, {"do": "answer"}) == 200
            assert await shown(stage, ANNA) == "Busy/InACall"
            assert await send(stage, path, {"do": "answer"}) == 409
            assert await send(stage, path, {"do": "hang-up"}) == 200
            assert await shown(stage, ANNA) == "Available/Available"
            assert await send(stage, path, {"do": "hang-up"}) == 404

    asyncio.run(scene())


def test_nobody_rings_himself_twice_or_a_stranger() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            for who, status in ((ANNA, 409), (oid(404), 404), (CARLA, 200), (BRUNO, 409)):
                assert await send(stage, f"/people/{ANNA}/ring", {"who": who}) == status

    asyncio.run(scene())


def test_an_unanswered_call_is_given_up_and_counted() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            phones = stage.graph.world.tenants[TENANT].phones
            await send(stage, f"/people/{ANNA}/ring", {"who": CARLA})
            stage.pass_time(30)
            stage.graph.world.advance(stage.graph.application.now())
            assert (phones.calls_of(CARLA), phones.missed) == ([], {CARLA: 1})

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("body", "status", "presence"),
    [
        ({"availability": "DoNotDisturb"}, 200, "DoNotDisturb/DoNotDisturb"),
        ({"availability": "Offline", "activity": "OffWork"}, 200, "Offline/OffWork"),
        ({"client": "sign-out"}, 200, "Offline/Offline"),
        ({"client": "present"}, 200, "DoNotDisturb/Presenting"),
        ({"clear": True}, 200, "Available/Available"),
        ({"availability": "Lunch"}, 400, "Available/Available"),
        ({}, 400, "Available/Available"),
    ],
)
def test_presence_is_set_by_hand(body: dict[str, Any], status: int, presence: str) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            assert await send(stage, f"/people/{ANNA}/presence", body) == status
            assert await shown(stage, ANNA) == presence

    asyncio.run(scene())


def test_another_origin_cannot_press_a_button() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            body = {"client": "sign-out"}
            path = f"/people/{ANNA}/presence"
            assert await send(stage, path, body, origin="https://evil.example") == 403
            assert await send(stage, path, body, origin="http://localhost") == 200

    asyncio.run(scene())


def test_a_name_that_was_made_to_lead_here_does_not_count() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            body, path = {"client": "sign-out"}, f"/people/{ANNA}/presence"
            rebound = {"host": "evil.example:8444", "origin": "http://evil.example:8444"}
            assert await send(stage, path, body, **rebound) == 403
            for page in ("/simulator/", "/simulator/state", "/simulator/events"):
                answer = await stage.http.get(f"http://localhost{page}", headers=rebound)
                assert answer.status_code == 403

    asyncio.run(scene())


def test_more_than_forty_settings_can_each_be_planted() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            rows = (await stage.http.get(f"{BASE}/settings")).json()["value"]
            assert len(rows) == len(SETTINGS) >= 40
            assert all(row["value"] == row["healthy"] for row in rows)
            assert all(row["cmdlet"] and row["breaks"] for row in rows)
            for row in rows:
                wrong = _other(row["healthy"])
                url = f"{BASE}/settings/{row['name']}"
                assert (await stage.http.put(url, json={"value": wrong})).status_code == 200
            rows = (await stage.http.get(f"{BASE}/settings")).json()["value"]
            assert not any(row["value"] == row["healthy"] for row in rows)
            url = f"{BASE}/settings/calling.busy_on_busy"
            assert (await stage.http.put(url, json={"value": 7})).status_code == 400
            assert (await stage.http.put(url, json={})).status_code == 400
            strange = f"{BASE}/settings/calling.moon"
            assert (await stage.http.put(strange, json={"value": 7})).status_code == 404

    asyncio.run(scene())


def _other(healthy: object) -> object:
    if isinstance(healthy, bool):
        return not healthy
    if isinstance(healthy, int):
        return healthy + 1
    return [] if isinstance(healthy, list) else "SomethingElse"


def test_requests_fail_and_linger_as_the_scenario_says() -> None:
    async def scene() -> None:
        faults = (
            RouteFault(route="GET /v1.0/users/{user}/presence", status=503, retry_after_s=7),
            RouteFault(route="GET /v1.0/users", status=500, code="generalException", times=2),
        )
        slow = (RouteLatency(route="GET /v1.0/groups", least_ms=2000, most_ms=2000),)
        told = scenario(port=0, route_faults=faults, latencies=slow)
        async with graph_in_memory(told) as stage:
            asker = stage.app("User.Read.All", "Presence.Read.All", "Group.Read.All")
            reply = await asker.get(f"/users/{ANNA}/presence")
            assert (reply.status, reply.headers["retry-after"]) == (503, "7")
            assert (await asker.get(f"/users/{ANNA}/presence")).status == 200
            assert [(await asker.get("/users")).status for _ in range(3)] == [500, 500, 200]
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(asker.get("/groups"))
                while not stage.clock.waiting_count:
                    await asyncio.wait([waiting], timeout=0.01)
                assert not waiting.done()
                stage.clock.advance(2)
            assert waiting.result().status == 200

    asyncio.run(scene())
