# SPDX-License-Identifier: Apache-2.0
"""Calls that pass from trunk to trunk inside the voice process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import pytest

from centralino.adapters.voice.call_settings import CallSettings, RelayRouteSettings
from centralino.adapters.voice.relay import Relay
from centralino.core.kernel.errors import CapacityExceeded
from centralino.exchange.facts import Offered
from centralino.exchange.media import Configure, SetRoom
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import (
    CARRIER,
    PROXIES,
    TEAMS,
    InMemoryEdge,
    World,
    running_world,
    sdp,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.unit

Mode = Literal["anchored", "signalling-only"]


def with_relay(world: World) -> Relay:
    relay = Relay(world.driver.calls, world.settings.routes)

    def on_event(event: e.SipEvent, now: int) -> None:
        if not relay.take(event, now):
            world.driver.on_event(event, now)

    world.edge.on_event = on_event
    return relay


@asynccontextmanager
async def relaying(
    folder: Path, mode: Mode = "anchored", *, to_teams: bool = True, **fields: object
) -> AsyncIterator[tuple[World, Relay]]:
    ends = (CARRIER, TEAMS) if to_teams else (TEAMS, CARRIER)
    route = RelayRouteSettings(
        name="r",
        from_trunk=ends[0],
        to_trunk=ends[1],
        mode=mode,
        **fields,  # type: ignore[arg-type]  # passed on
    )
    async with running_world(folder, settings=CallSettings(routes=(route,))) as world:
        yield world, with_relay(world)


async def connected(world: World) -> tuple[str, str]:
    """The carrier calls a Teams user who answers; returns both far sides' sessions."""
    caller = world.carrier.call()
    invited = await world.teams.expect(e.SessionInvited)
    world.teams.answer(invited.session, world.teams.sdp(port=46000))
    await world.carrier.expect(e.SessionAnswered)
    await world.settle()
    return caller, invited.session


def test_an_anchored_call_has_two_negotiations_and_one_room(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path) as (world, relay):
            caller = world.carrier.call()
            invited = await world.teams.expect(e.SessionInvited)
            invite = world.teams.last("INVITE")
            assert b"RTP/SAVP" in invite.body
            answered_call = world.driver.calls.edge.endpoint.open_sessions
            assert answered_call == 2
            assert invite.headers.get("Max-Forwards") == "69"
            world.teams.answer(invited.session)
            answered = await world.carrier.expect(e.SessionAnswered)
            assert b"RTP/AVP" in (answered.sdp or b"")
            assert len(world.media.last(SetRoom).members) == 2
            secured = {c.leg[-1]: c.media.srtp is not None for c in world.media.all(Configure)}
            assert secured == {"a": False, "b": True}
            await world.settle()
            world.carrier.bye(caller)
            await world.teams.expect(e.SessionEnded)
            assert not world.media.open
            assert relay.live_count == 0
            assert not world.has(Offered)

    run_virtual(story())


def test_signalling_only_passes_descriptions_and_info(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path, "signalling-only") as (world, _):
            caller = world.carrier.call(offer=sdp(port=43210))
            invited = await world.teams.expect(e.SessionInvited)
            assert invited.sdp == sdp(port=43210)
            world.teams.answer(invited.session, sdp(port=45678))
            answered = await world.carrier.expect(e.SessionAnswered)
            assert answered.sdp == sdp(port=45678)
            await world.settle()
            now = world.clock.now()
            world.carrier.do(world.carrier.endpoint.info, caller, now, "application/dtmf", b"5")
            assert (await world.teams.expect(e.InfoReceived)).request.body == b"5"
            offer = sdp(port=43210, direction="sendonly", version=2)
            world.carrier.do(world.carrier.endpoint.reoffer, caller, offer, now)
            reoffered = await world.teams.expect(e.SessionReoffered)
            assert reoffered.sdp == offer
            answer = sdp(port=45678, direction="recvonly", version=2)
            world.teams.do(
                world.teams.endpoint.accept_offer, reoffered.session, answer, world.clock.now()
            )
            finished = await world.carrier.expect(e.ReofferFinished)
            assert (finished.status, finished.sdp) == (200, answer)
            world.teams.bye(invited.session)
            await world.carrier.expect(e.SessionEnded)

    run_virtual(story())


def test_a_reinvite_of_an_anchored_side_stays_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path) as (world, _):
            caller, _ = await connected(world)
            invites = world.teams.count("INVITE")
            offer = sdp(direction="sendonly", version=2)
            world.carrier.do(world.carrier.endpoint.reoffer, caller, offer, world.clock.now())
            assert (await world.carrier.expect(e.ReofferFinished)).status == 200
            await world.settle()
            assert world.teams.count("INVITE") == invites

    run_virtual(story())


def test_the_silent_183_of_teams_becomes_one_180(tmp_path: Path) -> None:
    """INB-02, INB-05."""

    async def story() -> None:
        async with relaying(tmp_path) as (world, _):
            world.carrier.call()
            session = (await world.teams.expect(e.SessionInvited)).session
            world.teams.ring(session, 183, world.teams.sdp())
            world.teams.ring(session, 180)
            await world.settle()
            heard = [x for x in world.carrier.events if isinstance(x, e.SessionProgressed)]
            assert [(x.status, x.sdp) for x in heard] == [(180, None)]

    run_virtual(story())


