# SPDX-License-Identifier: Apache-2.0
"""Call records: what Microsoft says of a call some time after it ended.

A record appears late, as version 1 with the first leg's data, and again as version 2 with all of
it; after 30 days it is gone. Whoever simulates calls hands in a :class:`CallEnded`. Sources:
"callRecord resource type" and its parts, "Call records API FAQ".
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from centralino.simulators.graph.errors import not_found
from centralino.simulators.graph.instants import (
    DAY_NS,
    NS_PER_MS,
    iso,
    iso_duration,
)

if TYPE_CHECKING:
    from centralino.simulators.graph.scenario import RecordSettings

Json = dict[str, Any]

MOST_RECORDS = 20_000
PARTICIPANTS_PAGE, RECORDS_PAGE = 130, 60


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a leg; one of the three ids is set."""

    user_id: str = ""
    number: str = ""
    app_id: str = ""
    name: str = ""
    upn: str = ""
    tenant_id: str = ""
    platform: str = "windows"
    role: str = "customBot"
    """Of an application: its ``serviceUserAgent`` role."""

    @property
    def key(self) -> str:
        """The id that is set."""
        return self.user_id or self.number or self.app_id


@dataclass(frozen=True, slots=True)
class Quality:
    """Audio of one leg, both directions alike."""

    jitter_ms: float = 4.0
    loss_ratio: float = 0.0
    round_trip_ms: float = 40.0
    degradation: float = 0.05
    """MOS points lost, 0 to 5."""
    concealed_ratio: float = 0.0
    codec: str = "satin"


@dataclass(frozen=True, slots=True)
class Leg:
    """Two parties for a while; a session with one segment."""

    caller: Party
    callee: Party
    starts_at: int
    ends_at: int
    failure: str = ""
    """Why it came to nothing; empty for a leg that was answered."""
    stage: Literal["callSetup", "midcall"] = "callSetup"
    quality: Quality = Quality()


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call that is over, as its simulator knows it."""

    id: str
    """GUID; usually the call's chain id."""
    legs: tuple[Leg, ...]
    organizer: Party
    is_group: bool = False
    join_url: str | None = None


@dataclass(slots=True)
class Record:
    """A call record in the making or out."""

    ended: CallEnded
    version: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class RecordOut:
    """A version of a record has appeared."""

    id: str
    version: int
    at: int


