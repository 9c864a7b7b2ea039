# SPDX-License-Identifier: Apache-2.0
"""Calls that come in: offered, answered, refused, given up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.errors import CapacityExceeded
from centralino.core.kernel.outcome import OutcomeReason, Result
from centralino.exchange.facts import Answered, Offered
from centralino.exchange.media import Configure
from centralino.exchange.orders import (
    Answer,
    HangUp,
    ListLegs,
    Play,
    Redirect,
    Reject,
    RejectCause,
    Ring,
)
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import CARRIER, TENANT, World, running_world, sdp

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


async def offer(world: World) -> tuple[str, str]:
    session = world.carrier.call()
    offered = await world.fact(Offered)
    return offered.leg, session


def test_a_call_is_offered_answered_and_hung_up_by_us(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = world.carrier.call()
            offered = await world.fact(Offered)
            assert (offered.tenant, offered.trunk) == (TENANT, CARRIER)
            assert offered.called_number == "+390699000"
            assert offered.caller_number == "+39333111222"
            world.order(Answer, offered.leg)
            await world.carrier.expect(e.SessionAnswered)
            await world.fact(Answered, offered.leg)
            media = world.media.last(Configure).media
            assert (media.codec, media.remote_rtp_port) == ("PCMA", 40000)
            world.order(HangUp, offered.leg)
            ended = await world.ended(offered.leg)
            assert ended.outcome.reason is OutcomeReason.COMPLETED
            assert not ended.by_far_end
            gone = await world.carrier.expect(e.SessionEnded)
            assert (gone.session, gone.cause) == (session, "bye-received")

    run_virtual(story())


def test_the_caller_hangs_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await world.answered_caller()
            world.carrier.bye(session)
            ended = await world.ended(leg)
            assert (ended.outcome.reason, ended.by_far_end) == (OutcomeReason.COMPLETED, True)
            assert not world.media.open

    run_virtual(story())


def test_the_caller_gives_up_before_the_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await offer(world)
            world.carrier.do(world.carrier.endpoint.cancel, session, world.clock.now())
            ended = await world.ended(leg)
            assert (ended.outcome.reason, ended.by_far_end) == (OutcomeReason.CANCELLED, True)

    run_virtual(story())


def test_a_silent_exchange_makes_the_call_ring_and_at_last_refuses_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            started = world.clock.now()
            leg, _ = await offer(world)
            await world.carrier.expect(e.SessionProgressed)
            assert 2.9e9 < world.clock.now() - started < 4e9
            failed = await world.carrier.expect(e.SessionFailed)
            assert failed.status == 480
            assert (await world.ended(leg)).outcome.result is Result.SERVER_ERROR

    run_virtual(story())


def test_ringing_is_told_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await offer(world)
            world.order(Ring, leg)
            world.order(Ring, leg)
            progress = await world.carrier.expect(e.SessionProgressed)
            assert (progress.status, progress.sdp) == (180, None)
            await world.settle(4)
            assert not any(isinstance(x, e.SessionProgressed) for x in world.carrier.events)

    run_virtual(story())


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (RejectCause.BUSY, 486),
        (RejectCause.DECLINED, 603),
        (RejectCause.UNAVAILABLE, 480),
        (RejectCause.NOT_FOUND, 404),
        (RejectCause.FORBIDDEN, 403),
        (RejectCause.OVERLOADED, 503),
    ],
)
def test_a_refusal_in_the_callers_words(tmp_path: Path, cause: RejectCause, status: int) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await offer(world)
            world.order(Reject, leg, cause=cause)
            failed = await world.carrier.expect(e.SessionFailed)
            assert failed.status == status
            assert (failed.retry_after_s is not None) == (status == 503)
            await world.ended(leg)

    run_virtual(story())


def test_no_common_codec_is_488(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.carrier.call(offer=sdp(formats="18"))
            offered = await world.fact(Offered)
            world.order(Answer, offered.leg)
            assert (await world.carrier.expect(e.SessionFailed)).status == 488
            ended = await world.ended(offered.leg)
            assert ended.outcome.reason is OutcomeReason.NO_COMMON_CODEC
            assert not world.media.open

    run_virtual(story())


def test_plain_rtp_from_teams_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.call(offer=sdp(secure=False))
            offered = await world.fact(Offered)
            world.order(Answer, offered.leg)
            assert (await world.teams.expect(e.SessionFailed)).status == 488
            ended = await world.ended(offered.leg)
            assert ended.outcome.reason is OutcomeReason.ENCRYPTION_REQUIRED

    run_virtual(story())


def test_late_media_workers_mean_503(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_error = CapacityExceeded("late")
            leg, _ = await offer(world)
            world.order(Answer, leg)
            assert (await world.carrier.expect(e.SessionFailed)).status == 503
            assert (await world.ended(leg)).outcome.reason is OutcomeReason.OVERLOADED

    run_virtual(story())


def test_sockets_are_opened_while_the_exchange_decides(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await offer(world)
            await world.settle()
            assert set(world.media.open) == {leg}
            world.order(Reject, leg, cause=RejectCause.BUSY)
            await world.carrier.expect(e.SessionFailed)
            await world.ended(leg)
            assert not world.media.open

    run_virtual(story())


def test_orders_of_a_leg_wait_for_the_answer_under_way(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_gate = asyncio.Event()
            leg, _ = await offer(world)
            world.order(Answer, leg)
            order = world.order(Play, leg, play="p", prompts=("greeting",))
            await world.settle(0.5)
            world.media.reserve_gate.set()
            failed = await world.failed(order)
            assert failed.code == "conflict"
            await world.fact(Answered, leg)

    run_virtual(story())


def test_a_caller_who_goes_while_media_is_opened_leaves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_gate = asyncio.Event()
            leg, session = await offer(world)
            world.order(Answer, leg)
            await world.settle()
            world.carrier.do(world.carrier.endpoint.cancel, session, world.clock.now())
            await world.ended(leg)
            world.media.reserve_gate.set()
            await world.settle()
            assert not world.media.open

    run_virtual(story())


def test_an_offer_that_comes_late(tmp_path: Path) -> None:
    """An INVITE without a description gets ours in the 200 (MED-12)."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.carrier.call(offer=b"")
            offered = await world.fact(Offered)
            world.order(Answer, offered.leg)
            answered = await world.carrier.expect(e.SessionAnswered)
            assert answered.sdp is not None
            assert b"m=audio 20000" in answered.sdp

    run_virtual(story())


