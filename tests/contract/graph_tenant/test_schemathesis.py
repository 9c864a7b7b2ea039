# SPDX-License-Identifier: Apache-2.0
"""Whatever Microsoft's schema lets a client send, the simulated tenant answers by the schema.

Schemathesis makes requests of every operation of the subset that the simulator has, apart from
calls, for things that are there and for one that is not, by turns as an application and on
behalf of a user. None may break the service; each answer must fit its path. Bounded: so many
requests for each operation.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from centralino.simulators.graph.instants import NS_PER_S
from centralino.simulators.graph.records import CallEnded, Leg, Party
from centralino.simulators.graph.scenario import ShiftPlan, SubscriptionSettings
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import SteppedClock
from tests.kit import graph_tenant as kit
from tests.kit.graph_every_operation import ask_everything
from tests.kit.graph_schema import subset
from tests.kit.graph_stage import IssuedTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.simulators.graph.tenant import SimulatedTenant

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

EXAMPLES = 3
"""Requests for each operation."""
CALL = "c0ffee00-0000-4000-8000-000000000001"
CHANNEL = "19:general@thread.tacv2"


class Service:
    """The simulated Graph in memory, with one of everything in it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.tokens = IssuedTokens()
        brief = SubscriptionSettings(handshake_within_s=0.01)
        told = kit.scenario(port=0, throttles=False, tenants=(_tenant(),), subscriptions=brief)
        self.graph = GraphSimulator(told, checker=self.tokens, clock=SteppedClock(), listens=False)
        self.transport = httpx.ASGITransport(app=self.graph.application.service)
        self._turn = itertools.count()
        self._bearers = self._all_powerful()
        self._known = _furnished(self.graph.world.tenants[kit.TENANT])

    def _all_powerful(self) -> list[str]:
        routes = self.graph.application.routes
        roles = {name for route in routes for name in route.permission.application}
        scopes = {name for route in routes for name in route.permission.delegated}
        return [self.tokens.app(*roles), self.tokens.user(kit.ANNA, *scopes)]

    def has(self, template: str, method: str) -> bool:
        """Tell whether the simulator has an operation of the subset."""
        path = "/v1.0" + re.sub(r"\{[^}]+\}", "x", template)
        return not isinstance(self.graph.application.service.router.find(method.upper(), path), str)

    def path(self, template: str) -> str:
        """Fill a path with what is there; every fourth time with what is not."""
        is_strange = next(self._turn) % 4 == 3
        return re.sub(
            r"\{([^}]+)\}",
            lambda found: "strange" if is_strange else self._known.get(found[1], "strange"),
            template,
        )

    def ask(self, method: str, path: str, body: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
        """Ask, by turns as an application and on behalf of somebody."""
        bearer = self._bearers[next(self._turn) % 2]
        headers = {"authorization": f"Bearer {bearer}", "ms-app-acts-as": kit.CARLA}

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport) as http:
                url = f"http://localhost/v1.0{path}"
                return await http.request(method, url, json=body, headers=headers)

        return self.loop.run_until_complete(send())


def _tenant() -> Any:  # noqa: ANN401 - a structure of the scenario
    import msgspec

    hour = 3_600_000
    rows = tuple(
        ShiftPlan(team=kit.TEAM, who=kit.CARLA, at_ms=0, for_ms=hour, is_time_off=is_off)
        for is_off in (False, True)
    )
    return msgspec.structs.replace(kit.tenant(), shifts=rows)


def _furnished(tenant: SimulatedTenant) -> dict[str, str]:
    """Put one of everything into the tenant; return what stands for the names in paths."""
    now = kit.EPOCH_NS
    chat = tenant.chats.create("oneOnOne", None, {kit.ANNA: "owner", kit.BRUNO: "owner"}, now)
    message = tenant.chats.send(chat, {"body": {"content": "Hello"}}, kit.ANNA, now)
    meeting = tenant.meetings.create(tenant.directory.people[kit.ANNA], {}, now)
    bot, anna = Party(app_id=kit.APP), Party(user_id=kit.ANNA)
    leg = Leg(bot, anna, now - 60 * NS_PER_S, now - NS_PER_S)
    tenant.records.add(CallEnded(CALL, (leg,), bot), now - 1300 * NS_PER_S)
    tenant.records.advance(now)
    session = tenant.records.sessions(CALL)[0]
    schedule = tenant.schedules.of(kit.TEAM)
    first: Callable[[str], str] = lambda path: next(iter(schedule.entries[path]))  # noqa: E731
    return {
        "user-id": kit.ANNA,
        "presence-id": kit.ANNA,
        "group-id": kit.SALES,
        "team-id": kit.TEAM,
        "channel-id": CHANNEL,
        "chat-id": chat.id,
        "chatMessage-id": message["id"],
        "conversationMember-id": next(iter(chat.people)),
        "onlineMeeting-id": meeting["id"],
        "callRecord-id": CALL,
        "session-id": session["id"],
        "segment-id": session["segments"][0]["id"],
        "shift-id": first("shifts"),
        "timeOff-id": first("timesOff"),
        "numberAssignment-id": next(iter(tenant.numbers.rows)),
        "teamsUserConfiguration-id": kit.ANNA,
        "fromDateTime": "2026-01-01",
        "toDateTime": "2026-01-02",
        "type": "TeamsCallingPolicy",
        "name": "Desk",
    }


def test_every_operation_answers_by_the_schema() -> None:
    service = Service()
    # Calls have such a test of their own; what is below /me has the handlers of /users/{id}.
    others = ("/communications/calls", "/me")
    document = subset(
        lambda path, method: not path.startswith(others) and service.has(path, method)
    )
    try:
        seen = ask_everything(service, document, EXAMPLES)
    finally:
        service.loop.close()
    assert service.graph.application.service.broken == []
    done = {name for name, status in seen if status < 300}
    operations = {name for name, _ in seen}
    assert len(operations) > 90, sorted(operations)
    assert len(done) > 50, f"hardly anything was carried out: {sorted(operations - done)}"
