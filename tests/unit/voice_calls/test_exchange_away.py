# SPDX-License-Identifier: Apache-2.0
"""The exchange is away: callers are held; it comes back: it finds them waiting."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.call_settings import CallSettings, HoldingSettings
from centralino.adapters.voice.holding import ANNOUNCEMENT, GREETING, MUSIC, Holding
from centralino.core.kernel.outcome import OutcomeReason
from centralino.exchange.facts import Answered, Offered, ParticipantJoined
from centralino.exchange.media import Played, PlayMedia
from centralino.exchange.orders import Play
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import CARRIER, TEAMS, World, running_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from centralino.core.kernel.ids import LegId

pytestmark = pytest.mark.unit

TREATMENT = HoldingSettings(
    greeting=("closed.sorry",), music=("music",), announce_after_s=60, announcement=("bye",)
)


@asynccontextmanager
async def alone(
    folder: Path, treatment: HoldingSettings = TREATMENT, **fields: object
) -> AsyncIterator[tuple[World, Holding]]:
    settings = CallSettings(holding=(treatment,), **fields)  # type: ignore[arg-type]  # passed on
    async with running_world(folder, settings=settings) as world:
        yield world, Holding(world.driver)


async def finish(world: World, leg: LegId, play: str) -> None:
    await world.settle()
    world.media.emit(Played(leg=leg, play=play, reason="completed"))
    await world.settle()


def playing(world: World) -> str:
    return world.media.last(PlayMedia).play


def test_a_caller_is_greeted_and_waits_with_music(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as (world, holding):
            world.carrier.call()
            offered = await world.fact(Offered)
            began = world.clock.now()
            await world.fact(Answered)
            assert 1.4e9 < world.clock.now() - began < 2e9
            await world.settle()
            assert playing(world) == GREETING
            await finish(world, offered.leg, GREETING)
            assert playing(world) == MUSIC
            assert holding.count == 1

    run_virtual(story())


def test_the_exchange_that_is_back_decides(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as (world, holding):
            world.carrier.call()
            leg = (await world.fact(Offered)).leg
            await world.fact(Answered)
            await world.driver.attach()
            order = Play(order=world.order_id(), leg=leg, play="q", prompts=("queue",))
            holding.took_over([order])
            world.driver.submit([order])
            assert holding.count == 0
            await world.settle(600)
            assert playing(world) == "q"

    run_virtual(story())


def test_with_the_exchange_here_nothing_happens(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as (world, _):
            await world.driver.attach()
            world.carrier.call()
            await world.fact(Offered)
            await world.settle(10)
            assert not world.has(Answered)
            world.driver.detach()
            await world.fact(Answered)

    run_virtual(story())


def test_an_exchange_that_stays_away_ends_in_an_announcement(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as (world, _):
            world.carrier.call()
            leg = (await world.fact(Offered)).leg
            await world.settle(65)
            assert playing(world) == ANNOUNCEMENT
            await finish(world, leg, ANNOUNCEMENT)
            ended = await world.ended(leg)
            assert ended.outcome.reason is OutcomeReason.COMPLETED
            await world.carrier.expect(e.SessionEnded)

    run_virtual(story())


FALLBACK = HoldingSettings(announce_after_s=10, fallback_trunk=TEAMS, fallback_target="+390600001")


def test_the_fallback_number_gets_the_caller(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path, FALLBACK) as (world, _):
            session = world.carrier.call()
            leg = (await world.fact(Offered)).leg
            invited = await world.teams.expect(e.SessionInvited)
            world.teams.ring(invited.session)
            world.teams.answer(invited.session)
            await world.fact(ParticipantJoined, leg)
            world.carrier.bye(session)
            await world.teams.expect(e.SessionEnded)

    run_virtual(story())


def test_a_fallback_that_does_not_answer_ends_the_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path, FALLBACK) as (world, _):
            world.carrier.call()
            leg = (await world.fact(Offered)).leg
            world.teams.reject((await world.teams.expect(e.SessionInvited)).session, 480)
            await world.ended(leg)

    run_virtual(story())


def test_held_calls_are_bounded(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path, max_holding=1) as (world, _):
            world.carrier.call()
            world.carrier.call()
            failed = await world.carrier.expect(e.SessionFailed)
            assert failed.status == 503

    run_virtual(story())


def test_an_unknown_number_gets_the_default_treatment(tmp_path: Path) -> None:
    async def story() -> None:
        treatment = HoldingSettings(numbers=("+1*",), greeting=("x",))
        async with alone(tmp_path, treatment) as (world, _):
            world.carrier.call()
            await world.fact(Answered)
            await world.settle()
            assert playing(world) == MUSIC
            assert CARRIER

    run_virtual(story())
