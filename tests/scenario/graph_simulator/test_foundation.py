# SPDX-License-Identifier: Apache-2.0
"""What all of the simulated Graph has in common: tokens, permissions, errors, pages, batches."""

from __future__ import annotations

import asyncio
import re

import pytest

from centralino.simulators.graph.callers import Caller
from centralino.simulators.graph.scenario import Person
from tests.kit.graph_stage import graph_in_memory
from tests.kit.graph_tenant import ANNA, APP, BRUNO, CARLA, OTHER_TENANT, TENANT, oid, scenario

pytestmark = pytest.mark.scenario


def crowd(count: int) -> tuple[Person, ...]:
    return tuple(
        Person(id=oid(1000 + n), upn=f"p{n:04d}@north.example", name=f"Person {n:04d}")
        for n in range(count)
    )


def test_without_a_good_token_nothing_is_told() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            for token in ("", "forged"):
                reply = await stage.ask_as(token).get("/users")
                assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
            reply = await stage.app("User.Read.All", tenant="not-simulated").get("/users")
            assert reply.status == 401

    asyncio.run(scene())


def test_a_missing_permission_is_named_and_the_contexts_are_told_apart() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reply = await stage.app("Calendars.Read").get("/users")
            assert reply.status == 403
            assert "User.ReadBasic.All" in reply.message
            assert "Calendars.Read" in reply.message
            reply = await stage.user(CARLA, "CallRecords.Read.All").get(
                "/communications/callRecords"
            )
            assert reply.status == 403
            assert "delegated" in reply.message
            reply = await stage.app("User.Read.All").get("/me")
            assert reply.status == 400
            assert "delegated" in reply.message

    asyncio.run(scene())


def test_an_error_carries_both_ids_and_so_does_an_answer() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("User.Read.All")
            good = await asker.get(f"/users/{ANNA}", client_request_id="mine")
            reply = await asker.get(f"/users/{oid(404)}", client_request_id="mine")
            assert (good.status, reply.status) == (200, 404)
            for one in (good, reply):
                assert one.headers["client-request-id"] == "mine"
                assert re.fullmatch(r"[0-9a-f-]{36}", one.headers["request-id"])
                assert one.headers["content-type"].startswith("application/json;odata.metadata")
            inner = reply.body["error"]["innerError"]
            assert inner["request-id"] == reply.headers["request-id"]
            assert inner["client-request-id"] == "mine"
            assert reply.code == "Request_ResourceNotFound"

    asyncio.run(scene())


def test_pages_lead_on_the_own_base_to_everybody_once() -> None:
    async def scene() -> None:
        async with graph_in_memory(scenario(*crowd(120), port=0)) as stage:
            asker = stage.app("User.Read.All")
            link, names = (
                "/users?$top=50&$select=id,displayName&$filter=startswith(displayName,'Per')",
                [],
            )
            while link:
                reply = await asker.get(link)
                assert set(reply.value[0]) == {"id", "displayName"}
                names += [row["displayName"] for row in reply.value]
                link = reply.body.get("@odata.nextLink", "")
                assert not link or link.startswith(stage.base)
            assert names == [f"Person {n:04d}" for n in range(120)]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$top=0", 400),
        ("$top=1000", 400),
        ("$top=many", 400),
        ("$skiptoken=nonsense", 400),
        ("$filter=displayName like 'x'", 400),
        ("$filter=displayName eq", 400),
        ("$filter=" + "(" * 60 + "a eq 1" + ")" * 60, 400),
        ("$apply=groupby", 400),
        ("$select=id&$select=mail", 400),
        ("$orderby=displayName sideways", 400),
        ("$orderby=displayName desc", 200),
        ("$filter=endswith(mail,'example') and accountEnabled eq true&$count=true", 400),
        ("$search=\"displayName:an\"", 400),
        ("$filter=mail in ('anna@north.example','x')", 200),
    ],
)  # fmt: skip
def test_query_options_are_checked(query: str, status: int) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reply = await stage.app("User.Read.All").get(f"/users?{query}")
            assert reply.status == status, reply.body

    asyncio.run(scene())


def test_search_works_with_the_consistency_header() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.user(CARLA, "User.ReadBasic.All")
            path = '/users?$search="displayName:ri" OR "mail:bruno"&$count=true'
            reply = await asker.get(path, ConsistencyLevel="eventual")
            assert [row["displayName"] for row in reply.value] == ["Anna Riva", "Bruno Conti"]
            assert reply.body["@odata.count"] == 2

    asyncio.run(scene())


def test_tenants_do_not_see_each_other() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reply = await stage.app("User.Read.All", tenant=OTHER_TENANT).get("/users")
            assert reply.value == []
            reply = await stage.app("User.Read.All", tenant=OTHER_TENANT).get(f"/users/{ANNA}")
            assert reply.status == 404

    asyncio.run(scene())


def test_a_batch_runs_in_the_order_of_its_dependencies() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("User.Read.All", "Presence.ReadWrite.All")
            body = {"sessionId": APP, "availability": "Busy", "activity": "InACall"}
            json_type = {"Content-Type": "application/json"}
            carla = f"/users/{CARLA}/presence"
            reply = await asker.post("/$batch", {"requests": [
                {"id": "3", "method": "GET", "url": carla, "dependsOn": ["2"]},
                {"id": "2", "method": "POST", "url": f"{carla}/setPresence", "body": body,
                 "headers": json_type, "dependsOn": ["1"]},
                {"id": "1", "method": "GET", "url": f"/users/{ANNA}?$select=id"},
                {"id": "4", "method": "GET", "url": f"/users/{oid(404)}"},
                {"id": "5", "method": "GET", "url": carla, "dependsOn": ["4"]},
            ]})  # fmt: skip
            found = {row["id"]: row for row in reply.body["responses"]}
            assert [found[key]["status"] for key in "12345"] == [200, 200, 200, 404, 424]
            assert found["1"]["body"]["id"] == ANNA
            assert found["3"]["body"]["activity"] == "InACall"

    asyncio.run(scene())


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": str(n), "method": "GET", "url": "/users"} for n in range(21)],
        [{"id": "1", "method": "GET", "url": "/users"}] * 2,
        [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["1"]}],
        [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["9"]}],
        [{"id": "1", "method": "LOOK", "url": "/users"}],
        ["users"],
    ],
)
def test_a_malformed_batch_is_refused(requests: list[object]) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reply = await stage.app("User.Read.All").post("/$batch", {"requests": requests})
            assert reply.status == 400

    asyncio.run(scene())


def test_a_batch_cannot_hold_a_batch() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            inner = {"id": "1", "method": "POST", "url": "/$batch", "body": {}}
            reply = await stage.app("User.Read.All").post("/$batch", {"requests": [inner]})
            assert [row["status"] for row in reply.body["responses"]] == [404]

    asyncio.run(scene())


def test_presence_is_throttled_at_1500_in_30_seconds_per_application_and_tenant() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("Presence.Read.All")
            take, now = stage.graph.application.throttle.require, stage.graph.application.now()
            for _ in range(1500):
                take(Caller(TENANT, APP), "presence", now)
            reply = await asker.get(f"/users/{ANNA}/presence")
            assert (reply.status, reply.code) == (429, "TooManyRequests")
            assert reply.headers["retry-after"] == "1"
            assert (await stage.app("User.Read.All").get("/users")).status == 200
            stage.clock.advance(1)
            assert (await asker.get(f"/users/{BRUNO}/presence")).status == 200

    asyncio.run(scene())
