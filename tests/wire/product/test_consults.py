# SPDX-License-Identifier: Apache-2.0
"""A consult on the wire: a telephone that we did not write hears music while two agents talk."""

from __future__ import annotations

import asyncio
import wave
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from centralino.bootstrap.layout import Layout
from centralino.core.interactions.consult_commands import (
    AnyConsultCommand,
    CompleteConsult,
    EndConsult,
    RequestConsult,
)
from centralino.core.kernel.ids import AgentId
from centralino.exchange.control import ControlRequest
from centralino.exchange.control_client import LinkedControl
from centralino.wire.rtp.tone import has_tone, level_dbfs
from tests.peers.baresip import RATE, Baresip, baresip
from tests.wire.product.stage import (
    NUMBER,
    PRODUCT,
    TENANT,
    Plot,
    Stage,
    caller,
    stage,
    tenant_of,
    until,
    user,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from centralino.core.kernel.ids import InteractionId

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

anna, bruno = user(1), user(2)
ANNA, BRUNO = AgentId(anna.upn), AgentId(bruno.upn)
TONES = (anna.tone_hz, bruno.tone_hz)
CUSTOMER_HZ = 1210
MUSIC_HZ = 440
"""Sounds throughout the music on hold."""
SILENCE_DBFS = -60.0


@dataclass
class Talk:
    """A customer who talks to Anna, and Bruno who is of no queue."""

    stage: Stage
    phone: Baresip
    control: LinkedControl
    interaction: InteractionId

    async def listen(self) -> None:
        """Let the customer hear another two seconds."""
        before = len(self.phone.heard())
        await until(lambda: len(self.phone.heard()) > before + 2 * RATE)

    async def submit(self, command: AnyConsultCommand) -> None:
        """Have a command decided as a desk would."""
        key = f"{command.__struct_config__.tag}-1"
        await self.control.submit(
            ControlRequest(tenant=TENANT, key=key, subject="anna", command=command)
        )

    async def ask(self) -> None:
        """Let Anna ask Bruno; returns when the two hear each other and the customer music."""
        await self.listen()
        request = RequestConsult(agent=ANNA, interaction=self.interaction, colleague=BRUNO)
        await self.submit(request)
        await self.submit(request)
        await self.stage.report.wait_for("user.heard", tone_hz=anna.tone_hz)
        await self.stage.report.wait_for("user.heard", tone_hz=bruno.tone_hz)
        await self.require_music()

    async def require_music(self) -> None:
        """Let the customer hear music, and nobody, for two seconds."""
        await self.listen()
        heard = self.phone.heard()[-RATE:]
        assert has_tone(heard, MUSIC_HZ)
        assert not has_tone(heard, anna.tone_hz)


@asynccontextmanager
async def talk_of(folder: Path) -> AsyncIterator[Talk]:
    """Connect a customer with Anna."""
    line = caller(1, tone_hz=CUSTOMER_HZ)
    plot = Plot(users=(anna, bruno), callers=(line,))
    plain = tenant_of(plot)
    queues = tuple(msgspec.structs.replace(queue, agents=(ANNA,)) for queue in plain.queues)
    plot.tenant = msgspec.structs.replace(plain, queues=queues)
    async with (
        baresip(folder / "phone", tone_hz=CUSTOMER_HZ) as phone,
        stage(folder, plot) as s,
        asyncio.TaskGroup() as group,
    ):
        socket = Layout.of(s.settings).control_socket
        control = LinkedControl(socket, generation=2, timeout_s=10)
        link = group.create_task(control.run())
        await phone.command("dial", f"sip:{NUMBER}@{PRODUCT}:{s.sip_port}")
        await phone.event("CALL_ESTABLISHED")
        await phone.command("sndcode", "1")
        await phone.hear(anna.tone_hz, timeout_s=30)
        await until(lambda: control.health is not None)
        (view,) = control.replicas[TENANT].interactions
        yield Talk(s, phone, control, view.id)
        link.cancel()


def read(path: Path) -> tuple[int, list[np.ndarray[tuple[int], np.dtype[np.int16]]]]:
    """Return sample rate and the channels of a WAV file."""
    with wave.open(str(path), "rb") as file:
        count, rate = file.getnchannels(), file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return rate, [samples[index::count] for index in range(count)]


def test_the_colleague_has_the_customer_who_heard_music_meanwhile(tmp_path: Path) -> None:
    async def run() -> None:
        async with talk_of(tmp_path) as talk:
            await talk.ask()
            await talk.submit(CompleteConsult(agent=ANNA, interaction=talk.interaction))
            await talk.phone.hear(bruno.tone_hz)
            await talk.listen()
            ended = await talk.stage.report.wait_for("user.ended")
            assert ended["tones_heard"] == [CUSTOMER_HZ, bruno.tone_hz]
            await talk.phone.command("hangup")
            await until(lambda: len(talk.stage.report.of("user.ended")) == 2)
            heard = talk.stage.report.of("user.ended")[-1]["tones_heard"]
            assert heard == [CUSTOMER_HZ, anna.tone_hz]
            await until(lambda: talk.stage.journal_text().count('"recording.completed"') == 2)
            found = [read(path) for path in talk.stage.recordings]
            voices = [
                [hz for hz in TONES if has_tone(agent[: rate // 2], hz, sample_rate=rate)]
                for rate, (_, agent) in found
            ]
            assert sorted(voices) == [[anna.tone_hz], [bruno.tone_hz]]

    asyncio.run(run())


def test_the_customer_has_his_agent_again_and_the_recording_was_silent(tmp_path: Path) -> None:
    async def run() -> None:
        async with talk_of(tmp_path) as talk:
            await talk.ask()
            await talk.submit(EndConsult(agent=ANNA, interaction=talk.interaction))
            await talk.phone.hear(anna.tone_hz)
            ended = await talk.stage.report.wait_for("user.ended")
            assert ended["tones_heard"] == [anna.tone_hz], "Bruno has not heard the customer"
            await talk.listen()
            await talk.phone.command("hangup")
            await talk.stage.recording_closed()
            assert '"returned"' in talk.stage.journal_text()
            (path,) = talk.stage.recordings
            rate, (customer, agent) = read(path)
            starts = range(0, len(customer) - rate // 2, rate // 10)
            silent = [
                at for at in starts if level_dbfs(customer[at : at + rate // 2]) < SILENCE_DBFS
            ]
            assert silent, "what is said meanwhile is not for the recording"
            for side, hz in ((customer, CUSTOMER_HZ), (agent, anna.tone_hz)):
                assert has_tone(side[: silent[0]], hz, sample_rate=rate)
                assert has_tone(side[silent[-1] + rate // 2 :], hz, sample_rate=rate)

    asyncio.run(run())


def test_an_exchange_that_dies_meanwhile_costs_nobody_anything(tmp_path: Path) -> None:
    async def run() -> None:
        async with talk_of(tmp_path) as talk:
            await talk.ask()
            await talk.stage.kill_and_wait("exchange")
            await talk.require_music()
            assert talk.stage.report.of("user.ended") == []
            await until(lambda: talk.control.health is not None)
            await talk.submit(CompleteConsult(agent=ANNA, interaction=talk.interaction))
            await talk.phone.hear(bruno.tone_hz)
            await talk.stage.report.wait_for("user.ended")
            await talk.phone.command("hangup")
            await until(lambda: len(talk.stage.report.of("user.ended")) == 2)

    asyncio.run(run())
