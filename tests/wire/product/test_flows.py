# SPDX-License-Identifier: Apache-2.0
"""Flows on the wire: real processes, real SIP and audio; a queue that outlives ``kill -9``."""

from __future__ import annotations

import asyncio
import email
import wave
from email import policy
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from centralino.core.flows.document import Catalogue, Flow, PublishedFlow
from centralino.core.kernel.ids import AgentId, QueueId
from centralino.core.routing.configuration import (
    AgentConfiguration,
    NumberConfiguration,
    PhoneConfiguration,
    QueueConfiguration,
    TenantConfiguration,
)
from centralino.wire.rtp.tone import has_tone
from tests.wire.product.stage import (
    CARRIER_TRUNK,
    NUMBER,
    TEAMS_TRUNK,
    TENANT,
    Plot,
    caller,
    stage,
    until,
    user,
)

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.simulators.scenario import TeamsUser
    from tests.wire.product.stage import Stage

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

LONGEST_GAP_MS = 1000.0
EXPERT = "expert@acme.example"
FLOW: dict[str, Any] = {
    "flow": "main",
    "languages": ["en"],
    "start": "menu",
    "nodes": {
        "menu": {
            "type": "menu",
            "prompts": ["hold"],
            "keys": {"1": "wait", "3": "message", "4": "expert"},
            "timeout": "wait",
        },
        "wait": {
            "type": "queue",
            "queue": "service",
            "steps": [
                {"type": "music", "prompts": ["music"], "for_s": 300},
                {"type": "position", "prompts": ["position"]},
            ],
            "timeout": "message",
        },
        "message": {
            "type": "voicemail",
            "box": "service",
            "silence_s": 3,
            "mail_to": ["service@acme.example"],
            "failed": "bye",
        },
        "expert": {"type": "transfer", "to": {"user": EXPERT}, "failed": "bye"},
        "bye": {"type": "hang-up", "prompts": ["goodbye"]},
    },
}


def tenant(agents: tuple[TeamsUser, ...], expert: TeamsUser | None = None) -> TenantConfiguration:
    """Return a tenant whose number is answered by the flow."""
    spoken = ("hold", "position", "goodbye", *(f"digit-{n}" for n in range(10)))
    return TenantConfiguration(
        tenant=TENANT,
        name="Acme Example",
        numbers=(NumberConfiguration(number=NUMBER, flow="main"),),
        flows=(),
        queues=(
            QueueConfiguration(
                id=QueueId("service"),
                name="Service",
                agents=tuple(AgentId(one.upn) for one in agents),
                music=("music",),
                ring_for_ms=6000,
                wrap_up_for_ms=200,
            ),
        ),
        agents=tuple(
            AgentConfiguration(
                id=AgentId(one.upn), name=one.name, trunk=TEAMS_TRUNK, target=one.number
            )
            for one in agents
        ),
        catalogue=Catalogue(
            flows=(PublishedFlow(version=1, flow=msgspec.convert(FLOW, Flow)),),
            prompts={**dict.fromkeys(spoken, ("en",)), "music": ("",)},
        ),
        phones=()
        if expert is None
        else (PhoneConfiguration(user=EXPERT, trunk=TEAMS_TRUNK, target=expert.number),),
        outside_trunk=CARRIER_TRUNK,
    )


def has_queued(s: Stage, count: int) -> bool:
    """Tell whether so many callers have entered the queue."""
    return s.journal_text().count("interaction.queued") == count


def test_places_in_the_queue_outlive_kill_9_of_the_exchange(tmp_path: Path) -> None:
    """Two talk and three wait; nobody is dropped, those who wait come in their order."""

    async def run() -> None:
        users = tuple(user(i) for i in range(2))
        lines = tuple(caller(i, talk_for_ms=600_000, patience_ms=600_000) for i in range(5))
        plot = Plot(users=users, callers=lines, tenant=tenant(users), wrap_up_for_ms=200)
        async with stage(tmp_path, plot) as s:
            for n, line in enumerate(lines, start=1):
                s.carrier.call(line)
                if n <= 2:
                    await s.report.wait_for("user.heard", tone_hz=line.tone_hz, timeout_s=40)
                else:
                    await until(partial(has_queued, s, n), timeout_s=40)
            parties = [call.party for call in s.carrier.caller_calls()]
            assert len(parties) == 5
            for party in parties:
                party.figures.longest_gap_ms = 0.0
            await s.kill_and_wait("exchange")
            gaps = [party.figures.longest_gap_ms for party in parties]
            assert s.report.of("call.ended") == []
            assert max(gaps) < LONGEST_GAP_MS, gaps
            for line in lines[2:]:
                talking = next(iter(s.carrier.caller_calls()))
                talking.hang_up()
                await s.report.wait_for("user.heard", tone_hz=line.tone_hz, timeout_s=40)

    asyncio.run(run())


def test_a_message_is_recorded_alone_and_mailed(tmp_path: Path) -> None:
    async def run() -> None:
        users = (user(1),)
        line = caller(1, keys="3", talk_for_ms=6000, patience_ms=9000)
        async with stage(tmp_path, Plot(users=users, callers=(line,), tenant=tenant(users))) as s:
            s.carrier.call(line)
            await until(lambda: "voicemail.mailed" in s.journal_text(), timeout_s=60)
            (letter,) = (tmp_path / "data" / "mail").glob("*.eml")
            mail = email.message_from_bytes(letter.read_bytes(), policy=policy.default)
            assert mail["To"] == "service@acme.example"
            (sound,) = list(mail.iter_attachments())
            copy = tmp_path / "message.wav"
            copy.write_bytes(sound.get_content())
            with wave.open(str(copy), "rb") as file:
                assert file.getnchannels() == 1
                rate = file.getframerate()
                samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            assert has_tone(samples, line.tone_hz, sample_rate=rate)

    asyncio.run(run())


def test_a_transfer_by_a_flow_is_heard_both_ways(tmp_path: Path) -> None:
    async def run() -> None:
        agent, expert = user(1), user(2)
        line = caller(1, keys="4", talk_for_ms=3000)
        plot = Plot(users=(agent, expert), callers=(line,), tenant=tenant((agent,), expert))
        async with stage(tmp_path, plot) as s:
            s.carrier.call(line)
            await s.report.wait_for("user.heard", tone_hz=line.tone_hz, timeout_s=40)
            heard = await s.report.wait_for("call.ended", timeout_s=40)
            assert heard["tones_heard"] == [expert.tone_hz]
            await until(lambda: "transfer.answered" in s.journal_text())
            await until(lambda: "interaction.ended" in s.journal_text())

    asyncio.run(run())
