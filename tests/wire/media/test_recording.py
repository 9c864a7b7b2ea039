# SPDX-License-Identifier: Apache-2.0
"""Recordings on a real worker: one party per channel, pauses, and a disk that is full."""

from __future__ import annotations

import asyncio
import json
import signal
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from centralino.core.kernel.errors import RemoteRejected
from centralino.core.kernel.ids import LegId, RecordingId
from centralino.exchange.media import (
    MarkRecording,
    PauseRecording,
    Recorded,
    ResumeRecording,
    StartRecording,
    StopRecording,
    WorkerAlarm,
)
from centralino.wire.rtp.tone import SILENCE_DBFS, level_dbfs, tone_level_dbfs
from tests.wire.media.peer import AUDIBLE_DBFS, INAUDIBLE_DBFS, Peer
from tests.wire.media.stage import Stage, stage

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.wire.rtp.samples import Samples

pytestmark = pytest.mark.wire

A, B = LegId("a"), LegId("b")
NAME = RecordingId("recording-1")
CALL = {"a": {"b": 1.0}, "b": {"a": 1.0}}


async def call(one: Stage, first: str = "PCMU", second: str = "PCMU") -> tuple[Peer, Peer]:
    """Connect two parties and wait until they hear each other."""
    customer = await one.add("a", await Peer.open(first, 440))
    agent = await one.add("b", await Peer.open(second, 1000))
    await one.room(CALL)
    await asyncio.gather(customer.hear(5), agent.hear(5))
    return customer, agent


async def start(one: Stage, path: Path) -> None:
    await one.pool.ask(A, StartRecording(recording=NAME, first=A, second=B, path=str(path)))


def read(path: Path) -> tuple[int, Samples]:
    """Return sample rate and (frame, channel) samples."""
    with wave.open(str(path), "rb") as file:
        assert file.getnchannels() == 2
        assert file.getsampwidth() == 2
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return file.getframerate(), data.reshape(-1, 2)


