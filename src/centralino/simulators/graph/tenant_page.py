# SPDX-License-Identifier: Apache-2.0
"""The tenant page: people, presence, calls, subscriptions, notifications and requests, live.

The document is put together once from its parts; what it shows comes as server-sent events, a
whole picture each time, at most four a second. It presses buttons through the simulator's own
endpoints. Source: WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from centralino.simulators.graph.instants import iso
from centralino.simulators.http.messages import events_response, json_response, page_response
from centralino.simulators.http.messages import redirect_response as redirected
from centralino.simulators.http.pages import content_policy, fill, page_part, script_data

if TYPE_CHECKING:
    from centralino.simulators.graph.deliveries import Delivered
    from centralino.simulators.graph.scenario import Person
    from centralino.simulators.graph.server import GraphSimulator
    from centralino.simulators.graph.tenant import SimulatedTenant
    from centralino.simulators.http.log import Exchange
    from centralino.simulators.http.messages import Request, Response

Json = dict[str, Any]

PACKAGE = "centralino.simulators.graph.page"
LANGUAGES = ("en", "it")
BASE = "/simulator"
LEAST_GAP_S = 0.25
STILL_THERE_S = 10.0
MOST_LINES = 40
MOST_WATCHERS = 20


@cache
def tenant_page() -> tuple[str, str]:
    """Return the document and its content security policy."""
    style = page_part(PACKAGE, "tenant.css")
    words = {name: json.loads(page_part(PACKAGE, f"catalogue.{name}.json")) for name in LANGUAGES}
    script = f"const CATALOGUE = {script_data(words)};\n" + page_part(PACKAGE, "tenant.js")
    parts = {"style": style, "script": script}
    document = fill(page_part(PACKAGE, "tenant.html"), {}, parts)
    return document, content_policy(script=script, style=style, connects=True)


class TenantPage:
    """Serves the page and its events."""

    def __init__(self, graph: GraphSimulator) -> None:
        """Take the simulator; :meth:`add_routes` serves it."""
        self._graph = graph
        self._watchers: set[asyncio.Event] = set()
        self._asked_count = 0
        graph.world.on_change.append(self._changed)

    def add_routes(self) -> None:
        """Serve it."""
        router = self._graph.application.service.router
        router.get("/", self._lead)
        router.get(f"{BASE}/", self._page)
        router.get(f"{BASE}/state", self._state)
        router.get(f"{BASE}/events", self._events)
        # Requests show on the page as well, but those of the page itself do not.
        self._graph.application.service.log.on_exchange = self._asked

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def _asked(self, exchange: Exchange) -> None:
        if not exchange.path.startswith(BASE):
            self._asked_count += 1
            self._changed()

    async def _lead(self, request: Request) -> Response:
        del request
        return redirected(f"{BASE}/")

    async def _page(self, request: Request) -> Response:
        self._graph.require_near(request)
        document, policy = tenant_page()
        return page_response(document, policy=policy)

    async def _state(self, request: Request) -> Response:
        self._graph.require_near(request)
        return json_response(self.picture(self._tenant(request)))

    async def _events(self, request: Request) -> Response:
        self._graph.require_near(request)
        return events_response(self._stream(self._tenant(request)))

    def _tenant(self, request: Request) -> SimulatedTenant:
        wanted = request.query_value("tenant")
        world = self._graph.world
        return world.tenant(wanted) if wanted else next(iter(world.tenants.values()))

    async def _stream(self, tenant: SimulatedTenant) -> AsyncIterator[bytes]:
        if len(self._watchers) >= MOST_WATCHERS:
            return
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            while True:
                changed.clear()
                text = json.dumps(self.picture(tenant), ensure_ascii=False, separators=(",", ":"))
                yield f"data: {text}\n\n".encode()
                await self._graph.application.clock.wait(LEAST_GAP_S)
                try:
                    async with asyncio.timeout(STILL_THERE_S):
                        await changed.wait()
                except TimeoutError:
                    yield b": still there\n\n"
        finally:
            self._watchers.discard(changed)

    # ---- the picture

    def picture(self, tenant: SimulatedTenant) -> Json:
        """Return everything that the page shows of a tenant."""
        graph, world = self._graph, self._graph.world
        now = graph.application.now()
        world.advance(now)
        happenings = [one for one in world.happenings if one.tenant_id == tenant.id]
        subscriptions = [one for one in world.subscriptions.all() if one.tenant_id == tenant.id]
        return {
            "now": iso(now),
            "tenant": {"id": tenant.id, "name": tenant.settings.name},
            "tenants": [{"id": t.id, "name": t.settings.name} for t in world.tenants.values()],
            "people": [self._person(tenant, person, now) for person in tenant.settings.people],
            "happenings": [
                {
                    "key": f"{one.at}/{number}",
                    "at": iso(one.at),
                    "what": one.what,
                    "who": one.who,
                    "detail": one.detail,
                }
                for number, one in enumerate(happenings)
            ][: -MOST_LINES - 1 : -1],
            "subscriptions": [
                {
                    "key": f"{one.id}/{one.expires_at}/{one.is_silent}",
                    "resource": one.resource,
                    "app": one.app_id,
                    "until": iso(one.expires_at),
                    "silent": one.is_silent,
                    "rich": one.asks_for_data,
                }
                for one in subscriptions
            ],
            "notifications": _notifications(list(graph.notifier.log), tenant.id),
            "waiting": world.deliveries.waiting_count,
            "dropped": world.deliveries.dropped_count,
            "requests": _requests(graph.application.service.log.exchanges),
            "requests_total": self._asked_count,
            "throttled": graph.application.throttle.refused_count,
        }

    @staticmethod
    def _person(tenant: SimulatedTenant, person: Person, now: int) -> Json:
        sources, shown, fact = (
            tenant.board.sources(person.id),
            tenant.board.shown(person.id),
            tenant.board.fact(person.id),
        )
        return {
            "id": person.id,
            "name": person.name,
            "title": " · ".join(filter(None, (person.job_title, person.number))),
            "shown": {"availability": shown.availability, "activity": shown.activity},
            "fact": {"availability": fact.availability, "activity": fact.activity},
            "chosen": sources.preferred is not None,
            "out": sources.is_out_of_office(now),
            "calls": tenant.phones.calls_of(person.id),
            "missed": tenant.phones.missed.get(person.id, 0),
        }


def _notifications(log: list[Delivered], tenant_id: str) -> list[Json]:
    rows = []
    for number, done in enumerate(log):
        items = [item for item in done.items if item.tenant_id == tenant_id]
        if not items:
            continue
        what = {str(i.body.get("lifecycleEvent") or i.body.get("resource", "")) for i in items}
        rows.append(
            {
                "key": f"{done.at}/{number}",
                "at": iso(done.at),
                "what": ", ".join(sorted(what))[:160],
                "url": _place(done.url),
                "status": done.status,
            }
        )
    return rows[: -MOST_LINES - 1 : -1]


def _place(url: str) -> str:
    """Return an endpoint without its query, where its owner may keep secrets."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def _requests(exchanges: tuple[Exchange, ...]) -> list[Json]:
    asked = [one for one in exchanges[-400:] if not one.path.startswith(BASE)]
    return [
        {
            "key": one.request_id,
            "at": datetime.fromtimestamp(one.at, UTC).isoformat(),
            "method": one.method,
            "path": one.path.removeprefix("/v1.0")[:160],
            "status": one.status,
            "fault": one.fault,
        }
        for one in asked[: -MOST_LINES - 1 : -1]
    ]
