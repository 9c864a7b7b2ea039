# SPDX-License-Identifier: Apache-2.0
"""Two simulated carriers call each other: transports, keys, hold, refresh, late offers."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.messages import MessageRecorder
from centralino.simulators.report import Report
from centralino.simulators.scenario import Action, Caller, Carrier, Scenario, Subscriber
from tests.kit.ports import free_udp_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.wire

CALLER = Caller(number="+39061", called="+39021", tone_hz=500, talk_for_ms=350)
LINE = Subscriber(number="+39021", tone_hz=700, ring_ms=20, answer_after_ms=60)
Transport = Literal["udp", "tcp"]
Hold = Literal["sendonly", "inactive", "zero-address"]


class Pair:
    """A carrier that calls and one that is called."""

    def __init__(
        self, near: CarrierSimulator, far: CarrierSimulator, messages: MessageRecorder
    ) -> None:
        self.near, self.far, self.messages = near, far, messages

    def call(self, **changes: object) -> None:
        """Send a caller."""
        self.near.call(msgspec.structs.replace(CALLER, **changes))

    def first(self, what: str) -> str:
        """Return the first message of that kind, as text."""
        return next(m.raw.decode() for m in self.messages.messages if m.what == what)


@asynccontextmanager
async def pair(line: Subscriber = LINE, **changes: object) -> AsyncIterator[Pair]:
    """Run two carriers with the same settings, changed alike."""
    settings = Carrier(
        address="127.0.0.1",
        port=0,
        target_host="127.0.0.1",
        target_port=9,
        callers=(CALLER,),
        subscribers=(line,),
        listen_for_hz=(700,),
    )
    settings = msgspec.structs.replace(settings, **changes)
    async with carrier(settings) as far:
        towards = msgspec.structs.replace(settings, target_port=far.port)
        async with carrier(towards) as near:
            messages = MessageRecorder(asyncio.get_running_loop().time)
            near.stack.record = messages.recorder("near")
            yield Pair(near, far, messages)


@asynccontextmanager
async def carrier(settings: Carrier) -> AsyncIterator[CarrierSimulator]:
    ports = free_udp_range(20)
    scenario = Scenario(carrier=settings, media_ports=(ports[0], ports[-1]))
    async with CarrierSimulator(scenario, settings, Report(lambda: 0.0)) as running:
        yield running


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_each_hears_the_other_over_either_transport(transport: Transport) -> None:
    async def run() -> None:
        async with pair(transport=transport) as p:
            p.call()
            ended = await p.near.report.wait_for("call.ended")
            over = await p.far.report.wait_for("subscriber.ended")
            assert (ended["tones_heard"], over["tones_heard"]) == ([700], [500])

    asyncio.run(run())


@pytest.mark.parametrize("dtmf", ["rfc4733", "info"])
def test_keys_arrive_once_and_in_order(dtmf: Literal["rfc4733", "info"]) -> None:
    async def run() -> None:
        async with pair(dtmf=dtmf) as p:
            p.call(keys="1*77#", keys_after_ms=50, key_gap_ms=130, talk_for_ms=800)
            over = await p.far.report.wait_for("subscriber.ended")
            assert over["keys_heard"] == "1*77#"
            assert any(m.what == "INFO" for m in p.messages.messages) is (dtmf == "info")

    asyncio.run(run())


def test_a_refresh_repeats_the_description() -> None:
    async def run() -> None:
        async with pair() as p:
            p.call(actions=(Action(at_ms=100, do="refresh"),))
            assert (await p.near.report.wait_for("call.reoffered"))["status"] == 200
            sent = [m.raw.partition(b"\r\n\r\n")[2] for m in p.messages.messages]
            offers = [
                body
                for body, m in zip(sent, p.messages.messages, strict=True)
                if m.what == "INVITE"
            ]
            origins = [next(x for x in o.split(b"\r\n") if x[:2] == b"o=") for o in offers]
            assert len(origins) == 2
            assert len(set(origins)) == 1
            # Nobody was held.
            assert (await p.far.report.wait_for("subscriber.reoffered"))["is_held"] is False

    asyncio.run(run())


@pytest.mark.parametrize(
    ("hold", "line"),
    [
        ("sendonly", "a=sendonly"),
        ("inactive", "a=inactive"),
        ("zero-address", "c=IN IP4 0.0.0.0"),
    ],
)
def test_a_held_side_is_silent_until_it_is_resumed(hold: Hold, line: str) -> None:
    async def run() -> None:
        actions = (Action(at_ms=30, do="hold"), Action(at_ms=200, do="resume"))
        async with pair(hold=hold) as p:
            p.call(actions=actions, talk_for_ms=300)
            assert (await p.far.report.wait_for("subscriber.reoffered"))["is_held"] is True
            await p.far.report.wait_for("subscriber.reoffered", is_held=False)
            await p.near.report.wait_for("call.heard", tone_hz=700)
            offers = [m.raw.decode() for m in p.messages.messages if m.what == "INVITE"]
            assert line in offers[1]
            await p.near.report.wait_for("call.ended")

    asyncio.run(run())


def test_an_anonymous_caller_is_nowhere_named() -> None:
    async def run() -> None:
        async with pair() as p:
            p.call(is_anonymous=True, name="Secret")
            await p.near.report.wait_for("call.answered")
            invite = p.first("INVITE")
            assert "sip:anonymous@anonymous.invalid" in invite
            assert "Privacy: id" in invite
            assert CALLER.number not in invite
            assert "Secret" not in invite

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_late_offer_is_answered_in_the_ack(transport: Transport) -> None:
    async def run() -> None:
        async with pair(transport=transport) as p:
            p.call(has_late_offer=True)
            ended = await p.near.report.wait_for("call.ended")
            over = await p.far.report.wait_for("subscriber.ended")
            assert "m=audio" not in p.first("INVITE")
            assert "m=audio" in p.first("ACK")
            assert (ended["tones_heard"], over["tones_heard"]) == ([700], [500])

    asyncio.run(run())


def test_early_media_is_heard_before_the_answer() -> None:
    async def run() -> None:
        line = msgspec.structs.replace(LINE, early_media=True, ring_ms=50, answer_after_ms=60000)
        async with pair(line) as p:
            p.call(ring_patience_ms=450)
            await p.near.report.wait_for("call.early-media", status=183)
            await p.near.report.wait_for("call.heard", tone_hz=700)
            assert p.near.report.of("call.answered") == []
            ended = await p.near.report.wait_for("call.ended")
            assert ended["was_answered"] is False

    asyncio.run(run())


def test_events_out_of_order_and_without_their_end_count_once() -> None:
    async def run() -> None:
        async with pair() as p:
            p.call(talk_for_ms=60000)
            await p.near.report.wait_for("call.answered")
            target = ("127.0.0.1", _audio_port(p.first("200")))
            one, two, nine = 1000, 2000, 3000
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.bind(("127.0.0.1", 0))
                # Key 1 ends after key 2 began; of key 9 every end is lost.
                for number, (digit, timestamp, is_end) in enumerate(
                    [
                        (1, one, False),
                        (2, two, False),
                        (1, one, True),
                        (2, two, True),
                        (1, one, True),
                        (2, two, True),
                        (9, nine, False),
                    ]
                ):
                    line.sendto(_event(number, digit, timestamp, is_end=is_end), target)
                await p.far.report.wait_for("subscriber.key", key="9")
            keys = [line["key"] for line in p.far.report.of("subscriber.key")]
            assert keys == ["1", "2", "9"]

    asyncio.run(run())


def _audio_port(answer: str) -> int:
    return int(answer.partition("m=audio ")[2].split()[0])


def _event(number: int, digit: int, timestamp: int, *, is_end: bool) -> bytes:
    header = struct.pack("!BBHII", 0x80, 101, number, timestamp, 7)
    return header + struct.pack("!BBH", digit, 0x80 if is_end else 0, 800)
