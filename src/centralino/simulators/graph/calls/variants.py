# SPDX-License-Identifier: Apache-2.0
"""How each variant of a call that an application makes begins and comes to stand.

Between two it stands when the other side answers; a group stands at once and its people join; a
meeting is joined, through its lobby where it has one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from centralino.simulators.graph.calls.ringing import Attempt, Wish

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.orders import Json
    from centralino.simulators.graph.calls.people import Seat
    from centralino.simulators.graph.calls.room import Room
    from centralino.simulators.graph.calls.settings import Meeting
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.wire.graph.identity import Identity


class Variant:
    """How one variant of a call begins."""

    def __init__(self, source: Json, targets: list[Json]) -> None:
        self.source = source
        self.targets = targets

    def room(self, world: CallWorld) -> Room:
        """Return where it happens."""
        return world.new_room("pair")

    def start(self, call: ServiceCall) -> None:
        """Begin."""
        raise AssertionError


class ToOne(Variant):
    """A call to one party."""

    def __init__(self, source: Json, targets: list[Json], target: Identity) -> None:
        super().__init__(source, targets)
        self._target = target

    @override
    def start(self, call: ServiceCall) -> None:
        tell_establishing(call)
        wish = Wish(self._target, caller=call.application.name)
        answered, failed = partial(_answered, call), partial(_failed, call)
        call.attempts.append(Attempt(call.world, wish, answered, failed))


class ToGroup(Variant):
    """A call to several, who join as they answer."""

    def __init__(self, source: Json, targets: list[Json], people: list[Identity]) -> None:
        super().__init__(source, targets)
        self._people = people

    @override
    def room(self, world: CallWorld) -> Room:
        return world.new_room("group")

    @override
    def start(self, call: ServiceCall) -> None:
        tell_establishing(call)
        call.room.admit(call)
        delay_ms = call.world.settings.timing.establish_ms
        call.after("establish", delay_ms, partial(connect, call))
        for target in self._people:
            on_answer, on_fail = partial(_joined, call), partial(_not_joined, call)
            wish = Wish(target, caller=call.application.name)
            call.attempts.append(Attempt(call.world, wish, on_answer, on_fail))


class ToMeeting(Variant):
    """A meeting that is there, or is none."""

    def __init__(self, source: Json, meeting: Meeting | None) -> None:
        super().__init__(source, [])
        self._meeting = meeting

    @override
    def room(self, world: CallWorld) -> Room:
        if self._meeting is None:
            return world.new_room("meeting")
        return world.meeting_room(self._meeting)

    @override
    def start(self, call: ServiceCall) -> None:
        tell_establishing(call)
        timing = call.world.settings.timing
        if self._meeting is None:
            call.is_detached = True
            call.after("establish", timing.refuse_ms, partial(call.end, "meeting-not-found"))
            return
        call.room.admit(call, is_in_lobby=self._meeting.has_lobby)
        if self._meeting.has_lobby:
            delay_ms = timing.lobby_s * 1000
            call.after("lobby", delay_ms, partial(call.end, "lobby-timeout"))
        else:
            call.after("establish", timing.establish_ms, partial(connect, call))


def tell_establishing(call: ServiceCall) -> None:
    """Tell the first state of an outgoing call, or keep it for after the second."""
    if not call.world.settings.habits.established_first:
        call.notify_call()


def connect(call: ServiceCall) -> None:
    """Media stands."""
    call.connect()
    if call.world.settings.habits.established_first:
        # Told late on purpose: the two may arrive in either order.
        late: Json = {
            "@odata.type": "#microsoft.graph.call",
            "state": "establishing",
            "id": call.id,
        }
        call.tell_late(late)
    call.media.resume()


def _answered(call: ServiceCall, seat: Seat) -> None:
    call.room.seat(seat)
    call.room.admit(call)
    if seat.is_voicemail:
        call.extra["answeredBy"] = {"endpointType": "voicemail"}
    connect(call)


def _failed(call: ServiceCall, why: str) -> None:
    call.room.failure = why
    call.end(why)


def _joined(call: ServiceCall, seat: Seat) -> None:
    call.room.seat(seat)


def _not_joined(call: ServiceCall, why: str) -> None:
    alone = len(call.room.members) <= 1
    if alone and not call.is_expecting and not call.is_over:
        call.room.failure = call.room.failure or why
        call.end("nobody-joined")
