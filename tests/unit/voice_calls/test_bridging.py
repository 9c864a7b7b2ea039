# SPDX-License-Identifier: Apache-2.0
"""Bridges, supervision, muting, recordings: the media graph, never SIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.gains import gain_matrix
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange.facts import (
    Alarm,
    Answered,
    Ended,
    Offered,
    OrderFailed,
    ParticipantJoined,
    ParticipantLeft,
    PlayFinished,
    Quality,
    RecordingReady,
)
from centralino.exchange.media import (
    MarkRecording,
    MediaChanged,
    PauseRecording,
    ResumeRecording,
    SetRoom,
    StartRecording,
    StopRecording,
    WorkerAlarm,
)
from centralino.exchange.orders import (
    Answer,
    Bridge,
    BridgeMember,
    HangUp,
    Mute,
    Play,
    RecordMark,
    RecordPause,
    RecordResume,
    RecordStart,
    RecordStop,
    Remove,
    StopPlay,
)
from centralino.wire.sip.events import SessionEnded
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import World, running_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


def members(*names: str, **roles: str) -> tuple[BridgeMember, ...]:
    plain = [BridgeMember(LegId(name)) for name in names]
    return tuple(plain + [BridgeMember(LegId(n), r) for n, r in roles.items()])


def bridge(world: World, name: str, people: tuple[BridgeMember, ...]) -> None:
    world.order(Bridge, people[0].leg if people else "x", bridge=name, members=people)


async def pair(world: World) -> tuple[LegId, LegId, str]:
    """A caller and an agent in a bridge; returns leg, leg, and the caller's session."""
    leg, session = await world.answered_caller()
    await world.answered_agent("a1")
    bridge(world, "b", members(leg, a1="agent"))
    await world.fact(ParticipantJoined, leg)
    await world.fact(ParticipantJoined, "a1")
    return leg, LegId("a1"), session


def hears(room: SetRoom) -> dict[str, set[str]]:
    return {row.leg: {talker for talker, gain in row.hears if gain == 1.0} for row in room.members}


def test_two_legs_talk_and_no_sip_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            assert hears(world.media.last(SetRoom)) == {leg: {agent}, agent: {leg}}
            await world.settle()
            assert len(world.teams.requests) == 2
            assert {r.method for r in world.teams.requests} == {"INVITE", "ACK"}

    run_virtual(story())


def test_music_stops_when_the_leg_joins(tmp_path: Path) -> None:
    """W57: nobody hears music under a conversation."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(Play, leg, play="moh", prompts=("music",), loop=True)
            await world.answered_agent("a1")
            bridge(world, "b", members(leg, "a1"))
            assert (await world.fact(PlayFinished, leg)).reason == "stopped"
            await world.fact(ParticipantJoined, leg)

    run_virtual(story())


def test_the_end_of_one_leg_dissolves_the_bridge(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, session = await pair(world)
            world.carrier.bye(session)
            await world.ended(leg)
            await world.fact(ParticipantLeft, agent)
            assert world.media.last(SetRoom).members == ()
            left = next(f for f in world.facts if isinstance(f, ParticipantLeft))
            assert left.leg == leg
            assert not world.has(Ended, agent)

    run_virtual(story())


def test_members_change_and_supervisors_come_in(tmp_path: Path) -> None:
    """CNF-02: monitor, whisper and barge are rows of the gain matrix."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            await world.answered_agent("s1")
            for role, wanted in (
                ("monitor", {leg: {agent}, agent: {leg}, "s1": {leg, agent}}),
                ("whisper", {leg: {agent}, agent: {leg, "s1"}, "s1": {leg, agent}}),
                ("barge", {leg: {agent, "s1"}, agent: {leg, "s1"}, "s1": {leg, agent}}),
            ):
                bridge(world, "b", members(leg, a1="agent", s1=role))
                await world.settle()
                assert hears(world.media.last(SetRoom)) == wanted
            await world.fact(ParticipantJoined, "s1")
            assert not world.has(ParticipantJoined)
            bridge(world, "b", members(leg, agent))
            await world.fact(ParticipantLeft, "s1")

    run_virtual(story())


