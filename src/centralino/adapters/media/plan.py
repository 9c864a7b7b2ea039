# SPDX-License-Identifier: Apache-2.0
"""Who hears whom, and by which path: rooms and codecs in, one plan per listener out.

The gain matrix says everything (rows hear, columns talk): a call is 1 beside the
diagonal; monitor is a row of ones with an empty column; whisper is a column with one
entry; hold and mute are zeros. Each listener is planned alone: who hears exactly one
other at gain 1 has its packets passed on, and only who hears several, or one at another
gain, costs mixing. So a supervisor who listens in does not make the call he listens to
a conference.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import RoomMember

MAX_GAIN = 2.0
MAX_MEMBERS = 64
"""Members of a room; larger audiences are not a contact center's."""

Rooms = Mapping[BridgeId, tuple[RoomMember, ...]]


class Path(StrEnum):
    """How a listener's audio is made."""

    SILENCE = "silence"
    RELAY = "relay"
    MIX = "mix"


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one listener hears."""

    path: Path
    talkers: tuple[tuple[LegId, float], ...]
    """(talker, gain), gains above 0 only, in the order of the room."""


SILENCE = Hearing(Path.SILENCE, ())


def room_problem(members: tuple[RoomMember, ...]) -> str:
    """Return what is wrong with a room, empty when nothing is."""
    if len(members) > MAX_MEMBERS:
        return f"a room has at most {MAX_MEMBERS} members"
    if len({member.leg for member in members}) != len(members):
        return "a leg is twice in the room"
    for member in members:
        for talker, gain in member.hears:
            if not 0.0 <= gain <= MAX_GAIN:
                return f"a gain is between 0 and {MAX_GAIN}"
            if talker == member.leg:
                return "a leg does not hear itself"
    return ""


def plan_hearing(rooms: Rooms, live: Iterable[LegId]) -> dict[LegId, Hearing]:
    """Return what each live leg of a room hears.

    A leg in two rooms hears the talkers of both; a talker that is not live is left out.
    """
    alive = set(live)
    heard: dict[LegId, dict[LegId, float]] = {}
    for members in rooms.values():
        present = {member.leg for member in members}
        for member in members:
            if member.leg not in alive:
                continue
            row = heard.setdefault(member.leg, {})
            for talker, gain in member.hears:
                if gain > 0.0 and talker in alive and talker in present:
                    row[talker] = gain
    return {leg: _hearing(row) for leg, row in heard.items()}


def _hearing(row: Mapping[LegId, float]) -> Hearing:
    if not row:
        return SILENCE
    talkers = tuple(row.items())
    is_plain = len(talkers) == 1 and talkers[0][1] == 1.0
    return Hearing(Path.RELAY if is_plain else Path.MIX, talkers)
