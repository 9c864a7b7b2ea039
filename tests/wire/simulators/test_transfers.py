# SPDX-License-Identifier: Apache-2.0
"""Transfers, parked and held calls, and calls taken over, as the proxies start them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.simulators.direct_routing.services import MUSIC_HZ, PARK_HZ
from centralino.simulators.scenario import Action, OutgoingCall
from tests.wire.simulators.sbc import (
    SBC_TONE,
    TAKEN_TONE,
    WITHOUT_REFER,
    World,
    colleague,
    user,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.simulators.scenario import TeamsUser

pytestmark = pytest.mark.wire

ANNA = "+14255550101"
OUTSIDE = "+390698765432"


def asks(do: str, target: str = "", at_ms: int = 30) -> TeamsUser:
    return user(actions=(Action(at_ms=at_ms, do=do, target=target),))  # type: ignore[arg-type] # a word of the scenario


def trunk_is_there(w: World) -> None:
    """Let the proxies try the trunk that is there first."""
    now = asyncio.get_running_loop().time()
    w.teams.health.seen("cust1.sbc.test", "127.0.0.2", now)


class TestToANumber:
    def test_the_call_that_follows_comes_out_of_a_trunk(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, asks("refer", OUTSIDE)) as w:
                trunk_is_there(w)
                w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("transfer.verified")
                invited = await w.sbc.report.wait_for("invited")
                assert str(invited["uri"]).startswith(f"sip:{OUTSIDE}@cust1.sbc.test:")
                # Audio of the two calls is joined: each end hears the other.
                await w.sbc.report.wait_for("heard", own_hz=TAKEN_TONE, tone_hz=SBC_TONE)
                await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=TAKEN_TONE)
                await w.report.wait_for("user.ended", how="bye-sent")

        asyncio.run(run())

    def test_either_end_ends_both(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, asks("refer", OUTSIDE)) as w:
                trunk_is_there(w)
                first = w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", own_hz=TAKEN_TONE, tone_hz=SBC_TONE)
                follower = w.sbc.report.of("answered")[1]["session"]
                assert follower != first
                w.sbc.hang_up(str(follower))
                await w.sbc.report.wait_for("ended", own_hz=TAKEN_TONE, cause="bye-received")
                await w.report.wait_for("hairpin.over", was_answered=True)

        asyncio.run(run())

    def test_a_failure_is_passed_on_and_the_first_call_stays(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, asks("refer", OUTSIDE)) as w:
                trunk_is_there(w)
                w.sbc.refuse_with = 486
                w.sbc.call(ANNA, w.proxy_port)
                failed = await w.sbc.report.wait_for("failed", subcode="560486")
                assert failed["status"] == 486
                await w.report.wait_for("user.refer-progress", status=486, final=True)
                assert w.report.of("user.ended") == []

        asyncio.run(run())


def test_a_consulted_colleague_answers_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        second = colleague(answer_after_ms=60000)
        async with world(tmp_path, asks("consult", second.oid), second) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=520)
            assert len(w.report.of("user.rang")) == 1

    asyncio.run(run())


class TestReplaces:
    def test_a_call_is_picked_up(self, tmp_path: Path) -> None:
        async def run() -> None:
            second = colleague()
            async with world(tmp_path, asks("pick-up", second.oid), second) as w:
                w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("outgoing.answered", user=second.oid)
                assert w.sbc.invited[0].headers.get("Replaces") is not None
                await w.sbc.report.wait_for("ended", cause="replaced")
                await w.report.wait_for("user.ended", how="bye-received")
                await w.sbc.report.wait_for("heard", tone_hz=520, own_hz=TAKEN_TONE)

        asyncio.run(run())

    def test_a_dialog_that_never_was_is_refused(self, tmp_path: Path) -> None:
        async def run() -> None:
            call = OutgoingCall(
                at_ms=0, user=user().oid, number="+390612345678", has_bogus_replaces=True
            )
            async with world(tmp_path, user()) as w:
                trunk_is_there(w)
                w.teams.place(call)
                ended = await w.report.wait_for("outgoing.ended")
                assert (ended["status"], ended["subcode"]) == (481, 560481)

        asyncio.run(run())


class TestServices:
    def test_hold_is_music_by_refer_and_the_call_comes_back(self, tmp_path: Path) -> None:
        async def run() -> None:
            actions = (Action(at_ms=30, do="hold"), Action(at_ms=500, do="resume"))
            async with world(tmp_path, user(actions=actions), music_by_refer=True) as w:
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", tone_hz=MUSIC_HZ)
                await w.report.wait_for("user.ended", how="bye-sent")
                await w.report.wait_for("outgoing.answered")
                await w.sbc.report.wait_for("ended", cause="replaced")
                await w.sbc.report.wait_for("heard", tone_hz=500, own_hz=TAKEN_TONE)

        asyncio.run(run())

    def test_a_parked_call_is_retrieved_by_a_colleague(self, tmp_path: Path) -> None:
        async def run() -> None:
            second = colleague()
            async with world(tmp_path, asks("park", second.oid), second, park_for_ms=400) as w:
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", tone_hz=PARK_HZ)
                await w.sbc.report.wait_for("heard", tone_hz=520, own_hz=TAKEN_TONE)

        asyncio.run(run())


class TestWithoutRefer:
    def test_a_colleague_takes_over_inside(self, tmp_path: Path) -> None:
        async def run() -> None:
            second = colleague()
            async with world(tmp_path, asks("refer", second.oid), second) as w:
                w.sbc.allow = WITHOUT_REFER
                w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("user.transfer-internal")
                await w.sbc.report.wait_for("heard", tone_hz=520)
                await w.report.wait_for("user.reoffered", status=200)
                assert w.sbc.invited == []

        asyncio.run(run())

    @pytest.mark.parametrize("keeps", [True, False])
    def test_a_number_is_called_for_the_customer(self, tmp_path: Path, keeps: bool) -> None:
        async def run() -> None:
            async with world(
                tmp_path, asks("refer", OUTSIDE), internal_transfer_keeps_call=keeps
            ) as w:
                trunk_is_there(w)
                w.sbc.allow = WITHOUT_REFER
                w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("user.transferred")
                request = w.sbc.invited[0]
                assert "+390612345678@" in (request.headers.get("From") or "")
                assert ANNA in (request.headers.get("Referred-By") or "")
                if keeps:
                    await w.sbc.report.wait_for("heard", own_hz=TAKEN_TONE, tone_hz=SBC_TONE)
                    await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=TAKEN_TONE)
                else:
                    await w.sbc.report.wait_for("ended", own_hz=SBC_TONE, cause="bye-received")

        asyncio.run(run())

    def test_a_number_that_refuses_gives_the_call_back(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, asks("refer", OUTSIDE)) as w:
                trunk_is_there(w)
                w.sbc.allow = WITHOUT_REFER
                w.sbc.refuse_with = 486
                w.sbc.call(ANNA, w.proxy_port)
                failed = await w.report.wait_for("user.transfer-failed")
                assert failed["status"] == 486
                await w.sbc.report.wait_for("heard", tone_hz=500)

        asyncio.run(run())
