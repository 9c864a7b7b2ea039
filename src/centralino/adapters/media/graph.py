# SPDX-License-Identifier: Apache-2.0
"""The media graph of a worker: rooms become routes between legs and rows of the mixer.

Exactly one source feeds a leg at a time: keys that we send, else what is played to it,
else its room, else silence. What changed is noted, and at most once per turn of the loop
the legs that it concerns, they and who is in a room with them, are planned anew: what one
call does costs the same, however many others there are. A route that stays keeps its
object, and with it its hold on the listener's line, so that nobody hears a change that is
not his.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.adapters.media.mixer import Mixer, Row
from centralino.adapters.media.plan import SILENCE, Hearing, Path, plan_hearing
from centralino.adapters.media.route import EventRoute, Route
from centralino.core.kernel.ids import BridgeId, LegId

if TYPE_CHECKING:
    from centralino.adapters.media.leg import Leg
    from centralino.exchange.media import RoomMember

_RouteKey = tuple[LegId, LegId, str, str]


@dataclass(slots=True)
class _Feed:
    """What brings one listener its audio and keys."""

    routes: dict[_RouteKey, Route] = field(default_factory=dict)
    """At most one: who hears several has a row."""
    event_routes: dict[_RouteKey, EventRoute] = field(default_factory=dict)
    row: Row | None = None


_NOTHING = _Feed()


class MediaGraph:
    """Who hears whom among the legs of one worker."""

    def __init__(self, legs: Mapping[LegId, Leg], mixer: Mixer) -> None:
        self.rooms: dict[BridgeId, tuple[RoomMember, ...]] = {}
        self._legs = legs
        self._mixer = mixer
        self._rooms_of: dict[LegId, dict[BridgeId, None]] = {}
        """Leg to its rooms, in the order in which it came into them."""
        self._feeds: dict[LegId, _Feed] = {}
        """By listener; who hears nobody has none."""
        self._stale: dict[LegId, None] = {}

    def set_room(self, room: BridgeId, members: tuple[RoomMember, ...]) -> None:
        """Make a room what ``members`` says; nobody left dissolves it."""
        for member in self.rooms.pop(room, ()):
            rooms = self._rooms_of[member.leg]
            del rooms[room]
            if not rooms:
                del self._rooms_of[member.leg]
            self._stale[member.leg] = None
        if members:
            self.rooms[room] = members
        for member in members:
            self._rooms_of.setdefault(member.leg, {})[room] = None
            self._stale[member.leg] = None

    def leave_rooms(self, leg: LegId) -> None:
        """Take a leg that ends out of its rooms; the others stay."""
        for room in tuple(self._rooms_of.get(leg, ())):
            self.set_room(room, tuple(one for one in self.rooms[room] if one.leg != leg))

    def invalidate(self, leg: LegId) -> None:
        """Have what a leg hears, and who hears it, planned anew before the next packets."""
        self._stale[leg] = None

    def refresh(self) -> None:
        """Plan anew what has changed."""
        if not self._stale:
            return
        stale, self._stale = self._stale, {}
        if any(leg in self._rooms_of or leg in self._feeds for leg in stale):
            self._plan(stale)

    def _plan(self, stale: Iterable[LegId]) -> None:
        concerned = self._with_company(stale)
        rooms = self._rooms_with(concerned)
        present = {member.leg for members in rooms.values() for member in members}
        live = [leg for leg in present if self._legs[leg].media is not None]
        plan = plan_hearing(rooms, live)
        has_rows = False
        for listener in concerned:
            before = self._feeds.pop(listener, _NOTHING)
            after = self._feed(listener, plan.get(listener, SILENCE), before)
            if after is not _NOTHING:
                self._feeds[listener] = after
            self._hand_out(before, after)
            has_rows = has_rows or before.row is not None or after.row is not None
        if has_rows:
            self._mixer.set_rows([feed.row for feed in self._feeds.values() if feed.row])

    def _with_company(self, legs: Iterable[LegId]) -> list[LegId]:
        """Return legs and who is in a room with them."""
        found = dict.fromkeys(legs)
        for members in self._rooms_with(legs).values():
            found.update(dict.fromkeys(member.leg for member in members))
        return list(found)

    def _rooms_with(self, legs: Iterable[LegId]) -> dict[BridgeId, tuple[RoomMember, ...]]:
        """Return every room that one of the legs is in."""
        return {room: self.rooms[room] for leg in legs for room in self._rooms_of.get(leg, ())}

    def _feed(self, listener_id: LegId, hearing: Hearing, before: _Feed) -> _Feed:
        listener = self._legs.get(listener_id)
        if listener is None:
            return _NOTHING
        listener.is_fed = listener.is_relayed = False
        if not listener.sends or listener.playing or listener.sending_keys:
            return _NOTHING
        talkers = self._receiving(hearing)
        if not talkers:
            return _NOTHING
        listener.is_fed = True
        listener.is_relayed = hearing.path is Path.RELAY and listener.edge is None
        if listener.is_relayed:
            key = _key(talkers[0][0], listener)
            return _Feed({key: before.routes.get(key) or Route(listener, key[2], key[3])})
        keys = [_key(talker, listener) for talker, _ in talkers]
        events = {key: before.event_routes.get(key) or EventRoute(listener) for key in keys}
        return _Feed(event_routes=events, row=Row(listener, tuple(talkers)))

    def _receiving(self, hearing: Hearing) -> list[tuple[Leg, float]]:
        heard = ((self._legs[talker], gain) for talker, gain in hearing.talkers)
        return [(leg, gain) for leg, gain in heard if leg.media and leg.media.receives]

    def _hand_out(self, before: _Feed, after: _Feed) -> None:
        """Take the routes that are over from their talkers, and give them the new ones."""
        for key, route in before.routes.items():
            talker = self._legs.get(key[0])
            if talker is not None and after.routes.get(key) is not route:
                talker.routes = tuple(one for one in talker.routes if one is not route)
        for key, route in after.routes.items():
            if before.routes.get(key) is not route:
                self._legs[key[0]].routes += (route,)
        for key, events in before.event_routes.items():
            talker = self._legs.get(key[0])
            if talker is not None and after.event_routes.get(key) is not events:
                talker.event_routes = tuple(one for one in talker.event_routes if one is not events)
        for key, events in after.event_routes.items():
            if before.event_routes.get(key) is not events:
                self._legs[key[0]].event_routes += (events,)


def _key(talker: Leg, listener: Leg) -> _RouteKey:
    return (talker.id, listener.id, talker.codec, listener.codec)
