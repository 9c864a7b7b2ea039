# SPDX-License-Identifier: Apache-2.0
"""The media graph plans only what changed, and comes out as if it had planned everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.adapters.media.graph import MediaGraph
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import RoomMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.adapters.media.leg import Leg
    from centralino.adapters.media.mixer import Mixer, Row
    from centralino.adapters.media.route import EventRoute, Route

pytestmark = pytest.mark.property

LEGS = tuple(LegId(name) for name in "abcd")
ROOMS = tuple(BridgeId(name) for name in "xy")


@dataclass
class SimulatedLeg:
    """What the graph reads and writes of a leg."""

    id: LegId
    receives: bool = True
    sends: bool = True
    codec: str = "PCMU"
    playing: bool = False
    sending_keys: None = None
    edge: None = None
    is_fed: bool = False
    is_relayed: bool = False
    routes: tuple[Route, ...] = ()
    event_routes: tuple[EventRoute, ...] = ()

    @property
    def media(self) -> SimpleNamespace:
        return SimpleNamespace(receives=self.receives)


@dataclass
class SimulatedMixer:
    """Remembers who is mixed."""

    rows: dict[LegId, tuple[tuple[LegId, float], ...]] = field(default_factory=dict)

    def set_rows(self, rows: Sequence[Row]) -> None:
        self.rows = {
            row.listener.id: tuple((leg.id, gain) for leg, gain in row.talkers) for row in rows
        }


def _listener_of(route: Route | EventRoute) -> LegId:
    return cast("SimulatedLeg", route._listener).id


class Worker:
    """A graph over simulated legs."""

    def __init__(self, legs: dict[LegId, SimulatedLeg]) -> None:
        self.legs = legs
        self.mixer = SimulatedMixer()
        self.graph = MediaGraph(cast("dict[LegId, Leg]", legs), cast("Mixer", self.mixer))

    def as_heard(self) -> object:
        """Return everything that the graph decides."""
        self.graph.refresh()
        return self.mixer.rows, {
            leg.id: (
                leg.is_fed,
                leg.is_relayed,
                sorted(_listener_of(route) for route in leg.routes),
                sorted(_listener_of(route) for route in leg.event_routes),
            )
            for leg in self.legs.values()
        }


hearing = st.dictionaries(st.sampled_from(LEGS), st.sampled_from((0.0, 0.5, 1.0)), max_size=3)
members = st.dictionaries(st.sampled_from(LEGS), hearing, max_size=4)
changes = st.one_of(
    st.tuples(st.just("room"), st.sampled_from(ROOMS), members),
    st.tuples(st.sampled_from(("play", "sends", "codec", "hears")), st.sampled_from(LEGS)),
    st.tuples(st.just("end"), st.sampled_from(LEGS)),
    st.tuples(st.just("turn")),
)


def make_change(worker: Worker, change: tuple[object, ...]) -> None:
    """Carry out one change as the engine does."""
    what = change[0]
    if what == "turn":
        worker.graph.refresh()
        return
    if what == "room":
        wanted = cast("dict[LegId, dict[LegId, float]]", change[2])
        room = tuple(
            RoomMember(leg, tuple((talker, gain) for talker, gain in hears.items()))
            for leg, hears in wanted.items()
            if leg in worker.legs
        )
        worker.graph.set_room(cast("BridgeId", change[1]), room)
        return
    leg = worker.legs.get(cast("LegId", change[1]))
    if leg is None:
        return
    if what == "play":
        leg.playing = not leg.playing
    elif what == "sends":
        leg.sends = not leg.sends
    elif what == "hears":
        leg.receives = not leg.receives
    elif what == "codec":
        leg.codec = "PCMA" if leg.codec == "PCMU" else "PCMU"
    else:
        del worker.legs[leg.id]
        worker.graph.leave_rooms(leg.id)
    worker.graph.invalidate(leg.id)


@given(st.lists(changes, max_size=25))
def test_what_changed_alone_is_planned_and_all_is_as_if_planned_anew(
    history: list[tuple[object, ...]],
) -> None:
    worker = Worker({leg: SimulatedLeg(leg) for leg in LEGS})
    for change in history:
        make_change(worker, change)
    fresh = Worker(
        {
            leg.id: SimulatedLeg(leg.id, leg.receives, leg.sends, leg.codec, leg.playing)
            for leg in worker.legs.values()
        }
    )
    for room, inside in worker.graph.rooms.items():
        fresh.graph.set_room(room, inside)
    assert worker.as_heard() == fresh.as_heard()


def test_a_route_that_stays_keeps_its_hold_on_the_line() -> None:
    worker = Worker({leg: SimulatedLeg(leg) for leg in LEGS})
    a, b, c, _ = LEGS
    both = (RoomMember(a, ((b, 1.0),)), RoomMember(b, ((a, 1.0),)))
    worker.graph.set_room(ROOMS[0], both)
    worker.graph.refresh()
    before = worker.legs[a].routes
    listening = RoomMember(c, ((a, 1.0), (b, 1.0)))
    worker.graph.set_room(ROOMS[0], (*both, listening))
    worker.graph.refresh()
    assert worker.legs[a].routes == before
    assert worker.mixer.rows == {c: ((a, 1.0), (b, 1.0))}
