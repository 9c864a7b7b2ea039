# SPDX-License-Identifier: Apache-2.0
"""Whatever Microsoft's schema lets an application send, the simulated calls answer by the schema.

Schemathesis makes requests of every operation below ``/communications/calls`` in the subset, most
of them for calls that are there. None may break the service, and each answer, also of operations
that the real service does not have, must fit its path. Bounded: so many requests for each one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from centralino.simulators.graph.calls.arriving import Arrival
from centralino.simulators.graph.calls.driver import GraphCalls
from centralino.simulators.graph.scenario import GraphScenario, Tenant
from centralino.simulators.graph.server import GraphSimulator
from centralino.simulators.http.clock import SteppedClock
from tests.kit.graph_calls import ADA, ALL_ROLES, APP, BOB, TENANT, new_call, scenario, user
from tests.kit.graph_every_operation import ask_everything
from tests.kit.graph_schema import FILE
from tests.kit.graph_stage import IssuedTokens
from tests.kit.requirements import require_shared_data

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.contract

ROOT = "/communications/calls"
EXAMPLES = 6
"""Requests for each operation."""


def _document() -> dict[str, Any]:
    """Return the calls part of the subset, with the types that it needs."""
    text = require_shared_data(FILE).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    whole = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C
    paths = {path: found for path, found in whole["paths"].items() if path.startswith(ROOT)}
    needed: dict[str, Any] = {}
    todo = set(_references(paths))
    while todo:
        name = todo.pop()
        if name not in needed:
            needed[name] = _pruned(whole["components"]["schemas"][name])
            todo |= set(_references(needed[name]))
    parts = {"openapi": "3.1.0", "info": whole["info"], "paths": paths}
    return parts | {"components": {"schemas": needed}}


def _pruned(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the choice by discriminator: it helps to judge and only slows to generate."""
    return {key: value for key, value in schema.items() if key != "allOf"}


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


class Service:
    """The simulated Graph in memory, with calls in several states."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.tokens = IssuedTokens()
        self.clock = SteppedClock()
        described = Tenant(id=TENANT, name="Tenant", domain="tenant.example")
        self.graph = GraphSimulator(
            GraphScenario(tenants=(described,), throttles=False),
            checker=self.tokens,
            clock=self.clock,
            listens=False,
        )
        self.calls = GraphCalls(scenario(), self.graph, sign=lambda *_: "token")
        self.transport = httpx.ASGITransport(app=self.graph.application.service)
        self.turn = 0

    def ids(self) -> list[str]:
        """Return calls that are there: one that stands, one that comes, a group, and none."""
        world, now = self.calls.world, self.graph.application.now()
        if len(world.calls) < 3:
            self.ask("POST", ROOT, new_call(targets=[user(ADA)]))
            self.ask("POST", ROOT, new_call(targets=[user(ADA), user(BOB)]))
            self.clock.advance(3)
            world.advance(self.graph.application.now())
            world.ring(Arrival(ADA, APP), now)
        return [*(one.id for one in world.calls.values()), "unknown"]

    def ask(self, method: str, path: str, body: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
        """Ask as the application."""

        async def send() -> httpx.Response:
            token = self.tokens.app(*ALL_ROLES, app=APP, tenant=TENANT)
            async with httpx.AsyncClient(transport=self.transport) as http:
                return await http.request(
                    method,
                    f"http://graph.test/v1.0{path}",
                    json=body,
                    headers={"authorization": f"Bearer {token}"},
                )

        return self.loop.run_until_complete(send())

    def path(self, template: str) -> str:
        """Fill a path with what is there, in turn."""
        self.turn += 1
        ids = self.ids()
        call_id = ids[self.turn % len(ids)]
        call = self.calls.world.calls.get(call_id.replace("-", ""))
        member = call.room.members[-1].id if call is not None and call.room.members else "x"
        operation = next(iter(call.operations), "x") if call is not None else "x"
        group = next(iter(call.room.groups), "x") if call is not None else "x"
        known = {
            "{call-id}": call_id,
            "{participant-id}": member,
            "{commsOperation-id}": operation,
            "{audioRoutingGroup-id}": group,
            "{contentSharingSession-id}": "x",
        }
        for name, value in known.items():
            template = template.replace(name, value)
        return template


def test_every_operation_answers_by_the_schema() -> None:
    service = Service()
    try:
        seen = ask_everything(service, _document(), EXAMPLES)
    finally:
        service.loop.close()
    assert service.graph.application.service.broken == []
    assert len(seen) > 30 * EXAMPLES
    done = {name for name, status in seen if status < 300}
    assert len(done) > 12, f"hardly anything was carried out: {sorted(done)}"
