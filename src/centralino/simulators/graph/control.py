# SPDX-License-Identifier: Apache-2.0
"""The simulator's own endpoints, which the real service does not have: below ``/simulator/``.

They stand for what people do (telephones, presence by hand), for PowerShell (tenant settings) and
for faults of the service (silent subscriptions, removals). They take no token: whoever reaches
them sits on the same machine. Requests of another origin are refused, so that no web page of
somebody else can press a button here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from centralino.simulators.graph.errors import bad_request, not_found
from centralino.simulators.graph.presence import Pair
from centralino.simulators.graph.scenario import Step
from centralino.simulators.graph.script import act
from centralino.simulators.graph.subscriptions import Notice
from centralino.simulators.http.messages import json_response

if TYPE_CHECKING:
    from centralino.simulators.graph.server import GraphSimulator
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.http.messages import Request, Response

Json = dict[str, Any]

BASE = "/simulator/tenants/{tenant}"
KEYS = frozenset({"answer", "decline", "hang-up"})
CLIENTS = frozenset({"sign-in", "sign-out", "active", "idle", "away", "present", "stop-presenting"})
LIFECYCLE = frozenset({"reauthorizationRequired", "missed"})
MISHAPS = LIFECYCLE | {"silence", "wake", "remove"}


class Control:
    """Answers ``/simulator/...``."""

    def __init__(self, graph: GraphSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._graph = graph

    def add_routes(self) -> None:
        """Serve it."""
        router = self._graph.application.service.router
        person = f"{BASE}/people/{{person}}"
        router.get(f"{BASE}/settings", self.settings)
        router.put(f"{BASE}/settings/{{name}}", self.set)
        router.post(f"{person}/ring", self.ring)
        router.post(f"{person}/calls/{{call}}", self.press)
        router.post(f"{person}/presence", self.presence)
        router.post("/simulator/subscriptions/{id}", self.subscription)

    def _now(self, request: Request) -> int:
        self._graph.require_near(request)
        now = self._graph.application.now()
        self._graph.world.advance(now)
        return now

    def _tenant(self, request: Request) -> SimulatedTenant:
        return self._graph.world.tenant(request.params["tenant"])

    def _done(self, document: Json) -> Response:
        self._graph.world.changed()
        return json_response(document)

    async def settings(self, request: Request) -> Response:
        """Answer the tenant settings: ``{"value": [{name, value, healthy, cmdlet, breaks}]}``."""
        self._graph.require_near(request)
        return json_response({"value": self._tenant(request).rules.rows()})

    async def set(self, request: Request) -> Response:
        """Change a tenant setting: ``{"value": ...}``."""
        self._now(request)
        body = request.json_object()
        if "value" not in body:
            raise bad_request('The body must be {"value": ...}.')
        rules = self._tenant(request).rules
        rules.set(request.params["name"], body["value"])
        return self._done({"value": rules[request.params["name"]]})

    async def ring(self, request: Request) -> Response:
        """Let somebody ring somebody: ``{"who": user id}``."""
        now, tenant = self._now(request), self._tenant(request)
        caller = tenant.directory.find(request.params["person"])
        call = tenant.phones.ring(caller.id, str(request.json_object().get("who", "")), now)
        self._graph.world.tell(now, tenant.id, "call.rings", caller.name, call.callee.name)
        return self._done({"id": call.id})

    async def press(self, request: Request) -> Response:
        """Let somebody answer, decline or hang up: ``{"do": ...}``."""
        now, tenant = self._now(request), self._tenant(request)
        person = tenant.directory.find(request.params["person"])
        key = str(request.json_object().get("do", ""))
        if key not in KEYS:
            raise bad_request(f"'do' must be one of {', '.join(sorted(KEYS))}.")
        tenant.phones.press(person.id, request.params["call"], key, now)
        self._graph.world.tell(now, tenant.id, f"call.{key}", person.name)
        return self._done({})

    async def presence(self, request: Request) -> Response:
        """Set a presence by hand: ``{"availability"}``, ``{"clear": true}`` or ``{"client"}``."""
        now, tenant = self._now(request), self._tenant(request)
        person = tenant.directory.find(request.params["person"])
        body = request.json_object()
        sources = tenant.board.sources(person.id)
        if body.get("client") in CLIENTS:
            act(tenant, person.id, Step(at_ms=0, do=cast("Any", body["client"])), now)
        elif body.get("clear"):
            sources.preferred = None
        else:
            availability = str(body.get("availability", ""))
            activity = str(body.get("activity") or availability)
            sources.prefer(Pair(availability, activity), None, now)
        tenant.board.changed(person.id, now)
        shown = tenant.board.fact(person.id)
        self._graph.world.tell(
            now,
            tenant.id,
            "presence.by-hand",
            person.name,
            f"{shown.availability}/{shown.activity}",
        )
        return self._done({"availability": shown.availability, "activity": shown.activity})

    async def subscription(self, request: Request) -> Response:
        """Let the service misbehave: ``{"do": ...}``, a word of :data:`MISHAPS`."""
        now, world = self._now(request), self._graph.world
        wanted = request.params["id"].lower()
        found = next((one for one in world.subscriptions.all() if one.id == wanted), None)
        if found is None:
            raise not_found("There is no such subscription.")
        match str(request.json_object().get("do", "")):
            case "silence":
                found.is_silent = True
            case "wake":
                found.is_silent = False
            case "remove":
                world.remove_by_service(found, now)
            case event if event in LIFECYCLE:
                world.notify_lifecycle(Notice(found, event), now)
            case _:
                raise bad_request(
                    "'do' must be silence, wake, remove, missed or reauthorizationRequired."
                )
        return self._done({})
