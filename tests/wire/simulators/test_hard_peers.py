# SPDX-License-Identifier: Apache-2.0
"""What the real proxies do and a border controller must bear: connections, offers, streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from centralino.simulators.scenario import Action, Fault, OutgoingCall
from centralino.wire.sip.message import Request
from tests.wire.simulators.sbc import TAKEN_TONE, TRUNK, World, colleague, user, world

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.wire.sip.flow import Flow
    from centralino.wire.sip.message import Message

pytestmark = pytest.mark.wire

ANNA = "+14255550101"
CALL = OutgoingCall(at_ms=0, user=user().oid, number="+390612345678", talk_for_ms=400)


def watch_peers(w: World) -> dict[str, tuple[str, int]]:
    """Return, filled from now on, method to source of requests to the trunk."""
    peers: dict[str, tuple[str, int]] = {}

    def note(message: Message, flow: Flow) -> bool:
        if isinstance(message, Request):
            peers[message.method] = flow.peer
        return False

    w.sbc.stack.inspect = note
    return peers


def test_requests_in_a_call_come_on_a_new_connection_from_the_proxys_address(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        anna = user(talk_for_ms=100)
        async with world(
            tmp_path, anna, connects_for_each_request=True, connects_from_own_addresses=True
        ) as w:
            peers = watch_peers(w)
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("ended", cause="bye-received")
            address, port = peers["BYE"]
            assert address == "127.0.0.2"
            assert port != w.proxy_port

    asyncio.run(run())


def test_a_transfer_over_new_connections_works_as_well(tmp_path: Path) -> None:
    async def run() -> None:
        second = colleague()
        anna = user(actions=(Action(at_ms=30, do="refer", target=second.oid),))
        async with world(tmp_path, anna, second, connects_for_each_request=True) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=520)
            await w.report.wait_for("user.ended", how="bye-sent")

    asyncio.run(run())


def test_a_long_offer_still_ends_in_a_common_codec(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), offers_more=True) as w:
            w.teams.health.seen(TRUNK, "127.0.0.2", asyncio.get_running_loop().time())
            w.teams.place(CALL)
            await w.sbc.report.wait_for("heard", tone_hz=500, own_hz=TAKEN_TONE)
            offer = w.sbc.invited[0].body.decode()
            numbers = offer.partition("m=audio ")[2].split("\r\n")[0].split()[2:]
            assert numbers == ["104", "103", "111", "18", "8", "0", "97", "13", "118", "101"]
            assert "AES_CM_128_HMAC_SHA1_32" in offer

    asyncio.run(run())


def test_a_small_session_interval_is_refused_with_the_smallest(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, user(), min_se_s=3600) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("answered")
            assert w.intervals() == ["1800", "3600"]

    asyncio.run(run())


def test_further_headers_of_an_invite_are_sent_as_they_are(tmp_path: Path) -> None:
    async def run() -> None:
        headers = (("X-MS-UserLocation", "external"), ("X-MS-Unheard-Of", "a;b=c, <d>"))
        call = OutgoingCall(
            at_ms=0, user=user().oid, number="+390612345678", headers=headers, talk_for_ms=50
        )
        async with world(tmp_path, user()) as w:
            w.teams.health.seen(TRUNK, "127.0.0.2", asyncio.get_running_loop().time())
            w.teams.place(call)
            await w.sbc.report.wait_for("invited")
            assert w.sbc.invited[0].headers.get("X-MS-Unheard-Of") == "a;b=c, <d>"

    asyncio.run(run())


def test_a_stream_that_begins_anew_is_still_heard(tmp_path: Path) -> None:
    async def run() -> None:
        actions = (
            Action(at_ms=60, do="stop-media"),
            Action(at_ms=120, do="new-stream"),
            Action(at_ms=120, do="start-media"),
        )
        async with world(tmp_path, user(actions=actions)) as w:
            session = w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=500)
            assert w.sbc.parties[session].figures.sources == 2

    asyncio.run(run())


def test_a_lost_notify_leaves_the_transferor_in_the_call(tmp_path: Path) -> None:
    async def run() -> None:
        second = colleague()
        anna = user(actions=(Action(at_ms=30, do="refer", target=second.oid),))
        fault = Fault(when="notify", do="drop")
        async with world(tmp_path, anna, second, faults=(fault,)) as w:
            w.sbc.call(ANNA, w.proxy_port)
            await w.sbc.report.wait_for("heard", tone_hz=520)
            assert w.report.of("user.ended") == []

    asyncio.run(run())
