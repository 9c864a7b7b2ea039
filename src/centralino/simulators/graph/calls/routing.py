# SPDX-License-Identifier: Apache-2.0
"""Audio routing groups: who hears whom beside the default mix, by the application's wish.

Source: the reference page of audioRoutingGroup.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls import orders
from centralino.simulators.graph.calls.groups import IN_GROUPS, collection
from centralino.simulators.graph.calls.orders import Json, Order, Reply, bad, wrong_state
from centralino.simulators.graph.calls.room import RoutingGroup
from centralino.simulators.http.messages import Refusal

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.world import CallWorld

MOST_ROUTES: Final = 50


class RoutingMode(StrEnum):
    """``routingMode``."""

    ONE_TO_ONE = "oneToOne"
    MULTICAST = "multicast"


def create_route(world: CallWorld, order: Order) -> Reply:
    """POST .../audioRoutingGroups."""
    orders.any_role(order.caller, IN_GROUPS)
    call = order.its_call
    if not call.is_group or not call.has_media:
        raise wrong_state("Audio routing groups are for group calls that stand.")
    if len(call.room.groups) >= MOST_ROUTES:
        raise bad(f"A call has at most {MOST_ROUTES} audio routing groups.")
    mode = orders.word(order.body, "routingMode", RoutingMode) or RoutingMode.ONE_TO_ONE
    made = RoutingGroup(world.new_id(), mode.value, *_ends(order))
    call.room.groups[made.id] = made
    call.room.rewire()
    where = f"{order.base_url}/communications/calls/{call.id}/audioRoutingGroups/{made.id}"
    return Reply(201, _route(made), where)


def _ends(order: Order) -> tuple[tuple[str, ...], tuple[str, ...]]:
    room = order.its_call.room
    ends = []
    for name in ("sources", "receivers"):
        wanted = orders.words(order.body, name, most=100)
        found = [room.find(one) for one in wanted]
        if None in found:
            raise bad(f"'{name}' names somebody who is not in the call.")
        ends.append(tuple(one.id for one in found if one is not None))
    return ends[0], ends[1]


def _route(group: RoutingGroup) -> Json:
    return {
        "@odata.type": "#microsoft.graph.audioRoutingGroup",
        "id": group.id,
        "routingMode": group.mode,
        "sources": list(group.sources),
        "receivers": list(group.receivers),
    }


def _its_route(order: Order) -> RoutingGroup:
    orders.any_role(order.caller, IN_GROUPS)
    found = order.its_call.room.groups.get(order.params.get("group", ""))
    if found is None:
        raise Refusal(404, "itemNotFound", "Audio routing group not found.")
    return found


def list_routes(world: CallWorld, order: Order) -> Reply:
    """GET .../audioRoutingGroups."""
    del world
    orders.any_role(order.caller, IN_GROUPS)
    found = [_route(one) for one in order.its_call.room.groups.values()]
    return Reply(200, collection(order, "audioRoutingGroups", list(found)))


def get_route(world: CallWorld, order: Order) -> Reply:
    """GET .../audioRoutingGroups/{id}."""
    del world
    return Reply(200, _route(_its_route(order)))


def change_route(world: CallWorld, order: Order) -> Reply:
    """PATCH .../audioRoutingGroups/{id}."""
    del world
    group = _its_route(order)
    sources, receivers = _ends(order)
    mode = orders.word(order.body, "routingMode", RoutingMode)
    group.mode = mode.value if mode is not None else group.mode
    group.sources = sources if "sources" in order.body else group.sources
    group.receivers = receivers if "receivers" in order.body else group.receivers
    order.its_call.room.rewire()
    return Reply(200, _route(group))


def delete_route(world: CallWorld, order: Order) -> Reply:
    """DELETE .../audioRoutingGroups/{id}."""
    del world
    group = _its_route(order)
    del order.its_call.room.groups[group.id]
    order.its_call.room.rewire()
    return Reply(204)
