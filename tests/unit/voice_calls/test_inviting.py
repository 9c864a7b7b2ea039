# SPDX-License-Identifier: Apache-2.0
"""Calls that we place: ringing, answer, fail-over, giving up, who is shown."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.voice.credentials import Passwords
from centralino.adapters.voice.inbox import PATIENCE_S
from centralino.adapters.voice.settings import CredentialsSettings
from centralino.core.kernel.errors import CapacityExceeded, RemoteRejected, RemoteTimeout
from centralino.core.kernel.ids import TenantId
from centralino.core.kernel.outcome import OutcomeReason, Result
from centralino.exchange.facts import Answered, Ended, OrderFailed, Progressing
from centralino.exchange.media import Configure
from centralino.exchange.orders import CancelInvite, HangUp, HangUpCause
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import CARRIER, PROXIES, World, running_world, sdp, voice_settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit


async def invited(world: World, leg: str = "a1") -> str:
    world.ring_agent(leg)
    return (await world.teams.expect(e.SessionInvited)).session


def test_a_teams_user_rings_and_answers(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.ring(session)
            assert (await world.fact(Progressing, "a1")).stage == "ringing"
            await world.settle(3)
            world.teams.answer(session)
            answered = await world.fact(Answered, "a1")
            assert not answered.is_machine_suspect
            media = world.media.last(Configure).media
            assert media.srtp is not None
            assert media.srtp.local == b"k" * 30
            await world.teams.expect(e.SessionEstablished)

    run_virtual(story())


def test_the_headers_that_direct_routing_wants(tmp_path: Path) -> None:
    """G2 to G6 of the certification plan."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            await invited(world)
            request = world.teams.last("INVITE")
            headers = request.headers
            assert request.uri == (f"sip:+390612345@{PROXIES[0]}:5061;user=phone;transport=tls")
            assert headers.get("Contact") == "<sip:sbc.acme.test:5061;transport=tls>"
            assert request.from_.uri == "sip:+39333111222@sbc.acme.test;user=phone"
            allow = headers.values("Allow")
            assert set(allow) == {
                "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY", "REFER"
            }  # fmt: skip
            assert "100rel" not in (headers.get("Supported") or "")
            assert "Require" not in headers
            text = request.body.decode()
            assert "RTP/SAVP" in text
            assert "AES_CM_128_HMAC_SHA1_80 inline:" in text
            assert "telephone-event" in text
            assert "sendonly" not in text
            assert "P-Asserted-Identity" not in headers

    run_virtual(story())


