# SPDX-License-Identifier: Apache-2.0
"""Call records: what remains of a conversation for reports.

One `callRecord` for each room: between two one session from caller to callee, in a group one
session of each participant with the service. A session has one segment, its media one stream each
way. Figures of quality are drawn around what the person's network is said to be, from the
scenario's seed and the record's id. A record's id is the call's ``callChainId``, until a transfer
makes a new conversation. Source: metadata of `microsoft.graph.callRecords`, "Working with the call
records API".
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from centralino.simulators.graph.calls.settings import Network
from centralino.wire.graph.identity import IdentityKind
from centralino.wire.graph.iso8601 import write_duration, write_instant
from centralino.wire.graph.states import CallDirection

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.room import Member, Room

Json = dict[str, object]
_NAMESPACE: Final = "#microsoft.graph.callRecords."
NS_PER_MS: Final = 1_000_000
FRAMES_PER_S: Final = 50
_BITS_PER_S: Final = 36_000


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a session."""

    identity: Json
    member: Member | None = None

    @property
    def is_application(self) -> bool:
        return "application" in self.identity

    @property
    def network(self) -> Network:
        seat = self.member.seat if self.member is not None else None
        return seat.person.person.network if seat is not None else Network()


def call_record(room: Room) -> Json:
    """Return the record of a conversation that is over."""
    now, dice = room.world.now, Random(f"{room.world.settings.seed}/{room.id}")
    members = room.past
    everybody = [_End(one.identity.write(), one) for one in members]
    organizer = _organizer(room, everybody)
    return {
        "@odata.type": f"{_NAMESPACE}callRecord",
        "id": room.id,
        "version": 1,
        "type": "peerToPeer" if room.kind == "pair" else "groupCall",
        "modalities": ["audio"],
        "startDateTime": write_instant(room.began_at),
        "endDateTime": write_instant(now),
        "lastModifiedDateTime": write_instant(now),
        "joinWebUrl": _join_url(room),
        "organizer": organizer,
        "participants": [one.identity for one in everybody],
        "organizer_v2": {
            "@odata.type": f"{_NAMESPACE}organizer",
            "id": _id_of(organizer),
            "identity": _communications(organizer),
            "administrativeUnitInfos": [],
        },
        "participants_v2": [
            {
                "@odata.type": f"{_NAMESPACE}participant",
                "id": _id_of(one.identity),
                "identity": _communications(one.identity),
                "administrativeUnitInfos": [],
            }
            for one in everybody
        ],
        "sessions": _sessions(room, everybody, dice),
    }


def _organizer(room: Room, everybody: list[_End]) -> Json:
    if room.organizer:
        user = {"@odata.type": "#microsoft.graph.identity", "id": room.organizer}
        return {"@odata.type": "#microsoft.graph.identitySet", "user": user}
    caller, _ = _pair(room, everybody)
    return caller.identity


def _pair(room: Room, everybody: list[_End]) -> tuple[_End, _End]:
    """Return caller and callee of a conversation between two, also when nobody answered."""
    call = room.seen[0] if room.seen else None
    if call is None:
        return everybody[0], everybody[-1]
    own = next((one for one in everybody if one.is_application), None)
    application = own or _End(call.room_identity())
    person = next((one for one in everybody if one is not own), None)
    if person is None:
        target = call.targets[0]["identity"] if call.targets else application.identity
        person = _End(target if isinstance(target, dict) else {})
    if call.direction is CallDirection.OUTGOING:
        return application, person
    return person, application


def _join_url(room: Room) -> str | None:
    if room.kind != "meeting":
        return None
    return f"https://teams.example/l/meetup-join/{room.thread_id}/0"


def _id_of(identity: Json) -> str:
    for kind in IdentityKind:
        one = identity.get(kind.value)
        if isinstance(one, dict):
            return str(one["id"])
    return ""


def _communications(identity: Json) -> Json:
    return {**identity, "@odata.type": "#microsoft.graph.communicationsIdentitySet"}


def _sessions(room: Room, everybody: list[_End], dice: Random) -> list[Json]:
    if room.kind == "pair":
        caller, callee = _pair(room, everybody)
        began = max([one.joined_at for one in room.past], default=room.began_at)
        return [_session(room, (caller, callee), began, room.world.now, dice)]
    service = _End({})
    return [
        _session(room, (one, service), one.member.joined_at, _end_of(room, one.member), dice)
        for one in everybody
        if one.member is not None
    ]


def _end_of(room: Room, member: Member) -> int:
    return member.left_at if member.left_at is not None else room.world.now