def steady(samples: Samples, rate: int) -> Samples:
    """Return the middle of a recording, where both parties were talking."""
    return samples[rate // 5 : -rate // 5]


def test_each_party_has_its_own_channel(tmp_path: Path) -> None:
    """At the rate of the better codec; two calls side by side."""
    rates = {"PCMU-PCMA": 8000, "PCMA-G722": 16000}

    async def record(one: Stage, name: str) -> None:
        codecs = name.split("-")
        legs = [LegId(f"{name}-{side}") for side in (0, 1)]
        customer = await one.add(legs[0], await Peer.open(codecs[0], 440))
        agent = await one.add(legs[1], await Peer.open(codecs[1], 1000))
        await one.room({legs[0]: {legs[1]: 1.0}, legs[1]: {legs[0]: 1.0}}, name)
        await asyncio.gather(customer.hear(5), agent.hear(5))
        path = str(tmp_path / "calls" / f"{name}.wav")
        recording = RecordingId(name)
        command = StartRecording(recording=recording, first=legs[0], second=legs[1], path=path)
        await one.pool.ask(legs[0], command)
        await customer.hear(60)
        await one.pool.ask(legs[0], StopRecording(recording=recording))

    def check(done: Recorded) -> None:
        path, rate = tmp_path / "calls" / f"{done.recording}.wav", rates.pop(done.recording)
        assert (done.is_complete, done.problem, done.path) == (True, "", str(path))
        found, samples = read(path)
        assert found == rate
        assert len(samples) == pytest.approx(done.duration_ms * rate / 1000, abs=rate / 50)
        for channel, own, other in ((0, 440, 1000), (1, 1000, 440)):
            sound = steady(samples[:, channel], rate)
            assert tone_level_dbfs(sound, own, sample_rate=rate) > AUDIBLE_DBFS
            assert tone_level_dbfs(sound, other, sample_rate=rate) < INAUDIBLE_DBFS

    async def run() -> None:
        async with stage(tmp_path) as one:
            await asyncio.gather(*(record(one, name) for name in rates))
            for _ in range(2):
                check(await one.event(Recorded))
        assert not rates

    asyncio.run(run())


def test_pause_is_silence_and_both_ends_are_marked(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer, _ = await call(one)
            path = tmp_path / "one.wav"
            await start(one, path)
            await customer.hear(30)
            await one.pool.ask(A, PauseRecording(recording=NAME))
            await customer.hear(30)
            await one.pool.ask(A, ResumeRecording(recording=NAME))
            await one.pool.ask(A, MarkRecording(recording=NAME, label="card number over"))
            await customer.hear(30)
            await one.pool.ask(A, StopRecording(recording=NAME))
            assert (await one.event(Recorded)).is_complete
            sidecar = json.loads((tmp_path / "one.wav.json").read_text())
            pause, resume, mark = sidecar["marks"]
            assert [pause["kind"], resume["kind"], mark["kind"]] == ["pause", "resume", "mark"]
            assert mark["label"] == "card number over"
            assert sidecar["state"] == "complete"
            rate, samples = read(path)
            begin, end = (8 * (one["at_ms"] + shift) for one, shift in ((pause, 60), (resume, -60)))
            for channel, hertz in ((0, 440), (1, 1000)):
                assert level_dbfs(samples[begin:end, channel]) == SILENCE_DBFS
                after = samples[8 * resume["at_ms"] + 480 :, channel]
                assert tone_level_dbfs(after, hertz, sample_rate=rate) > AUDIBLE_DBFS

    asyncio.run(run())


def test_full_disk_raises_an_alarm_and_the_call_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        limit = "ulimit -f 100; exec "
        async with stage(tmp_path, "/bin/bash", "-c", limit + '"$@"', "worker") as one:
            customer, agent = await call(one, "G722", "G722")
            await start(one, tmp_path / "one.wav")
            alarm = await one.event(WorkerAlarm, timeout_s=15)
            assert (alarm.code, alarm.leg) == ("recording-disk-full", A)
            heard = await asyncio.gather(customer.hears(1000), agent.hears(440))
            assert all(heard)
            await one.pool.ask(A, StopRecording(recording=NAME))
            done = await one.event(Recorded)
            assert (done.is_complete, done.problem) == (False, "disk-full")
            read(tmp_path / "one.wav")

    asyncio.run(run())


def test_another_recordings_file_is_not_touched(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await call(one)
            path = tmp_path / "one.wav"
            path.write_bytes(b"somebody else's")
            await start(one, path)
            assert (await one.event(WorkerAlarm)).code == "recording-refused"
            other = RecordingId("recording-2")
            again = StartRecording(recording=other, first=A, second=B, path=f"{path}2")
            with pytest.raises(RemoteRejected) as refused:
                await one.pool.ask(A, again)
            assert refused.value.details["code"] == "already-recorded"
            await one.pool.ask(A, StopRecording(recording=NAME))
            assert (await one.event(Recorded)).problem == "file-exists"
            assert path.read_bytes() == b"somebody else's"

    asyncio.run(run())


def test_worker_that_is_told_to_end_loses_no_sound(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            customer, _ = await call(one)
            await start(one, tmp_path / "one.wav")
            await customer.hear(30)
            one.worker.signal(signal.SIGTERM)
            assert await one.worker.wait() == 0
            rate, samples = read(tmp_path / "one.wav")
            assert len(samples) >= rate // 2
            last = samples[-rate // 5 :, 0]
            assert tone_level_dbfs(last, 440, sample_rate=rate) > AUDIBLE_DBFS

    asyncio.run(run())


def test_a_message_of_one_leg_ends_with_silence(tmp_path: Path) -> None:
    """One who says nothing and one who does, side by side."""

    async def leave(one: Stage, leg: LegId, spoken: int) -> None:
        caller = await Peer.open("PCMU", 440)
        caller.is_muted = spoken == 0
        await one.add(leg, caller)
        path = str(tmp_path / f"{leg}.wav")
        command = StartRecording(
            recording=RecordingId(leg), first=leg, second=LegId(""), path=path, silence_ms=2000
        )
        await one.pool.ask(leg, command)
        if spoken:
            await caller.speak(spoken)
        caller.is_muted = True

    async def run() -> None:
        async with stage(tmp_path) as one:
            await asyncio.gather(leave(one, A, 0), leave(one, B, 60))
            ends = {end.recording: end for end in [await one.event(Recorded) for _ in range(2)]}
        for leg, problem in ((A, "silent"), (B, "")):
            done = ends[RecordingId(leg)]
            assert (done.is_complete, done.channels, done.problem) == (True, 1, problem)
            with wave.open(str(tmp_path / f"{leg}.wav"), "rb") as file:
                assert file.getnchannels() == 1

    asyncio.run(run())


def test_a_message_ends_at_its_longest_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as one:
            await call(one)
            path = tmp_path / "message.wav"
            command = StartRecording(
                recording=NAME, first=A, second=LegId(""), path=str(path), most_ms=1500
            )
            await one.pool.ask(A, command)
            done = await one.event(Recorded, timeout_s=20)
            assert (done.is_complete, done.channels, done.problem) == (True, 1, "")
            assert 1500 <= done.duration_ms < 3500
            with wave.open(str(path), "rb") as file:
                data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            assert tone_level_dbfs(steady(data, 8000), 440, sample_rate=8000) > AUDIBLE_DBFS

    asyncio.run(run())
