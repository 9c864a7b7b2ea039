# SPDX-License-Identifier: Apache-2.0
"""Paths of subscriptions; a new one is in force after its endpoints have echoed a token.

Source: "subscription: create" and its siblings, "Receive change notifications through webhooks"
(validation). The permission depends on the resource and is asked for there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from centralino.simulators.graph.callers import ANYBODY
from centralino.simulators.graph.odata import PageRule, collection, entity
from centralino.simulators.graph.requests import GraphRoute, answer, nothing

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.subscriptions import Subscription
    from centralino.simulators.graph.world import World
    from centralino.simulators.http.messages import Response

Handshake = Callable[[str], Awaitable[None]]
"""Asks an endpoint to echo a token; raises a GraphError (400) when it does not."""


def routes(world: World, handshake: Handshake) -> list[GraphRoute]:
    """Return the paths of subscriptions."""

    async def create(request: GraphRequest) -> Response:
        book = world.subscriptions
        drafted = book.draft(request.body, request.caller, request.now)
        # Two requests even when both are the same address.
        await handshake(drafted.url)
        if drafted.lifecycle_url:
            await handshake(drafted.lifecycle_url)
        book.require_room(drafted, request.caller)
        faults = world.scenario.faults
        drafted.is_silent = drafted.target.kind.kind in faults.silent_kinds
        drafted.refuses_renewal = drafted.target.kind.kind in faults.refuses_renewal_kinds
        book.admit(drafted)
        world.tell(request.now, drafted.tenant_id, "subscription.created", drafted.resource)
        location = f"{request.place.base_url}/subscriptions/{drafted.id}"
        return answer(_shown(request, drafted), 201, location=location)

    async def renew(request: GraphRequest) -> Response:
        book = world.subscriptions
        found = book.get(request.params["id"], request.caller)
        if "notificationUrl" in request.body and request.body["notificationUrl"] != found.url:
            await handshake(book.url_of(request.body))
        book.renew(found, request.body, request.caller, request.now)
        world.tell(request.now, found.tenant_id, "subscription.renewed", found.resource)
        return answer(_shown(request, found))

    return [
        GraphRoute("POST", "/subscriptions", ANYBODY, create),
        GraphRoute("GET", "/subscriptions", ANYBODY, _list),
        GraphRoute("GET", "/subscriptions/{id}", ANYBODY, _get),
        GraphRoute("PATCH", "/subscriptions/{id}", ANYBODY, renew),
        GraphRoute("DELETE", "/subscriptions/{id}", ANYBODY, _delete),
        GraphRoute("POST", "/subscriptions/{id}/reauthorize", ANYBODY, _reauthorize),
    ]


def _shown(request: GraphRequest, subscription: Subscription) -> dict[str, object]:
    return entity(subscription.shown(), request.place, "subscriptions/$entity")


def _list(request: GraphRequest) -> Response:
    rows = [one.shown() for one in request.world.subscriptions.of(request.caller)]
    return answer(collection(rows, request.place, "subscriptions", PageRule(usual=100, most=999)))


def _get(request: GraphRequest) -> Response:
    found = request.world.subscriptions.get(request.params["id"], request.caller)
    return answer(_shown(request, found))


def _delete(request: GraphRequest) -> Response:
    found = request.world.subscriptions.get(request.params["id"], request.caller)
    request.world.subscriptions.remove(found)
    request.world.tell(request.now, found.tenant_id, "subscription.deleted", found.resource)
    return nothing()


def _reauthorize(request: GraphRequest) -> Response:
    found = request.world.subscriptions.get(request.params["id"], request.caller)
    request.world.subscriptions.reauthorize(found, request.caller)
    return nothing()
