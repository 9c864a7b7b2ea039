# SPDX-License-Identifier: Apache-2.0
"""REFER and Replaces, both ways (TRF and HLD-02 of the certification plan)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.voice.call_settings import CallSettings
from centralino.core.kernel.outcome import OutcomeReason
from centralino.exchange.facts import (
    Ended,
    Held,
    ParticipantJoined,
    ParticipantLeft,
    TransferAccepted,
    TransferFailed,
    TransferRequested,
)
from centralino.exchange.media import Configure, RingbackTone
from centralino.exchange.orders import Bridge, BridgeMember, HangUp, Transfer
from centralino.wire.sip import events as e
from tests.kit.virtual_time import run_virtual
from tests.unit.voice_calls.world import World, running_world, sdp, voice_settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

TARGET = "sip:sip.teams.test:5061;transport=tls;x-m=8:orgid:AbC-%3d;x-t=T1"
REFERRED_BY = "<sip:sip.teams.test:5061;x-m=8:orgid:U1;x-t=T1;x-ti=aBcD;x-tt=aHR0cHM6Ly9YL3k%3d>"


async def talking(world: World) -> tuple[str, str]:
    """A caller and a Teams user in a bridge; returns the caller's leg and the user's session."""
    leg, _ = await world.answered_caller()
    session = await world.answered_agent("a1")
    people = (BridgeMember(leg), BridgeMember("a1", "agent"))  # type: ignore[arg-type]  # names
    world.order(Bridge, leg, bridge="b", members=people)
    await world.fact(ParticipantJoined, "a1")
    await world.settle()
    return leg, session


async def referred(world: World, session: str, target: str = TARGET) -> tuple[str, str]:
    """Teams refers; returns the refer and the session of the new call."""
    refer = world.teams.refer(session, f"<{target}>", REFERRED_BY)
    invited = await world.teams.expect(e.SessionInvited)
    return refer, invited.session


def notified(world: World) -> list[str]:
    return [r.body.decode().split("\r\n")[0] for r in world.teams.requests if r.method == "NOTIFY"]


def test_a_blind_transfer_by_refer(tmp_path: Path) -> None:
    """TRF-01: byte-identical, NOTIFY before BYE, ringback for the customer, same leg."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await talking(world)
            _, new = await referred(world, session)
            assert (await world.fact(TransferRequested)).target == f"<{TARGET}>"
            invite = world.teams.last("INVITE")
            assert invite.uri == TARGET
            assert invite.headers.get("Referred-By") == REFERRED_BY
            assert invite.from_.uri == "sip:+39333111222@sbc.acme.test;user=phone"
            assert invite.headers.get("Contact") == "<sip:sbc.acme.test:5061;transport=tls>"
            assert b"a=sendrecv" in invite.body
            assert b"m=audio 20002" in invite.body
            world.teams.ring(new)
            await world.settle()
            tone = world.media.last(RingbackTone)
            assert (tone.leg, tone.on) == (leg, True)
            before = len(world.media.all(Configure))
            world.teams.answer(new, world.teams.sdp(port=45000))
            await world.fact(TransferAccepted, "a1")
            assert not world.media.last(RingbackTone).on
            assert world.media.all(Configure)[before:][-1].media.remote_rtp_port == 45000
            await world.settle()
            assert notified(world) == [
                "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"
            ]  # fmt: skip
            assert world.teams.count("BYE") == 0
            world.teams.bye(session)
            await world.settle()
            assert not world.has(Ended)
            assert not world.has(ParticipantLeft)
            world.teams.bye(new)
            await world.ended("a1")

    run_virtual(story())


def test_a_target_that_is_busy_leaves_the_old_dialog(tmp_path: Path) -> None:
    """TRF-07: told, not tried again."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.reject(new, 486)
            failed = await world.fact(TransferFailed)
            assert failed.outcome.reason is OutcomeReason.BUSY
            await world.settle(60)
            assert notified(world)[-1].startswith("SIP/2.0 486")
            assert world.teams.count("INVITE") == 2
            assert world.teams.count("BYE") == 0
            assert not world.has(Ended)

    run_virtual(story())


def test_the_customer_goes_during_the_refer(tmp_path: Path) -> None:
    """TRF-11: CANCEL, NOTIFY 487, BYE."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.ring(new)
            await world.settle()
            world.order(HangUp, "a1")
            await world.ended("a1")
            await world.settle(1)
            methods = [r.method for r in world.teams.requests]
            assert methods.count("CANCEL") == 1
            assert notified(world)[-1].startswith("SIP/2.0 487")
            assert methods.index("BYE") > max(i for i, m in enumerate(methods) if m == "NOTIFY")

    run_virtual(story())


