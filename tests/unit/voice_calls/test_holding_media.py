# SPDX-License-Identifier: Apache-2.0
"""Hold both ways, re-INVITEs, session timers, media that stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import OutcomeReason
from centralino.exchange.facts import Ended, Held
from centralino.exchange.media import Configure, MediaChanged
from centralino.exchange.orders import Hold, Resume
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import World, running_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


async def answer_reoffer(world: World, direction: str, version: int) -> str:
    """Teams answers our re-INVITE; returns the direction we asked for."""
    reoffer = await world.teams.expect(e.SessionReoffered)
    assert reoffer.sdp is not None
    answer = world.teams.sdp(direction=direction, version=version)
    world.teams.do(world.teams.endpoint.accept_offer, reoffer.session, answer, world.clock.now())
    return next(
        line[2:] for line in reoffer.sdp.decode().splitlines()
        if line in ("a=sendrecv", "a=inactive", "a=sendonly", "a=recvonly")
    )  # fmt: skip


def test_hold_towards_teams_is_inactive_on_the_same_port(tmp_path: Path) -> None:
    """HLD-03."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            await world.answered_agent("a1")
            world.order(Hold, "a1")
            assert await answer_reoffer(world, "inactive", 2) == "inactive"
            held = await world.fact(Held)
            assert (held.is_held, held.by_far_end) == (True, False)
            assert not world.media.last(Configure).media.sends
            world.order(Resume, "a1")
            assert await answer_reoffer(world, "sendrecv", 3) == "sendrecv"
            assert not (await world.fact(Held)).is_held
            ports = {
                line for r in world.teams.requests if r.body
                for line in r.body.decode().splitlines() if line.startswith("m=audio")
            }  # fmt: skip
            assert {line.split()[1] for line in ports} == {"20000"}

    run_virtual(story())


def test_a_refused_hold_is_a_failed_order(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await world.answered_agent("a1")
            order = world.order(Hold, "a1")
            reoffer = await world.teams.expect(e.SessionReoffered)
            world.teams.do(
                world.teams.endpoint.reject_offer, reoffer.session, 488, world.clock.now()
            )
            assert (await world.failed(order)).code == "refused"

    run_virtual(story())


def test_the_far_end_holds_and_resumes(tmp_path: Path) -> None:
    """HLD-01, HLD-06: answered here, nothing reaches the other leg."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await world.answered_agent("a1")
            for direction, is_held in (("inactive", True), ("sendrecv", False)):
                offer = world.teams.sdp(direction=direction, version=2 + (not is_held))
                world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
                held = await world.fact(Held)
                assert (held.is_held, held.by_far_end) == (is_held, True)
                finished = await world.teams.expect(e.ReofferFinished)
                assert f"a={direction}".encode() in (finished.sdp or b"")
            assert world.carrier.requests == []

    run_virtual(story())


def test_both_hold_and_resume_in_the_other_order(tmp_path: Path) -> None:
    """HLD-04."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await world.answered_agent("a1")
            world.order(Hold, "a1")
            await answer_reoffer(world, "inactive", 2)
            await world.fact(Held)
            offer = world.teams.sdp(direction="inactive", version=3)
            world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
            await world.teams.expect(e.ReofferFinished)
            world.order(Resume, "a1")
            await answer_reoffer(world, "inactive", 4)
            assert not (await world.fact(Held)).is_held
            assert (await world.fact(Held)).by_far_end
            offer = world.teams.sdp(direction="sendrecv", version=5)
            world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
            finished = await world.teams.expect(e.ReofferFinished)
            assert b"a=sendrecv" in (finished.sdp or b"")
            assert world.media.last(Configure).media.sends

    run_virtual(story())


def test_a_reoffer_we_cannot_use_is_488_and_the_call_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await world.answered_agent("a1")
            offer = world.teams.sdp(formats="18", version=2)
            world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
            assert (await world.teams.expect(e.ReofferFinished)).status == 488
            assert not world.has(Ended)

    run_virtual(story())


def test_an_empty_reinvite_gets_our_offer(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await world.answered_caller()
            world.carrier.do(world.carrier.endpoint.reoffer, session, b"", world.clock.now())
            finished = await world.carrier.expect(e.ReofferFinished)
            assert (finished.status, b"m=audio 20000" in (finished.sdp or b"")) == (200, True)
            assert not world.has(Ended, leg)

    run_virtual(story())


def test_a_long_call_is_refreshed_with_the_same_description(tmp_path: Path) -> None:
    """TMR-01, W51: the refresh has the same o= version; the call outlives many of them."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            await world.answered_agent("a1")
            await world.settle(4 * 3600)
            assert not world.has(Ended)
            invites = [r for r in world.teams.requests if r.method == "INVITE"]
            assert len(invites) > 3
            assert len({r.body for r in invites}) == 1

    run_virtual(story())


def test_a_peer_that_vanishes_is_ended_by_the_session_timer(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await world.answered_agent("a1")
            world.teams.is_deaf = True
            ended = await world.fact(Ended, "a1", timeout_s=3600)
            assert ended.outcome.reason in {
                OutcomeReason.SESSION_EXPIRED,
                OutcomeReason.PEER_LOST,
            }

    run_virtual(story())


def test_a_leg_without_media_is_ended(tmp_path: Path) -> None:
    """MED-06."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.media.emit(MediaChanged(leg=LegId(leg), change="timeout"))
            began = world.clock.now()
            ended = await world.ended(leg)
            assert ended.outcome.reason is OutcomeReason.MEDIA_TIMEOUT
            assert world.clock.now() - began >= 60e9
            await world.carrier.expect(e.SessionEnded)

    run_virtual(story())


def test_media_that_comes_back_or_a_hold_keeps_the_leg(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.media.emit(MediaChanged(leg=LegId(leg), change="timeout"))
            await world.settle(30)
            world.media.emit(MediaChanged(leg=LegId(leg), change="resumed"))
            await world.settle(100)
            session = await world.answered_agent("a1")
            world.media.emit(MediaChanged(leg=LegId("a1"), change="timeout"))
            offer = world.teams.sdp(direction="inactive", version=2)
            world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
            await world.settle(300)
            assert not world.has(Ended)

    run_virtual(story())


def test_the_media_time_out_can_be_off(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path, settings=CallSettings(media_timeout_s=None)) as world:
            leg, _ = await world.answered_caller()
            world.media.emit(MediaChanged(leg=LegId(leg), change="timeout"))
            await world.settle(900)
            assert not world.has(Ended)

    run_virtual(story())
