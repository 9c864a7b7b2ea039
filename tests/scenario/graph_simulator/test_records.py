# SPDX-License-Identifier: Apache-2.0
"""Call records: late, in two versions, for thirty days; and the two telephone reports."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from centralino.simulators.graph.identifiers import named_guid
from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.graph.records import CallEnded, Leg, Party, Quality
from centralino.simulators.graph.reports import direct_routing_row, pstn_row
from tests.kit.graph_stage import GraphStage, graph_in_memory
from tests.kit.graph_tenant import ANNA, APP, BRUNO, EPOCH_NS, TENANT, oid

pytestmark = pytest.mark.scenario

CALL = "c0ffee00-0000-4000-8000-000000000001"
CUSTOMER = Party(number="+15550100")
BOT = Party(app_id=APP, name="Bot")
ANNA_PARTY = Party(user_id=ANNA, name="Anna Riva", upn="anna@north.example")
BASE = "/communications/callRecords"


def ended(call_id: str = CALL, starts_s: int = 0) -> CallEnded:
    start, end = EPOCH_NS + starts_s * NS_PER_S, EPOCH_NS + (starts_s + 60) * NS_PER_S
    poor = Quality(jitter_ms=45.5, loss_ratio=0.12)
    legs = (
        Leg(CUSTOMER, BOT, start, end),
        Leg(BOT, ANNA_PARTY, start, end, quality=poor),
        Leg(BOT, Party(user_id=BRUNO, name="Bruno Conti"), start, start, failure="declined"),
    )
    return CallEnded(call_id, legs, BOT, is_group=True)


def add(stage: GraphStage, call: CallEnded) -> None:
    stage.graph.world.tenants[TENANT].records.add(call, stage.graph.application.now())
    stage.graph.world.changed()


def test_a_record_comes_late_grows_and_goes() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("CallRecords.Read.All")
            stage.pass_time(60)
            add(stage, ended())
            assert (await asker.get(f"{BASE}/{CALL}")).status == 404
            stage.pass_time(900)
            first = (await asker.get(f"{BASE}/{CALL}?$expand=participants_v2")).body
            assert (first["version"], len(first["participants_v2"])) == (1, 2)
            stage.pass_time(300)
            path = f"{BASE}/{CALL}?$expand=sessions($expand=segments),participants_v2,organizer_v2"
            second = (await asker.get(path)).body
            assert (second["version"], len(second["participants_v2"])) == (2, 4)
            assert second["organizer_v2"]["id"] == APP
            _, poor, failed = second["sessions"]
            stream = poor["segments"][0]["media"][0]["streams"][0]
            assert (stream["averageJitter"], stream["averagePacketLossRate"]) == ("PT0.0455S", 0.12)
            assert failed["failureInfo"] == {"stage": "callSetup", "reason": "declined"}
            stage.pass_time(30 * 86_400)
            assert (await asker.get(f"{BASE}/{CALL}")).status == 404

    asyncio.run(scene())


def test_parts_have_paths_of_their_own() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("CallRecords.Read.All")
            add(stage, ended())
            stage.pass_time(1200)
            sessions = (await asker.get(f"{BASE}/{CALL}/sessions")).value
            assert len(sessions) == 3
            assert "segments" not in sessions[0]
            one = f"{BASE}/{CALL}/sessions/{sessions[1]['id']}"
            assert (await asker.get(one)).status == 200
            assert len((await asker.get(f"{one}/segments")).value) == 1
            assert (await asker.get(f"{BASE}/{CALL}/sessions/{oid(1)}")).status == 404
            assert (await asker.get(f"{BASE}/{CALL}/organizer_v2")).status == 200

    asyncio.run(scene())


def test_participants_come_130_at_a_time() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("CallRecords.Read.All")
            leg = ended().legs[0]
            guests = tuple(replace(leg, callee=Party(user_id=oid(n))) for n in range(200))
            add(stage, replace(ended(), legs=guests))
            stage.pass_time(1200)
            body = (await asker.get(f"{BASE}/{CALL}?$expand=participants_v2")).body
            assert len(body["participants_v2"]) == 130
            rest = (await asker.get(body["participants_v2@odata.nextLink"])).body
            assert len(rest["value"]) == 71
            assert "@odata.nextLink" not in rest

    asyncio.run(scene())


def test_the_list_can_be_filtered_by_time_and_participant() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            asker = stage.app("CallRecords.Read.All")
            for number in range(70):
                call = ended(named_guid("calls", str(number)), starts_s=number * 10)
                add(stage, call if number % 2 else replace(call, legs=call.legs[:1]))
            stage.pass_time(1500)
            reply = await asker.get(BASE)
            assert len(reply.value) == 60
            assert len((await asker.get(reply.body["@odata.nextLink"])).value) == 10
            recent = "$filter=startDateTime ge 2026-01-01T00:10:00Z"
            assert len((await asker.get(f"{BASE}?{recent}")).value) == 10
            hers = f"$filter=participants_v2/any(p:p/id eq '{ANNA}')"
            assert len((await asker.get(f"{BASE}?{hers}")).value) == 35

    asyncio.run(scene())


def test_a_telephone_call_within_the_tenant_leaves_a_record() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            tenant, now = stage.graph.world.tenants[TENANT], stage.graph.application.now()
            call = tenant.phones.ring(ANNA, BRUNO, now)
            stage.pass_time(5)
            asker = stage.app("CallRecords.Read.All", "Presence.Read.All")
            assert (await asker.get(f"/users/{BRUNO}/presence")).body["activity"] == "InACall"
            tenant.phones.press(ANNA, call.id, "hang-up", stage.graph.application.now())
            assert (await asker.get(f"/users/{BRUNO}/presence")).body["activity"] == "Available"
            stage.pass_time(1200)
            body = (await asker.get(f"{BASE}/{call.id}")).body
            assert body["type"] == "peerToPeer"

    asyncio.run(scene())


@pytest.mark.parametrize("name", ["getPstnCalls", "microsoft.graph.callRecords.getPstnCalls"])
def test_the_pstn_report_counts_the_first_day_and_not_the_last(name: str) -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reports = stage.graph.world.tenants[TENANT].reports
            for day in range(4):
                starts_at = EPOCH_NS + day * 86_400 * NS_PER_S
                reports.add_pstn(pstn_row(
                    row_id=oid(day), call_id=oid(100 + day), party=ANNA_PARTY,
                    caller="+15550100", callee="+390200000001", call_type="user_in",
                    starts_at=starts_at, ends_at=starts_at + 90 * NS_PER_S,
                ))  # fmt: skip
            asker = stage.app("CallRecord-PstnCalls.Read.All")
            reply = await asker.get(f"{BASE}/{name}(fromDateTime=2026-01-02,toDateTime=2026-01-04)")
            assert [row["id"] for row in reply.value] == [oid(1), oid(2)]
            assert reply.value[0]["duration"] == 90
            too_long = f"{BASE}/{name}(fromDateTime=2026-01-02,toDateTime=2026-04-04)"
            assert (await asker.get(too_long)).status == 400

    asyncio.run(scene())


def test_the_direct_routing_report_pages_by_a_thousand() -> None:
    async def scene() -> None:
        async with graph_in_memory() as stage:
            reports = stage.graph.world.tenants[TENANT].reports
            row = direct_routing_row(
                row_id=oid(1), correlation_id=oid(2), party=ANNA_PARTY, caller="+15550100",
                callee="+390200000001", call_type="ByotIn", invited_at=EPOCH_NS,
                answered_at=None, ended_at=EPOCH_NS + NS_PER_S, sip_code=486,
                trunk="sbc.north.example",
            )  # fmt: skip
            assert (row["callerNumber"], row["successfulCall"]) == ("+15550***", False)
            reports.direct_routing += [row | {"id": oid(n)} for n in range(1500)]
            asker = stage.app("CallRecords.Read.All")
            path = f"{BASE}/getDirectRoutingCalls(fromDateTime=2026-01-01,toDateTime=2026-01-02)"
            first = (await asker.get(path)).body
            assert len(first["value"]) == first["@odata.count"] == 1000
            assert "$skip=1000" in first["@odata.nextLink"]
            assert len((await asker.get(first["@odata.nextLink"])).value) == 500

    asyncio.run(scene())