def test_the_transferor_who_goes_early(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.bye(session)
            await world.settle()
            assert not world.has(Ended)
            world.teams.answer(new)
            await world.fact(TransferAccepted)

    run_virtual(story())


def test_the_transferor_who_goes_early_and_a_target_that_fails(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.bye(session)
            await world.settle()
            world.teams.reject(new, 480)
            assert (await world.ended("a1")).by_far_end

    run_virtual(story())


def test_a_forgotten_old_dialog_is_hung_up(tmp_path: Path) -> None:
    """TRF-10."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.answer(new)
            await world.fact(TransferAccepted)
            await world.settle(31)
            assert world.teams.count("BYE") == 0
            await world.settle(2)
            assert world.teams.count("BYE") == 1
            assert not world.has(Ended)

    run_virtual(story())


def test_a_dialog_that_was_left_cannot_transfer_the_leg(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.answer(new)
            await world.fact(TransferAccepted)
            await world.settle()
            world.teams.events.clear()
            world.teams.refer(session, f"<{TARGET}>")
            assert (await world.teams.expect(e.ReferProgress)).status == 481
            world.order(HangUp, "a1")
            await world.ended("a1")
            assert "a1" not in {leg.id for leg in world.driver.calls.by_session.values()}

    run_virtual(story())


def test_music_on_hold_by_refer_rings_nobody(tmp_path: Path) -> None:
    """HLD-02: the target is a service, no ringback; a held leg is talking again."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            offer = world.teams.sdp(direction="inactive", version=2)
            world.teams.do(world.teams.endpoint.reoffer, session, offer, world.clock.now())
            await world.fact(Held)
            target = "sip:sip.teams.test:5061;transport=tls;x-m=28:music"
            _, new = await referred(world, session, target)
            assert b"a=sendrecv" in world.teams.last("INVITE").body
            world.teams.ring(new)
            world.teams.answer(new)
            await world.fact(TransferAccepted)
            held = await world.fact(Held)
            assert (held.is_held, held.by_far_end) == (False, True)
            assert not world.media.all(RingbackTone)

    run_virtual(story())


def test_endless_transfers_are_bounded(tmp_path: Path) -> None:
    """TRF-21 and its limit."""

    async def story() -> None:
        async with running_world(tmp_path, settings=CallSettings(max_transfers=2)) as world:
            _, session = await talking(world)
            for _ in range(2):
                _, new = await referred(world, session)
                world.teams.answer(new)
                await world.fact(TransferAccepted)
                await world.settle()
                world.teams.bye(session)
                await world.settle()
                session = new
            world.teams.events.clear()
            world.teams.refer(session, f"<{TARGET}>")
            progress = await world.teams.expect(e.ReferProgress)
            while not progress.final:
                progress = await world.teams.expect(e.ReferProgress)
            assert progress.status == 482
            assert not world.has(Ended)

    run_virtual(story())


@pytest.mark.parametrize("target", ["tel:+39061", "<>", "sip:"])
def test_a_refer_to_nowhere(tmp_path: Path, target: str) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            world.teams.refer(session, target)
            progress = await world.teams.expect(e.ReferProgress)
            assert progress.final
            assert progress.status >= 400
            assert world.teams.count("INVITE") == 1

    run_virtual(story())


def test_the_target_that_never_answers(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.ring(new)
            failed = await world.fact(TransferFailed)
            assert failed.outcome.reason is OutcomeReason.NO_ANSWER
            await world.teams.expect(e.SessionCancelled)

    run_virtual(story())


# ---- Replaces


def replaces_of(world: World) -> str:
    invite = next(r for r in world.teams.requests if r.method == "INVITE")
    ack = world.teams.last("ACK")
    return f"{invite.call_id};to-tag={invite.from_.tag};from-tag={ack.to.tag}"


def test_replaces_moves_the_media(tmp_path: Path) -> None:
    """TRF-12: the new dialog is answered, the old one gets BYE, the leg goes on."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            await world.settle()
            new = world.teams.call(
                offer=world.teams.sdp(port=47000),
                headers=(("Replaces", replaces_of(world)),),
            )
            await world.teams.expect(e.SessionAnswered)
            ended = await world.teams.expect(e.SessionEnded)
            assert ended.session == session
            assert world.media.last(Configure).media.remote_rtp_port == 47000
            assert not world.has(Ended)
            assert not world.has(ParticipantLeft)
            world.teams.bye(new)
            await world.ended("a1")

    run_virtual(story())


def test_replaces_of_nothing_is_481(tmp_path: Path) -> None:
    """TRF-13."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            world.teams.call(headers=(("Replaces", "x@y;to-tag=1;from-tag=2"),))
            assert (await world.teams.expect(e.SessionFailed)).status == 481

    run_virtual(story())


def test_replaces_from_another_trunk_steals_no_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await talking(world)
            await world.settle()
            world.carrier.call(headers=(("Replaces", replaces_of(world)),))
            assert (await world.carrier.expect(e.SessionFailed)).status == 481
            assert not world.has(Ended)

    run_virtual(story())


# ---- REFER of ours


def test_we_refer_only_where_it_is_allowed(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await world.answered_agent("a1")
            order = world.order(Transfer, "a1", target="+39061111")
            assert (await world.failed(order)).code == "not-allowed"
            assert world.teams.count("REFER") == 0

    run_virtual(story())


@pytest.mark.parametrize("status", [200, 486])
def test_a_carrier_is_referred(tmp_path: Path, status: int) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, _ = await world.answered_caller()
            world.order(Transfer, leg, target="+39061111")
            refer = await world.carrier.expect(e.ReferReceived)
            assert "+39061111" in refer.refer_to
            endpoint, now = world.carrier.endpoint, world.clock.now()
            world.carrier.do(endpoint.accept_refer, refer.session, refer.refer, now)
            world.carrier.do(
                endpoint.notify_refer, refer.session, refer.refer, status, "X",
                final=True, now=now,
            )  # fmt: skip
            if status == 200:
                await world.fact(TransferAccepted)
                ended = await world.ended(leg)
                assert ended.outcome.reason is OutcomeReason.TRANSFERRED
            else:
                failed = await world.fact(TransferFailed)
                assert failed.outcome.reason is OutcomeReason.BUSY
                assert not world.has(Ended)

    run_virtual(story())


# ---- less usual


def test_an_attended_transfer_of_a_carrier_keeps_its_replaces(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await world.answered_caller()
            target = "sip:bob@carrier.test?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2"
            world.carrier.refer(session, f"<{target}>")
            failed = await world.fact(TransferFailed)
            assert failed.outcome.reason is OutcomeReason.PEER_LOST
            invite = world.carrier.last("INVITE")
            assert invite.uri == "sip:bob@carrier.test"
            assert invite.headers.get("Replaces") == "abc@x;to-tag=1;from-tag=2"
            assert invite.from_.uri.startswith("sip:+390699000@")

    run_virtual(story())


def test_replaces_is_never_sent_to_teams(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            world.teams.refer(
                session, "<sip:sip.teams.test?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>"
            )
            await world.fact(TransferFailed)
            await world.settle()
            assert world.teams.count("INVITE") == 1
            assert notified(world)[-1].startswith("SIP/2.0 503")

    run_virtual(story())


def test_a_target_whose_answer_cannot_be_used(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            _, new = await referred(world, session)
            world.teams.answer(new, sdp(secure=False))
            failed = await world.fact(TransferFailed)
            assert failed.outcome.reason is OutcomeReason.ENCRYPTION_REQUIRED
            await world.settle()
            assert world.teams.last("BYE").call_id == world.teams.last("INVITE").call_id
            assert not world.has(Ended)

    run_virtual(story())


def test_the_transferred_caller_of_a_teams_users_own_call_is_the_other_party(
    tmp_path: Path,
) -> None:
    """A Teams user who called us and talks to a carrier refers: the target sees the carrier."""

    async def story() -> None:
        async with running_world(tmp_path) as world:
            leg, session = await world.answered_caller(world.teams)
            other, _ = await world.answered_caller(near=leg)
            people = (BridgeMember(leg), BridgeMember(other))
            world.order(Bridge, leg, bridge="b", members=people)
            await world.fact(ParticipantJoined, leg)
            await world.settle()
            await referred(world, session)
            assert world.teams.last("INVITE").from_.uri.startswith("sip:+39333111222@")

    run_virtual(story())


def test_two_refers_at_once_and_a_trunk_without_refer(tmp_path: Path) -> None:
    async def story() -> None:
        voice = voice_settings()
        trunks = (msgspec.structs.replace(voice.trunks[0], allow_refer=False), voice.trunks[1])
        async with running_world(tmp_path) as world:
            _, session = await talking(world)
            await referred(world, session)
            world.teams.events.clear()
            world.teams.refer(session, f"<{TARGET}>")
            assert (await world.teams.expect(e.ReferProgress)).status == 491
        voice = msgspec.structs.replace(voice, trunks=trunks)
        async with running_world(tmp_path / "2", voice=voice) as world:
            _, session = await talking(world)
            world.teams.refer(session, f"<{TARGET}>")
            assert (await world.teams.expect(e.ReferProgress)).status == 405
            assert "REFER" not in (world.teams.last("INVITE").headers.get("Allow") or "")

    run_virtual(story())


def test_replaces_that_cannot_be_agreed_changes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_world(tmp_path) as world:
            await talking(world)
            configured = len(world.media.all(Configure))
            world.teams.call(
                offer=world.teams.sdp(formats="18"), headers=(("Replaces", replaces_of(world)),)
            )
            assert (await world.teams.expect(e.SessionFailed)).status == 488
            assert len(world.media.all(Configure)) == configured
            assert not world.has(Ended)

    run_virtual(story())
