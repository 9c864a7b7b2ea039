# SPDX-License-Identifier: Apache-2.0
"""Participants and their parts as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.wire.graph.identity import Identity, IdentityKind
from centralino.wire.graph.states import RecordingStatus

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.people import Somebody
    from centralino.simulators.graph.calls.room import Member

Json = dict[str, object]


def participant(member: Member, *, removed: bool = False) -> Json:
    """Return a ``participant``; one that was removed says so."""
    written: Json = {
        "@odata.type": "#microsoft.graph.participant",
        "id": member.id,
        "info": party_info(member.identity, member.seat.person if member.seat else None),
        "mediaStreams": _streams(member),
        "isMuted": member.is_muted,
        "isInLobby": member.is_in_lobby,
        "metadata": None,
        "rosterSequenceNumber": member.room.sequence,
    }
    if member.recording is not RecordingStatus.UNKNOWN:
        written["recordingInfo"] = {
            "@odata.type": "#microsoft.graph.recordingInfo",
            "initiator": member.identity.write(),
            "recordingStatus": member.recording.value,
        }
    if removed:
        written["removedState"] = {
            "@odata.type": "#microsoft.graph.removedState",
            "reason": "Removed",
        }
    return written


def _streams(member: Member) -> list[Json]:
    direction = "inactive" if member.is_away else "sendReceive"
    streams: list[Json] = [
        {
            "@odata.type": "#microsoft.graph.mediaStream",
            "mediaType": "audio",
            "label": "main-audio",
            "sourceId": str(1 + member.room.past.index(member)),
            "direction": direction,
            "serverMuted": member.is_server_muted,
        }
    ]
    if member.shares_screen:
        streams.append(
            {
                "@odata.type": "#microsoft.graph.mediaStream",
                "mediaType": "videoBasedScreenSharing",
                "label": "applicationsharing-video",
                "sourceId": str(101 + member.room.past.index(member)),
                "direction": "sendOnly",
                "serverMuted": False,
            }
        )
    return streams


def party_info(identity: Identity, somebody: Somebody | None) -> Json:
    """Return a ``participantInfo``."""
    person = somebody.person if somebody is not None else None
    return {
        "@odata.type": "#microsoft.graph.participantInfo",
        "identity": identity.write(),
        "endpointType": "default",
        "countryCode": (person.country or None) if person else None,
        "languageId": person.language if person else None,
        "region": person.region if person else None,
    }


def target_info(identity: Identity, participant_id: str | None = None) -> Json:
    """Return an ``invitationParticipantInfo``."""
    return {
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": identity.write(),
        "endpointType": "default",
        "participantId": participant_id,
    }


def hide(info: Json) -> Json:
    """Return the information of a caller as an application without permissions sees it."""
    hidden = Identity(IdentityKind.ENCRYPTED, "encrypted")
    return {**info, "identity": hidden.write()}
