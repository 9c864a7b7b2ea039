# SPDX-License-Identifier: Apache-2.0
"""A call reaches a Teams user: real processes, mutual TLS, SRTP, peers we did not write.

What was heard is measured on both ends and on both channels of the recording.
"""

from __future__ import annotations

import asyncio
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.simulators import scenario as far
from centralino.wire.rtp.tone import has_tone
from tests.kit.ports import free_udp_port
from tests.peers.baresip import baresip
from tests.peers.sipp import Load, Side, callee, place_calls
from tests.wire.product.stage import NUMBER, PEER, PRODUCT, Plot, caller, stage, user

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

Channel = np.ndarray[tuple[int], np.dtype[np.int16]]


def channels(path: Path) -> tuple[int, list[Channel]]:
    """Return sample rate and the channels of a WAV file."""
    with wave.open(str(path), "rb") as file:
        count, rate = file.getnchannels(), file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return rate, [samples[index::count] for index in range(count)]


def test_baresip_talks_to_a_teams_user(tmp_path: Path) -> None:
    async def run() -> None:
        anna, line = user(1), caller(1, tone_hz=1210)
        async with (
            baresip(tmp_path / "phone", tone_hz=1210) as phone,
            stage(tmp_path, Plot(users=(anna,), callers=(line,))) as s,
        ):
            await phone.command("dial", f"sip:{NUMBER}@{PRODUCT}:{s.sip_port}")
            await phone.event("CALL_ESTABLISHED")
            await phone.command("sndcode", "1")
            await s.report.wait_for("user.called", timeout_s=30)
            await s.report.wait_for("user.heard", tone_hz=1210)
            await phone.hear(anna.tone_hz)
            await phone.command("hangup")
            ended = await s.report.wait_for("user.ended")
            assert ended["tones_heard"] == [1210]
            await s.recording_closed()
            rate, sides = channels(s.recordings[0])
            assert [has_tone(sides[0], hz, sample_rate=rate) for hz in (1210, 2090)] == [
                True,
                False,
            ]
            assert [has_tone(sides[1], hz, sample_rate=rate) for hz in (1210, 2090)] == [
                False,
                True,
            ]

    asyncio.run(run())


def test_a_muted_agent_is_noticed(tmp_path: Path) -> None:
    """The measurement can fail: with a planted mute the caller hears no agent."""

    async def run() -> None:
        mute = user(1, is_muted=True)
        line = caller(1, patience_ms=5000)
        async with stage(tmp_path, Plot(users=(mute,), callers=(line,))) as s:
            s.carrier.call(line)
            await s.report.wait_for("user.answered", timeout_s=20)
            ended = await s.report.wait_for("call.ended", timeout_s=20)
            assert ended["tones_heard"] == []
            assert (await s.report.wait_for("user.ended"))["tones_heard"] == [line.tone_hz]

    asyncio.run(run())


def test_sipp_takes_calls_under_load_and_each_caller_hears_through_it(tmp_path: Path) -> None:
    """Sipp answers and echoes media: what a caller hears has passed both ways."""

    async def run() -> None:
        port = free_udp_port(PEER)
        lines = tuple(caller(i, called=f"+3999001{i:02}", keys="") for i in range(20))
        tones = tuple(line.tone_hz for line in lines)
        plot = Plot(callers=lines, peer_port=port, listen_for_hz=tones, users=(user(1),))
        async with (
            callee(tmp_path / "sipp", Side(PEER, port), echoes=True),
            stage(tmp_path, plot) as s,
        ):
            for line in lines:
                s.carrier.call(line)
            for line in lines:
                ended = await s.report.wait_for("call.ended", number=line.number, timeout_s=40)
                assert ended["tones_heard"] == [line.tone_hz]

    asyncio.run(run())


def test_sipp_places_calls_under_load_and_each_called_party_hears_through_it(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        called = far.Subscriber(number="+39026660001", tone_hz=1500, answer_after_ms=50)
        listener = caller(1, tone_hz=1500)
        plot = Plot(users=(user(1),), callers=(listener,), subscribers=(called,))
        async with stage(tmp_path, plot) as s:
            own = Side(PEER, free_udp_port(PEER))
            load = Load(calls=20, per_second=10, hold_ms=2500, number=called.number)
            result = await place_calls(
                tmp_path / "sipp", Side(PRODUCT, s.sip_port), own, load, echoes=True
            )
            assert (result.succeeded, result.failed) == (20, 0)
            ended = s.report.of("subscriber.ended")
            assert len(ended) == 20
            assert [line["tones_heard"] for line in ended] == [[1500]] * 20

    asyncio.run(run())
