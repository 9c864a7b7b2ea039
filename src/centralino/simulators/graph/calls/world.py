# SPDX-License-Identifier: Apache-2.0
"""The world of Graph's calls: people, applications, rooms, calls, and what there is to deliver.

Sans-IO and deterministic: every entry takes ``now`` (nanoseconds since the Unix epoch) and first
lets everything happen that was due before it. What the outside must do comes out by `notices.take`
and `prompts.take`; `next_deadline` says when to come back. One seed gives one run.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.agenda import Agenda
from centralino.simulators.graph.calls.archive import LineArchive
from centralino.simulators.graph.calls.arriving import Arrival, arrive
from centralino.simulators.graph.calls.notices import Answer, Notices, Post
from centralino.simulators.graph.calls.orders import forbidden, no_permission, not_found
from centralino.simulators.graph.calls.people import NS_PER_MS, HandError, Seat, Somebody
from centralino.simulators.graph.calls.prompts import PromptLibrary
from centralino.simulators.graph.calls.recordings import Recordings
from centralino.simulators.graph.calls.records import call_ended
from centralino.simulators.graph.calls.room import Room, RoomKind
from centralino.simulators.graph.calls.variants import connect
from centralino.simulators.http.messages import Refusal
from centralino.wire.graph.identity import Identity, IdentityKind
from centralino.wire.graph.ids import id_key

if TYPE_CHECKING:
    from centralino.simulators.graph.callers import Caller
    from centralino.simulators.graph.calls.agenda import Timer
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.orders import Order, Reply
    from centralino.simulators.graph.calls.prompts import Fetch
    from centralino.simulators.graph.calls.settings import (
        Application,
        CallsScenario,
        Instance,
        Meeting,
    )
    from centralino.simulators.graph.calls.table import Handler
    from centralino.simulators.graph.records import CallEnded

MOST_ENDED: Final = 10_000
MONTH_MS: Final = 30 * 24 * 3_600_000


class CallWorld:
    """All of it."""

    def __init__(
        self,
        settings: CallsScenario,
        now: int,
        *,
        tell: Callable[[str, Mapping[str, object]], None] | None = None,
    ) -> None:
        """Make a world.

        Args:
            settings: who is in it and how it behaves.
            now: nanoseconds since the Unix epoch.
            tell: told of what happens, for the report and the page.
        """
        self.settings = settings
        self.now = now
        self.agenda = Agenda()
        self._dice = Random(f"{settings.seed}/calls")
        self._tell = tell
        self.people: dict[str, Somebody] = {}
        for person in settings.people:
            self.people[person.id.lower()] = Somebody(self, person)
        self.applications = {one.id.lower(): one for one in settings.applications}
        self.calls: dict[str, ServiceCall] = {}
        """By id, without dashes and case; only those that are not over."""
        self.rooms: dict[str, Room] = {}
        self._meetings: dict[str, Room] = {}
        self._made: dict[str, deque[int]] = {}
        self.lines = LineArchive(self)
        self.notices = Notices(self)
        self.prompts = PromptLibrary(self)
        self.recordings = Recordings(self)
        self.ended: deque[CallEnded] = deque(maxlen=MOST_ENDED)
        """What remains of each conversation that is over, in the order of their ends."""
        self.on_talk: Callable[[str, str, int], None] = _leave_talk
        """Told of a person, a conversation and its parties as they change; 0 parties: he left."""
        self.on_ended: Callable[[CallEnded], None] = _leave_it
        """Told of each as it ends."""
        for meeting in settings.meetings:
            self.meeting_room(meeting)
        for call in settings.calls:
            arrival = Arrival(call.caller, call.target, call.patience_ms, call.on_behalf_of)
            self.later(call.at_ms, partial(self._arrive_by_script, arrival))

    # ---- time

    def advance(self, now: int) -> None:
        """Let everything happen that is due."""
        while (timer := self.agenda.take(now)) is not None:
            self.now = max(self.now, timer.at)
            action, timer.action = timer.action, None
            if action is not None:
                action()
        self.now = max(self.now, now)

    def next_deadline(self) -> int | None:
        """Return when `advance` has something to do, or None."""
        return self.agenda.next_at()

    def later(self, delay_ms: int, action: Callable[[], None]) -> Timer:
        """Do something after a while."""
        return self.agenda.add(self.now + delay_ms * NS_PER_MS, action)

    # ---- requests

    def carry_out(self, handler: Handler, order: Order, now: int) -> Reply:
        """Do what an application asks.

        Raises:
            Refusal: it may not, or it cannot be.
        """
        self.advance(now)
        self.require_application(order.caller)
        return handler(self, order)

    def call_for(self, caller: Caller, call_id: str, now: int) -> ServiceCall:
        """Return an application's call.

        Raises:
            Refusal: it has none of that id, or no more.
        """
        self.advance(now)
        found = self.find_call(caller, call_id)
        if found is None:
            raise not_found()
        return found

    def find_call(self, caller: Caller, call_id: str) -> ServiceCall | None:
        """Return an application's call, or None."""
        found = self.calls.get(id_key(call_id))
        is_own = found is not None and found.application.id.lower() == caller.app_id.lower()
        return found if is_own else None

    def application_of(self, caller: Caller) -> Application:
        """Return the application of a token.

        Raises:
            Refusal: it is no calling bot.
        """
        found = self.applications.get(caller.app_id.lower())
        if found is None:
            raise forbidden("7503", "Application is not registered in our store.")
        return found

    def require_application(self, caller: Caller) -> None:
        """Go on only for an application by itself.

        Raises:
            Refusal: the token is on behalf of a user.
        """
        if caller.is_delegated:
            raise no_permission("an application permission; delegated ones are not supported")

    def require_room_for(self, application: Application) -> None:
        """Go on only below the limits of an application.

        Raises:
            Refusal: it has all the calls that it may have.
        """
        if self.is_full(application):
            limits = self.settings.limits
            raise Refusal(limits.status, "TooManyRequests", "Too many calls of this application.")

    def is_full(self, application: Application) -> bool:
        """Tell whether an application has all the calls that it may have."""
        limits = self.settings.limits
        own = sum(one.application is application for one in self.calls.values())
        made = self._made.setdefault(application.id, deque())
        while made and made[0] <= self.now - MONTH_MS * NS_PER_MS:
            made.popleft()
        return own >= limits.concurrent_calls or len(made) >= limits.calls_per_month

    # ---- who is there

    def person(self, person_id: str) -> Somebody:
        """Return a person by id or number.

        Raises:
            HandError: there is none.
        """
        found = self._find(person_id)
        if found is None:
            raise HandError(f"nobody has the id or number {person_id!r}")
        return found

    def _find(self, place: str) -> Somebody | None:
        found = self.people.get(place.lower())
        if found is not None:
            return found
        numbers = (one for one in self.people.values() if one.person.number == place)
        return next(numbers, None) if place else None

    def find_person(self, identity: Identity) -> Somebody | None:
        """Return who an identity names; a phone may be the number of a Teams user."""
        found = self._find(identity.id)
        is_user = found is not None and found.person.kind == "user"
        is_phone = identity.kind is IdentityKind.PHONE
        if found is None or (is_phone and is_user and found.person.number != identity.id):
            return None
        return found

    def find_place(self, place: str) -> Identity | None:
        """Return who an id or number of the scenario names."""
        found = self._find(place)
        return found.identity if found is not None else None

    def find_application(self, target: str) -> tuple[Application, Instance | None] | None:
        """Return an application by its id, or by an instance's id or number."""
        wanted = target.lower()
        for application in self.applications.values():
            if application.id.lower() == wanted:
                return application, None
            for instance in application.instances:
                if wanted in {instance.id.lower(), instance.number.lower() or None}:
                    return application, instance
        return None

    @staticmethod
    def has_number(application: Application) -> bool:
        """Tell whether an application has a resource account with a number."""
        return any(one.number for one in application.instances)

    # ---- by hand

    def ring(self, arrival: Arrival, now: int) -> ServiceCall:
        """Let somebody ring an application.

        Raises:
            HandError: the caller or the application is not there, or full.
        """
        self.advance(now)
        return arrive(self, arrival)

    def somebody(self, person_id: str, now: int) -> Somebody:
        """Return a person, to do something by hand as of now.

        Raises:
            HandError: there is none.
        """
        self.advance(now)
        return self.person(person_id)

    def admit(self, call_id: str, now: int) -> None:
        """Let an application's call in that waits in the lobby.

        Raises:
            HandError: no such call waits.
        """
        self.advance(now)
        call = self.calls.get(id_key(call_id))
        if call is None or call.member is None or not call.member.is_in_lobby:
            raise HandError("no such call waits in a lobby")
        call.cancel("lobby")
        call.member.is_in_lobby = False
        call.room.rewire()
        connect(call)

    def end_meeting(self, thread_id: str, now: int) -> None:
        """End a meeting for everybody.

        Raises:
            HandError: there is none.
        """
        self.advance(now)
        room = self._meetings.pop(thread_id, None)
        if room is None:
            raise HandError(f"no meeting has the thread {thread_id!r}")
        room.close("conversation-ended")

    def _arrive_by_script(self, arrival: Arrival) -> None:
        try:
            arrive(self, arrival)
        except HandError as error:
            self.tell("not-rung", caller=arrival.caller, why=str(error))

    # ---- rooms and calls

    def new_room(self, kind: RoomKind) -> Room:
        """Make a room."""
        room = Room(self, self.new_id(), kind, self.now)
        self.rooms[room.id] = room
        return room

    def meeting_room(self, meeting: Meeting) -> Room:
        """Return the room of a meeting, with those who are in it from the start."""
        room = self._meetings.get(meeting.thread_id)
        if room is None:
            room = self.new_room("meeting")
            room.thread_id, room.organizer = meeting.thread_id, meeting.organizer
            self._meetings[meeting.thread_id] = room
            for person_id in meeting.people:
                room.seat(self.person(person_id).sit_down())
        return room

    def add_call(self, call: ServiceCall) -> None:
        """Know a call from now on."""
        self.calls[id_key(call.id)] = call
        call.room.seen.append(call)
        app_id = call.application.id
        self._made.setdefault(app_id, deque()).append(self.now)
        self.tell("call", call=call.id, state=call.state.value, app=app_id)

    def call_ended(self, call: ServiceCall) -> None:
        """Forget a call that is over."""
        self.calls.pop(id_key(call.id), None)
        self.recordings.call_ended(call)

    def caller_answered(self, seat: Seat) -> None:
        """Somebody who rang is answered: his script begins."""
        if not seat.has_begun:
            seat.person.begin(seat, seat.person.next_turn())

    def room_closed(self, room: Room) -> None:
        """A conversation is over: its record is made."""
        self.rooms.pop(room.id, None)
        self._meetings = {key: one for key, one in self._meetings.items() if one is not room}
        if room.past or room.seen:
            ended = call_ended(room)
            self.ended.append(ended)
            self.tell("conversation-ended", room=room.id, failure=room.failure)
            self.on_ended(ended)

    # ---- what the shell brings

    def posted(self, post: Post, answer: Answer, now: int) -> None:
        """Take what became of a notification."""
        self.advance(now)
        self.notices.posted(post, answer)

    def fetched(self, fetch: Fetch, content: bytes | None, now: int) -> None:
        """Take a prompt that was fetched, or that there is none."""
        self.advance(now)
        self.prompts.fetched(fetch, content)

    # ---- ids

    def new_id(self) -> str:
        """Return a GUID."""
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def new_secret(self) -> str:
        """Return a token of a recording or a meeting."""
        return self._dice.randbytes(24).hex()

    def new_thread_id(self) -> str:
        """Return the id of a chat."""
        return f"19:{self._dice.randbytes(16).hex()}@thread.v2"

    def tell(self, what: str, **fields: object) -> None:
        """Tell the report what happened."""
        if self._tell is not None:
            self._tell(what, fields)


def _leave_talk(person_id: str, room_id: str, parties: int) -> None:
    """Nobody wants it."""


def _leave_it(ended: CallEnded) -> None:
    """Nobody wants it."""
