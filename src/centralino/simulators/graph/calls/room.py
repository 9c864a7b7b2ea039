# SPDX-License-Identifier: Apache-2.0
"""Where the parties of a call hear each other: two of them, or a group, or a meeting.

The room decides who hears whom: everybody everybody, apart from who is muted by the service or by
himself, who has put the others on hold, who is given hold music, who waits in the lobby, and who
was taken out of the default mix and into routing groups. Each change is written into the lines,
where it can be listened to. Applications are told of the roster in groups and meetings only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from centralino.simulators.graph.calls.line import Line, Mouth
from centralino.simulators.graph.calls.people import press_sound
from centralino.wire.graph.ids import id_key
from centralino.wire.graph.states import RecordingStatus

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.people import Seat
    from centralino.simulators.graph.calls.world import CallWorld
    from centralino.wire.graph.identity import Identity

RoomKind = Literal["pair", "group", "meeting"]


@dataclass(slots=True, eq=False)
class Member:
    """One party in one room."""

    id: str
    """Participant id."""
    room: Room
    line: Line
    identity: Identity
    joined_at: int
    seat: Seat | None = None
    """Of a person."""
    call: ServiceCall | None = None
    """Of an application."""
    left_at: int | None = None
    is_server_muted: bool = False
    is_in_lobby: bool = False
    is_hidden: bool = False
    is_in_default_mix: bool = True
    music: Mouth | None = None
    """On hold by an application: all he hears."""
    shares_screen: bool = False
    recording: RecordingStatus = RecordingStatus.UNKNOWN

    @property
    def name(self) -> str:
        """What a display shows of him."""
        return self.identity.display_name or self.identity.id

    @property
    def is_muted(self) -> bool:
        """Whether nobody hears him, by the service or by himself."""
        return self.is_server_muted or (self.seat is not None and self.seat.is_muted)

    @property
    def is_away(self) -> bool:
        """Whether he neither speaks to the others nor hears them."""
        holds = self.seat is not None and self.seat.holds
        return holds or self.is_in_lobby or self.music is not None


@dataclass(slots=True)
class RoutingGroup:
    """Receivers who hear sources whatever the default mix says; participant ids."""

    id: str
    mode: str
    sources: tuple[str, ...]
    receivers: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Room:
    """One conversation."""

    world: CallWorld
    id: str
    """Also the id of its call record."""
    kind: RoomKind
    began_at: int
    members: list[Member] = field(default_factory=list)
    waiting: list[ServiceCall] = field(default_factory=list)
    """Calls that ring their application; they end with the room."""
    seen: list[ServiceCall] = field(default_factory=list)
    """Every call that led into it."""
    past: list[Member] = field(default_factory=list)
    """Everybody who was ever in it, in the order of joining."""
    groups: dict[str, RoutingGroup] = field(default_factory=dict)
    ambience: Mouth | None = None
    """Heard by everybody: ringback, while a call is not answered."""
    sequence: int = 0
    """Number of the last roster."""
    thread_id: str = ""
    organizer: str = ""
    failure: str = ""
    """Why it never came to a conversation; empty when it did."""
    is_closed: bool = False

    # ---- who is in it

    def enter(self, member: Member) -> Member:
        """Let somebody in."""
        if member.seat is not None:
            member.seat.member = member
        if member.call is not None:
            member.call.member = member
        self.world.lines.keep(member.line)
        self.members.append(member)
        self.past.append(member)
        self.roster_changed([member])
        self._tell_presence()
        return member

    def _tell_presence(self) -> None:
        for one in self.members:
            if one.seat is not None:
                self.world.on_talk(one.line.owner, self.id, len(self.members))

    def seat(self, seat: Seat, participant_id: str = "") -> Member:
        """Let a person in."""
        identity = seat.person.identity
        name = participant_id or self.world.new_id()
        return self.enter(Member(name, self, seat.line, identity, self.world.now, seat))

    def admit(self, call: ServiceCall, *, is_in_lobby: bool = False) -> Member:
        """Let an application in."""
        now = self.world.now
        identity = call.identity
        line = Line(self.world.new_id(), call.id, now)
        name = call.my_participant_id
        member = Member(name, self, line, identity, now, call=call, is_in_lobby=is_in_lobby)
        return self.enter(member)

    def take_out(self, member: Member) -> None:
        """Take somebody out whose line goes on elsewhere, or whose call ends by itself."""
        if member not in self.members:
            return
        self.members.remove(member)
        member.left_at = self.world.now
        member.music = None
        if member.seat is not None:
            member.seat.member = None
        member.line.listen((), self.world.now)
        self.roster_changed([], [member])
        if member.call is None:
            self.world.on_talk(member.line.owner, self.id, 0)
        self._tell_presence()

    def leave(self, member: Member, how: str = "") -> None:
        """A person hangs up, or is made to leave."""
        self.take_out(member)
        if member.seat is not None:
            member.seat.person.left(member.seat)
        is_phone = member.identity.kind.value == "phone"
        self.settle(how or ("ended-by-phone" if is_phone else "other-ended"))

    def settle(self, how: str) -> None:
        """End what cannot go on now that somebody has left; ``how`` he did."""
        if self.is_closed:
            return
        if self.kind == "pair" and self.past:
            self.close("other-ended-peer-to-peer" if how == "other-ended" else how)
        elif not self.members and self.kind != "meeting":
            self.close(how)
        elif len(self.members) == 1 and self.kind == "group":
            self._leave_alone(self.members[0])

    def _leave_alone(self, last: Member) -> None:
        if last.seat is not None:
            self.leave(last)
        elif self.world.settings.timing.alone_ms:
            self.world.later(self.world.settings.timing.alone_ms, self._end_if_alone)

    def _end_if_alone(self) -> None:
        call = self.members[0].call if len(self.members) == 1 else None
        if call is not None and not call.is_expecting and not self.is_closed:
            self.close("all-others-left")

    def close(self, how: str) -> None:
        """End the conversation for everybody in it."""
        if self.is_closed:
            return
        self.is_closed = True
        for call in self.waiting:
            call.end("caller-gave-up")
        for member in list(self.members):
            self.take_out(member)
            if member.seat is not None:
                member.seat.person.left(member.seat)
            elif member.call is not None:
                member.call.end(how)
        self.world.room_closed(self)

    def calls(self) -> Iterator[ServiceCall]:
        """Yield the applications' calls in it."""
        return (member.call for member in list(self.members) if member.call is not None)

    def find(self, participant_id: str) -> Member | None:
        """Return who has a participant id, in any spelling of it."""
        key = id_key(participant_id)
        return next((one for one in self.members if id_key(one.id) == key), None)

    # ---- who hears whom

    def rewire(self) -> None:
        """Write into every line whom it hears from now on."""
        for member in self.members:
            member.line.listen(self._heard_by(member), self.world.now)

    def _heard_by(self, listener: Member) -> Iterator[Mouth]:
        if listener.music is not None:
            yield listener.music
        if listener.is_away:
            return
        if self.ambience is not None:
            yield self.ambience
        for speaker in self.members:
            is_other = speaker is not listener and not speaker.is_away and not speaker.is_muted
            if is_other and self._reaches(speaker, listener):
                yield speaker.line.mouth

    def _reaches(self, speaker: Member, listener: Member) -> bool:
        if speaker.is_in_default_mix and listener.is_in_default_mix:
            return True
        return any(
            speaker.id in group.sources and listener.id in group.receivers
            for group in self.groups.values()
        )

    # ---- what happens in it

    def key_pressed(self, member: Member, key: str) -> None:
        """A person presses a key: out of band, so it is a fact and not a sound."""
        self.world.tell("key", person=member.line.owner, key=key)
        for other in self.members:
            if other is not member:
                other.line.keys.append((self.world.now, key))
        if not member.is_away:
            for call in self.calls():
                call.key_heard(key)

    def keys_from_service(self, member: Member, key: str) -> None:
        """An application sends a key: the others hear its two tones."""
        press_sound(member.line, key, self.world.now)
        for other in self.members:
            if other is not member:
                other.line.keys.append((self.world.now, key))

    def hold_changed(self, member: Member) -> None:
        """A person holds the others, or takes them back."""
        self.rewire()
        is_held = member.seat is not None and member.seat.holds
        if self.kind == "pair":
            for call in self.calls():
                call.remote_hold(on=is_held)
        self.roster_changed([member])

    def roster_changed(self, changed: Iterable[Member], removed: Iterable[Member] = ()) -> None:
        """Tell the applications who is in it now."""
        self.rewire()
        if self.kind == "pair" or self.is_closed:
            return
        self.sequence += 1
        changed, removed = list(changed), list(removed)
        for call in self.calls():
            call.roster_changed(changed, removed)
