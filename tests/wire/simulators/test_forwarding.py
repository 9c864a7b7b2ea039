# SPDX-License-Identifier: Apache-2.0
"""Forwarded calls, simultaneous ringing and voicemail of the simulated Teams users."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.wire.simulators.sbc import SBC_TONE, TAKEN_TONE, colleague, user, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.simulators.sbc import World

pytestmark = pytest.mark.wire

ANNA = "+14255550101"
OUTSIDE = "+390698765432"
CALLER = "+390612345678"
BACK_AGAIN = (
    f"<sip:{ANNA}@sip.pstnhub.test:5061;user=phone"
    "?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%20temporarily%22>;index=1,"
    f"<sip:{OUTSIDE}@sip.pstnhub.test:5061;user=phone>;index=1.1"
)


def trunk_is_there(w: World) -> None:
    """Let the proxies try the trunk that is there first."""
    now = asyncio.get_running_loop().time()
    w.teams.health.seen("cust1.sbc.test", "127.0.0.2", now)


def test_a_forwarded_call_says_where_it_has_been(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(forward_to=OUTSIDE), forward_call_history=True) as w:
            trunk_is_there(w)
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", own_hz=TAKEN_TONE, tone_hz=SBC_TONE)
            await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=TAKEN_TONE)
            request = w.sbc.invited[0]
            entries = request.headers.values("History-Info")
            assert [status for status, _ in w.sbc.progress][:1] == [181]
            assert request.uri.endswith(";cause=302")
            assert f"{CALLER}@" in (request.headers.get("From") or "")
            assert ANNA in (request.headers.get("Referred-By") or "")
            assert [e.rpartition("index=")[2] for e in entries] == ["1", "1.1"]
            assert "?Reason=SIP%3Bcause%3D302" in entries[0]
            assert (await w.report.wait_for("user.answered"))["is_forwarded"] is True

    asyncio.run(run())


def test_history_stays_away_where_the_trunk_does_not_want_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(forward_to=OUTSIDE)) as w:
            trunk_is_there(w)
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("invited")
            assert w.sbc.invited[0].headers.get("History-Info") is None
            assert w.sbc.invited[0].headers.get("Referred-By") is None

    asyncio.run(run())


def test_a_forward_that_fails_fails_the_call(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(forward_to=OUTSIDE)) as w:
            trunk_is_there(w)
            w.sbc.refuse_with = 486
            w.sbc.call(ANNA, w.proxy_port)
            assert (await w.sbc.report.wait_for("failed", subcode="560486"))["status"] == 486

    asyncio.run(run())


def test_a_colleague_gets_the_call_after_181(tmp_path: Path) -> None:
    async def run() -> None:
        second = colleague()
        async with world(tmp_path, user(forward_to=second.oid), second) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=520)
            assert [status for status, _ in w.sbc.progress] == [181, 180]

    asyncio.run(run())


def test_a_call_that_comes_round_again_is_a_loop(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(forward_to=OUTSIDE)) as w:
            w.sbc.call(ANNA, w.proxy_port, headers=(("History-Info", BACK_AGAIN),))
            failed = await w.sbc.report.wait_for("failed")
            assert (failed["status"], failed["subcode"]) == (500, "510482")

    asyncio.run(run())


def test_too_many_forwards_at_once_are_a_loop_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(forward_to=OUTSIDE), most_forwards=2) as w:
            trunk_is_there(w)
            w.sbc.is_ringing = True
            for _ in range(3):
                w.sbc.call(ANNA, w.proxy_port)
            failed = await w.sbc.report.wait_for("failed")
            assert (failed["status"], failed["subcode"]) == (500, "510482")
            await w.sbc.report.wait_for("invited")

    asyncio.run(run())


class TestSimultaneousRing:
    def test_the_number_may_answer(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, user(rings_too=OUTSIDE, behaviour="no-answer")) as w:
                trunk_is_there(w)
                session = w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=TAKEN_TONE)
                w.sbc.hang_up(session)
                await w.sbc.report.wait_for("ended", own_hz=TAKEN_TONE, cause="bye-received")

        asyncio.run(run())

    def test_the_user_may_answer_and_the_number_hears_that(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, user(rings_too=OUTSIDE)) as w:
                trunk_is_there(w)
                w.sbc.is_ringing = True
                w.sbc.call(ANNA, w.proxy_port)
                cancelled = await w.sbc.report.wait_for("cancelled")
                assert "Call completed elsewhere" in str(cancelled["reason"])
                await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=500)

        asyncio.run(run())

    def test_a_number_that_refuses_leaves_the_user_ringing(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, user(rings_too=OUTSIDE)) as w:
                trunk_is_there(w)
                w.sbc.refuse_with = 486
                w.sbc.call(ANNA, w.proxy_port)
                await w.report.wait_for("hairpin.failed", status=486)
                await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=500)

        asyncio.run(run())


class TestUnanswered:
    def test_voicemail_takes_the_call(self, tmp_path: Path) -> None:
        async def run() -> None:
            absent = user(
                behaviour="no-answer", unanswered_to_voicemail=True, unanswered_after_ms=150
            )
            async with world(tmp_path, absent) as w:
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", tone_hz=1040)
                assert [status for status, _ in w.sbc.progress] == [180]

        asyncio.run(run())

    def test_a_number_takes_the_call(self, tmp_path: Path) -> None:
        async def run() -> None:
            absent = user(behaviour="no-answer", unanswered_to=OUTSIDE, unanswered_after_ms=150)
            async with world(tmp_path, absent, forward_call_history=True) as w:
                trunk_is_there(w)
                w.sbc.call(ANNA, w.proxy_port)
                await w.sbc.report.wait_for("heard", own_hz=SBC_TONE, tone_hz=TAKEN_TONE)
                assert [status for status, _ in w.sbc.progress][:2] == [180, 181]
                assert "cause%3D480" in (w.sbc.invited[0].headers.get("History-Info") or "")

        asyncio.run(run())