def _session(room: Room, ends: tuple[_End, _End], began: int, ended: int, dice: Random) -> Json:
    session_id = room.world.new_id()
    times: Json = {"startDateTime": write_instant(began), "endDateTime": write_instant(ended)}
    shared: Json = {
        **times,
        "caller": _endpoint(ends[0]),
        "callee": _endpoint(ends[1]),
        "failureInfo": _failure(room),
    }
    streams = [] if room.failure else _streams(ends, times, ended - began, dice)
    media: Json = {
        "@odata.type": f"{_NAMESPACE}media",
        "label": "main-audio",
        "callerDevice": {"@odata.type": f"{_NAMESPACE}deviceInfo"},
        "calleeDevice": {"@odata.type": f"{_NAMESPACE}deviceInfo"},
        "callerNetwork": _network(ends[0].network),
        "calleeNetwork": _network(ends[1].network),
        "streams": streams,
    }
    segment = {
        "@odata.type": f"{_NAMESPACE}segment",
        "id": session_id,
        **shared,
        "media": [media] if streams else [],
    }
    return {
        "@odata.type": f"{_NAMESPACE}session",
        "id": session_id,
        **shared,
        "modalities": ["audio"],
        "isTest": False,
        "segments": [segment],
    }


def _failure(room: Room) -> Json | None:
    if not room.failure:
        return None
    return {
        "@odata.type": f"{_NAMESPACE}failureInfo",
        "stage": "callSetup",
        "reason": f"Call setup failed: {room.failure}.",
    }


def _endpoint(end: _End) -> Json:
    if not end.identity or end.is_application:
        role = "customBot" if end.is_application else "mediaController"
        return {
            "@odata.type": f"{_NAMESPACE}serviceEndpoint",
            "userAgent": {
                "@odata.type": f"{_NAMESPACE}serviceUserAgent",
                "role": role,
                "headerValue": role,
                "applicationVersion": "1.0",
            },
        }
    person = end.member.seat.person.person if end.member and end.member.seat else None
    is_phone = "phone" in end.identity
    return {
        "@odata.type": f"{_NAMESPACE}participantEndpoint",
        "identity": end.identity,
        "userAgent": {
            "@odata.type": f"{_NAMESPACE}clientUserAgent",
            "headerValue": "Telephone" if is_phone else "Teams",
            "applicationVersion": "1.0",
            "platform": person.platform if person and not is_phone else "unknown",
            "productFamily": "unknown" if is_phone else "teams",
        },
        "feedback": None,
        "name": None,
    }


def _network(network: Network) -> Json:
    return {
        "@odata.type": f"{_NAMESPACE}networkInfo",
        "connectionType": network.connection,
        "receivedQualityEventRatio": 0.0,
        "sentQualityEventRatio": 0.0,
        "delayEventRatio": 0.0,
        "bandwidthLowEventRatio": 0.0,
    }


def _streams(ends: tuple[_End, _End], times: Json, length: int, dice: Random) -> list[Json]:
    directions = (("callerToCallee", ends[0]), ("calleeToCaller", ends[1]))
    return [_stream(name, end.network, times, length, dice) for name, end in directions]


def _stream(name: str, network: Network, times: Json, length: int, dice: Random) -> Json:
    def around(value: float, most: float = float("inf")) -> float:
        return round(min(value * dice.uniform(0.85, 1.15), most), 5)

    def lasting(value_ms: float) -> str:
        return write_duration(round(value_ms * dice.uniform(0.85, 1.15)) * NS_PER_MS)

    loss = around(network.loss_ratio, 1.0)
    return {
        "@odata.type": f"{_NAMESPACE}mediaStream",
        "streamId": str(dice.getrandbits(32)),
        "streamDirection": name,
        **times,
        "audioCodec": "satin",
        "videoCodec": "unknown",
        "packetUtilization": length * FRAMES_PER_S // 1_000_000_000,
        "averageBandwidthEstimate": round(_BITS_PER_S * dice.uniform(20, 60)),
        "wasMediaBypassed": False,
        "isAudioForwardErrorCorrectionUsed": False,
        "averageJitter": lasting(network.jitter_ms),
        "maxJitter": lasting(network.jitter_ms * 3),
        "averageRoundTripTime": lasting(network.round_trip_ms),
        "maxRoundTripTime": lasting(network.round_trip_ms * 2),
        "averageAudioNetworkJitter": lasting(network.jitter_ms),
        "maxAudioNetworkJitter": lasting(network.jitter_ms * 3),
        "averageAudioDegradation": around(network.degradation, 5.0),
        "averagePacketLossRate": loss,
        "maxPacketLossRate": min(round(loss * 4, 5), 1.0),
        "averageRatioOfConcealedSamples": around(network.concealed_ratio, 1.0),
        "maxRatioOfConcealedSamples": around(min(network.concealed_ratio * 3, 1.0), 1.0),
    }
