# SPDX-License-Identifier: Apache-2.0
"""The simulated proxies over real mutual TLS and SRTP, before a small border controller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.simulators.messages import MessageRecorder
from centralino.simulators.party.description import Style
from centralino.simulators.scenario import Action, Fault, OutgoingCall, TeamsEndpoint, UserTurn
from tests.wire.simulators.sbc import PROXIES, SBC_TONE, TAKEN_TONE, user, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

ANNA = "+14255550101"
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def test_a_user_answers_and_each_hears_the_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            session = w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=500)
            await w.report.wait_for("user.heard", tone_hz=SBC_TONE)
            w.sbc.hang_up(session)
            ended = await w.report.wait_for("user.ended")
            assert (ended["tones_heard"], ended["how"]) == ([SBC_TONE], "bye-received")

    asyncio.run(run())


def test_each_endpoint_rings_with_a_tag_of_its_own(tmp_path: Path) -> None:
    async def run() -> None:
        endpoints = (TeamsEndpoint(name="desktop"), TeamsEndpoint(name="mobile", ring_ms=150))
        async with world(
            tmp_path, user(endpoints=endpoints, early_media=True, answer_after_ms=250)
        ) as w:
            w.sbc.call(ANNA, w.proxy_port)
            answered = await w.sbc.report.wait_for("answered")
            rang = [tag for status, tag in w.sbc.progress if status == 180]
            early = [tag for status, tag in w.sbc.progress if status == 183]
            assert len(set(rang)) == 2
            assert early == [answered["tag"]]
            assert answered["tag"] not in rang

    asyncio.run(run())


@pytest.mark.parametrize(
    ("behaviour", "status", "subcode"),
    [("busy", 486, "10321"), ("decline", 603, "10204"), ("signed-out", 480, "10037")],
)
def test_a_user_does_not_take_the_call(
    tmp_path: Path, behaviour: str, status: int, subcode: str
) -> None:
    async def run() -> None:
        async with world(tmp_path, user(behaviour=behaviour)) as w:
            w.sbc.call(ANNA, w.proxy_port)
            failed = await w.sbc.report.wait_for("failed")
            assert (failed["status"], failed["subcode"]) == (status, subcode)

    asyncio.run(run())


def test_a_user_treats_each_call_as_his_turns_say(tmp_path: Path) -> None:
    async def run() -> None:
        turns = (
            UserTurn(behaviour="busy"),
            UserTurn(behaviour="decline", answer_after_ms=20),
            UserTurn(behaviour="signed-out"),
        )
        async with world(tmp_path, user(turns=turns)) as w:
            for status in (486, 603, 480):
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("failed", status=status)
            assert len(w.sbc.report.of("failed")) == 3

    asyncio.run(run())


def test_voicemail_answers_without_ringing(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(behaviour="do-not-disturb")) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=1040)
            assert w.sbc.progress == []

    asyncio.run(run())


@pytest.mark.parametrize(("reason", "subcode"), [(ELSEWHERE, 540200), ("", 540487)])
def test_a_cancel_is_kept_with_its_reason(tmp_path: Path, reason: str, subcode: int) -> None:
    async def run() -> None:
        async with world(tmp_path, user(behaviour="no-answer")) as w:
            session = w.sbc.call(ANNA, w.proxy_port)
            await w.report.wait_for("user.rang")
            w.sbc.cancel(session, reason)
            ended = await w.report.wait_for("user.ended")
            assert ended["subcode"] == subcode
            assert (await w.sbc.report.wait_for("failed"))["cause"] == "cancelled"

    asyncio.run(run())


def test_a_contact_beside_the_certificate_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), certificate_name="other.sbc.test") as w:
            w.sbc.call(ANNA, w.proxy_port)
            failed = await w.sbc.report.wait_for("failed")
            assert (failed["status"], failed["subcode"]) == (403, "510532")

    asyncio.run(run())


def test_media_without_encryption_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), style=Style()) as w:
            w.sbc.call(ANNA, w.proxy_port)
            failed = await w.sbc.report.wait_for("failed")
            assert (failed["status"], failed["subcode"]) == (488, "531000")

    asyncio.run(run())


def test_options_go_both_ways(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            for proxy in PROXIES:
                w.sbc.options(proxy, w.proxy_port)
            await w.sbc.report.wait_for("request", method="OPTIONS")
            answered = await w.report.wait_for("options.answered")
            assert (answered["status"], answered["trunk"]) == (200, "cust1.sbc.test")
            assert all(line["status"] == 200 for line in w.sbc.report.of("finished"))

    asyncio.run(run())


def test_hold_is_inactive(tmp_path: Path) -> None:
    async def run() -> None:
        actions = (Action(at_ms=30, do="hold"), Action(at_ms=150, do="resume"))
        async with world(tmp_path, user(actions=actions)) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("reoffered", is_inactive=True)
            await w.sbc.report.wait_for("reoffered", is_inactive=False)
            await w.sbc.report.wait_for("heard", tone_hz=500)

    asyncio.run(run())


def test_a_hold_of_ours_other_than_inactive_changes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            session = w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("answered")
            w.sbc.reoffer(session, "sendonly")
            assert (await w.report.wait_for("user.reoffered-by-sbc"))["is_held"] is False
            w.sbc.reoffer(session, "inactive")
            await w.report.wait_for("user.reoffered-by-sbc", is_held=True)

    asyncio.run(run())


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_a_transfer_wants_its_bytes_back(tmp_path: Path, is_spoiled: bool) -> None:
    async def run() -> None:
        second = user(
            oid="99999999-2222-3333-4444-555555555555", number="+14255550102", tone_hz=520
        )
        actions = (Action(at_ms=30, do="refer", target=second.oid),)
        async with world(tmp_path, user(actions=actions), second) as w:
            w.sbc.spoil_refer = is_spoiled
            w.sbc.call(ANNA, w.proxy_port)
            if is_spoiled:
                failed = await w.sbc.report.wait_for("failed")
                assert (failed["status"], failed["subcode"]) == (400, "10202")
            else:
                await w.report.wait_for("transfer.verified")
                await w.sbc.report.wait_for("heard", tone_hz=520)

    asyncio.run(run())


class TestCallsFromTeams:
    CALL = OutgoingCall(
        at_ms=0,
        user="11111111-2222-3333-4444-555555555555",
        number="+390612345678",
        talk_for_ms=2500,
    )

    def test_a_user_calls_over_the_trunk(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, user()) as w:
                w.teams.health.seen(
                    "cust1.sbc.test", "127.0.0.2", asyncio.get_running_loop().time()
                )
                w.teams.place(self.CALL)
                invited = await w.sbc.report.wait_for("invited")
                assert str(invited["uri"]).startswith("sip:+390612345678@cust1.sbc.test:")
                await w.sbc.report.wait_for("heard", tone_hz=500)
                ended = await w.report.wait_for("outgoing.ended")
                assert ended["tones_heard"] == [TAKEN_TONE]

        asyncio.run(run())

    @pytest.mark.parametrize(("status", "trunks"), [(503, 2), (486, 1)])
    def test_only_a_failover_code_leads_to_the_next_trunk(
        self, tmp_path: Path, status: int, trunks: int
    ) -> None:
        async def run() -> None:
            async with world(tmp_path, user()) as w:
                w.sbc.refuse_with = status
                w.teams.health.seen(
                    "cust1.sbc.test", "127.0.0.2", asyncio.get_running_loop().time()
                )
                w.teams.place(self.CALL)
                ended = await w.report.wait_for("outgoing.ended")
                assert len(list(ended["trunks"])) == trunks  # type: ignore[call-overload] # a list

        asyncio.run(run())


class TestFaults:
    def test_a_503_at_the_first_invite_only(self, tmp_path: Path) -> None:
        async def run() -> None:
            fault = Fault(nth=1, do="respond", status=503, retry_after_s=1)
            async with world(tmp_path, user(), faults=(fault,)) as w:
                w.sbc.call(ANNA, w.proxy_port)
                assert (await w.sbc.report.wait_for("failed"))["status"] == 503
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("answered")

        asyncio.run(run())

    def test_an_answer_crosses_the_cancel(self, tmp_path: Path) -> None:
        async def run() -> None:
            fault = Fault(do="late-answer")
            async with world(tmp_path, user(behaviour="no-answer"), faults=(fault,)) as w:
                session = w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("user.rang")
                w.sbc.cancel(session)
                await w.report.wait_for("user.answered")
                ended = await w.report.wait_for("user.ended")
                assert ended["how"] == "bye-received"

        asyncio.run(run())

    def test_a_connection_is_reset(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, user(), faults=(Fault(nth=1, do="reset"),)) as w:
                w.sbc.call(ANNA, w.proxy_port)
                assert (await w.sbc.report.wait_for("failed"))["cause"] == "transport"
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("answered")

        asyncio.run(run())


def test_every_message_is_kept_and_drawn_as_a_ladder(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(behaviour="busy")) as w:
            messages = MessageRecorder(asyncio.get_running_loop().time)
            w.teams.stack.record = messages.recorder("direct-routing")
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("failed")
            call_id = messages.messages[0].call_id
            drawn = [row.split() for row in messages.ladder(call_id).splitlines()]
            assert [seen.what for seen in messages.messages[:3]] == ["INVITE", "100", "486"]
            assert len(drawn) == 2 + len([m for m in messages.messages if m.call_id == call_id])

    asyncio.run(run())
