# SPDX-License-Identifier: Apache-2.0
"""A voice process that was killed: its successor goes on with the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.core.kernel.outcome import OutcomeReason, Result
from centralino.exchange.facts import (
    Collected,
    Ended,
    Held,
    LegsListed,
    Offered,
    ParticipantJoined,
    RecordingReady,
)
from centralino.exchange.media import Configure, KeyPressed, SetRoom
from centralino.exchange.orders import (
    Bridge,
    BridgeMember,
    Collect,
    HangUp,
    Hold,
    ListLegs,
    Play,
    RecordStart,
    RecordStop,
)
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.restart import restarted
from tests.unit.voice_calls.world import World, running_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


async def talking(world: World) -> tuple[str, str, str]:
    leg, caller = await world.answered_caller()
    agent = await world.answered_agent("a1")
    people = (BridgeMember(leg), BridgeMember("a1", "agent"))  # type: ignore[arg-type]  # names
    world.order(Bridge, leg, bridge="b", members=people)
    await world.fact(ParticipantJoined, "a1")
    return leg, caller, agent


def test_calls_go_on_and_end_as_usual(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, caller, _ = await talking(world)
            ports = {name: r.rtp_port for name, r in world.media.open.items()}
            async with restarted(world):
                assert {name: r.rtp_port for name, r in world.media.open.items()} == ports
                assert len(world.media.last(SetRoom).members) == 2
                world.order(ListLegs, "")
                listed = (await world.fact(LegsListed)).legs
                assert {(s.leg, s.state, s.bridge) for s in listed} == {
                    (leg, "answered", "b"), ("a1", "answered", "b")
                }  # fmt: skip
                world.carrier.bye(caller)
                ended = await world.ended(leg)
                assert (ended.outcome.reason, ended.generation) == (OutcomeReason.COMPLETED, 2)
                world.order(HangUp, "a1")
                await world.ended("a1")
                assert (await world.teams.expect(e.SessionEnded)).cause == "bye-received"

    run_virtual(story())


def test_the_far_ends_are_asked_with_the_same_description(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await talking(world)
            before = world.teams.last("INVITE")
            async with restarted(world):
                await world.settle(2)
                again = world.teams.last("INVITE")
                assert again is not before
                assert again.body == before.body
                assert again.to.tag is not None
                await world.settle(40)
                assert not world.has(Ended)
                assert not world.has(Held)

    run_virtual(story())


def test_a_far_end_that_went_meanwhile_is_found(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, _, agent = await talking(world)
            await world.settle()
            world.edge.close()
            flush, world.edge.flush = world.edge.flush, lambda: None  # type: ignore[method-assign]  # dead
            world.teams.bye(agent)
            await world.settle(40)
            world.edge.flush = flush  # type: ignore[method-assign]  # back
            async with restarted(world):
                ended = await world.ended("a1")
                assert ended.outcome.reason is OutcomeReason.PEER_LOST

    run_virtual(story())


def test_what_was_not_answered_is_reported_as_lost(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.ring_agent("a1")
            world.teams.ring((await world.teams.expect(e.SessionInvited)).session)
            world.carrier.call()
            offered = await world.fact(Offered)
            async with restarted(world):
                for leg in ("a1", offered.leg):
                    ended = await world.ended(leg)
                    assert ended.outcome.result is Result.INDETERMINATE
                order = world.ring_agent("a1")
                assert (await world.failed(order)).code == "already-exists"

    run_virtual(story())


def test_holds_collecting_music_and_recordings_are_known(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _, _ = await talking(world)
            world.order(RecordStart, leg, recording="r1", other="a1")
            world.order(Play, leg, play="moh", prompts=("music",), loop=True)
            world.order(Collect, leg, collect="pin", max_digits=3)
            world.media.emit(KeyPressed(leg=leg, digit="1", duration_ms=80))  # type: ignore[arg-type]  # name
            world.order(Hold, "a1")
            reoffer = await world.teams.expect(e.SessionReoffered)
            answer = world.teams.sdp(direction="inactive", version=2)
            world.teams.do(
                world.teams.endpoint.accept_offer, reoffer.session, answer, world.clock.now()
            )
            await world.fact(Held)
            async with restarted(world):
                world.order(ListLegs, "")
                listed = {s.leg: s for s in (await world.fact(LegsListed)).legs}
                assert (listed[leg].play, listed[leg].recording) == ("moh", "r1")  # type: ignore[index]  # name
                collected = await world.fact(Collected)
                assert (collected.digits, collected.reason) == ("1", "inter-digit-timeout")
                media = {c.leg: c.media for c in world.media.all(Configure)}
                assert not media["a1"].sends  # type: ignore[index]  # name
                world.order(RecordStop, leg, recording="r1")
                assert (await world.fact(RecordingReady)).leg == leg

    run_virtual(story())


def test_orders_repeated_after_the_restart_have_no_second_effect(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            order = Play(order=world.order_id(), leg=leg, play="p", prompts=("x",))
            world.driver.submit([order])
            await world.settle()
            commands = len(world.media.commands)
            async with restarted(world):
                await world.settle()
                world.driver.submit([order])
                await world.settle()
                extra = world.media.commands[commands:]
                assert [type(c) for c in extra] == [Configure]

    run_virtual(story())


def test_facts_not_acknowledged_come_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.carrier.call()
            first = await world.fact(Offered)
            async with restarted(world):
                again = await world.fact(Offered)
                assert again == first

    run_virtual(story())