def test_an_anonymous_callers_number_is_in_no_header(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.ring_agent("a1", caller_number=None, caller_name="Mario Rossi")
            await world.teams.expect(e.SessionInvited)
            request = world.teams.last("INVITE")
            text = request.to_bytes().decode()
            assert "anonymous@anonymous.invalid" in request.from_.uri
            assert request.headers.get("Privacy") == "id"
            assert "39333111222" not in text
            assert "Mario" not in text

    run_virtual(story())


def test_an_extension_is_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.ring_agent("a1", target="+14255388701;ext=1001")
            await world.teams.expect(e.SessionInvited)
            assert "sip:+14255388701;ext=1001@" in world.teams.last("INVITE").uri

    run_virtual(story())


def test_a_sip_uri_is_used_verbatim(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            target = "sip:+390612345@sip.teams.test;user=phone;opaque=app:voicemail"
            world.ring_agent("a1", target=target)
            await world.teams.expect(e.SessionInvited)
            assert world.teams.last("INVITE").uri == target

    run_virtual(story())


def test_a_quick_answer_without_ringing_is_a_machine(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.answer(await invited(world))
            assert (await world.fact(Answered, "a1")).is_machine_suspect

    run_virtual(story())


def test_a_slow_answer_without_ringing_is_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            await world.settle(2)
            world.teams.answer(session)
            assert not (await world.fact(Answered, "a1")).is_machine_suspect

    run_virtual(story())


def test_every_stage_is_told_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            for status in (181, 180, 180):
                world.teams.ring(session, status)
            world.teams.ring(session, 183, world.teams.sdp())
            world.teams.ring(session, 180)
            await world.settle(2 * PATIENCE_S)
            stages = [f.stage for f in world.facts if isinstance(f, Progressing)]
            assert stages == ["forwarded", "ringing", "early-media"]

    run_virtual(story())


def test_a_silent_183_configures_no_media(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.ring(session, 183, world.teams.sdp())
            await world.fact(Progressing, "a1")
            assert not world.media.all(Configure)

    run_virtual(story())


def test_nobody_answers(tmp_path: Path) -> None:
    """INB-10: CANCEL at 15 s with the Reason that leaves no missed call."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            began = world.clock.now()
            world.teams.ring(await invited(world))
            await world.teams.expect(e.SessionCancelled)
            assert abs(world.clock.now() - began - 15e9) < 5e8
            reason = world.teams.last("CANCEL").headers.get("Reason")
            assert reason == 'SIP;cause=200;text="Call completed elsewhere"'
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.NO_ANSWER

    run_virtual(story())


def test_an_answer_that_crosses_the_cancel_is_hung_up(tmp_path: Path) -> None:
    """INB-11: the 200 is acknowledged, then BYE; the leg never counts as answered."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.ring(session)
            await world.fact(Progressing, "a1")
            world.teams.answer(session)
            world.order(CancelInvite, "a1")
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.CANCELLED
            await world.teams.expect(e.SessionEnded)
            assert world.teams.count("ACK") == 1
            assert world.teams.count("BYE") == 1
            assert not world.has(Answered)

    run_virtual(story())


@pytest.mark.parametrize(
    ("cause", "reason", "is_hidden"),
    [
        (HangUpCause.NORMAL, OutcomeReason.CANCELLED, True),
        (HangUpCause.ANSWERED_ELSEWHERE, OutcomeReason.ANSWERED_ELSEWHERE, True),
        (HangUpCause.NO_ANSWER, OutcomeReason.NO_ANSWER, True),
        (HangUpCause.CALLER_GONE, OutcomeReason.CANCELLED, False),
    ],
)
def test_why_an_attempt_was_cancelled(
    tmp_path: Path, cause: HangUpCause, reason: OutcomeReason, is_hidden: bool
) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.ring(await invited(world))
            await world.fact(Progressing)
            world.order(HangUp, "a1", cause=cause)
            assert (await world.ended("a1")).outcome.reason is reason
            assert ("Reason" in world.teams.last("CANCEL").headers) == is_hidden

    run_virtual(story())


def test_a_far_side_that_ignores_cancel_does_not_hold_the_leg(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.ring(await invited(world))
            await world.fact(Progressing)
            world.teams.is_deaf = True
            world.order(CancelInvite, "a1")
            began = world.clock.now()
            await world.ended("a1")
            assert world.clock.now() - began < 5e9

    run_virtual(story())


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (486, OutcomeReason.BUSY),
        (603, OutcomeReason.DECLINED),
        (480, OutcomeReason.UNAVAILABLE),
        (404, OutcomeReason.NOT_FOUND),
        (403, OutcomeReason.FORBIDDEN),
        (410, OutcomeReason.MEDIA_FAILED),
    ],
)
def test_a_refusal_is_final(tmp_path: Path, status: int, reason: OutcomeReason) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.reject(session, status, Reason='Q.850;cause=63;text="x"')
            ended = await world.ended("a1")
            assert ended.outcome.reason is reason
            assert ended.by_far_end
            assert ended.detail.startswith(f"SIP {status}")
            await world.settle(40)
            assert sum(peer.count("INVITE") for peer in world.peers.values()) == 1

    run_virtual(story())


def test_503_goes_to_the_next_proxy(tmp_path: Path) -> None:
    """INB-17."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.reject(session, 503, Retry_After="1")
            second = world.peers[PROXIES[1]]
            began = world.clock.now()
            other = await second.expect(e.SessionInvited)
            assert world.clock.now() - began < 5e8
            assert second.last("INVITE").call_id != world.teams.last("INVITE").call_id
            second.answer(other.session)
            await world.fact(Answered, "a1")

    run_virtual(story())


def test_503_after_ringing_is_final(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            world.teams.ring(session)
            world.teams.reject(session, 503)
            assert (await world.ended("a1")).outcome.reason is OutcomeReason.OVERLOADED
            assert world.peers[PROXIES[1]].count("INVITE") == 0

    run_virtual(story())


def test_a_refused_connection_goes_to_the_next_proxy(tmp_path: Path) -> None:
    """RES-01, RES-02."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.is_cut = world.peers[PROXIES[1]].is_cut = True
            world.ring_agent("a1")
            third = world.peers[PROXIES[2]]
            third.answer((await third.expect(e.SessionInvited)).session)
            await world.fact(Answered, "a1")

    run_virtual(story())


def test_a_silent_proxy_gives_way_to_the_next(tmp_path: Path) -> None:
    """INB-18: two silent proxies cost less than the 10 s a caller is to wait at most."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.is_deaf = world.peers[PROXIES[1]].is_deaf = True
            began = world.clock.now()
            world.ring_agent("a1")
            third = world.peers[PROXIES[2]]
            third.answer((await third.expect(e.SessionInvited)).session)
            await world.fact(Answered, "a1")
            assert 7.9e9 < world.clock.now() - began < 10e9

    run_virtual(story())


def test_only_a_silent_proxy_is_left_early(tmp_path: Path) -> None:
    """Its 100 says that it is at work: from then on it may take as long as it rings."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            await world.settle(12)
            world.teams.answer(session)
            await world.fact(Answered, "a1")
            assert world.peers[PROXIES[1]].count("INVITE") == 0

    run_virtual(story())


def test_the_late_answer_of_a_silent_proxy_is_hung_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.is_mute = True
            session = await invited(world)
            second = world.peers[PROXIES[1]]
            other = await second.expect(e.SessionInvited)
            world.teams.is_mute = False
            world.teams.answer(session)
            assert (await world.teams.expect(e.SessionEnded)).cause == "bye-received"
            assert world.teams.count("ACK") == 1
            second.answer(other.session)
            await world.fact(Answered, "a1")
            assert not world.has(Ended)

    run_virtual(story())


def test_with_no_proxy_left_the_leg_ends_unreachable(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            for host in PROXIES:
                world.peers[host].is_cut = True
            world.ring_agent("a1")
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.UNREACHABLE
            assert ended.outcome.result is Result.UPSTREAM_ERROR

    run_virtual(story())


def test_488_is_tried_once_with_g711(tmp_path: Path) -> None:
    """INB-16."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            session = await invited(world)
            assert b"G722" in world.teams.last("INVITE").body
            world.teams.reject(session, 488)
            second = (await world.teams.expect(e.SessionInvited)).session
            body = world.teams.last("INVITE").body
            assert b"G722" not in body
            assert b"m=audio 20000" in body
            world.teams.reject(second, 488)
            assert (await world.ended("a1")).outcome.reason is OutcomeReason.NO_COMMON_CODEC
            assert world.teams.count("INVITE") == 2

    run_virtual(story())


def test_plain_rtp_in_the_answer_is_hung_up(tmp_path: Path) -> None:
    """MED-03."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.answer(await invited(world), sdp(secure=False))
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.ENCRYPTION_REQUIRED
            await world.teams.expect(e.SessionEnded)

    run_virtual(story())


def test_a_full_trunk_ends_the_leg(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.edge.refusal = CapacityExceeded("full")
            world.ring_agent("a1")
            assert (await world.ended("a1")).outcome.reason is OutcomeReason.OVERLOADED
            assert not world.media.open

    run_virtual(story())


def test_an_order_twice_has_no_second_effect(tmp_path: Path) -> None:
    from centralino.core.kernel.ids import LegId, OrderId
    from centralino.exchange.orders import Invite
    from tests.unit.voice_calls.world import TEAMS, TENANT

    async def story() -> None:
        async with running_world(tmp_path) as world:
            order = Invite(
                order=OrderId("same"), leg=LegId("a1"), tenant=TENANT, trunk=TEAMS,
                target="+390612345",
            )  # fmt: skip
            world.driver.submit([order, order])
            await world.teams.expect(e.SessionInvited)
            world.driver.submit([order])
            await world.settle()
            assert world.teams.count("INVITE") == 1
            assert not world.has(OrderFailed)

    run_virtual(story())


def test_a_legs_name_is_used_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await invited(world)
            world.order(HangUp, "a1")
            await world.ended("a1")
            order = world.ring_agent("a1")
            assert (await world.failed(order)).code == "already-exists"

    run_virtual(story())


@pytest.mark.parametrize("target", ["", "call me", "sip:", "+39 06", "tel:+39061"])
def test_a_target_that_is_none(tmp_path: Path, target: str) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            order = world.ring_agent("a1", target=target)
            assert (await world.failed(order)).code == "invalid-input"

    run_virtual(story())


def test_a_trunk_of_another_tenant_is_not_to_be_had(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            order = world.ring_agent("a1", tenant=TenantId("other"))
            assert (await world.failed(order)).code == "not-allowed"
            await world.settle()
            assert world.teams.count("INVITE") == 0
        voice = voice_settings()
        shared = msgspec.structs.replace(voice.trunks[0], shared_with=(TenantId("other"),))
        voice = msgspec.structs.replace(voice, trunks=(shared, voice.trunks[1]))
        async with running_world(tmp_path / "2", voice=voice) as world:
            world.ring_agent("a1", tenant=TenantId("other"))
            await world.teams.expect(e.SessionInvited)

    run_virtual(story())


def test_a_carrier_gets_the_asserted_identity(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.ring_agent("a1", trunk=CARRIER, caller_name='Ann "Evil"\r\nX-Evil: y')
            await world.carrier.expect(e.SessionInvited)
            request = world.carrier.last("INVITE")
            assert "+39333111222" in (request.headers.get("P-Asserted-Identity") or "")
            assert "X-Evil" not in request.headers
            assert request.from_.display == "Ann EvilX-Evil: y"

    run_virtual(story())


def test_three_forks_one_winner(tmp_path: Path) -> None:
    """INB-03, INB-04: early dialogs of other tags are simply forgotten."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            await invited(world)
            invite = world.teams.last("INVITE")
            from centralino.wire.sip.message import response_to

            def say(status: int, tag: str, body: bytes = b"") -> None:
                response = response_to(invite, status, to_tag=tag)
                response.headers.set("Contact", world.teams.contact)
                if body:
                    response.set_body(body, "application/sdp")
                world.receive_from(world.teams, response.to_bytes())

            say(180, "a")
            say(180, "b")
            say(183, "c", world.teams.sdp(port=41000))
            say(200, "d", world.teams.sdp(port=42000))
            await world.fact(Answered, "a1")
            assert world.media.last(Configure).media.remote_rtp_port == 42000
            await world.settle()
            assert world.teams.count("CANCEL") == world.teams.count("BYE") == 0

    run_virtual(story())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CapacityExceeded("late"), OutcomeReason.OVERLOADED),
        (RemoteTimeout("media", "reserve"), OutcomeReason.OVERLOADED),
        (RemoteRejected("media", "reserve"), OutcomeReason.MEDIA_FAILED),
    ],
)
def test_without_media_nobody_is_rung(
    tmp_path: Path, error: Exception, reason: OutcomeReason
) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_error = error
            world.ring_agent("a1")
            assert (await world.ended("a1")).outcome.reason is reason
            assert world.teams.count("INVITE") == 0

    run_virtual(story())


def test_media_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_gate = asyncio.Event()
            world.ring_agent("a1")
            began = world.clock.now()
            assert (await world.ended("a1")).outcome.reason is OutcomeReason.OVERLOADED
            assert world.clock.now() - began < 3e9

    run_virtual(story())


def test_a_leg_given_up_before_it_has_media(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.media.reserve_gate = asyncio.Event()
            world.ring_agent("a1")
            await world.settle()
            world.order(HangUp, "a1")
            await world.ended("a1")
            world.media.reserve_gate.set()
            await world.settle()
            assert not world.media.open
            assert world.teams.count("INVITE") == 0

    run_virtual(story())


def test_a_media_address_that_is_a_name_cannot_be_used(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.answer(await invited(world), world.teams.sdp(address="media.far.test"))
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.PROTOCOL_ERROR

    run_virtual(story())


def test_a_trunks_password_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("one\n")
    wanted = CredentialsSettings(username="us", password_file=str(file), realm="r")
    trunk = msgspec.structs.replace(voice_settings().trunks[1], credentials=wanted)
    passwords = Passwords()
    first = passwords.of(trunk)
    assert first is not None
    assert (first.username, first.password, first.realm) == ("us", "one", "r")
    assert passwords.of(trunk) is first
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    second = passwords.of(trunk)
    assert second is not None
    assert second.password == "two"
    file.unlink()
    assert passwords.of(trunk) is None
    assert passwords.of(voice_settings().trunks[1]) is None


def test_a_trunk_taken_out_of_the_settings_ends_its_legs_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            session = await invited(world)
            world.voice = msgspec.structs.replace(world.voice, trunks=world.voice.trunks[1:])
            world.teams.reject(session, 486)
            ended = await world.ended("a1")
            assert ended.outcome.reason is OutcomeReason.INTERNAL_ERROR
            await world.settle(60)
            assert not world.has(Ended, leg)
            order = world.ring_agent("a2")
            assert (await world.failed(order)).code == "not-found"

    run_virtual(story())


def test_a_deadline_that_fails_stops_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            heard: list[int] = []

            def fail(now: int) -> None:
                raise CapacityExceeded("x")

            world.driver.calls.arm_ms(10, fail)
            world.driver.calls.arm_ms(10, heard.append)
            world.driver.calls.arm_ms(20, heard.append)
            await world.settle(1)
            assert len(heard) == 2

    run_virtual(story())