def test_the_early_media_of_a_carrier_is_passed(tmp_path: Path) -> None:
    """OUT-02."""

    async def story() -> None:
        async with relaying(tmp_path, to_teams=False) as (world, _):
            world.teams.call()
            session = (await world.carrier.expect(e.SessionInvited)).session
            world.carrier.ring(session, 183, world.carrier.sdp())
            progress = await world.teams.expect(e.SessionProgressed)
            assert progress.status == 183
            assert b"RTP/SAVP" in (progress.sdp or b"")
            world.carrier.answer(session)
            answered = await world.teams.expect(e.SessionAnswered)
            assert answered.sdp == progress.sdp

    run_virtual(story())


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(486, 486), (603, 603), (484, 484), (404, 404), (408, 480), (504, 503), (401, 500)],
)
def test_what_the_caller_hears_of_a_refusal(tmp_path: Path, theirs: int, ours: int) -> None:
    """OUT-05, OUT-06, OUT-12."""

    async def story() -> None:
        async with relaying(tmp_path, to_teams=False) as (world, _):
            world.teams.call()
            session = (await world.carrier.expect(e.SessionInvited)).session
            world.carrier.ring(session)
            await world.settle()
            world.carrier.reject(session, theirs)
            assert (await world.teams.expect(e.SessionFailed)).status == ours

    run_virtual(story())


def test_nobody_answers_a_relayed_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path, ring_for_s=20) as (world, _):
            world.carrier.call()
            world.teams.ring((await world.teams.expect(e.SessionInvited)).session)
            assert (await world.carrier.expect(e.SessionFailed)).status == 480
            await world.teams.expect(e.SessionCancelled)

    run_virtual(story())


def test_the_caller_gives_up_and_the_other_side_is_cancelled(tmp_path: Path) -> None:
    """OUT-15."""

    async def story() -> None:
        async with relaying(tmp_path) as (world, relay):
            session = world.carrier.call()
            world.teams.ring((await world.teams.expect(e.SessionInvited)).session)
            await world.settle()
            reason = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
            now = world.clock.now()
            world.carrier.do(world.carrier.endpoint.cancel, session, now, reason)
            cancelled = await world.teams.expect(e.SessionCancelled)
            assert cancelled.reason == reason[0][1]
            assert relay.live_count == 0

    run_virtual(story())


def test_503_goes_to_the_next_proxy_of_the_route(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path) as (world, relay):
            world.carrier.call()
            world.teams.reject((await world.teams.expect(e.SessionInvited)).session, 503)
            second = world.peers[PROXIES[1]]
            second.answer((await second.expect(e.SessionInvited)).session)
            await world.carrier.expect(e.SessionAnswered)
            assert relay.placed_count == 2

    run_virtual(story())


def test_a_silent_proxy_of_the_route_gives_way_to_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path) as (world, _):
            world.teams.is_deaf = True
            began = world.clock.now()
            world.carrier.call()
            second = world.peers[PROXIES[1]]
            second.answer((await second.expect(e.SessionInvited)).session)
            await world.carrier.expect(e.SessionAnswered)
            assert world.clock.now() - began < 5e9

    run_virtual(story())


def test_limits_loops_and_missing_media(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path, max_calls=1) as (world, _):
            world.carrier.call(headers=(("Max-Forwards", "1"),))
            assert (await world.carrier.expect(e.SessionFailed)).status == 483
            await connected(world)
            world.carrier.call()
            assert (await world.carrier.expect(e.SessionFailed)).status == 503
        async with relaying(tmp_path) as (world, relay):
            world.media.reserve_error = CapacityExceeded("late")
            world.carrier.call()
            assert (await world.carrier.expect(e.SessionFailed)).status == 503
            assert relay.live_count == 0

    run_virtual(story())


def test_numbers_outside_the_route_belong_to_the_exchange(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path, numbers=("+3902*",)) as (world, _):
            world.carrier.call("+390699000")
            await world.fact(Offered)
            world.carrier.call("+390299000")
            await world.teams.expect(e.SessionInvited)

    run_virtual(story())


def test_an_offer_that_comes_late_is_anchored(tmp_path: Path) -> None:
    async def story() -> None:
        async with relaying(tmp_path) as (world, _):
            world.carrier.call(offer=b"")
            session = (await world.teams.expect(e.SessionInvited)).session
            world.teams.answer(session)
            answered = await world.carrier.expect(e.SessionAnswered)
            assert b"m=audio" in (answered.sdp or b"")

    run_virtual(story())


@pytest.mark.parametrize("mode", ["anchored", "signalling-only"])
def test_a_relayed_call_survives_a_restart(tmp_path: Path, mode: Mode) -> None:
    async def story() -> None:
        async with relaying(tmp_path, mode) as (world, _):
            caller, callee = await connected(world)
            for task in world.running:
                task.cancel()
            world.edge.close()
            world.inbox.close()
            world.store.close()
            world.generation += 1
            world.edge = InMemoryEdge(world)
            world.start_driver()
            relay = with_relay(world)
            assert await relay.restore(world.media) == 1
            assert relay.live_count == 1
            world.carrier.bye(caller)
            ended = await world.teams.expect(e.SessionEnded)
            assert ended.session == callee
            assert relay.live_count == 0

    run_virtual(story())
