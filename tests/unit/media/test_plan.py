# SPDX-License-Identifier: Apache-2.0
"""Rooms in, one plan per listener out."""

from __future__ import annotations

import pytest

from centralino.adapters.media.plan import Hearing, Path, plan_hearing, room_problem
from centralino.core.kernel.ids import BridgeId, LegId
from centralino.exchange.media import RoomMember

pytestmark = pytest.mark.unit

A, B, S = LegId("a"), LegId("b"), LegId("s")
ROOM = BridgeId("r")


def member(leg: LegId, **hears: float) -> RoomMember:
    return RoomMember(leg, tuple((LegId(one), gain) for one, gain in hears.items()))


def plan(*members: RoomMember, live: tuple[LegId, ...] = (A, B, S)) -> dict[LegId, Hearing]:
    return plan_hearing({ROOM: members}, live)


def test_call_is_relayed_both_ways() -> None:
    found = plan(member(A, b=1.0), member(B, a=1.0))
    assert {leg: hearing.path for leg, hearing in found.items()} == {A: Path.RELAY, B: Path.RELAY}


def test_listening_in_costs_mixing_only_for_the_listener() -> None:
    found = plan(member(A, b=1.0), member(B, a=1.0), member(S, a=1.0, b=1.0))
    assert [found[leg].path for leg in (A, B, S)] == [Path.RELAY, Path.RELAY, Path.MIX]


def test_whisper_is_mixed_for_the_agent_and_relayed_to_the_customer() -> None:
    found = plan(member(A, b=1.0), member(B, a=1.0, s=1.0), member(S))
    assert [found[leg].path for leg in (A, B, S)] == [Path.RELAY, Path.MIX, Path.SILENCE]


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_another_gain_than_one_is_mixed(gain: float) -> None:
    assert plan(member(A, b=gain), member(B))[A] == Hearing(Path.MIX, ((B, gain),))


def test_gain_zero_and_the_dead_are_not_heard() -> None:
    assert plan(member(A, b=0.0), member(B))[A].path is Path.SILENCE
    assert plan(member(A, b=1.0), member(B), live=(A,)) == {A: Hearing(Path.SILENCE, ())}


def test_leg_in_two_rooms_hears_both() -> None:
    rooms = {
        BridgeId("1"): (member(A, b=1.0), member(B)),
        BridgeId("2"): (member(A, s=1.0), member(S)),
    }
    assert plan_hearing(rooms, (A, B, S))[A] == Hearing(Path.MIX, ((B, 1.0), (S, 1.0)))


@pytest.mark.parametrize(
    "members",
    [
        (member(A, b=2.1), member(B)),
        (member(A, b=-0.1), member(B)),
        (member(A, a=1.0),),
        (member(A), member(A)),
        tuple(member(LegId(str(number))) for number in range(65)),
    ],
)
def test_a_bad_room_is_named(members: tuple[RoomMember, ...]) -> None:
    assert room_problem(members)