def test_a_leg_is_in_one_bridge_at_most(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            await world.answered_agent("a2")
            bridge(world, "c", members(leg, "a2"))
            joined = await world.fact(ParticipantJoined, "a2")
            assert joined.bridge == "c"
            assert (await world.fact(ParticipantLeft, leg)).bridge == "b"
            assert (await world.fact(ParticipantLeft, agent)).bridge == "b"

    run_virtual(story())


def test_what_a_bridge_cannot_be(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            for people, code in (
                (members(leg, "nobody"), "not-found"),
                (members(leg, leg), "invalid-input"),
                (members(leg, a1="king"), "invalid-input"),
            ):
                order = world.order(Bridge, leg, bridge="b", members=people)
                assert (await world.failed(order)).code == code
            assert not world.has(ParticipantLeft)
            bridge(world, "b", members(agent))
            await world.fact(ParticipantLeft, leg)

    run_virtual(story())


def test_a_refused_room_leaves_no_bridge(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            await world.answered_agent("a1")
            world.media.refuse[SetRoom] = "bad"
            order = world.order(Bridge, leg, bridge="b", members=members(leg, "a1"))
            await world.failed(order)
            assert world.driver.bridges.members("b") == ()  # type: ignore[arg-type]  # a name

    run_virtual(story())


def test_legs_of_different_media_workers_cannot_meet(tmp_path: Path) -> None:
    """And the bridge that there was stays as it was."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            world.last_caller = None
            await world.answered_agent("far")
            order = world.order_id()
            people = members(leg, agent, "far")
            world.driver.submit(
                [Bridge(order=order, leg=leg, bridge=BridgeId("b"), members=people)]
            )
            failed = await world.failed(order)
            assert failed.code == "conflict"
            assert "different media workers" in failed.text
            assert world.driver.bridges.members(BridgeId("b")) == (leg, agent)
            assert not world.has(ParticipantLeft)

    run_virtual(story())


def test_who_is_rung_before_the_caller_is_answered_brings_him_along(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.carrier.call()
            leg = (await world.fact(Offered)).leg
            world.last_caller = leg
            await world.answered_agent("a1")
            world.last_caller = None
            await world.answered_agent("a2")
            world.order(Answer, leg)
            await world.fact(Answered, leg)
            bridge(world, "b", members(leg, a1="agent"))
            await world.fact(ParticipantJoined, leg)
            assert world.media.worker[LegId("a2")] != world.media.worker[leg]

    run_virtual(story())


def test_an_order_to_end_that_crosses_the_legs_end_is_no_mistake(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, session = await pair(world)
            world.carrier.bye(session)
            await world.ended(leg)
            for kind, more in (
                (HangUp, {}),
                (StopPlay, {}),
                (RecordStop, {"recording": RecordingId("r")}),
                (Remove, {}),
            ):
                world.order(kind, leg, **more)
            world.order(HangUp, agent)
            world.order(HangUp, agent)
            await world.ended(agent)
            assert not world.has(OrderFailed)
            assert (await world.failed(world.order(Mute, leg))).code == "not-found"
            assert (await world.failed(world.order(HangUp, "nobody"))).code == "not-found"
            await world.settle(11)
            assert (await world.failed(world.order(HangUp, leg))).code == "not-found"

    run_virtual(story())


def test_muting_and_removing(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            world.order(Mute, agent)
            await world.settle()
            assert hears(world.media.last(SetRoom)) == {leg: set(), agent: {leg}}
            world.order(Mute, agent, muted=False)
            await world.settle()
            assert hears(world.media.last(SetRoom)) == {leg: {agent}, agent: {leg}}
            world.order(Remove, leg)
            await world.fact(ParticipantLeft, leg)
            order = world.order(Remove, leg)
            assert (await world.failed(order)).code == "conflict"

    run_virtual(story())


def test_gains_of_held_and_muted_members() -> None:
    rows = gain_matrix(
        (
            BridgeMember(LegId("p")),
            BridgeMember(LegId("a"), "agent", muted=True),
            BridgeMember(LegId("h"), "held"),
        ),
        muted={LegId("p")},
    )
    assert {row.leg: row.hears for row in rows} == {"p": (), "a": (), "h": ()}
    rows = gain_matrix((BridgeMember(LegId("p")), BridgeMember(LegId("h"), "held")))
    assert {row.leg: row.hears for row in rows} == {"p": (), "h": ()}


# ---- recordings


async def recorded(world: World, leg: str, agent: str) -> None:
    world.order(RecordStart, leg, recording="rec-1", other=agent)
    await world.settle()


def test_a_recording_from_start_to_file(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            await recorded(world, leg, agent)
            start = world.media.last(StartRecording)
            assert (start.first, start.second) == (leg, agent)
            assert start.path.endswith("rec-1.wav")
            for order, command in (
                (RecordPause, PauseRecording),
                (RecordResume, ResumeRecording),
            ):
                world.order(order, leg, recording="rec-1")
                await world.settle()
                assert len(world.media.all(command)) == 1
            world.order(RecordMark, leg, recording="rec-1", label="card")
            world.order(RecordStop, leg, recording="rec-1")
            ready = await world.fact(RecordingReady)
            assert (ready.leg, ready.channels, ready.is_complete) == (leg, 2, True)
            assert world.media.last(MarkRecording).label == "card"
            order_id = world.order(RecordPause, leg, recording="rec-1")
            assert (await world.failed(order_id)).code == "not-found"

    run_virtual(story())


@pytest.mark.parametrize("is_caller_first", [True, False])
def test_a_recording_ends_with_the_first_of_its_legs(tmp_path: Path, is_caller_first: bool) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            await recorded(world, leg, agent)
            world.order(HangUp, leg if is_caller_first else agent)
            ready = await world.fact(RecordingReady)
            ended = await world.ended(leg if is_caller_first else agent)
            assert len(world.media.all(StopRecording)) == 1
            if is_caller_first:
                assert ready.fact < ended.fact

    run_virtual(story())


def test_stopping_a_recording_that_has_just_ended_is_no_mistake(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, session = await pair(world)
            world.order(RecordStart, leg, recording="r1", other=agent)
            await world.settle()
            world.carrier.bye(session)
            await world.carrier.expect(SessionEnded)
            world.order(RecordStop, agent, recording="r1")
            await world.fact(RecordingReady)
            assert len(world.media.all(StopRecording)) == 1
            world.order(RecordStop, agent, recording="r1")
            await world.settle(1)
            assert not world.has(OrderFailed)
            other = world.order(RecordStop, agent, recording="r2")
            assert (await world.failed(other)).code == "not-found"

    run_virtual(story())


def test_a_recordings_name_cannot_leave_its_folder(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            order = world.order(RecordStart, leg, recording="../../etc/x", other=agent)
            assert (await world.failed(order)).code == "invalid-input"

    run_virtual(story())


def test_a_full_disk_is_an_alarm_and_the_call_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, agent, _ = await pair(world)
            await recorded(world, leg, agent)
            world.media.emit(WorkerAlarm(code="recording-disk-full", text="full", leg=LegId(leg)))
            alarm = await world.fact(Alarm)
            assert (alarm.code, alarm.leg) == ("recording-disk-full", leg)
            assert not world.has(Ended)

    run_virtual(story())


def test_quality_is_told_at_changes_and_at_the_end(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.media.emit(MediaChanged(leg=LegId(leg), change="one-way"))
            assert (await world.fact(Quality)).is_one_way
            world.media.emit(MediaChanged(leg=LegId(leg), change="resumed"))
            assert not (await world.fact(Quality)).is_one_way
            world.order(HangUp, leg)
            last = await world.fact(Quality)
            assert last.fact < (await world.ended(leg)).fact

    run_virtual(story())


def test_a_worker_that_is_gone_does_not_hold_the_end(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.media.is_mute = True
            world.order(HangUp, leg)
            began = world.clock.now()
            await world.ended(leg)
            assert world.clock.now() - began < 1e9

    run_virtual(story())
