# SPDX-License-Identifier: Apache-2.0
"""Prompts, keys and collecting on answered legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.playing import key_of_info
from centralino.exchange.facts import Collected, Dtmf, PlayFinished
from centralino.exchange.media import KeyPressed, Played, PlayMedia, SendDigits, StopMedia
from centralino.exchange.orders import Collect, HangUp, Play, SendDtmf, StopPlay
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import World, running_world, sdp

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.core.kernel.ids import LegId

pytestmark = pytest.mark.unit


def press(world: World, leg: LegId, keys: str) -> None:
    for key in keys:
        world.media.emit(KeyPressed(leg=leg, digit=key, duration_ms=100))


def play(world: World, leg: LegId, name: str = "p", **fields: object) -> None:
    world.order(Play, leg, play=name, prompts=("greeting.en",), **fields)


def test_a_prompt_is_played_to_its_end(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            play(world, leg, barge_in=True)
            await world.settle()
            command = world.media.last(PlayMedia)
            assert (command.prompts, command.barge_in) == (("greeting.en",), True)
            world.media.emit(Played(leg=leg, play="p", reason="completed"))
            assert (await world.fact(PlayFinished)).reason == "completed"

    run_virtual(story())


def test_stopping_what_plays(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(StopPlay, leg)
            await world.settle()
            assert not world.media.all(StopMedia)
            play(world, leg, loop=True)
            await world.settle()
            world.order(StopPlay, leg)
            assert (await world.fact(PlayFinished)).reason == "stopped"

    run_virtual(story())


def test_a_prompt_that_does_not_exist(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.media.refuse[PlayMedia] = "unknown-prompt"
            order = world.order(Play, leg, play="p", prompts=("nope",))
            assert (await world.failed(order)).leg == leg

    run_virtual(story())


def test_keys_are_told_and_collected(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(Collect, leg, collect="pin", max_digits=3)
            press(world, leg, "12#")
            collected = await world.fact(Collected)
            assert (collected.digits, collected.reason) == ("12", "terminator")
            assert [f.digit for f in world.facts if isinstance(f, Dtmf)] == ["1", "2", "#"]

    run_virtual(story())


def test_keys_pressed_before_count(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            press(world, leg, "123")
            await world.settle()
            world.order(Collect, leg, collect="a", max_digits=2)
            assert (await world.fact(Collected)).digits == "12"
            world.order(Collect, leg, collect="b", max_digits=2)
            press(world, leg, "4")
            assert (await world.fact(Collected)).digits == "34"

    run_virtual(story())


def test_the_first_key_is_awaited_from_the_end_of_the_prompt(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            play(world, leg, barge_in=True)
            await world.settle()
            world.order(Collect, leg, collect="a", first_timeout_ms=2000)
            await world.settle(10)
            assert not world.has(Collected)
            world.media.emit(Played(leg=leg, play="p", reason="completed"))
            began = world.clock.now()
            collected = await world.fact(Collected)
            assert collected.reason == "first-timeout"
            assert abs(world.clock.now() - began - 2e9) < 1e8

    run_virtual(story())


def test_under_looped_music_the_time_runs_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            play(world, leg, loop=True)
            await world.settle()
            world.order(Collect, leg, collect="a", first_timeout_ms=2000)
            await world.fact(Collected, timeout_s=2.5)

    run_virtual(story())


def test_the_time_between_keys(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(Collect, leg, collect="a", max_digits=9, inter_digit_timeout_ms=1000)
            press(world, leg, "1")
            await world.settle(0.9)
            press(world, leg, "2")
            collected = await world.fact(Collected)
            assert (collected.digits, collected.reason) == ("12", "inter-digit-timeout")

    run_virtual(story())


def test_a_second_collecting_stops_the_first(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(Collect, leg, collect="a")
            world.order(Collect, leg, collect="b")
            stopped = await world.fact(Collected)
            assert (stopped.collect, stopped.reason) == ("a", "stopped")
            world.order(HangUp, leg)
            assert (await world.fact(Collected)).collect == "b"
            await world.ended(leg)

    run_virtual(story())


def test_a_key_as_info_stops_the_prompt_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await world.answered_caller()
            play(world, leg, barge_in=True)
            await world.settle()
            world.carrier.do(
                world.carrier.endpoint.info,
                session,
                world.clock.now(),
                "application/dtmf-relay",
                b"Signal=5\r\nDuration=160\r\n",
            )
            assert (await world.fact(Dtmf)).digit == "5"
            assert (await world.fact(PlayFinished)).reason == "barged-in"

    run_virtual(story())


def test_sending_keys_as_events_or_as_info(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(SendDtmf, leg, digits="12#")
            await world.settle()
            assert world.media.last(SendDigits).digits == "12#"
            bad = world.order(SendDtmf, leg, digits="1x")
            assert (await world.failed(bad)).code == "invalid-input"

    run_virtual(story())


def test_without_telephone_event_a_carrier_gets_info_and_teams_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.ring_agent("c1", trunk="carrier")
            invited = await world.carrier.expect(e.SessionInvited)
            world.carrier.answer(invited.session, sdp(formats="8"))
            await world.settle()
            world.order(SendDtmf, "c1", digits="7")
            info = await world.carrier.expect(e.InfoReceived)
            assert key_of_info(info.request.content_type or "", info.request.body) == ("7", 160)
            world.ring_agent("a1")
            invited = await world.teams.expect(e.SessionInvited)
            world.teams.answer(invited.session, world.teams.sdp(formats="8"))
            await world.settle()
            order = world.order(SendDtmf, "a1", digits="7")
            assert (await world.failed(order)).code == "not-allowed"
            assert world.teams.count("INFO") == 0

    run_virtual(story())


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal= 5\r\nDuration= 100\r\n", ("5", 100)),
        ("application/dtmf-relay;x=y", b"signal=10\r\n", ("*", 160)),
        ("application/dtmf", b"11", ("#", 160)),
        ("application/dtmf-relay", b"Signal=99\r\n", None),
        ("application/dtmf-relay", b"\xff\xfe", None),
        ("text/plain", b"5", None),
    ],
)
def test_keys_in_info(kind: str, body: bytes, key: tuple[str, int] | None) -> None:
    assert key_of_info(kind, body) == key