def test_a_missing_ack_ends_the_leg(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await offer(world)
            world.carrier.is_deaf = True
            world.order(Answer, leg)
            ended = await world.ended(leg)
            assert ended.outcome.reason is OutcomeReason.PEER_LOST

    run_virtual(story())


def test_redirect_only_where_it_is_understood(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await offer(world)
            world.order(Redirect, leg, target="+390611111")
            failed = await world.carrier.expect(e.SessionFailed)
            assert failed.status == 302
            assert failed.response is not None
            assert "+390611111" in (failed.response.headers.get("Contact") or "")
            assert (await world.ended(leg)).outcome.reason is OutcomeReason.REDIRECTED
            world.teams.call()
            offered = await world.fact(Offered)
            order = world.order(Redirect, offered.leg, target="+390611111")
            assert (await world.failed(order)).code == "not-allowed"

    run_virtual(story())


def test_an_anonymous_caller_has_no_number(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.carrier.call(
                caller='"Secret" <sip:+39333111222@carrier.test>', headers=(("Privacy", "id"),)
            )
            offered = await world.fact(Offered)
            assert (offered.caller_number, offered.caller_name) == (None, None)

    run_virtual(story())


def test_who_forwarded_the_call_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            history = (
                "<sip:+390601@sip.teams.test;user=phone?Reason=SIP%3Bcause%3D302>;index=1,"
                "<sip:+390699000@sip.teams.test;user=phone>;index=1.1"
            )
            referred = "<sip:sip.teams.test;x-m=8:orgid:U1;x-ti=AbC%3d>"
            world.teams.call(headers=(("HISTORY-INFO", history), ("REFERRED-BY", referred)))
            offered = await world.fact(Offered)
            assert offered.forwarded_by == ("+390601",)
            assert offered.referred_by == referred

    run_virtual(story())


def test_a_call_in_circles_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            history = ",".join(f"<sip:+39060{n}@x.test>;index=1.{n}" for n in range(1, 6))
            world.teams.call(headers=(("History-Info", history),))
            assert (await world.teams.expect(e.SessionFailed)).status == 482
            assert not world.has(Offered)

    run_virtual(story())


def test_legs_are_listed_by_order(tmp_path: Path) -> None:
    from centralino.exchange.facts import LegsListed

    async def story() -> None:
        async with running_world(tmp_path) as world:
            first, _ = await world.answered_caller()
            second, _ = await offer(world)
            world.order(ListLegs, "")
            listed = await world.fact(LegsListed)
            assert {(s.leg, s.state) for s in listed.legs} == {
                (first, "answered"),
                (second, "offered"),
            }

    run_virtual(story())


def test_a_full_inbox_refuses_new_calls(tmp_path: Path) -> None:
    import msgspec

    from tests.unit.voice_calls.world import voice_settings

    async def story() -> None:
        voice = msgspec.structs.replace(voice_settings(), inbox_facts=1)
        async with running_world(tmp_path, voice=voice) as world:
            await offer(world)
            world.carrier.call()
            assert (await world.carrier.expect(e.SessionFailed)).status == 503

    run_virtual(story())


def test_the_settings_name_the_comfort_ring(tmp_path: Path) -> None:
    async def story() -> None:
        settings = CallSettings(comfort_ring_ms=500)
        async with running_world(tmp_path, settings=settings) as world:
            await offer(world)
            await world.carrier.expect(e.SessionProgressed, timeout_s=0.6)

    run_virtual(story())
