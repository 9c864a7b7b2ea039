# SPDX-License-Identifier: Apache-2.0
"""The media graph of a worker: rooms become routes between legs and rows of the mixer.

Exactly one source feeds a leg at a time: keys that we send, else what is played to it,
else its room, else silence. The graph is built anew as a whole when something changed,
at most once per turn of the loop; a route that stays keeps its object, and with it its
hold on the listener's line, so that nobody hears a change that is not his.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from centralino.adapters.media.mixer import Mixer, Row
from centralino.adapters.media.plan import Hearing, Path, plan_hearing
from centralino.adapters.media.route import EventRoute, Route
from centralino.core.kernel.ids import BridgeId, LegId

if TYPE_CHECKING:
    from centralino.adapters.media.leg import Leg
    from centralino.exchange.media import RoomMember

_RouteKey = tuple[LegId, LegId, str, str]


class MediaGraph:
    """Who hears whom among the legs of one worker."""

    def __init__(self, legs: Mapping[LegId, Leg], mixer: Mixer) -> None:
        self.rooms: dict[BridgeId, tuple[RoomMember, ...]] = {}
        self._legs = legs
        self._mixer = mixer
        self._routes: dict[_RouteKey, Route] = {}
        self._event_routes: dict[_RouteKey, EventRoute] = {}
        self._is_stale = False

    def set_room(self, room: BridgeId, members: tuple[RoomMember, ...]) -> None:
        """Make a room what ``members`` says; nobody left dissolves it."""
        if members:
            self.rooms[room] = members
        else:
            self.rooms.pop(room, None)
        self._is_stale = True

    def leave_rooms(self, leg: LegId) -> None:
        """Take a leg that ends out of its rooms; the others stay."""
        for room, members in tuple(self.rooms.items()):
            if any(member.leg == leg for member in members):
                self.set_room(room, tuple(one for one in members if one.leg != leg))

    def invalidate(self) -> None:
        """Have the graph built anew before the next packets."""
        self._is_stale = True

    def refresh(self) -> None:
        """Build the graph anew when something has changed."""
        if self._is_stale:
            self._is_stale = False
            self._build()

    def _build(self) -> None:
        live = [leg.id for leg in self._legs.values() if leg.media is not None]
        plan = plan_hearing(self.rooms, live)
        routes: dict[_RouteKey, Route] = {}
        event_routes: dict[_RouteKey, EventRoute] = {}
        rows: list[Row] = []
        for leg in self._legs.values():
            leg.is_fed = leg.is_relayed = False
        for listener_id, hearing in plan.items():
            listener = self._legs[listener_id]
            if not listener.sends or listener.playing or listener.sending_keys:
                continue
            talkers = self._receiving(hearing)
            if not talkers:
                continue
            listener.is_fed = True
            listener.is_relayed = hearing.path is Path.RELAY and listener.edge is None
            if listener.is_relayed:
                key = _key(talkers[0][0], listener)
                routes[key] = self._routes.get(key) or Route(listener, key[2], key[3])
            else:
                rows.append(Row(listener, tuple(talkers)))
                for talker, _ in talkers:
                    key = _key(talker, listener)
                    event_routes[key] = self._event_routes.get(key) or EventRoute(listener)
        self._routes, self._event_routes = routes, event_routes
        self._attach()
        self._mixer.set_rows(rows)

    def _receiving(self, hearing: Hearing) -> list[tuple[Leg, float]]:
        heard = ((self._legs[talker], gain) for talker, gain in hearing.talkers)
        return [(leg, gain) for leg, gain in heard if leg.media and leg.media.receives]

    def _attach(self) -> None:
        """Hand each talker its routes."""
        routes: defaultdict[LegId, list[Route]] = defaultdict(list)
        events: defaultdict[LegId, list[EventRoute]] = defaultdict(list)
        for key, route in self._routes.items():
            routes[key[0]].append(route)
        for key, event_route in self._event_routes.items():
            events[key[0]].append(event_route)
        for leg in self._legs.values():
            leg.routes = tuple(routes.get(leg.id, ()))
            leg.event_routes = tuple(events.get(leg.id, ()))


def _key(talker: Leg, listener: Leg) -> _RouteKey:
    return (talker.id, listener.id, talker.codec, listener.codec)
