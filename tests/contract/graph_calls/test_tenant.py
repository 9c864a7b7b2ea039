# SPDX-License-Identifier: Apache-2.0
"""A bot's call is seen by the rest of Graph: presence while it lasts, a record when it is over."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from centralino.simulators.graph.calls.bridge import with_tenant
from centralino.simulators.graph.calls.driver import GraphCalls
from centralino.simulators.graph.scenario import PresenceSettings
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import SteppedClock
from tests.kit import graph_tenant as kit
from tests.kit.graph_calls import ALL_ROLES, CALLBACK, new_call, scenario, user
from tests.kit.graph_stage import Asker, IssuedTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.contract

ROLES = (*ALL_ROLES, "CallRecords.Read.All", "Presence.Read.All")


class Stage:
    """Graph with calls, in memory, its time moved by hand."""

    def __init__(self) -> None:
        self.clock, self.tokens = SteppedClock(), IssuedTokens()
        described = kit.scenario(port=0, presence=PresenceSettings(lag_mean_ms=0, lag_most_ms=0))
        self.graph = GraphSimulator(described, checker=self.tokens, clock=self.clock, listens=False)
        calls = with_tenant(scenario(applications=(), people=()), described.tenants[0])
        self.calls = GraphCalls(calls, self.graph, sign=lambda *_: "token")

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps, with what happens in it."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.calls.world.advance(self.graph.application.now())
        self.graph.world.advance(self.graph.application.now())


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Stage, Asker]]:
    stage = Stage()
    transport = httpx.ASGITransport(app=stage.graph.application.service)
    async with stage.graph, stage.calls, httpx.AsyncClient(transport=transport) as http:
        token = stage.tokens.app(*ROLES)
        yield stage, Asker(http, "http://localhost/v1.0", token)
    assert stage.graph.application.service.broken == []


def test_who_talks_to_a_bot_is_in_a_call_and_the_call_leaves_a_record() -> None:
    async def scene() -> None:
        async with running() as (stage, ask):
            body = new_call(targets=[user(kit.BRUNO)], callbackUri=CALLBACK)
            made = await ask.post("/communications/calls", body)
            assert made.status == 201
            chain = made.body["callChainId"]
            await stage.pass_time(3)
            shown = await ask.get(f"/users/{kit.BRUNO}/presence")
            assert (shown.body["availability"], shown.body["activity"]) == ("Busy", "InACall")
            await ask.delete(f"/communications/calls/{made.body['id']}")
            await stage.pass_time(1)
            free = await ask.get(f"/users/{kit.BRUNO}/presence")
            assert free.body["activity"] == "Available"
            early = await ask.get(f"/communications/callRecords/{chain}")
            assert early.status == 404
            stage.clock.advance(3_600)
            path = f"/communications/callRecords/{chain}?$expand=sessions($expand=segments)"
            record = await ask.get(path)
            (session,) = record.body["sessions"]
            assert session["callee"]["identity"]["user"]["id"] == kit.BRUNO
            assert record.body["type"] == "peerToPeer"
            (segment,) = session["segments"]
            (media,) = segment["media"]
            assert {one["streamDirection"] for one in media["streams"]} == {
                "callerToCallee",
                "calleeToCaller",
            }

    asyncio.run(scene())
