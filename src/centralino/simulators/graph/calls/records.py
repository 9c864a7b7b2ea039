# SPDX-License-Identifier: Apache-2.0
"""What remains of a conversation for reports: a `CallEnded`, of which Graph's records are made.

One for each room: between two one leg from caller to callee, in a group one leg of each
participant with the application that gathered it. Figures of quality are drawn around what the
person's network is said to be, from the scenario's seed and the record's id. A record's id is the
call's ``callChainId``, until a transfer makes a new conversation. Source: "Working with the call
records API", "Call records API FAQ".
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from centralino.simulators.graph.calls.settings import Network
from centralino.simulators.graph.records import CallEnded, Leg, Party, Quality
from centralino.wire.graph.identity import Identity, IdentityKind, read_identity
from centralino.wire.graph.states import CallDirection

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.room import Member, Room

_APPLICATIONS = {IdentityKind.APPLICATION, IdentityKind.APPLICATION_INSTANCE}


@dataclass(frozen=True, slots=True)
class _End:
    """One party, with its time in the room."""

    identity: Identity
    member: Member | None = None

    @property
    def party(self) -> Party:
        identity = self.identity
        seat = self.member.seat if self.member is not None else None
        platform = seat.person.person.platform if seat is not None else "unknown"
        is_application = identity.kind in _APPLICATIONS
        is_phone = identity.kind is IdentityKind.PHONE
        return Party(
            user_id="" if is_application or is_phone else identity.id,
            number=identity.id if is_phone else "",
            app_id=identity.id if is_application else "",
            name=identity.display_name,
            tenant_id=identity.tenant_id,
            platform="unknown" if is_phone else platform,
        )

    @property
    def network(self) -> Network:
        seat = self.member.seat if self.member is not None else None
        return seat.person.person.network if seat is not None else Network()


def call_ended(room: Room) -> CallEnded:
    """Return what remains of a conversation that is over."""
    dice = Random(f"{room.world.settings.seed}/{room.id}")
    everybody = [_End(one.identity, one) for one in room.past]
    pair = _pair(room, everybody)
    is_group = room.kind != "pair"
    if room.organizer:
        organizer = Party(user_id=room.organizer, tenant_id=room.world.settings.tenant_id)
    else:
        organizer = pair[0].party
    legs = _group_legs(room, pair[0], everybody, dice) if is_group else [_leg(room, pair, dice)]
    return CallEnded(
        id=room.id,
        legs=tuple(legs),
        organizer=organizer,
        is_group=is_group,
        join_url=_join_url(room),
    )


def _pair(room: Room, everybody: list[_End]) -> tuple[_End, _End]:
    """Return caller and callee, also where nobody answered."""
    if not room.seen:
        return everybody[0], everybody[-1]
    call = room.seen[0]
    own = next((one for one in everybody if one.member and one.member.call is call), None)
    application = own or _End(call.identity)
    person = next((one for one in everybody if one is not own), None) or _wanted(call)
    if call.direction is CallDirection.OUTGOING:
        return application, person
    return person, application


def _wanted(call: ServiceCall) -> _End:
    found = read_identity(call.targets[0]["identity"]) if call.targets else None
    return _End(found or call.identity)


def _join_url(room: Room) -> str | None:
    if room.kind != "meeting":
        return None
    return f"https://teams.example/l/meetup-join/{room.thread_id}/0"


def _leg(room: Room, ends: tuple[_End, _End], dice: Random) -> Leg:
    joined = [one.joined_at for one in room.past]
    begins_at = max(joined) if joined and not room.failure else room.began_at
    return Leg(
        ends[0].party,
        ends[1].party,
        begins_at,
        room.world.now,
        failure=room.failure,
        quality=_quality(_worse(ends), dice),
    )


def _worse(ends: tuple[_End, _End]) -> Network:
    return max((one.network for one in ends), key=lambda one: one.jitter_ms)


def _group_legs(room: Room, host: _End, everybody: list[_End], dice: Random) -> list[Leg]:
    service = Party(app_id=host.identity.id, role="mediaController")
    legs = []
    for one in everybody:
        member = one.member
        if member is None:
            continue
        ended = member.left_at if member.left_at is not None else room.world.now
        quality = _quality(one.network, dice)
        legs.append(Leg(one.party, service, member.joined_at, ended, quality=quality))
    return legs


def _quality(network: Network, dice: Random) -> Quality:
    def around(value: float, most: float = float("inf")) -> float:
        return round(min(value * dice.uniform(0.85, 1.15), most), 5)

    return Quality(
        jitter_ms=around(network.jitter_ms),
        loss_ratio=around(network.loss_ratio, 1.0),
        round_trip_ms=around(network.round_trip_ms),
        degradation=around(network.degradation, 5.0),
        concealed_ratio=around(network.concealed_ratio, 1.0),
    )