@dataclass(slots=True)
class CallRecords:
    """The records of one tenant."""

    tenant_id: str
    settings: RecordSettings
    _records: dict[str, Record] = field(default_factory=dict)
    _coming: list[tuple[int, str, int]] = field(default_factory=list)
    _ended: dict[str, CallEnded] = field(default_factory=dict)

    def add(self, ended: CallEnded, now: int) -> None:
        """Take a call that is over; its record appears later."""
        if not ended.legs:
            return
        self._ended[ended.id] = ended
        while len(self._ended) > MOST_RECORDS:
            self._ended.pop(next(iter(self._ended)))
        first = now + self.settings.first_after_ms * NS_PER_MS
        heapq.heappush(self._coming, (first, ended.id, 1))
        second = now + self.settings.second_after_ms * NS_PER_MS
        heapq.heappush(self._coming, (max(first, second), ended.id, 2))

    def advance(self, now: int) -> list[RecordOut]:
        """Let time pass; return the versions that have appeared."""
        out = []
        while self._coming and self._coming[0][0] <= now:
            at, call_id, version = heapq.heappop(self._coming)
            ended = self._ended.get(call_id)
            if ended is not None:
                self._records[call_id] = Record(ended, version, at)
                out.append(RecordOut(call_id, version, at))
        self._forget(now - self.settings.kept_for_days * DAY_NS)
        return out

    def _forget(self, kept_from: int) -> None:
        # They appear about in the order of their ends, so the oldest stand first.
        while self._records:
            call_id, record = next(iter(self._records.items()))
            if _end(record.ended) >= kept_from:
                return
            del self._records[call_id]
            self._ended.pop(call_id, None)

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` has something to do."""
        return self._coming[0][0] if self._coming else None

    def get(self, record_id: str) -> Json:
        """Return a record without its navigation properties.

        Raises:
            GraphError: 404, not there yet, not any more, or never.
        """
        return self._row(self._find(record_id))

    def rows(self) -> list[Json]:
        """Return all records, newest first, with their participants for filters."""
        ordered = sorted(self._records.values(), key=lambda record: -_start(record.ended))
        return [self._row(one) | {"participants_v2": self._people(one)} for one in ordered]

    def participants(self, record_id: str) -> list[Json]:
        """Return the ``participants_v2`` of a record."""
        return self._people(self._find(record_id))

    def organizer(self, record_id: str) -> Json:
        """Return the ``organizer_v2`` of a record."""
        return self._organizer(self._find(record_id).ended)

    def sessions(self, record_id: str) -> list[Json]:
        """Return the sessions of a record with their segments.

        Version 1 knows the first leg only.
        """
        record = self._find(record_id)
        return [self._session(record, index) for index in range(_known_legs(record))]

    def _find(self, record_id: str) -> Record:
        found = self._records.get(record_id.lower())
        if found is None:
            raise not_found("Call record not found.", "NotFound")
        return found

    def _row(self, record: Record) -> Json:
        ended = record.ended
        return {
            "id": ended.id,
            "version": record.version,
            "type": "groupCall" if ended.is_group else "peerToPeer",
            "modalities": ["audio"],
            "startDateTime": iso(_start(ended)),
            "endDateTime": iso(_end(ended)),
            "lastModifiedDateTime": iso(record.changed_at),
            "joinWebUrl": ended.join_url,
            "organizer": self._identities(ended.organizer),
            "participants": [self._identities(party) for party in _parties(record)],
        }

    def _people(self, record: Record) -> list[Json]:
        return [self._participant(party) for party in _parties(record)]

    def _participant(self, party: Party) -> Json:
        return {"id": party.key, "identity": self._identities(party)}

    def _organizer(self, ended: CallEnded) -> Json:
        return self._participant(ended.organizer)

    def _identities(self, party: Party) -> Json:
        kind = "user" if party.user_id else "phone" if party.number else "application"
        identity: Json = {
            "@odata.type": "#microsoft.graph.identity",
            "id": party.key,
            "displayName": party.name or None,
        }
        if party.user_id:
            identity["tenantId"] = party.tenant_id or self.tenant_id
        return {"@odata.type": "#microsoft.graph.communicationsIdentitySet", kind: identity}

    def _session(self, record: Record, index: int) -> Json:
        leg = record.ended.legs[index]
        session_id = _part_id(record.ended.id, index, 1)
        ends: Json = {
            "caller": self._endpoint(leg.caller),
            "callee": self._endpoint(leg.callee),
            "startDateTime": iso(leg.starts_at),
            "endDateTime": iso(leg.ends_at),
            "failureInfo": _failure(leg),
        }
        segment = {"id": _part_id(record.ended.id, index, 2), **ends, "media": _media(leg)}
        return {
            "id": session_id,
            **ends,
            "isTest": False,
            "modalities": ["audio"],
            "segments": [segment],
        }

    def _endpoint(self, party: Party) -> Json:
        if party.app_id:
            agent = {
                "@odata.type": "#microsoft.graph.callRecords.serviceUserAgent",
                "headerValue": None,
                "applicationVersion": None,
                "role": party.role,
            }
            return {
                "@odata.type": "#microsoft.graph.callRecords.serviceEndpoint",
                "userAgent": agent,
            }
        agent = {
            "@odata.type": "#microsoft.graph.callRecords.clientUserAgent",
            "headerValue": "RTCC/7.0.0.0 TeamsClient/1.0",
            "applicationVersion": None,
            "platform": party.platform if party.user_id else "unknown",
            "productFamily": "teams" if party.user_id else "unknown",
        }
        return {
            "@odata.type": "#microsoft.graph.callRecords.participantEndpoint",
            "userAgent": agent,
            "identity": self._identities(party),
            "associatedIdentity": None,
            "name": None,
            "cpuName": None,
            "cpuCoresCount": None,
            "cpuProcessorSpeedInMhz": None,
            "feedback": None,
        }


def _known_legs(record: Record) -> int:
    return 1 if record.version == 1 else len(record.ended.legs)


def _parties(record: Record) -> Iterable[Party]:
    found: dict[str, Party] = {}
    for leg in record.ended.legs[: _known_legs(record)]:
        for party in (leg.caller, leg.callee):
            found.setdefault(party.key, party)
    return found.values()


def _start(ended: CallEnded) -> int:
    return min(leg.starts_at for leg in ended.legs)


def _end(ended: CallEnded) -> int:
    return max(leg.ends_at for leg in ended.legs)


def _part_id(record_id: str, index: int, kind: int) -> str:
    """Return the GUID of a session or segment: the record's with its last group counted up."""
    head, _, tail = record_id.rpartition("-")
    return f"{head}-{(int(tail, 16) + index * 4 + kind) % 16**12:012x}"


def _failure(leg: Leg) -> Json | None:
    return {"stage": leg.stage, "reason": leg.failure} if leg.failure else None


def _media(leg: Leg) -> list[Json]:
    if leg.failure:
        return []
    packets = max(1, (leg.ends_at - leg.starts_at) // (20 * NS_PER_MS))
    directions = ("callerToCallee", "calleeToCaller")
    streams = [_stream(leg, direction, packets, n) for n, direction in enumerate(directions)]
    media = {"label": "main-audio", "callerDevice": {}, "calleeDevice": {}, "streams": streams}
    network = {"connectionType": "wired", "networkTransportProtocol": "udp"}
    return [media | {"callerNetwork": network, "calleeNetwork": network}]


def _stream(leg: Leg, direction: str, packets: int, number: int) -> Json:
    quality = leg.quality
    jitter = iso_duration(round(quality.jitter_ms * NS_PER_MS))
    trip = iso_duration(round(quality.round_trip_ms * NS_PER_MS))
    return {
        "streamId": str(1_000_000 + number),
        "streamDirection": direction,
        "startDateTime": iso(leg.starts_at),
        "endDateTime": iso(leg.ends_at),
        "audioCodec": quality.codec,
        "packetUtilization": packets,
        "wasMediaBypassed": False,
        "isAudioForwardErrorCorrectionUsed": False,
        "averageJitter": jitter,
        "maxJitter": iso_duration(round(quality.jitter_ms * 3 * NS_PER_MS)),
        "averageRoundTripTime": trip,
        "maxRoundTripTime": iso_duration(round(quality.round_trip_ms * 2 * NS_PER_MS)),
        "averageAudioNetworkJitter": jitter,
        "averageAudioDegradation": quality.degradation,
        "averagePacketLossRate": quality.loss_ratio,
        "maxPacketLossRate": min(1.0, quality.loss_ratio * 2),
        "averageRatioOfConcealedSamples": quality.concealed_ratio,
    }
