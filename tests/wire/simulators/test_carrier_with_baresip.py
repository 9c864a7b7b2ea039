# SPDX-License-Identifier: Apache-2.0
"""The simulated carrier against a telephone that we did not write, in both directions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import pytest

from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.report import Report
from centralino.simulators.scenario import Caller, Carrier, Scenario, Subscriber
from centralino.wire.rtp.tone import has_tone
from tests.kit.ports import free_udp_range
from tests.peers.baresip import baresip

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire

Refusal = Literal["busy", "unknown", "unavailable", "overloaded"]


def carrier(
    report: Report,
    target_port: int,
    *,
    callers: tuple[Caller, ...] = (),
    subscribers: tuple[Subscriber, ...] = (),
    listen_for_hz: tuple[int, ...] = (),
) -> CarrierSimulator:
    settings = Carrier(
        address="127.0.0.1",
        port=0,
        target_host="127.0.0.1",
        target_port=target_port,
        callers=callers,
        subscribers=subscribers,
        listen_for_hz=listen_for_hz,
    )
    ports = free_udp_range(20)
    return CarrierSimulator(
        Scenario(carrier=settings, media_ports=(ports[0], ports[-1])), settings, report
    )


def test_it_calls_a_telephone_and_each_hears_the_other(tmp_path: Path) -> None:
    async def run() -> None:
        report = Report(lambda: 0.0)
        caller = Caller(number="+390612345601", called="tester", tone_hz=500, talk_for_ms=1200)
        async with (
            baresip(tmp_path / "phone", tone_hz=700) as phone,
            carrier(report, phone.sip_port, callers=(caller,), listen_for_hz=(700,)) as network,
        ):
            network.call(caller)
            ended = await report.wait_for("call.ended", timeout_s=20)
            await phone.event("CALL_CLOSED")
            assert ended["tones_heard"] == [700]
            assert has_tone(phone.heard(), 500)

    asyncio.run(run())


def test_a_telephone_calls_it_and_presses_keys(tmp_path: Path) -> None:
    async def run() -> None:
        report = Report(lambda: 0.0)
        line = Subscriber(number="+390612345602", tone_hz=620, early_media=True)
        other = Caller(number="+39061", called="x", tone_hz=740)
        async with (
            baresip(tmp_path / "phone", tone_hz=740) as phone,
            carrier(report, 9, subscribers=(line,), callers=(other,)) as network,
        ):
            await phone.command("dial", f"sip:+390612345602@127.0.0.1:{network.port}")
            await phone.event("CALL_ESTABLISHED")
            await report.wait_for("subscriber.heard", tone_hz=740)
            await phone.command("sndcode", "7")
            await report.wait_for("subscriber.key", key="7")
            await phone.command("hangup")
            ended = await report.wait_for("subscriber.ended")
            assert ended["keys_heard"] == "7"
            assert has_tone(phone.heard(), 620)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [("busy", 486), ("unknown", 404), ("unavailable", 480), ("overloaded", 503)],
)
def test_it_refuses_as_told(behaviour: Refusal, status: int) -> None:
    async def run() -> None:
        report = Report(lambda: 0.0)
        line = Subscriber(number="+39021", tone_hz=700, behaviour=behaviour)
        caller = Caller(number="+39061", called="+39021", tone_hz=500)
        async with (
            carrier(report, 9, subscribers=(line,)) as far,
            carrier(report, far.port, callers=(caller,)) as near,
        ):
            near.call(caller)
            ended = await report.wait_for("call.ended")
            assert (ended["status"], ended["was_answered"]) == (status, False)

    asyncio.run(run())
