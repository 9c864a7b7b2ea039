# SPDX-License-Identifier: Apache-2.0
"""Which trunk the simulated proxies try, when they go on, and what they say of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.simulators.scenario import OutgoingCall
from centralino.wire.sip.message import Request
from tests.kit.certificates import trusted_authority
from tests.wire.simulators.sbc import PROXIES, TRUNK, user, world

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.simulators.report import Line
    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Message
    from tests.wire.simulators.sbc import World

pytestmark = pytest.mark.wire

DEAD = "dead.sbc.test"
CALL = OutgoingCall(at_ms=0, user=user().oid, number="+390612345678", talk_for_ms=100)


def seen(w: World, proxy: str = "127.0.0.2") -> None:
    w.teams.health.seen(TRUNK, proxy, asyncio.get_running_loop().time())


async def placed(w: World) -> Line:
    w.teams.place(CALL)
    return await w.report.wait_for("outgoing.ended")


def test_a_trunk_that_cannot_be_reached_is_tried_again_from_another_region(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            w.teams.watch.drained.add(TRUNK)
            ended = await placed(w)
            assert len(w.report.of("outgoing.retried", trunk=DEAD)) == 1
            assert (ended["trunks"], ended["subcode"]) == ([DEAD], 569002)
            assert len(w.report.of("tls.failed", trunk=DEAD)) == 2

    asyncio.run(run())


def test_a_trunk_that_asks_for_time_stands_last(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            seen(w)
            w.sbc.refuse_with, w.sbc.retry_after_s = 503, 30
            ended = await placed(w)
            assert ended["trunks"] == [TRUNK, DEAD]
            w.report.lines.clear()
            w.sbc.refuse_with = 0
            ended = await placed(w)
            assert (ended["trunks"], ended["was_answered"]) == ([DEAD, TRUNK], True)

    asyncio.run(run())


def test_silence_for_the_failover_time_leads_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), failover_time_ms=200) as w:
            seen(w)
            w.teams.watch.drained.add(DEAD)
            w.sbc.stack.inspect = lambda message, flow: True
            ended = await placed(w)
            assert (ended["status"], ended["subcode"]) == (408, 500001)

    asyncio.run(run())


def test_a_drained_trunk_keeps_its_calls_and_gets_no_new_one(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            seen(w)
            w.teams.watch.drained.add(DEAD)
            w.teams.place(CALL)
            await w.report.wait_for("outgoing.answered")
            w.teams.watch.drained.add(TRUNK)
            w.teams.place(CALL)
            refused = await w.report.wait_for("outgoing.ended", how="no-trunk")
            assert refused["trunks"] == []
            await w.report.wait_for("outgoing.ended", how="bye-sent", was_answered=True)

    asyncio.run(run())


def test_a_call_leaves_from_a_region_that_the_options_reach(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            w.sbc.options(PROXIES[1], w.proxy_port)
            await w.sbc.report.wait_for("finished", status=200)
            w.teams.place(CALL)
            await w.sbc.report.wait_for("invited")
            request = w.sbc.invited[0]
            assert "sip-du-a-us.pstnhub.test" in (request.headers.get("Record-Route") or "")
            assert f"@{PROXIES[1]}:" in (request.headers.get("From") or "")

    asyncio.run(run())


def test_options_from_a_name_that_no_tenant_has_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        identity = trusted_authority().issue(TRUNK, "nobody.example.test")
        async with world(tmp_path, user(), identity=identity) as w:
            w.sbc.options(PROXIES[0], w.proxy_port, contact="<sip:nobody.example.test:5061>")
            await w.sbc.report.wait_for("finished", status=403)
            await w.report.wait_for("options.refused", sentence="No trunk config was found")
            assert w.teams.health.trunks == {}

    asyncio.run(run())


def test_an_anonymous_call_hides_its_number(tmp_path: Path) -> None:
    async def run() -> None:
        call = OutgoingCall(
            at_ms=0, user=user().oid, number="+390612345678", talk_for_ms=300, is_anonymous=True
        )
        async with world(tmp_path, user()) as w:
            seen(w)
            w.teams.place(call)
            await w.report.wait_for("outgoing.answered")
            assert "sip:anonymous@anonymous.invalid" in (w.sbc.invited[0].headers.get("From") or "")
            assert user().number not in str(w.sbc.invited[0].to_bytes())

    asyncio.run(run())


def test_a_connection_that_goes_with_the_call_open_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user()) as w:
            seen(w)
            w.teams.watch.drained.add(DEAD)
            stack = w.sbc.stack

            def hang_up_the_line(message: Message, flow: Flow) -> bool:
                stack.drop_connection(flow)
                return isinstance(message, Request)

            stack.inspect = hang_up_the_line
            ended = await placed(w)
            assert ended["how"] == "transport"
            assert ended["subcode"] == 549002
            await w.report.wait_for("tls.failed", kind="disconnected", trunk=TRUNK)

    asyncio.run(run())


def test_a_connection_that_goes_after_the_call_is_no_failure(tmp_path: Path) -> None:
    async def run() -> None:
        call = msgspec.structs.replace(CALL, talk_for_ms=0)
        async with world(tmp_path, user()) as w:
            seen(w)
            w.teams.place(call)
            answered = await w.report.wait_for("outgoing.answered")
            assert answered["user"] == user().oid
            w.sbc.hang_up(next(iter(w.sbc.parties)))
            await w.report.wait_for("outgoing.ended", how="bye-received")
            await w.sbc.stack.close()
            await w.report.wait_for("tls.closed", trunk=TRUNK)
            assert w.report.of("tls.failed") == []

    asyncio.run(run())
